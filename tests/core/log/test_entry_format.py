"""The bytes of entries: the page's example, each limit, and everything that must be refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.dispatch import acts
from core.log import chain
from core.log.canonical import pack, unpack
from core.log.entry import FORMAT, MINT, Cursor, Entry, decode, encode, format_of
from core.log.errors import LogError, Malformed, OverLimit
from core.log.limits import (
    CHANGES_MAX,
    ENTRY_BYTES_MAX,
    LOG_IDS_MAX,
    PATH_IDS_MAX,
    SEEN_MAX,
    TEXT_BYTES_MAX,
    WALL_MS_MAX,
)
from tests.core.log.authors import AT_MS, SITE, STREAM, author_of
from tests.core.log.pages import hex_examples, words_of

JOB = STREAM
DAY = acts.day_stream(bytes.fromhex("0b99541003") + b"ana0001", "2026-03-02")
START = chain.chain_start(SITE, DAY, author_of("ana"))
LOG_ID = bytes.fromhex("b0f323a0e8a52b0c")
EXAMPLES = hex_examples("entry.md")
DRAFTS = {
    "first": Entry(
        wall_ms=AT_MS,
        offset_ms=-1_500,
        boot=7,
        uptime_ms=5_000_000,
        seen=(bytes(range(1, 9)),),
        changes=(((110, JOB, MINT), [2, 1, None]),),
    ),
    "second": Entry(
        wall_ms=AT_MS + 240_000,
        offset_ms=-1_500,
        boot=7,
        uptime_ms=5_240_000,
        changes=(((111, JOB, LOG_ID), None),),
    ),
    "third": Entry(
        wall_ms=AT_MS + 300_000,
        offset_ms=-1_500,
        boot=7,
        uptime_ms=5_299_960,
        actor=b"eva-1234",
        act=b"act-5678",
        basis=(bytes.fromhex("894c5f24a50f1646"),),
        by_rule=True,
        changes=(((111, JOB, LOG_ID), 5), ((99,), True)),
    ),
}


def test_the_pages_example_is_what_is_written() -> None:
    assert list(EXAMPLES) == list(DRAFTS)
    cursor, previous = Cursor.at_start(DAY), START
    for name, draft in DRAFTS.items():
        body, previous, entry = encode(draft, cursor, previous)
        assert body.hex() == EXAMPLES[name].hex()
        assert previous.hex() in words_of("entry.md")
        assert entry == minted(draft)


def test_the_pages_example_is_what_is_read() -> None:
    cursor, previous = Cursor.at_start(DAY), START
    for name, draft in DRAFTS.items():
        previous = chain.chain_next(previous, EXAMPLES[name])
        assert decode(EXAMPLES[name], cursor, previous) == minted(draft)
    assert cursor.ids == [JOB, LOG_ID]
    assert cursor.paths == [(110, JOB, LOG_ID), (111, JOB, LOG_ID)]
    assert LOG_ID.hex() in words_of("entry.md")
    assert DAY.hex() in words_of("entry.md").replace(" ", "")


def minted(draft: Entry) -> Entry:
    changes = tuple(
        (tuple(LOG_ID if part is MINT else part for part in path), value)
        for path, value in draft.changes
    )
    return replace(draft, changes=changes)


def write(*changes: Any, cursor: Cursor | None = None, **fields: Any) -> bytes:
    draft = Entry(wall_ms=AT_MS, changes=tuple(changes), **fields)
    return encode(draft, cursor or Cursor.at_start(JOB), bytes(32))[0]


def read(parts: Any, cursor: Cursor | None = None) -> Entry:
    body = parts if isinstance(parts, bytes) else pack(parts)
    return decode(body, cursor or Cursor.at_start(JOB), chain.chain_next(bytes(32), body))


# --- each limit, and one more


def test_an_entry_has_at_most_so_many_bytes() -> None:
    whole = ["x" * TEXT_BYTES_MAX, "x" * (TEXT_BYTES_MAX - 100)]
    spare = ENTRY_BYTES_MAX - len(write(((70,), whole)))
    whole[1] += "x" * spare
    assert len(write(((70,), whole))) == ENTRY_BYTES_MAX
    whole[1] += "x"
    with pytest.raises(OverLimit, match="16385 bytes"):
        write(((70,), whole))
    with pytest.raises(OverLimit, match="16385 bytes"):
        read(bytes(ENTRY_BYTES_MAX + 1))


def test_an_entry_makes_at_most_so_many_changes() -> None:
    changes = [((code,), 1) for code in range(CHANGES_MAX)]
    assert len(read(write(*changes)).changes) == CHANGES_MAX
    with pytest.raises(OverLimit):
        write(*changes, ((CHANGES_MAX,), 1))
    flat = [part for code in range(CHANGES_MAX + 1) for part in (code, 1)]
    with pytest.raises(Malformed):
        read([0, *flat])


def test_a_text_is_at_most_so_long_wherever_it_stands() -> None:
    fits, over = "ä" * (TEXT_BYTES_MAX // 2), "ä" * (TEXT_BYTES_MAX // 2) + "x"
    for value, longer in ((fits, over), ([fits], [over]), ({1: fits}, {1: over})):
        assert read(write(((70,), value))).changes[0][1] == value
        with pytest.raises(OverLimit, match="text is longer"):
            write(((70,), longer))
    with pytest.raises(OverLimit):
        write(((70,), bytes(TEXT_BYTES_MAX + 1)))


def test_a_value_nests_at_most_four_deep() -> None:
    value: Any = 1
    for _ in range(4):
        value = [value]
    assert read(write(((70,), value))).changes[0][1] == value
    with pytest.raises(OverLimit, match="too deep"):
        write(((70,), [value]))


def test_a_path_has_at_most_four_ids() -> None:
    path = (94, *range(PATH_IDS_MAX))
    assert read(write((path, 1))).changes[0][0] == path
    with pytest.raises(Malformed, match="path"):
        write(((*path, 9), 1))


def test_seen_and_basis_name_at_most_so_many_heads() -> None:
    heads = tuple(index.to_bytes(8, "big") for index in range(SEEN_MAX))
    assert read(write(((70,), 1), seen=heads)).seen == heads
    assert read(write(((70,), 1), basis=heads)).basis == heads
    more = (*heads, SEEN_MAX.to_bytes(8, "big"))
    wrong: tuple[dict[str, Any], ...] = ({"seen": more}, {"basis": more})
    for fields in wrong:
        with pytest.raises(OverLimit, match="1024 heads"):
            write(((70,), 1), **fields)


def test_a_log_names_at_most_so_many_ids_and_closes_there_for_everybody() -> None:
    cursor = Cursor.at_start(JOB)
    for index in range(LOG_IDS_MAX):
        cursor.name(index.to_bytes(8, "big"))
    known = (LOG_IDS_MAX - 1).to_bytes(8, "big")
    assert read(write(((97, known), "x"), cursor=cursor.copy()), cursor.copy()).changes
    for identity in (b"one more", MINT):
        with pytest.raises(OverLimit, match="ids"):
            write(((97, identity), "x"), cursor=cursor)
    with pytest.raises(OverLimit, match="ids"):
        read([0, [97, b"one more"], "x"], cursor)
    # What needs no new id goes on.
    assert read(write(((97, known), "y"), cursor=cursor.copy()), cursor).changes


def test_after_so_many_paths_new_ones_are_written_out_each_time() -> None:
    cursor = Cursor.at_start(JOB)
    for index in range(LOG_IDS_MAX):
        cursor.use((85, index))
    twin = cursor.copy()
    known, new = (85, LOG_IDS_MAX - 1), (85, LOG_IDS_MAX)
    for _ in range(2):
        body = write((known, 1), (new, 2), cursor=cursor)
        assert [85, LOG_IDS_MAX] in unpack(body)
        assert [path for path, _ in read(body, twin).changes] == [known, new]


@pytest.mark.parametrize("wall_ms", [0, 10, WALL_MS_MAX])
def test_a_time_between_1970_and_9999_is_written(wall_ms: int) -> None:
    draft = Entry(wall_ms=wall_ms, changes=(((70,), "x"),))
    assert read(encode(draft, Cursor.at_start(JOB), bytes(32))[0]) == draft


@pytest.mark.parametrize("wall_ms", [-10, 5, WALL_MS_MAX + 10])
def test_a_time_outside_or_between_hundredths_is_refused(wall_ms: int) -> None:
    with pytest.raises(Malformed, match="1970 and 9999"):
        encode(Entry(wall_ms, (((70,), "x"),)), Cursor.at_start(JOB), bytes(32))


def test_ids_and_codes_have_their_lengths() -> None:
    assert read([0, [97, bytes(32)], 1]).changes
    assert read([0, [97, "x" * 64], 1]).changes
    assert read([0, 65_535, 1]).changes
    for path in ([97, bytes(33)], [97, "x" * 65], [97, ""], 65_536, [65_536, 1]):
        with pytest.raises(LogError):
            read([0, path, 1])


def test_numbers_have_64_bits() -> None:
    for value in (-(2**63), 2**64 - 1):
        assert read(write(((70,), value))).changes[0][1] == value
    for value in (-(2**63) - 1, 2**64):
        with pytest.raises(Malformed, match="64 bits"):
            write(((70,), value))


# --- what a draft may not be


@pytest.mark.parametrize(
    "draft",
    [
        Entry(AT_MS, ()),
        Entry(AT_MS, (((70,), 1.5),)),
        Entry(AT_MS, (((70,), {"a": 1}),)),
        Entry(AT_MS, (((70,), "\ud800"),)),
        Entry(AT_MS, (((70,), object()),)),
        Entry(AT_MS, (((-1,), "x"),)),
        Entry(AT_MS, (((97, -1), "x"),)),
        Entry(AT_MS, (((97, True), "x"),)),
        Entry(AT_MS, (((), "x"),)),
        Entry(AT_MS, (((70,), "x"), ((70,), "y"))),
        Entry(AT_MS, (((70,), "x"),), seen=(b"short",)),
        Entry(AT_MS, (((70,), "x"),), seen=(bytes(8), bytes(8))),
        Entry(AT_MS, (((70,), "x"),), basis=(bytes(4), bytes(4))),
        Entry(AT_MS, (((70,), "x"),), boot=1),
        Entry(AT_MS, (((70,), "x"),), uptime_ms=1),
        Entry(AT_MS, (((70,), "x"),), boot=-1, uptime_ms=1),
        Entry(AT_MS, (((70,), "x"),), actor=bytes(33)),
        Entry(AT_MS, (((70,), "x"),), act=bytes(17)),
        Entry(AT_MS, (((70,), "x"),), version=0),
    ],
)
def test_a_draft_that_is_no_entry_is_refused_and_leaves_the_cursor(draft: Entry) -> None:
    cursor = Cursor.at_start(JOB)
    before = cursor.copy()
    with pytest.raises(LogError):
        encode(draft, cursor, bytes(32))
    assert cursor == before


# --- what bytes may not be


@pytest.mark.parametrize(
    "parts",
    [
        None,
        {},
        [],
        [0],
        [0, 70],
        [0, {}],
        [0, {}, 70, 1],
        [True, 70, 1],
        ["0", 70, 1],
        [0, 70, 1, 71],
        [0, 70, 1, 70, 2],
        [0, -1, 1],
        [0, [97], 1],
        [0, [97, -1], 1],
        [0, [97, True], 1],
        [0, [97, [1]], 1],
        [0, [97, None], 1, -2, 1],
        [0, [[97], 1], 1],
        [0, [97, b"x"], 1, [98, b"x"], 1],
        [0, [97, b"x"], 1, [97, b"x"], 2],
        [0, {0: 1}, 70, 1],
        [0, {0: 0}, 70, 1],
        [0, {0: True}, 70, 1],
        [0, {1: 0}, 70, 1],
        [0, {1: True}, 70, 1],
        [0, {1: WALL_MS_MAX + 1}, 70, 1],
        [0, {2: None}, 70, 1],
        [0, {2: [1]}, 70, 1],
        [0, {2: [1, -1]}, 70, 1],
        [0, {2: [1, True]}, 70, 1],
        [0, {3: b""}, 70, 1],
        [0, {3: "eva"}, 70, 1],
        [0, {3: bytes(33)}, 70, 1],
        [0, {4: b""}, 70, 1],
        [0, {4: bytes(17)}, 70, 1],
        [0, {5: b""}, 70, 1],
        [0, {5: bytes(7)}, 70, 1],
        [0, {5: bytes(16)}, 70, 1],
        [0, {5: b"b" * 8 + b"a" * 8}, 70, 1],
        [0, {6: bytes(9)}, 70, 1],
        [0, {6: None}, 70, 1],
        [0, {7: False}, 70, 1],
        [0, {7: 1}, 70, 1],
        [0, {8: 1}, 70, 1],
        [0, {-1: 1}, 70, 1],
        [-2_000_000_000_000, 70, 1],
        [2**62, 70, 1],
    ],
)
def test_bytes_that_are_no_entry_are_refused_and_leave_the_cursor(parts: Any) -> None:
    cursor = Cursor.at_start(JOB)
    before = cursor.copy()
    with pytest.raises(LogError):
        read(parts, cursor)
    assert cursor == before


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93\x00\x46",
        b"\x93\x00\x46\x01\x01",
        b"\x93\x00\x46\xcc\x01",
        b"\x93\x00\x46\xd9\x01x",
        b"\x93\x00\x46\xca\x00\x00\x00\x00",
        b"\x93\x00\x46\xd4\x01\x00",
        b"\x93\x00\x46\xd6\xff\x00\x00\x00\x00",
        b"\x93\x00\x46\xa1\xff",
        b"\x93\x00\x46\x81\xa1x\x01",
        b"\x93\x00\x46\x82\x02\x01\x01\x01",
        b"\x93\x00\x46\x82\x01\x01\x01\x01",
        b"\x93\x00\x46\x81\x90\x01",
        b"\xdd\x00\x00\x00\x03\x00\x46\x01",
        b"\xdd\xff\xff\xff\xff\x00",
        b"\x91" * 2_000,
        b"\xc1",
    ],
)
def test_bytes_that_are_not_in_the_one_form_are_refused(data: bytes) -> None:
    with pytest.raises(LogError):
        read(data)
    with pytest.raises(LogError):
        format_of(data)


# --- versions


def test_a_later_format_says_so_where_every_version_looks() -> None:
    body = write(((70,), "x"), version=2)
    assert body == pack([(AT_MS - chain.stream_time_s(JOB) * 1_000) // 10, {0: 2}, 70, "x"])
    assert format_of(body) == 2
    assert format_of(pack([0, {0: 9}, b"anything"])) == 9
    assert format_of(write(((70,), "x"))) == FORMAT
    assert read(body).version == 2


@pytest.mark.parametrize("version", [0, -1, True, "2", None])
def test_a_format_that_is_no_number_from_1_is_refused(version: Any) -> None:
    with pytest.raises(Malformed):
        format_of(pack([0, {0: version}, 70, "x"]))
