"""The imports that people are at: what was uploaded, how it is read, and what became of it.

Plans are made in a thread of their own, so that the hub goes on answering, and written by one act
of the hub. Nothing of it is kept on the disk: a hub that is started anew has forgotten what was not
imported yet, and has all or nothing of what was. Invariant: an import is written once, and only as
it was shown.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import ActError
from core.sentence import say
from hub.hub import Hub
from hub.keys import Account
from replica.store import StoreError
from web import formats
from web.frame import zone_of
from web.imports.columns import missing, twice
from web.imports.customers import CustomersImport
from web.imports.jobs import JobsImport
from web.imports.known import read_known
from web.imports.places import Addresses
from web.imports.plan import Cancelled, Circumstances, Plan, Progress
from web.imports.reading import Reading
from web.imports.table import TableError
from web.imports.workers import WorkersImport

UPLOADS_MAX: Final = 12
"""All together, each of 8 MB at most: the oldest that nobody is waiting for makes room."""
KEPT_MS: Final = formats.HOUR_MS
FRESH_MS: Final = 10_000
"""For so long a plan is shown again; later it is made anew over what stands then."""
WAIT_S: Final = 1.2
"""What is done by then is shown at once, without a page that says to wait."""

_PLANNERS: Final[Mapping[str, Callable[[Circumstances], Any]]] = {
    "customers": CustomersImport,
    "workers": WorkersImport,
    "jobs": JobsImport,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was written: the act's id in hex ("" where one stream was written alone) and its entry.

    `entry` is the hash of the first entry, 16 hex digits; `plan` what was done to which row.
    """

    act: str
    entry: str
    plan: Plan


