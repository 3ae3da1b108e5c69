"""Certificates: the page's example, who may certify whom, and what a key's standing is."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.log.authority import Closing, counts
from core.log.canonical import pack
from core.log.certificate import (
    HUB_ROLE,
    Certificate,
    check_certificate,
    issue,
    read_certificate,
    standing_of,
)
from core.log.errors import LogError, Malformed, OverLimit, Unauthentic, Uncertified, WrongSite
from core.log.limits import CERTIFICATE_BYTES_MAX, WALL_MS_MAX
from core.log.succession import NextKey
from tests.core.log.authors import AT_MS, author_of, key_of
from tests.core.log.pages import hex_examples

SITE = author_of("site")
WORKER = bytes.fromhex("0b99541003") + b"ana0001"
YEAR_MS = 365 * 86_400_000


def certify(
    author: str,
    issuer: str,
    role: int = 1,
    subject: bytes = WORKER,
    rights: tuple[str, ...] = (),
    site: bytes = SITE,
) -> Certificate:
    unsigned = Certificate(
        site, author_of(author), subject, role, rights, AT_MS + YEAR_MS, b"", author_of(issuer)
    )
    return issue(unsigned, key_of(issuer))


NORTH = certify("north", "site", HUB_ROLE, b"A")
EXAMPLE = issue(
    Certificate(
        SITE,
        author_of("ana"),
        WORKER,
        1,
        ("create jobs",),
        AT_MS + YEAR_MS,
        b"T" * 32,
        author_of("north"),
    ),
    key_of("north"),
)


def test_the_pages_example_is_what_is_written_and_read() -> None:
    data = hex_examples("certificate.md")["certificate"]
    assert EXAMPLE.to_bytes().hex() == data.hex()
    assert read_certificate(data) == EXAMPLE
    check_certificate(read_certificate(data), SITE, [NORTH])


def test_a_certificate_has_one_spelling() -> None:
    # A truth value is equal to the number 1 of the format, so the signature would hold.
    again = EXAMPLE.to_bytes().replace(bytes([0x9A, 1]), bytes([0x9A, 0xC3]), 1)
    with pytest.raises(Malformed, match="format 1"):
        read_certificate(again)


def test_the_pages_closing_and_next_key_are_what_is_written_and_read() -> None:
    examples = hex_examples("certificate.md")
    closing = Closing(SITE, author_of("north"), bytes(range(32)))
    assert pack(closing.value(key_of("site"))).hex() == examples["closing"].hex()
    named = NextKey(SITE, author_of("ana"), author_of("bo"), b"T" * 32)
    value = [named.author, named.tls, named.sign(key_of("bo"))]
    assert pack(value).hex() == examples["next key"].hex()
    assert named.holds(value[2])
    assert not named.holds(named.sign(key_of("ana")))
    assert not replace(named, former=author_of("bo")).holds(value[2])


def test_a_hub_is_certified_by_the_site_key_alone() -> None:
    check_certificate(NORTH, SITE, [])
    by_hub = certify("south", "north", HUB_ROLE, b"B")
    with pytest.raises(Uncertified, match="only the site key certifies a hub"):
        check_certificate(by_hub, SITE, [NORTH])


def test_a_phone_is_certified_by_a_hub_that_the_site_certified() -> None:
    phone = certify("ana", "north")
    check_certificate(phone, SITE, [NORTH])
    check_certificate(certify("ana", "site"), SITE, [])
    with pytest.raises(Uncertified, match="no hub of this site"):
        check_certificate(phone, SITE, [])
    with pytest.raises(Uncertified):
        check_certificate(phone, SITE, [certify("south", "site", HUB_ROLE, b"B")])


@pytest.mark.parametrize(
    "false_hub",
    [
        certify("north", "site", 2, b"A"),
        certify("north", "south", HUB_ROLE, b"A"),
        certify("north", "north", HUB_ROLE, b"A"),
        certify("north", "site", HUB_ROLE, b"A", site=author_of("another site")),
    ],
)
def test_a_phone_of_a_false_hub_is_not_certified(false_hub: Certificate) -> None:
    with pytest.raises(LogError):
        check_certificate(certify("ana", "north"), SITE, [false_hub])


def test_a_hub_certificate_with_a_broken_signature_certifies_nobody() -> None:
    broken = replace(NORTH, signature=bytes(64))
    with pytest.raises(Unauthentic):
        check_certificate(certify("ana", "north"), SITE, [broken])


def test_a_certificate_of_another_site_is_refused_as_that() -> None:
    other = author_of("another site")
    foreign = certify("ana", "another site", site=other)
    with pytest.raises(WrongSite):
        check_certificate(foreign, SITE, [])


@pytest.mark.parametrize(
    "change",
    [
        {"subject": b"another-work"},
        {"role": 2},
        {"rights": ("create jobs", "everything")},
        {"session_until": AT_MS + 2 * YEAR_MS},
        {"tls": b"U" * 32},
        {"author": author_of("bo")},
        {"signature": bytes(64)},
    ],
)
def test_whoever_changes_a_certificate_breaks_its_signature(change: dict[str, object]) -> None:
    with pytest.raises(Unauthentic):
        check_certificate(replace(EXAMPLE, **change), SITE, [NORTH])  # type: ignore[arg-type]


@given(st.binary(max_size=64), st.data())
def test_damaged_bytes_are_refused_by_name_or_do_not_hold(
    noise: bytes, data: st.DataObject
) -> None:
    good = EXAMPLE.to_bytes()
    at = data.draw(st.integers(0, len(good)))
    damaged = good[:at] + noise + good[at + data.draw(st.integers(0, 3)) :]
    try:
        read = read_certificate(damaged)
        check_certificate(read, SITE, [NORTH])
    except LogError:
        return
    assert read == EXAMPLE


def fields(**change: object) -> list[object]:
    named = {
        "format": 1,
        "site": SITE,
        "author": author_of("ana"),
        "subject": WORKER,
        "role": 1,
        "rights": [],
        "until": AT_MS,
        "tls": b"",
        "issuer": SITE,
        "signature": bytes(64),
    }
    return list({**named, **change}.values())


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"site": bytes(31)},
        {"author": bytes(33)},
        {"author": "ana"},
        {"issuer": None},
        {"subject": bytes(33)},
        {"subject": 1},
        {"role": -1},
        {"role": 256},
        {"role": True},
        {"rights": [1]},
        {"rights": "create jobs"},
        {"until": -1},
        {"until": WALL_MS_MAX + 1},
        {"until": True},
        {"tls": bytes(33)},
        {"tls": None},
        {"signature": bytes(63)},
        {"more": 1},
    ],
)
def test_fields_of_another_kind_or_length_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        read_certificate(pack(fields(**change)))
    assert (
        read_certificate(pack(fields(subject=bytes(32), role=255, until=WALL_MS_MAX))).role == 255
    )


def test_a_certificate_has_at_most_so_many_bytes() -> None:
    spare = CERTIFICATE_BYTES_MAX - len(pack(fields(rights=["x" * 300])))
    fits = pack(fields(rights=["x" * (300 + spare)]))
    assert len(fits) == CERTIFICATE_BYTES_MAX
    assert read_certificate(fits).rights == ("x" * (300 + spare),)
    with pytest.raises(OverLimit):
        read_certificate(pack(fields(rights=["x" * (301 + spare)])))


# --- standing


def test_the_lowest_of_several_roles_counts_in_any_order() -> None:
    several = [
        certify("ana", "north", 2, b"account1", ("read all",)),
        certify("ana", "north", 1, WORKER, ("create jobs",)),
        certify("ana", "south", 1, WORKER, ("hand on",)),
        certify("ana", "north", 1, b"\xff" * 12, ("other",)),
    ]
    for order in permutations(several):
        standing = standing_of(order, False)
        assert (standing.role, standing.subject) == (1, WORKER)
        assert standing.rights == {"create jobs", "hand on"}


def test_no_hub_has_a_say_in_what_the_site_key_certified() -> None:
    hub = certify("north", "site", HUB_ROLE, b"A", ("one",))
    lowered = certify("north", "south", 1, WORKER, ("two",))
    for order in permutations([hub, lowered]):
        standing = standing_of(order, False)
        assert (standing.role, standing.subject) == (HUB_ROLE, b"A")
        assert standing.rights == {"one"}
    retired = certify("north", "site", 1, WORKER)
    assert standing_of([hub, lowered, retired], False).role == 1


def test_nobody_can_shut_out_the_site_key() -> None:
    assert counts(NORTH, frozenset({SITE}), stands=False)
    assert not counts(EXAMPLE, frozenset({author_of("north")}), stands=False)
    assert counts(EXAMPLE, frozenset({author_of("north")}), stands=True)


def test_a_standing_says_that_the_key_is_revoked() -> None:
    assert standing_of([EXAMPLE], True).revoked
    assert not standing_of([EXAMPLE], False).revoked


def test_without_a_certificate_there_is_no_standing() -> None:
    with pytest.raises(Uncertified, match="enrol"):
        standing_of([], False)
