"""A store that is in use is checked by itself, and what rotted is told until it is mended."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from replica.ballast import Ballast
from replica.repair import repair_store
from replica.replica import Replica
from replica.self_check import ROUND_HOURS, WALK, SelfCheck, check_for_an_hour
from replica.upkeep import look_after
from replica.writer import Writer
from tests.build import Entropy, SettableClock, Site, hold
from tests.running import joined_phone, until


def a_round(replica: Replica) -> list[str]:
    """What a walk found by the end of a whole round."""
    walk = SelfCheck(replica)
    while walk.step():
        pass
    return walk.findings


def flip(replica: Replica, job: bytes) -> None:
    """Let a bit of a job's first entry rot."""
    db = replica.store.db
    ((log, body),) = db.execute(
        "SELECT log, body FROM entry JOIN log USING (log) WHERE stream = ? AND seq = 1", (job,)
    ).fetchall()
    rotten = bytearray(body)
    rotten[len(body) // 2] ^= 4
    db.execute("UPDATE entry SET body = ? WHERE log = ? AND seq = 1", (bytes(rotten), log))


def test_what_rotted_is_told_until_a_round_finds_it_mended(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    jobs = [site.job(hub, f"Job {number}", ana)[0] for number in range(5)]
    hold(phone, hub)
    assert a_round(hub) == a_round(phone) == []
    flip(phone, jobs[3])
    walk = SelfCheck(phone)
    while not walk.findings:
        assert walk.step(), "the round ended and nothing was found"
    assert jobs[3].hex() in walk.findings[0]
    assert "is not what was signed" in walk.findings[0]
    again = site.reopen(phone)
    assert SelfCheck(again).findings == walk.findings, "a restart forgets nothing"
    folder = again.store.path.parent
    again.close()
    site.opened.remove(again)
    repair_store(folder, SettableClock(), Entropy("repair"))
    mended = site._open(folder, SettableClock())
    assert SelfCheck(mended).findings == []
    hold(mended, hub)
    assert a_round(mended) == []


def test_a_finding_of_an_earlier_round_goes_when_it_is_found_no_more(
    site: Site, hub: Replica
) -> None:
    job, _ = site.job(hub, "Boiler")
    (body,) = hub.store.db.execute(
        "SELECT body FROM entry JOIN log USING (log) WHERE stream = ? AND seq = 1", (job,)
    ).fetchone()
    flip(hub, job)
    assert a_round(hub) != []
    hub.store.db.execute(
        "UPDATE entry SET body = ? WHERE seq = 1 AND log = (SELECT log FROM log WHERE stream = ?)",
        (body, job),
    )
    assert a_round(hub) == []


@pytest.mark.parametrize("kept", [b"", b"\x93", b"\x93\x01\x90\x90", b"\x93\xc4\x00\x91\x01\x90"])
def test_a_walk_that_rotted_itself_begins_anew(site: Site, hub: Replica, kept: bytes) -> None:
    site.job(hub, "Boiler")
    assert a_round(hub) == []
    hub.store.db.execute("UPDATE meta SET value = ? WHERE name = ?", (kept, WALK))
    assert a_round(hub) == []


async def test_a_piece_of_upkeep_that_fails_keeps_no_other_from_its_turn() -> None:
    done = []

    async def fail() -> None:
        raise sqlite3.DatabaseError("malformed")

    async def work() -> None:
        done.append(1)

    await look_after(work, fail, work)
    assert done == [1, 1]


async def test_the_parts_of_a_weeks_hours_come_by_every_stream(site: Site, hub: Replica) -> None:
    jobs = [site.new_id(Kind.JOB) for _ in range(2 * ROUND_HOURS)]
    for job in jobs:
        hub.write(acts.create_job(job, {"title": "Boiler"}))
    flip(hub, max(jobs))
    writer, walk = Writer(hub, None), SelfCheck(hub)
    hours = 0
    while not walk.findings:
        await check_for_an_hour(writer, walk)
        # A program that is started anew goes on where the last one was.
        walk = SelfCheck(hub)
        hours += 1
    assert ROUND_HOURS // 2 < hours <= ROUND_HOURS


async def test_a_phone_and_a_hub_look_after_their_stores_by_themselves(
    tmp_path: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("replica.device.UPKEEP_FIRST_S", "replica.device.UPKEEP_S", "hub.hub.UPKEEP_S"):
        monkeypatch.setattr(name, 0.01)
    async with joined_phone(tmp_path, clock) as (hub, phone, _, job):
        for writer, ballast in ((phone.writer, phone._ballast), (hub.hub.writer, hub.hub.ballast)):

            def lies(ballast: Ballast = ballast) -> bool:
                return ballast.lies

            assert ballast.give_up()
            await until(lies, "ballast is laid anew")
            await writer.run(flip, writer.replica, job)
        for walk in (phone._self_check, hub.hub.self_check):
            assert walk is not None

            def tells(walk: SelfCheck = walk) -> bool:
                return walk.findings != []

            await until(tells, "what rotted is found")


async def test_a_phone_says_that_what_it_saved_is_damaged(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, _, job):
        assert (await phone.sync_state()).needs == ()
        await phone.writer.run(flip, phone.writer.replica, job)
        assert phone._self_check is not None
        while await phone.writer.run(phone._self_check.step):
            pass
        (need,) = (await phone.sync_state()).needs
        assert "damaged" in need.title
