"""Random sites sent as a series of frames: all arrives under seals that hold, damage is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from core.log import columns, packing, parcel
from core.log.chain import seal_leaf
from core.log.errors import LogError
from core.log.parcel import Parcel
from tests.series_of_frames import lost_on_the_way


def test_what_is_sent_as_a_series_arrives_with_seals_that_hold() -> None:
    assert lost_on_the_way(60, seed=1) == []


def test_a_leaf_that_is_named_by_the_wrong_entry_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Parcel, author: bytes) -> None:
        for index, part in self.parts_by_author.pop(author, ()):
            for seq, (entry_hash, _) in enumerate(part.entries[:-1], part.first):
                leaf = seal_leaf(part.stream, seq, entry_hash)
                self.place_by_leaf.setdefault(leaf, (index, part.first))

    monkeypatch.setattr(Parcel, "_place_within", wrong)
    assert any("a seal does not hold" in words for words in lost_on_the_way(40, seed=1))


def test_own_runs_beyond_the_first_64_without_a_seal_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parcel, "SEAL_LEAVES_MAX", 4)
    assert lost_on_the_way(20, seed=1)


def test_names_that_are_counted_differently_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = columns.split

    def wrong(frame: bytes, names: columns.Names) -> Any:
        found = right(frame, names)
        names.number_by_name.pop(next(iter(names.number_by_name), b""), None)
        return found

    monkeypatch.setattr(packing, "split", wrong)
    try:
        found = lost_on_the_way(20, seed=1)
    except LogError:
        return
    assert found
