"""A key that wrote in two places: shown, and proven to anybody who has the site's key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.dispatch import acts
from core.log.errors import LogError, Malformed, Unauthentic, Uncertified, WrongSite
from core.log.fork_proof import Branch, ForkProof, check_fork, read_fork
from core.log.limits import BUNDLE_BYTES_MAX
from hub.revocation import shut_out
from replica.commands.verify import configure
from replica.forks import forked_keys, proof_of_fork
from replica.replica import Replica
from tests.build import Site, hold
from tests.commands import run


@pytest.fixture
def forked(site: Site, hub: Replica, ana: bytes, phone: Replica) -> Replica:
    """A hub that holds both branches of a cloned phone."""
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "before there was a clone"))
    clone = site.clone(phone)
    for each in (phone, clone):
        each.write(acts.add_note(job, f"one of {each.store.path.parent.name}"))
        each.write(acts.add_note(job, "and another"))
        assert hold(each, hub).live
    return hub


def proof_in(hub: Replica, author: bytes) -> ForkProof:
    found = proof_of_fork(hub.store.db, hub.identity, author)
    assert found is not None
    return found


def test_a_fork_is_proven_from_what_a_hub_holds(forked: Replica, phone: Replica) -> None:
    (key,) = forked_keys(forked.store.db)
    assert (key.author, key.streams) == (phone.author, 1)
    proof = proof_in(forked, phone.author)
    again = read_fork(proof.to_bytes())
    assert again == proof
    assert check_fork(again, forked.site).subject == phone.subject
    assert proof.seq == 2
    assert [len(branch.bodies) for branch in proof.branches] == [2, 2]


def test_it_stays_proven_when_the_key_was_shut_out(forked: Replica, phone: Replica) -> None:
    before = proof_in(forked, phone.author)
    shut_out(forked, phone.author)
    assert proof_in(forked, phone.author) == before


def test_of_a_key_that_wrote_in_one_place_nothing_is_proven(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    site.job(hub, "Boiler", ana)
    hold(phone, hub)
    assert forked_keys(hub.store.db) == []
    assert proof_of_fork(hub.store.db, hub.identity, phone.author) is None


def test_nobody_can_make_a_proof_of_a_key_that_it_has_not(forked: Replica, phone: Replica) -> None:
    proof = proof_in(forked, phone.author)
    one, other = proof.branches
    with pytest.raises(Unauthentic, match="the same entry"):
        check_fork(replace(proof, branches=(one, one)), forked.site)
    invented = Branch((other.bodies[0] + b"x", *other.bodies[1:]), other.seal)
    with pytest.raises(Unauthentic, match="does not cover"):
        check_fork(replace(proof, branches=(one, invented)), forked.site)
    unsigned = Branch(other.bodies, replace(other.seal, signature=bytes(64)))
    with pytest.raises(Unauthentic, match="signature"):
        check_fork(replace(proof, branches=(one, unsigned)), forked.site)
    with pytest.raises(Unauthentic):
        check_fork(replace(proof, author=forked.author), forked.site)
    with pytest.raises(Unauthentic):
        check_fork(replace(proof, seq=1), forked.site)
    with pytest.raises(Uncertified):
        check_fork(replace(proof, certificates=()), forked.site)
    with pytest.raises(WrongSite):
        check_fork(proof, bytes(32))


def test_every_flipped_bit_of_a_proof_is_noticed_or_changes_nothing(
    forked: Replica, phone: Replica
) -> None:
    proof = proof_in(forked, phone.author)
    data = proof.to_bytes()
    for at in range(0, len(data), 3):
        struck = bytearray(data)
        struck[at] ^= 1 << at % 8
        try:
            found = read_fork(bytes(struck))
            check_fork(found, forked.site)
        except LogError:
            continue
        # What no part of the proof needs, such as another leaf of a seal, can't be told.
        raise AssertionError(f"byte {at} was changed and it holds all the same")


@pytest.mark.parametrize(
    "data", [b"", b"FLFORK", b"FLFORK\x01", b"FLFORK\x01\x90", b"FLPROOF\x01" + bytes(300)]
)
def test_what_is_no_proof_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_fork(data)
    with pytest.raises(LogError):
        read_fork(bytes(BUNDLE_BYTES_MAX + 1))


def test_verify_says_whose_key_it_is(
    forked: Replica, phone: Replica, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, proof = tmp_path / "fork.proof", proof_in(forked, phone.author)
    path.write_bytes(proof.to_bytes())
    assert run(configure, path, "--site", forked.site.hex()) == 0
    told = capsys.readouterr().out
    assert phone.author.hex() in told
    assert phone.subject.hex() in told
    assert told.endswith("PROVEN.\n")
    path.write_bytes(proof.to_bytes()[:-1] + b"\0")
    assert run(configure, path, "--site", forked.site.hex()) == 3
