"""A hub tells a job who acted in it, by name, once, and nobody anything more."""

from __future__ import annotations

from pathlib import Path

from core.dispatch import acts, undoing
from core.dispatch.acting import acting_name
from core.dispatch.fields import ACTING_NAME, NOTE, Kind
from core.log.limits import CHANGES_MAX
from hub.keys import Account
from tests.build import SettableClock
from tests.running import OFFICE, HubAtWork, joined_phone, running_hub

EVA = Account("0e" * 8, "Eva Novakova", "dispatcher")


async def hire(hub: HubAtWork, name: str = "Eva Novakova") -> bytes:
    """Eva's account, as the office's own page makes it."""
    account = bytes.fromhex(EVA.account)
    await hub.hub.act(OFFICE, acts.set_account(account, name=name, role="dispatcher"))
    return account


def names_told(hub: HubAtWork, job: bytes) -> list[str]:
    """Every writing of a name in a job, in order."""
    found = []
    for placed in hub.hub.replica.state(job).entries():
        assert placed.entry is not None
        found += [value for path, value in placed.entry.changes if path[0] == ACTING_NAME]
    return found


async def test_a_job_is_told_the_name_of_who_acts_in_it_once(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with running_hub(tmp_path, clock) as hub:
        account = await hire(hub)
        job, _ = await hub.job("Boiler")
        assert names_told(hub, job) == [], "an account that nobody has has no name"
        for title in ("Pump", "Valve"):
            await hub.hub.act(EVA, acts.edit_job(job, {"title": title}))
        assert names_told(hub, job) == ["Eva Novakova"]
        await hire(hub, "Eva Kralova")
        await hub.hub.act(EVA, acts.edit_job(job, {"title": "Meter"}))
        assert names_told(hub, job) == ["Eva Novakova", "Eva Kralova"]
        assert acting_name(hub.hub.replica.state(job).registers, account) == "Eva Kralova"
        customer = acts.new_stream_id(Kind.CUSTOMER, clock.now_ms(), b"7777777")
        await hub.hub.act(EVA, acts.edit_customer(customer, {"name": "Novak"}))
        assert names_told(hub, customer) == [], "a customer's phone number needs no witness"


async def test_history_and_undo_know_nothing_of_names(tmp_path: Path, clock: SettableClock) -> None:
    async with running_hub(tmp_path, clock) as hub:
        account = await hire(hub)
        job, _ = await hub.job("Boiler")
        await hub.hub.act(EVA, acts.edit_job(job, {"title": "Pump"}))
        rows = await hub.hub.reader.history(job.hex())
        assert [row.field for row in rows if row.actor == EVA.account] == ["title"]
        state = hub.hub.replica.state(job)
        (placed,) = [p for p in state.entries() if p.entry and p.entry.actor == account]
        taken_back = undoing.undo_changes(undoing.undo_parts(state, placed))
        assert [change.value for change in taken_back] == ["Boiler"]


async def test_a_full_entry_goes_without_the_name(tmp_path: Path, clock: SettableClock) -> None:
    async with running_hub(tmp_path, clock) as hub:
        await hire(hub)
        job, _ = await hub.job("Boiler")
        many = [
            acts.Change(job, (NOTE, number.to_bytes(8, "big")), "seen")
            for number in range(CHANGES_MAX)
        ]
        await hub.hub.act(EVA, many)
        assert names_told(hub, job) == []


async def test_a_phone_learns_no_account_but_of_its_own_jobs(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with joined_phone(tmp_path, clock) as (hub, phone, _, _):
        await hire(hub)
        other, _ = await hub.job("Somebody else's")
        await hub.hub.act(EVA, acts.edit_job(other, {"title": "Pump"}))
        assert names_told(hub, other) == ["Eva Novakova"]
        assert await phone.reader.rows("SELECT name FROM account") == []
        held = await phone.reader.rows("SELECT stream FROM stream")
        assert other not in [row["stream"] for row in held]
