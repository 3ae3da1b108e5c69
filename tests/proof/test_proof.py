"""A small part of what `make proof` runs, and that its parts can fail."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from core.dispatch.acts import Change
from core.dispatch.fields import NOTE, Kind
from core.log.registers import Register, Write
from core.log.stream import StreamState
from replica import purging
from replica.replica import Replica, Written
from replica.shelf import ReplicaShelf
from simulator.faulty_vfs import FaultyConnection, FaultyRows
from simulator.planted import PLANTED
from simulator.world import campaign
from tests.core.log.merge_cases import read_cases
from tests.erasures import violations
from tests.proof import planted
from tests.proof.acting import DAY_ENTRIES_MIN
from tests.proof.device_days import faulty_days, sound_days
from tests.proof.families import FAMILIES, Family, Part, parts_of, run_part
from tests.proof.orders import ENTRIES, SETS, grown, wrong_orders
from tests.proof.planted import uncaught
from tests.proof.restores import lossy_rebuilds, lossy_restores
from tests.proof.store_kills import kills

# The set of the page that can come in the fewest orders, some two thousand.
FEW_ORDERS = 41
# One of those in which some order brings an author's entries before its certificate.
CERTIFIED_LATE = 89
# One with a fork in the middle, after which a state has to be built anew.
FORKED = 20
# One in which a write that another had seen may come after it.
COVERED = 0


def test_every_set_of_the_page_grows_to_eight_entries() -> None:
    cases = [grown(case) for case in read_cases()]
    assert len(cases) >= SETS
    assert {len(case.entries) for case in cases} == {ENTRIES}


def test_eight_entries_come_to_one_state_in_every_order() -> None:
    assert wrong_orders(1, FEW_ORDERS) == []
    assert wrong_orders(1, CERTIFIED_LATE) == []


def test_an_order_that_matters_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = StreamState.extend_all

    def careless(self: StreamState, *arguments: object) -> bool:
        plain(self, *arguments)  # type: ignore[arg-type]
        return True

    monkeypatch.setattr(StreamState, "extend_all", careless)
    assert wrong_orders(1, FORKED) != []


def test_a_named_entry_that_comes_late_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StreamState, "_was_named", lambda self, stored: False)
    assert wrong_orders(1, FEW_ORDERS) != []


def test_a_write_that_was_covered_before_it_came_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Register.add

    def last_wins(self: Register, write: Write) -> None:
        plain(self, write)
        self.writes.setdefault((write.log, write.seq), write)

    monkeypatch.setattr(Register, "add", last_wins)
    assert wrong_orders(1, COVERED) != []


def test_hubs_that_were_restored_lose_nothing_that_a_phone_held() -> None:
    assert lossy_restores(2, 1) == []


def test_phones_that_give_back_nothing_but_their_own_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = ReplicaShelf.unconfirmed

    def selfish(shelf: ReplicaShelf, *arguments: Any) -> list[tuple[bytes, bytes, bytes]]:
        return [log for log in plain(shelf, *arguments) if log[1] == shelf.author]

    monkeypatch.setattr(ReplicaShelf, "unconfirmed", selfish)
    assert lossy_rebuilds(1, 1) != []
    assert lossy_restores(3, 1) != []


def test_hubs_that_are_made_anew_lose_nothing_that_a_phone_held() -> None:
    assert lossy_rebuilds(2, 1) == []


def test_killed_stores_keep_what_they_acknowledged() -> None:
    found = kills(6, 1)
    assert found.violations == []
    assert found.happened["acknowledgements"] >= 6 * 20


def test_a_store_that_says_so_too_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Replica.write

    def forgetful(self: Replica, changes: list[Change], **options: Any) -> Written | None:
        return None if changes[0].path[0] == NOTE else plain(self, changes, **options)

    monkeypatch.setattr(Replica, "write", forgetful)
    found = kills(2, 1)
    assert found.happened["acknowledgements"] > 0
    assert len(found.violations) == found.happened["acknowledgements"]


def test_phones_on_failing_disks_lose_nothing_that_they_acknowledged() -> None:
    found = faulty_days(30, 1)
    assert found.violations == []
    # So that the days of `make proof` have the power cuts that it promises.
    assert found.happened["power cuts"] >= 0.8 * 30
    assert found.happened["entries"] >= 30 * DAY_ENTRIES_MIN
    assert sound_days(10, 1).violations == []


def test_a_phone_that_does_not_wait_for_its_disk_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = FaultyConnection.execute

    def hasty(self: FaultyConnection, sql: str, *arguments: Any) -> FaultyRows:
        return plain(self, sql.replace("synchronous = FULL", "synchronous = OFF"), *arguments)

    monkeypatch.setattr(FaultyConnection, "execute", hasty)
    assert any("saved entries are not there" in words for words in faulty_days(20, 1).violations)


def test_an_act_of_which_a_part_is_written_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Replica._append_own

    def partly(self: Replica, stream: bytes, own: Any, actor: bytes, act: bytes, *rest: Any) -> Any:
        halved = act and stream[4] == Kind.DAY
        return bytes(32) if halved else plain(self, stream, own, actor, act, *rest)

    monkeypatch.setattr(Replica, "_append_own", partly)
    assert any("came to the hub in part" in words for words in sound_days(10, 1).violations)


def test_what_was_erased_is_gone_whatever_else_happens() -> None:
    assert violations(2, 50) == []


def test_a_file_in_which_erased_bytes_stay_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "scrub", lambda store: True)
    assert violations(2, 50) != []


def test_the_parts_of_a_family_make_up_its_number() -> None:
    for family in FAMILIES:
        for share in (1.0, 0.01, 0.5):
            parts = parts_of(family, share)
            assert sum(part.count for part in parts) >= family.count * share
            seeds = [part.seed for part in parts]
            assert seeds == [sum(p.count for p in parts[:at]) for at in range(len(parts))]
    one = Family("x", "x", 10, 4, wrong_orders)
    assert [(part.count, part.seed) for part in parts_of(one, 1.0)] == [(4, 0), (4, 4), (2, 8)]


def test_a_planted_bug_that_nothing_sees_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    place = list(PLANTED).index("no-scope")
    assert uncaught(1, place) == uncaught(1, place + len(PLANTED)) == []
    monkeypatch.setattr(campaign, "_planted", lambda name: nullcontext())
    monkeypatch.setattr(planted, "SEEDS_PER_BUG", 1)
    assert uncaught(1, place) == ["no checker saw the planted bug no-scope"]


def test_an_error_that_comes_out_of_a_part_is_a_violation_of_it() -> None:
    def broken(count: int, seed: int) -> list[str]:
        raise KeyError(f"{count} from {seed}")

    (words,) = run_part(Part(broken, 2, 7)).violations
    assert "KeyError: '2 from 7' at test_proof.py:" in words
