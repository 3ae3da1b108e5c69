"""A town with something of everything, so that no page of the office is empty.

Holds no test. Invariant: every address that the office answers can be filled in from `parameters`.
"""

from __future__ import annotations

from core.dispatch import acts, day_acts, erasure
from core.dispatch.fields import AbsenceKind, LogKind, Phase
from core.dispatch.fix import Fix, encode_track
from core.dispatch.roster import set_absence
from replica.filing import attach_file
from tests.pictures import png
from tests.web.board.desk import Desk
from tests.web.board.test_inbox_in_browser import troubled
from tests.web.board.test_proposal import made
from tests.web.board.town import MINUTE_MS
from tests.web.imports.test_import_pages import CUSTOMERS, upload
from tests.web.recurring.test_pages import MONDAY, begun

DAY = MONDAY.isoformat()


class LivedIn:
    """What a desk's town has beside the desk's own: ids in hex, by what an address calls them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.parameters: dict[str, str] = {}

    async def fill(self) -> LivedIn:
        """Let people do a bit of everything."""
        desk, town = self.desk, self.desk.town
        office, entropy = town.office, town.office.entropy
        ana = desk.workers[0]
        for kind, name in (("team", "North"), ("skill", "Boilers"), ("vehicle", "Van 3")):
            await office.act(acts.set_group(kind, entropy(8), name))
        (team,) = await office.rows("SELECT team FROM team")
        (skill,) = await office.rows("SELECT skill FROM skill")
        own = {"team": bytes.fromhex(team["team"]), "shift": [8 * 60, 16 * 60 + 30]}
        await office.act(acts.edit_worker(ana.stream, own))
        away = set_absence(
            desk.workers[2].stream, entropy(8), DAY, "2026-11-26",
            AbsenceKind.HOLIDAY, "Alps",
        )  # fmt: skip
        await office.act(away)
        await office.act(acts.edit_customer(desk.letna, {"note": "Mind the dog."}))
        job, turn = await town.job(
            "Boiler does not start", worker=ana, customer=desk.letna, starts_in=-90, lasts=45,
            address="Ovenecká 3", contact="Marie", contact_phone="+420 777 123 456", priority=3,
            planned_minutes=45, description="Ring twice.\nThe key is with the porter.",
            check_items=["Valve closed", "Photo of the plate"],
            skills=[bytes.fromhex(skill["skill"])],
        )  # fmt: skip
        await self._worked(job, turn)
        done, done_turn = await town.job("Filter", worker=ana, customer=desk.letna, starts_in=-240)
        await town.phases(ana, done, done_turn, Phase.FINISHED)
        gone, _ = await town.job("Gutter", starts_in=None)
        await office.act(erasure.erase([bytes.fromhex(gone)]))
        recurrence = await begun(town, customer=desk.letna, worker=desk.workers[1].stream)
        await troubled(desk)
        eva = await office.person()
        await eva.sign_in("Eva")
        await eva.get("/import?kind=customers")
        table = (await upload(eva, "customers", CUSTOMERS)).path
        draft = (await made(eva)).path
        self.parameters = {
            "job": job,
            "worker": ana.id,
            "customer": desk.letna.hex(),
            "recurrence": recurrence.hex(),
            "stream": gone,
            "author": ana.phone.author.hex(),
            "id": table.partition("?")[0].rpartition("/")[2],
            "draft": draft.partition("?")[0].rpartition("/")[2],
            "file": (await office.rows("SELECT file FROM file_ref"))[0]["file"],
            "account": (await town.account("Eva")).account,
            # What only those who hold a link can open, and what is no page.
            "token": "none",
            "version": "0" * 16,
            "name": "none.css",
            "hash": "none",
        }
        return self

    async def _worked(self, job: str, turn: bytes) -> None:
        """Ana drives there, works, takes a break, writes and photographs; all of it comes late."""
        town, ana, stream = self.desk.town, self.desk.workers[0], bytes.fromhex(job)
        eva = await town.account("Eva")
        now_ms = town.clock.now_ms()
        await town.office.hub.act(eva, acts.edit_job(stream, {"title": "Boiler is cold"}))
        await town.office.hub.act(eva, acts.add_note(stream, "The customer called twice."))
        hub = town.office.hub
        await hub.writer.run(attach_file, hub.replica, stream, "plan.pdf", b"%PDF-1.7")
        await town.meet(ana)
        fixes = [
            Fix(now_ms + minute * MINUTE_MS, 500_995_000 + minute * 900, 144_250_000, 10)
            for minute in range(0, 60, 2)
        ]
        await town.on_phone(ana, day_acts.add_fixes(ana.stream, DAY, encode_track(fixes)))
        for minute, phase in ((0, Phase.TRAVELLING), (20, Phase.ON_SITE)):
            town.clock.at_ms = now_ms + minute * MINUTE_MS
            await town.on_phone(ana, acts.set_phase(stream, ana.stream, turn, phase))
        for kind, start, length in (
            (LogKind.TRAVEL, 0, 20), (LogKind.ON_SITE, 20, 30), (LogKind.BREAK, 50, 10),
        ):  # fmt: skip
            log, at_ms = town.office.entropy(8), now_ms + start * MINUTE_MS
            changes = day_acts.start_log(ana.stream, DAY, stream, log, kind, at_ms=at_ms)
            stop_ms = at_ms + length * MINUTE_MS
            changes += day_acts.stop_log(ana.stream, DAY, stream, log, at_ms=stop_ms)
            await town.on_phone(ana, changes)
        await town.on_phone(ana, acts.add_note(stream, "The pump is dead."))
        await hub.writer.run(attach_file, ana.phone, stream, "pump.png", png(40, 90, 160))
        town.clock.at_ms = now_ms + 70 * MINUTE_MS
        await town.meet(ana)
