"""Bundles: the page's example, what each signature holds together, and what is left in doubt.

Everything is asked of both verifiers, Fieldlog's own and the single file, and they must agree.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.log.bundle import Bundle, lay_out, read, write
from core.log.canonical import pack
from core.log.chain import seal_leaf
from core.log.errors import LogError, Malformed, OverLimit, Unauthentic, Uncertified, WrongSite
from core.log.limits import BUNDLE_BYTES_MAX
from core.log.proof import Kind, prove
from core.log.witness import Tip, path_to, root_from, root_of, signed_bytes, tips_leaf
from tests.core.log.authors import AT_MS, STREAM, author_of, key_of
from tests.core.log.bundles import (
    BO,
    CERTIFICATES,
    HOUR_MS,
    OTHER,
    Draft,
    example,
    forked,
    log_of,
    seal_over,
    signed,
)
from tests.core.log.pages import hex_examples, words_of
from tests.core.log.test_certificates import SITE, certify
from tests.damaged_bundles import (
    EXPORTERS,
    STRANGERS,
    VERIFIER,
    damaged,
    single_file_verifier,
    sound_bundles,
    strangers_verdict,
    undetected,
    verdict,
)

DAMAGES = 1_000


def both(data: bytes, site: bytes = SITE) -> list[str] | None:
    """What both verifiers find."""
    found = verdict(data, site)
    assert strangers_verdict(data, site) == found
    return found


# --- the page


def test_the_pages_example_is_what_is_written_and_holds() -> None:
    data = hex_examples("bundle.md")["bundle"]
    assert example().data().hex() == data.hex()
    assert read(data) == example().bundle()
    assert both(data) == []


def test_the_pages_hashes_are_those_of_the_example() -> None:
    page = words_of("bundle.md")
    proven = prove(example().data(), SITE)
    (stream,) = proven.streams
    for stored in stream.entries:
        assert stored.hash.hex() in page
    leaf = tips_leaf(STREAM, stream.witnesses[0].tips)
    witness = proven.bundle.streams[0].witnesses[0]
    root = root_from(leaf, witness.path)
    assert leaf.hex() in page
    assert root.hex() in page
    assert signed_bytes(SITE, witness.hub, witness.at_ms, root).hex() in page
    leaves = [bytes([number]) * 32 for number in (0x11, 0x22, 0x33)]
    assert root_of(leaves).hex() in page
    assert path_to(leaves, leaves[0]) == leaves[1] + leaves[2]
    assert path_to(leaves, leaves[2]).hex() in page


def test_the_page_names_every_doubt() -> None:
    page = words_of("bundle.md")
    assert all(f"| `{kind}` |" in page for kind in Kind)


# --- what is proven


def test_a_bundle_tells_who_wrote_what_and_when_a_hub_knew_it() -> None:
    proven = prove(example().data(), SITE)
    (stream,) = proven.streams
    made, ticked, note = stream.entries
    assert [stored.author for stored in (made, note)] == [author_of("north"), author_of("ana")]
    seen = stream.known_by(note.hash)
    assert seen is not None
    assert (seen.hub, seen.at_ms) == (author_of("north"), AT_MS + 2 * HOUR_MS + 600_000)
    assert stream.known_by(ticked.hash) is None
    assert proven.standings[author_of("ana")].role == 1


def test_a_witness_covers_what_led_to_the_ends_that_it_names() -> None:
    stream = prove(forked().data(), SITE).streams[0]
    first, second = stream.witnesses
    assert len(first.held) == 3
    assert len(second.held) == 5
    ana, twin, third, *_ = forked().logs
    known = {}
    for stored in stream.entries:
        seen = stream.known_by(stored.hash)
        known[stored.hash] = None if seen is None else seen.at_ms - AT_MS
    assert [known[stored.hash] for stored in ana.entries] == [0, 0, 0]
    assert [known[stored.hash] for stored in twin.entries] == [0, HOUR_MS, HOUR_MS]
    assert known[third.head] is None


@given(st.integers(1, 40), st.data())
def test_every_leaf_leads_to_the_root_and_no_other_does(count: int, data: st.DataObject) -> None:
    leaves = [tips_leaf(bytes([number]) * 12, [Tip(SITE, 1, SITE)]) for number in range(count)]
    leaf = data.draw(st.sampled_from(leaves))
    path = path_to(leaves, leaf)
    assert root_from(leaf, path) == root_of(reversed(leaves))
    other = tips_leaf(bytes([count]) * 12, [Tip(SITE, 1, SITE)])
    assert root_from(other, path) != root_of(leaves)
    with pytest.raises(Malformed):
        path_to(leaves, other)


def test_a_streams_entries_are_laid_out_alike_in_any_order() -> None:
    ana, twin, third, *_ = forked().logs
    entries = list({s.hash: s for log in (ana, twin, third) for s in log.entries}.values())
    runs = lay_out(entries)
    assert [[stored.seq for stored in run] for run in runs] in (
        [[1], [2, 3], [2], [3], [3]],
        [[1], [2], [2, 3], [3], [3]],
    )
    assert all(lay_out(order) == runs for order in permutations(entries))


def test_two_devices_of_one_key_that_share_nothing_are_a_fork_too() -> None:
    one, other = log_of("ana"), log_of("ana")
    one.write([((97, b"note0001"), "one")])
    other.write([((97, b"note0002"), "two")])
    draft = Draft([one, other]).witness(STREAM, one.entries[0], other.entries[0])
    assert both(draft.data()) == ["fork"]


# --- damage


@pytest.mark.parametrize("what", range(len(sound_bundles())))
def test_sound_bundles_hold(what: int) -> None:
    assert both(sound_bundles()[what]) is not None


def test_every_byte_of_a_bundle_counts() -> None:
    data = example().data()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        assert both(changed) is None, f"byte {at} may be changed"
        assert both(data[:at]) is None, f"all from byte {at} may be missing"
    assert both(data + b"\0") is None


def test_all_damage_is_found_by_both_verifiers() -> None:
    assert undetected(DAMAGES) == []


@pytest.mark.parametrize(
    ("check", "instead"),
    [
        ("Bundle.check_seals", lambda *_: None),
        ("Bundle.check_witness", lambda *_: None),
        ("ascending", lambda *_: True),
        ("need_signed", lambda *_: None),
    ],
)
def test_a_verifier_that_left_a_check_out_would_be_caught(
    monkeypatch: pytest.MonkeyPatch, check: str, instead: Callable[..., object]
) -> None:
    file = single_file_verifier()
    *owner, name = check.split(".")
    monkeypatch.setattr(attrgetter(*owner)(file) if owner else file, name, instead)
    missed = undetected(250)
    assert missed
    assert all("taken for good by the single file" in words for words in missed)


def test_every_kind_of_damage_is_tried() -> None:
    tried = {what for what, _ in damaged(300, 2)}
    assert tried == {damage.__name__ for damage in (*STRANGERS, *EXPORTERS)}


def lose_a_log(bundle: Bundle) -> Bundle:
    (part,) = bundle.streams
    logs = [log for log in part.logs if log.author != author_of("ana")]
    return replace(
        bundle,
        seals=bundle.seals[:1],
        certificates=(CERTIFICATES["north"].to_bytes(),),
        streams=(replace(part, logs=tuple(logs)),),
    )


def lose_a_log_and_its_witness(bundle: Bundle) -> Bundle:
    left = lose_a_log(bundle)
    return replace(left, streams=(replace(left.streams[0], witnesses=()),))


def test_a_log_that_a_hub_witnessed_cant_be_left_out() -> None:
    with pytest.raises(Malformed, match="witnessed an entry that is not in the bundle"):
        prove(signed(lose_a_log(example().bundle())), SITE)


def test_a_log_that_another_author_had_seen_leaves_a_gap() -> None:
    data = signed(lose_a_log_and_its_witness(example().bundle()))
    assert both(data) == ["gap"]
    (doubt,) = prove(data, SITE).doubts
    assert example().logs[1].head[:8].hex() in doubt.words


def test_an_older_seal_lets_an_end_be_left_out_unless_somebody_had_seen_it() -> None:
    """What the page says is not proven: else its words would be wrong."""
    ana = log_of("ana")
    ana.write([((97, b"note0001"), "one")])
    older = seal_over("ana", ana)
    note = ana.write([((97, b"note0002"), "two")])
    full = Draft([ana])
    cut = replace(
        full.bundle(),
        seals=(older,),
        streams=(
            replace(
                full.bundle().streams[0],
                logs=(
                    replace(full.bundle().streams[0].logs[0], bodies=(ana.entries[0].body,)),
                ),
            ),
        ),
    )  # fmt: skip
    assert both(signed(cut)) == []
    full.witness(STREAM, note)
    witnessed = replace(
        cut, streams=(replace(cut.streams[0], witnesses=full.bundle().streams[0].witnesses),)
    )
    assert both(signed(witnessed)) is None


# --- who may do what


def test_a_bundle_of_another_site_is_refused_as_that() -> None:
    with pytest.raises(WrongSite):
        prove(example().data(), author_of("another site"))
    assert both(example().data(), author_of("another site")) is None


def test_whoever_exports_needs_a_certificate_and_is_named() -> None:
    with pytest.raises(Uncertified):
        prove(signed(example().bundle(), "bo"), SITE)
    with_bo = replace(
        example().bundle(),
        certificates=tuple(sorted([*example().bundle().certificates, BO.to_bytes()])),
    )
    assert both(signed(with_bo, "bo")) == ["unwitnessed"]
    assert both(signed(with_bo)) is None, "a certificate that nobody needs is no part of a bundle"


def test_a_phones_bundle_is_complete_where_a_hub_witnessed_the_same_ends() -> None:
    draft = example()
    draft.exporter = "ana"
    assert both(draft.data()) == ["unwitnessed"]
    north, ana = draft.logs
    draft.witness(STREAM, north.entries[-1], ana.entries[-1], at_ms=AT_MS + 5 * HOUR_MS)
    assert both(draft.data()) == []


def test_only_hubs_witness() -> None:
    draft = Draft(example().logs).witness(STREAM, example().logs[1].entries[0], hub="ana")
    with pytest.raises(Uncertified, match="no hub"):
        prove(draft.data(), SITE)
    assert both(draft.data()) is None


@pytest.mark.parametrize(
    "false",
    [
        certify("ana", "south", 1),
        certify("ana", "north", 3),
        certify("ana", "north", 1, site=author_of("another site")),
        replace(CERTIFICATES["ana"], subject=b"another"),
    ],
)
def test_a_certificate_that_does_not_hold_proves_nobody(false: object) -> None:
    draft = example()
    draft.certificates = [CERTIFICATES["north"], false]  # type: ignore[list-item]
    with pytest.raises(LogError):
        prove(draft.data(), SITE)
    assert both(draft.data()) is None


def test_the_lowest_role_of_a_key_decides_whether_it_is_a_hub() -> None:
    draft = example()
    lower = certify("north", "site", 2, b"A")
    draft.certificates = [*(CERTIFICATES[name] for name in ("north", "ana")), lower]
    assert both(draft.data()) is None
    draft.witnesses.clear()
    assert both(draft.data()) == ["unwitnessed"]


# --- doubts


def test_a_revoked_key_is_told() -> None:
    draft = example()
    draft.revoked = ("ana",)
    assert both(draft.data()) == ["revoked"]
    draft.revoked = ("bo",)
    assert both(draft.data()) is None, "of others' keys nothing is said"


def test_entries_that_waited_for_a_seal_are_told() -> None:
    draft = example()
    draft.waiting = 3
    assert both(draft.data()) == ["waiting"]
    assert prove(draft.data(), SITE).doubts[0].words.endswith("are left out: 3")


@pytest.mark.parametrize(
    ("body", "doubts"),
    [
        (b"", ["unreadable"]),
        (b"\x90", ["unreadable"]),
        (b"\x80", ["unreadable"]),
        (b"\xc1", ["unreadable"]),
        (b"\x93\x00\x46", ["unreadable"]),
        (b"\x93\x00\x46\xcc\x01", ["unreadable"]),
        (b"\x93\x00\x46\xcb" + bytes(8), ["unreadable"]),
        (b"\x93\x00\x46\xa2\xc3\x28", ["unreadable"]),
        (b"\x93\x00\x46\xd9\x05three", ["unreadable"]),
        (b"\x93\x00\x46\x81\xa1a\x01", ["unreadable"]),
        (b"\x93\x00\x46\x82\x02\x01\x01\x01", ["unreadable"]),
        (b"\x93\x00\x46\x82\x01\x01\x01\x01", ["unreadable"]),
        (b"\x91" * 17 + b"\x00", ["unreadable"]),
        (b"\x91" * 16 + b"\x00", []),
        (pack([0, {0: 2}, 70, "x"]), ["unreadable"]),
        (pack([0, {0: 0}, 70, "x"]), ["unreadable"]),
        (pack([0, {0: True}, 70, "x"]), ["unreadable"]),
        (pack([0, {0: 1}, 70, "x"]), []),
        (pack([0, {5: b"12345678"}, 70, "x"]), ["gap"]),
        (pack([0, {5: b"1234567812345679", 6: b"12345678"}, 70, "x"]), ["gap", "gap"]),
        (pack([0, {5: b"123456789"}, 70, "x"]), []),
        (pack([0, {5: "12345678", 6: 1}, 70, "x"]), []),
        (pack([0, 70, [-1, -33, -129, -32769, -(2**31) - 1, 2**64 - 1, None, "é" * 40]]), []),
        (pack([0, 70, [127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, b"x" * 300]]), []),
        (pack([0, 70, [b"", "x" * 300, {1: [0] * 20, 2: {}}]]), []),
    ],
)
def test_what_is_in_an_entry_leaves_the_same_doubts_with_both(
    body: bytes, doubts: list[str]
) -> None:
    ana = log_of("ana")
    ana.write_bytes(body)
    assert both(Draft([ana]).data()) == doubts


@given(st.binary(max_size=40))
def test_entries_of_any_bytes_are_a_part_of_the_log_and_judged_alike(body: bytes) -> None:
    ana = log_of("ana")
    ana.write_bytes(body)
    assert both(Draft([ana]).data()) is not None


# --- limits


def test_what_is_no_bundle_is_said_so() -> None:
    for data in (b"", b"FLPROOF", b"PK\x03\x04" + bytes(200), example().data()[1:]):
        with pytest.raises(Malformed, match="no bundle"):
            prove(data, SITE)
    newer = bytearray(example().data())
    newer[7] = 2
    with pytest.raises(Malformed, match="format 2, this program reads 1"):
        prove(bytes(newer), SITE)
    with pytest.raises(Unauthentic, match="it was changed"):
        prove(example().data()[:-1] + b"\0", SITE)


def test_a_bundle_has_at_most_so_many_bytes() -> None:
    with pytest.raises(OverLimit):
        read(bytes(BUNDLE_BYTES_MAX + 1))
    bundle = example().bundle()
    part = bundle.streams[0]
    long = replace(part.logs[0], bodies=(bytes(16_384),) * 2_048)
    with pytest.raises(OverLimit, match="choose fewer streams"):
        write(replace(bundle, streams=(replace(part, logs=(long,)),)), key_of("north").sign)


@pytest.mark.parametrize(
    "change",
    [
        lambda b: replace(b, at_ms=253_402_300_800_001),
        lambda b: replace(b, at_ms=-1),
        lambda b: replace(b, site=bytes(31)),
        lambda b: replace(b, streams=()),
        lambda b: replace(b, streams=(replace(b.streams[0], logs=()),)),
        lambda b: replace(b, streams=(replace(b.streams[0], waiting=-1),)),
        lambda b: replace(b, streams=(replace(b.streams[0], stream=bytes(11)),)),
        lambda b: replace(b, certificates=b.certificates[::-1]),
        lambda b: replace(b, certificates=(*b.certificates, bytes(1_025))),
        lambda b: replace(b, seals=(replace(b.seals[0], leaves=()), *b.seals[1:])),
        lambda b: replace(b, seals=(replace(b.seals[0], number=2**63), *b.seals[1:])),
    ],
)
def test_what_is_out_of_its_bounds_is_refused_though_signed(
    change: Callable[[Bundle], Bundle],
) -> None:
    assert both(signed(change(example().bundle()))) is None


def test_a_seal_with_too_many_leaves_is_refused_though_signed() -> None:
    ana = log_of("ana")
    ana.write([((97, b"note0001"), "one")])
    leaf = seal_leaf(STREAM, 1, ana.head)
    most = replace(Draft([ana]).bundle(), seals=(ana.seal(1, [SITE] * 63),))
    assert most.seals[0].leaves[0] == leaf
    assert both(signed(most)) == []
    over = replace(most.seals[0], leaves=(*most.seals[0].leaves, SITE))
    assert both(signed(replace(most, seals=(over,)))) is None


def test_one_seal_may_stand_over_logs_of_several_streams() -> None:
    here, there = log_of("ana"), log_of("ana", OTHER)
    for log in (here, there):
        log.write([((97, b"note0001"), "one")])
    bundle = Draft([here, there]).bundle()
    assert len(bundle.seals) == 1
    assert both(signed(bundle)) == []
    each = (seal_over("ana", here), seal_over("ana", there))
    parts = [replace(p, logs=(replace(p.logs[0], seal=at),)) for at, p in enumerate(bundle.streams)]
    assert both(signed(replace(bundle, seals=each, streams=tuple(parts)))) == []
    twice = replace(bundle, seals=(bundle.seals[0],) * 2, streams=tuple(parts))
    assert both(signed(twice)) is None


# --- the single file as a program


def run_verifier(*arguments: str | Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_single_file_is_short_and_needs_cryptography_alone() -> None:
    text = VERIFIER.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    imported = {
        line.split()[1].partition(".")[0]
        for line in text.splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def test_the_single_file_answers_with_an_exit_code_and_words(tmp_path: Path) -> None:
    good, doubtful, bad = tmp_path / "good", tmp_path / "doubtful", tmp_path / "bad"
    good.write_bytes(example().data())
    doubtful.write_bytes(forked().data())
    bad.write_bytes(example().data()[:-1] + b"\0")
    code, said, _ = run_verifier(good, SITE.hex())
    assert code == 0
    assert said.startswith("Proven: at 2026-03-02 19:00:00.000 UTC of its clock hub A (key ")
    assert said.endswith("\nNothing is in doubt.\n")
    assert "Witness: at 2026-03-02 09:10:00.000 UTC of its clock hub A (key " in said
    code, said, _ = run_verifier(doubtful, SITE.hex())
    assert (code, said.count("\nfork in stream ")) == (1, 2)
    code, said, _ = run_verifier(bad, SITE.hex())
    assert code == 3
    assert said == "Not proven: the signature of the exporter does not hold.\n"
    assert run_verifier(good)[0] == 2
    assert run_verifier(tmp_path / "nowhere", SITE.hex())[0] == 2
