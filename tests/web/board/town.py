"""A small town for the board's tests: a hub with pages, customers, workers, their phones, jobs.

The phones are real replicas in folders of their own that meet the hub in memory; nothing here
writes to the hub but by acts and sessions. Holds no test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.dispatch import acts
from core.dispatch.acts import Act
from core.dispatch.fields import Kind, Phase, Role
from core.log.certificate import Certificate, issue
from hub.keys import Account
from replica.identity import KEY_FILE, load_identity, load_or_make_key, public_bytes, save_identity
from replica.reader import Reader
from replica.replica import Replica
from replica.screens.joblist import load_cards, sections_of
from replica.store import Store
from tests.build import hold, publish
from tests.web.office import NOON_MS, Office, Person, Seen, TownClock

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
YEAR_MS = 365 * 24 * HOUR_MS
BOILER_HOUSE = (500_995_000, 144_250_000)


@dataclass
class Worker:
    """A worker with a phone."""

    stream: bytes
    name: str
    phone: Replica

    @property
    def id(self) -> str:
        return self.stream.hex()


@dataclass
class Town:
    """A hub with Job Dispatch on, and what a test puts there."""

    office: Office
    folder: Path
    phones: list[Replica] = field(default_factory=list)

    @property
    def clock(self) -> TownClock:
        return self.office.clock

    async def turn_on(self) -> None:
        """Turn Job Dispatch on."""
        await self.office.act(acts.set_setting("job_dispatch", True))

    async def close(self) -> None:
        """Close the phones' files."""
        for phone in self.phones:
            await self.office.hub.writer.run(phone.close)

    async def account(self, name: str) -> Account:
        """The account of somebody who has signed in."""
        (row,) = await self.office.rows("SELECT * FROM account WHERE name = ?", (name,))
        return Account(row["account"], row["name"], row["role"])

    async def customer(self, name: str = "Letná", point: tuple[int, int] = BOILER_HOUSE) -> bytes:
        """A customer with a place and a contact; its stream."""
        entropy = self.office.entropy
        customer = acts.new_stream_id(Kind.CUSTOMER, self.clock.now_ms(), entropy(7))
        changes = acts.edit_customer(customer, {"name": name, "number": "C-1"})
        place = {"name": "Boiler house", "address": "Ovenecká 3", "point": point, "radius": 60}
        changes += acts.edit_place(customer, entropy(8), place)
        changes += acts.edit_contact(
            customer, entropy(8), {"name": "Pavel", "phone": "+420 222 110 330"}
        )
        await self.office.act(changes)
        return customer

    async def worker(self, name: str) -> Worker:
        """A worker whose phone has joined; it holds nothing before it meets the hub."""
        hub = self.office.hub
        worker = acts.new_stream_id(Kind.WORKER, self.clock.now_ms(), self.office.entropy(7))
        await self.office.act(acts.edit_worker(worker, {"name": name, "phone": "+420 601 000 111"}))
        folder = self.folder / f"phone-{len(self.phones)}"
        folder.mkdir(parents=True)
        key = load_or_make_key(folder / KEY_FILE, self.office.entropy)
        unsigned = Certificate(
            hub.replica.site,
            public_bytes(key),
            worker,
            int(Role.WORKER),
            (),
            NOON_MS + YEAR_MS,
            b"",
            hub.replica.identity.author,
        )
        certificate = issue(unsigned, hub.replica.identity.key)
        save_identity(folder, hub.replica.site, (certificate, hub.replica.identity.own))
        await hub.writer.run(publish, hub.replica, certificate)
        phone = await hub.writer.run(self._open, folder)
        self.phones.append(phone)
        return Worker(worker, name, phone)

    def _open(self, folder: Path) -> Replica:
        identity = load_identity(folder)
        assert identity is not None
        return Replica(Store(folder / "store.sqlite"), identity, self.clock, self.office.entropy)

    async def meet(self, worker: Worker) -> None:
        """Let a worker's phone and the hub sync."""
        await self.office.hub.writer.run(self._meet, worker.phone)

    def _meet(self, phone: Replica) -> None:
        hub = self.office.hub.replica
        # Pages hear by the writer of what a phone brings; the meeting has asked for it before.
        hub.mark_changed(hold(phone, hub).told[1])

    async def listed(self, worker: Worker) -> list[str]:
        """The titles that a worker's phone lists to do after it met the hub, in its order."""
        await self.meet(worker)
        async with Reader(worker.phone.store.path) as reader:
            cards = await load_cards(reader, worker.id)
        sections = sections_of(cards, self.clock.now_ms(), ZoneInfo("Europe/Prague"))
        return [card.title for name in ("Now", "Next", "Today", "Later") for card in sections[name]]

    async def on_phone(self, worker: Worker, changes: Act) -> None:
        """Write on a worker's phone; the hub knows nothing of it before they meet."""
        await self.office.hub.writer.run(worker.phone.write, changes)

    async def phases(self, worker: Worker, job: str, turn: bytes, *phases: Phase) -> None:
        """Let a worker's phone fetch a job, write these phases and bring them to the hub."""
        await self.meet(worker)
        for phase in phases:
            reason = "no key" if phase is Phase.REJECTED else ""
            stream = bytes.fromhex(job)
            await self.on_phone(worker, acts.set_phase(stream, worker.stream, turn, phase, reason))
        await self.meet(worker)

    async def job(
        self,
        title: str = "Boiler",
        *,
        worker: Worker | None = None,
        starts_in: int | None = 60,
        lasts: int = 60,
        by: Account | None = None,
        **fields: object,
    ) -> tuple[str, bytes]:
        """A job and the turn of its assignment (empty without one); minutes from now."""
        job = acts.new_stream_id(Kind.JOB, self.clock.now_ms(), self.office.entropy(7))
        values: dict[str, object] = {"title": title, "point": BOILER_HOUSE, **fields}
        if starts_in is not None:
            start = self.clock.now_ms() + starts_in * MINUTE_MS
            values["window"] = (start, start + lasts * MINUTE_MS)
        changes = acts.create_job(job, values)
        turn = b""
        if worker is not None:
            turn = self.office.entropy(8)
            changes += acts.assign(job, worker.stream, turn)
        if by is None:
            await self.office.act(changes)
        else:
            await self.office.hub.act(by, changes)
        return job.hex(), turn

    async def row(self, job: str) -> dict[str, Any]:
        """The job as the store shows it."""
        (row,) = await self.office.rows("SELECT * FROM job WHERE job = ?", (job,))
        return row


async def send_json(person: Person, path: str, body: object) -> Seen:
    """POST JSON as the board's script does, with the token of the page last seen."""
    session = person._session
    headers = {"Origin": person.origin, "X-Fieldlog-Token": person._token}
    async with session.post(person.origin + path, json=body, headers=headers) as answer:
        return Seen(answer.status, await answer.text(), answer.url.path_qs, answer.headers)


async def send_part(person: Person, path: str, fields: dict[str, Any]) -> Seen:
    """POST a form as the board's script does: the answer is the pane alone."""
    session = person._session
    headers = {
        "Origin": person.origin,
        "X-Fieldlog-Token": person._token,
        "X-Board-Part": "1",
    }
    async with session.post(person.origin + path, data=fields, headers=headers) as answer:
        return Seen(answer.status, await answer.text(), answer.url.path_qs, answer.headers)