@dataclass(slots=True)
class Upload:
    """Something that somebody wants to import, of one account alone."""

    id: str
    account: str
    kind: str
    name: str
    data: bytes
    at_ms: int
    addresses: Addresses
    progress: Progress = field(default_factory=Progress)
    task: asyncio.Task[None] | None = None
    planned: Reading | None = None
    plan: Plan | None = None
    planned_at_ms: int = 0
    error: str = ""
    notice: str = ""
    is_writing: bool = False
    outcome: Outcome | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it is being planned or written."""
        return self.task is not None and not self.task.done()


class ImportDesk:
    """Holds uploads and does the work on them; one for each application."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._uploads: dict[str, Upload] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import")

    async def close(self) -> None:
        """Give up what is being prepared, and let what is being written come to its end."""
        for upload in self._uploads.values():
            upload.progress.cancel()
        tasks = [upload.task for upload in self._uploads.values() if upload.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Carry out something that takes long, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that its upload holds, and that ends with the desk at the latest."""
        return asyncio.get_running_loop().create_task(work)

    def add(self, account: str, kind: str, name: str, data: bytes) -> Upload:
        """Keep what somebody uploaded."""
        now_ms = self._hub.clock.now_ms()
        idle = [each for each in self._uploads.values() if not each.is_busy]
        idle.sort(key=lambda each: each.at_ms)
        for each in idle:
            if now_ms - each.at_ms > KEPT_MS or len(self._uploads) >= UPLOADS_MAX:
                del self._uploads[each.id]
        if len(self._uploads) >= UPLOADS_MAX:
            raise TableError(say("other people are importing just now; try again in a minute"))
        region = self._hub.region
        addresses = Addresses(region.gazetteer if region is not None else None)
        identity = self._hub.replica.entropy(8).hex()
        upload = Upload(identity, account, kind, name, data, now_ms, addresses)
        self._uploads[identity] = upload
        return upload

    def find(self, account: str, identity: str) -> Upload | None:
        """An upload of this account; None where it is gone or somebody else's."""
        upload = self._uploads.get(identity)
        return upload if upload is not None and upload.account == account else None

    def drop(self, upload: Upload) -> bool:
        """Forget an upload; False where it is being written, or was."""
        if upload.is_writing or upload.outcome is not None:
            return False
        upload.progress.cancel()
        self._uploads.pop(upload.id, None)
        return True

    async def look(self, upload: Upload, reading: Reading, settings: Mapping[str, object]) -> None:
        """Plan what the reading would do, if that is not known; waits for it for a moment."""
        if upload.is_writing or upload.outcome is not None:
            await self._wait(upload)
            return
        now_ms = self._hub.clock.now_ms()
        is_fresh = upload.plan is not None and 0 <= now_ms - upload.planned_at_ms < FRESH_MS
        if upload.planned != reading or not (upload.is_busy or is_fresh):
            if upload.is_busy and upload.task is not None:
                upload.progress.cancel()
                await asyncio.wait([upload.task])
            upload.planned, upload.plan, upload.error = reading, None, ""
            upload.progress = Progress()
            upload.task = asyncio.get_running_loop().create_task(
                self._plan(upload, reading, settings)
            )
        await self._wait(upload)

    async def _wait(self, upload: Upload) -> None:
        task = upload.task
        if task is not None:
            await asyncio.wait([task], timeout=WAIT_S)
            if task.done():
                upload.task = None
                task.result()

    async def _plan(self, upload: Upload, reading: Reading, settings: Mapping[str, object]) -> None:
        with contextlib.suppress(Cancelled):
            upload.plan = await self._planned(upload, reading, settings)
            upload.planned_at_ms = self._hub.clock.now_ms()

    async def _planned(
        self, upload: Upload, reading: Reading, settings: Mapping[str, object]
    ) -> Plan | None:
        table, columns = reading.table, reading.columns
        upload.error = missing(upload.kind, columns) or twice(upload.kind, columns)
        if upload.error:
            return None
        hub = self._hub
        radius = settings.get("radius_m")
        about = Circumstances(
            known=await read_known(hub.reader, upload.kind),
            addresses=upload.addresses,
            progress=upload.progress,
            zone=zone_of(dict(settings)),
            now_ms=hub.clock.now_ms(),
            radius_m=radius if isinstance(radius, int) else 100,
            entropy=hub.replica.entropy,
            same=reading.same,
            order=reading.order,
        )
        plan: Plan = await self.run(_PLANNERS[upload.kind](about).plan, table, columns)
        return plan

    async def carry_out(
        self,
        upload: Upload,
        account: Account,
        reading: Reading,
        settings: Mapping[str, object],
        mark: str,
    ) -> None:
        """Import what was shown under `mark`; waits for it for a moment. Once begun it goes on."""
        if not upload.is_writing and upload.outcome is None:
            # Before anything is waited for: a second click finds it begun.
            upload.is_writing, upload.notice = True, ""
            # Whoever gives it up from here on gives up this, not the plan that was shown.
            upload.progress = Progress(say("Checking once more"))
            if upload.task is not None:
                await asyncio.wait([upload.task])
            upload.task = self._begin(self._carry_out(upload, account, reading, settings, mark))
        await self._wait(upload)

    async def _carry_out(
        self,
        upload: Upload,
        account: Account,
        reading: Reading,
        settings: Mapping[str, object],
        mark: str,
    ) -> None:
        try:
            # Planned anew over what stands now: somebody else may have been quicker.
            plan = await self._planned(upload, reading, settings)
            upload.planned, upload.plan = reading, plan
            upload.planned_at_ms = self._hub.clock.now_ms()
            if plan is None or plan.mark != mark:
                upload.notice = upload.error or say(
                    "Nothing was imported: since this was shown, somebody changed what it is "
                    "compared with. Look at it once more."
                )
                return
            if not plan.changes:
                upload.notice = say(
                    "There is nothing to import: no row is new or changes anything."
                )
                return
            upload.progress.step(say("Writing"), len(plan.items), len(plan.items))
            written = await self._hub.act(account, plan.changes, plan.basis)
            entry = next(iter(written.hash_by_stream.values()))
            upload.outcome = Outcome(written.act.hex(), entry.hex()[:16], plan)
        except Cancelled:
            upload.notice = say("Nothing was imported: it was given up before it was written.")
        except ActError as refusal:
            upload.notice = say("Nothing was imported: {why}", why=str(refusal))
        except StoreError as refusal:
            upload.notice = say(
                "Nothing was imported, the disk refused it: {why}", why=str(refusal)
            )
        finally:
            upload.is_writing = False


DESK: Final = web.AppKey("import desk", ImportDesk)


async def desk_of_app(app: web.Application) -> AsyncIterator[None]:
    """Close the desk with its application."""
    yield
    await app[DESK].close()
