"""A map that comes in pieces onto a phone's disk: checked, gone on with, and whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from replica.carried_map import (
    PIECE_BYTES,
    Archive,
    CarriedMap,
    MapOffer,
    NotThisMap,
    piece_hash,
    read_offer,
)

# Two and a half pieces.
DATA = bytes(range(256)) * (PIECE_BYTES // 256 * 5 // 2)
PIECES = [DATA[at : at + PIECE_BYTES] for at in range(0, len(DATA), PIECE_BYTES)]
OFFER = MapOffer(
    "0123456789abcdef01234567",
    "Helsinki",
    "fieldlog",
    (24.8, 60.1, 25.2, 60.3),
    "© OpenStreetMap contributors",
    (Archive(14, len(DATA), tuple(map(piece_hash, PIECES))),),
    {"light": {"version": 8}, "dark": {"version": 8}},
)


def test_a_piece_that_is_not_as_described_is_taken_away_again(tmp_path: Path) -> None:
    (archive,) = OFFER.archives
    carried = CarriedMap(tmp_path)
    carried.expect(OFFER, archive)
    carried.take(DATA[: PIECE_BYTES + 100])
    with pytest.raises(NotThisMap, match="piece 2"):
        carried.take(bytes(PIECE_BYTES))
    assert carried.come == PIECE_BYTES, "the first piece stays"
    carried.take(DATA[PIECE_BYTES:])
    carried.finish()
    assert carried.path is not None
    assert carried.path.read_bytes() == DATA


def test_what_a_power_cut_left_in_a_piece_is_noticed_at_the_next_start(tmp_path: Path) -> None:
    (archive,) = OFFER.archives
    carried = CarriedMap(tmp_path)
    carried.expect(OFFER, archive)
    carried.take(DATA[: 2 * PIECE_BYTES + 7])
    path = carried.folder / "coming.pmtiles"
    broken = bytearray(path.read_bytes())
    broken[PIECE_BYTES + 5] ^= 1
    path.write_bytes(broken)
    again = CarriedMap(tmp_path)
    again.expect(OFFER, archive)
    while again.check_next():
        pass
    assert again.come == PIECE_BYTES
    again.take(DATA[PIECE_BYTES:])
    again.finish()


def test_a_description_that_makes_no_sense_is_no_map() -> None:
    text = OFFER.to_json()
    assert read_offer(text) == OFFER
    for wrong in (
        "", "[]", "null", "{}", text.replace('"zoom_max":14', '"zoom_max":99'),
        text.replace(OFFER.hash, "../../x"), text.replace('"schema":"fieldlog"', '"schema":"x"'),
        text.replace('"bytes":', '"bytes":1'), "[" * 100_000,
    ):  # fmt: skip
        with pytest.raises(NotThisMap):
            read_offer(wrong)
