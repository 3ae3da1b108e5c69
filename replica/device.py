"""A phone as it runs: store, sync, location and the worker's screens, in one process.

Opens the parts once the phone has joined a site, and carries the screens' acts to the writer. Holds
no HTTP and no rules. Invariant: what `act` returns from is durable on this phone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from core.dispatch.acts import ActError, Change
from core.dispatch.autofact import Mode
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix, usable
from core.dispatch.permits import CREATE_JOBS
from core.log.canonical import unpack
from core.log.errors import EnrolAgain, Revoked
from core.sentence import say
from replica.autologger import AutoLogger
from replica.ballast import Ballast
from replica.behind import Behind
from replica.clock import Clock
from replica.clock_offset import by_true_time
from replica.device_carrying import DeviceCarrying
from replica.device_map import DeviceMap
from replica.device_meetings import DeviceMeetings
from replica.dialling import Dialler, hub_dialler, hubs_in_turn
from replica.filing import (
    Whereabouts,
    attach_file,
    save_file,
    want_file,
    want_files_to_do,
    where_is,
)
from replica.health import Facts
from replica.identity import IdentityError
from replica.joining import join_by_code, join_by_link, load_hub_address
from replica.location.owntracks import Command
from replica.location.steering import Steering
from replica.meeting import NO_MEETINGS, Meetings
from replica.needs import needs_of
from replica.next_key import answer_request, change_over
from replica.occupied import occupied
from replica.opening import JOIN_AGAIN, SHUT_OUT, TIME_IS_UP, open_phone
from replica.people import People
from replica.phone_choices import PhoneChoices
from replica.phone_watch import PhoneWatch
from replica.purging import forget_erased, forget_only_here
from replica.reach import (
    OwnUnsent,
    UnsentInAll,
    is_with_colleague,
    summed,
    unsent_questions,
)
from replica.reader import Reader
from replica.rejoining import join_beside
from replica.replica import Replica, Written
from replica.screens.port import (
    AutoNotice,
    EnrolmentRefused,
    OwnFix,
    SyncState,
    Unsent,
)
from replica.self_check import SelfCheck, check_for_an_hour
from replica.shared_phone import finish_emptying, folder_in, let_in
from replica.store import STORE_FILE, StoreError
from replica.syncing import Syncer, SyncFigures
from replica.telling import PresenceTeller
from replica.upkeep import look_after
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

# The store is looked after this often.
UPKEEP_S, UPKEEP_FIRST_S = 3_600.0, 60.0

# Unsent entries that the sync page lists; the count covers all of them.
UNSENT_SHOWN = 50


class Device:
    """A worker's phone: `async with Device(folder, clock, entropy, executor) as device`.

    Args:
        folder: where the phone keeps everything.
        over: wraps how the hub is dialled.
        meetings: how it meets colleagues' phones, if it does.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        entropy: Callable[[int], bytes],
        executor: Executor | None,
        over: Callable[[Dialler], Dialler] = lambda dial: dial,
        meetings: Meetings = NO_MEETINGS,
    ) -> None:
        self.phone_folder = self.folder = folder
        self.people = People(self)
        self.clock = clock
        self.worker = ""
        self._join_again = ""
        self._entropy = entropy
        self._executor = executor
        self._over = over
        self.meetings = DeviceMeetings(meetings, self._announce)
        self.carried = DeviceCarrying(self)
        self._replica: Replica | None = None
        self._writer: Writer | None = None
        self._reader: Reader | None = None
        self._syncer: Syncer | None = None
        self._logger: AutoLogger | None = None
        self._self_check: SelfCheck | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._syncing: asyncio.Task[None] | None = None
        self._listeners: set[asyncio.Event] = set()
        self._place_listeners: set[asyncio.Event] = set()
        self._fix: Fix | None = None
        self._phone_watch = PhoneWatch(folder, clock, self.now_ms)
        self.choices = PhoneChoices(folder, self._heed_choices)
        self.map = DeviceMap(self)
        self._steering = Steering()
        self._teller = PresenceTeller()
        self._ballast = Ballast(folder)
        self._locked = ExitStack()

    async def __aenter__(self) -> Device:
        self.phone_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ballast.begin()
        self._phone_watch.begin()
        finish_emptying(self.phone_folder)
        self.folder = folder_in(self.phone_folder)
        try:
            await self._open()
            self.people.begin()
        except BaseException:
            # What was begun before a port was not to be had must not run on.
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.people.end()
        await self._close()
        self._phone_watch.stop()

    async def _close(self) -> None:
        """End what runs and close the store."""
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                LOGGER.error("a part of the phone had stopped by a fault", exc_info=ended)
        self._tasks.clear()
        await self.meetings.end()
        if self._writer is not None and self._replica is not None:
            if self._reader is not None:
                await self._reader.__aexit__(None, None, None)
            await self._writer.run(self._replica.close)
        self._writer = self._replica = self._syncer = self._logger = None
        self.worker = ""
        self._fix, self._steering = None, Steering()
        self._locked.close()

    async def _open(self) -> None:
        """Open the store and start syncing, if the phone has joined a site."""
        self._locked.close()
        if self.folder != self.phone_folder:
            # Of the phone's own folder whoever runs it has seen to that.
            self._locked.enter_context(occupied(self.folder))
        hub = load_hub_address(self.folder)
        replica = open_phone(self.folder, self.clock, self._entropy)
        if replica is None:
            if (self.folder / STORE_FILE).exists():
                self._join_again = JOIN_AGAIN
            return
        self._join_again = ""
        self._replica = replica
        identity = replica.identity
        self._writer = Writer(self._replica, self._executor, self._ballast)
        self._self_check = SelfCheck(self._replica)
        self._reader = await Reader(self.folder / STORE_FILE).__aenter__()
        self.worker = identity.own.subject.hex()
        self._logger = AutoLogger(self._writer, identity.own.subject, self._announce)
        await self._heed_choices()
        loop = asyncio.get_running_loop()
        if hub is not None:
            dial = hub_dialler(partial(hubs_in_turn, self._writer, hub))
            self._syncer = Syncer(self._writer, self._over(dial), self._announce)
            self._sync()
        runs = [self._watch(), self._logger.run(), self._tell(), self._upkeep()]
        self._tasks += map(loop.create_task, [*runs, self._phone_watch.run(), self.map.run()])
        await self.meetings.begin(self._writer, self.folder)

    @property
    def meeting_port(self) -> int:
        """Where colleagues' phones reach this one; 0 where they don't."""
        return self.meetings.port

    def _sync(self) -> None:
        """Keep in session with a hub from here on."""
        assert self._syncer is not None
        self._syncing = asyncio.get_running_loop().create_task(self._syncer.run())
        self._tasks.append(self._syncing)

    async def _watch(self) -> None:
        """Tell the screens of what was committed, and change the key where the office asked."""
        assert self._writer is not None
        subscription = self._writer.subscribe()
        await self._see_key()
        async for streams in subscription:
            await self._see_key()
            await self._want_files(streams)
            if self._logger is not None and any(each[4] != Kind.TRACK for each in streams):
                self._logger.wake()
            self._announce()

    async def _want_files(self, streams: frozenset[bytes]) -> None:
        """Files of jobs to do come by themselves, while there is a network."""
        jobs = [stream for stream in streams if stream[4] == Kind.JOB]
        if not jobs or self._writer is None or self._replica is None:
            return
        worker = self._replica.identity.own.subject
        try:
            await self._writer.run(want_files_to_do, self._replica, worker, jobs)
        except StoreError as error:
            LOGGER.warning("files were not asked for: %s", error)

    async def _see_key(self) -> None:
        """Answer a request for a new key; go on under it as soon as a hub has certified it."""
        assert self._writer is not None
        try:
            if not await self._writer.run(answer_request, self._replica, self.folder):
                return
            if self._syncing is not None:
                self._tasks.remove(self._syncing)
                self._syncing.cancel()
                # Not `await`: that would swallow this task's own end too.
                await asyncio.wait([self._syncing])
                self._syncing = None
            await self._writer.run(change_over, self._replica, self.folder)
        except (ActError, IdentityError, StoreError, OSError) as error:
            LOGGER.warning("the key was not changed yet: %s", error)
        if self._syncer is not None and self._syncing is None:
            self._sync()

    async def _upkeep(self) -> None:
        """A phone runs for months: what was shown of erased streams goes, ballast is laid anew."""
        assert self._writer is not None
        assert self._self_check is not None
        run = self._writer.run
        # Soon at first: a phone's program may never live for an hour.
        pause_s = UPKEEP_FIRST_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = UPKEEP_S
            await look_after(
                partial(run, forget_erased, self._writer.replica),
                partial(run, self._ballast.lay),
                partial(check_for_an_hour, self._writer, self._self_check),
            )

    async def _tell(self) -> None:
        """Tell the hub of duty and app state when they change, and in each new session."""
        assert self._logger is not None
        async for _ in self.subscribe(places=False):
            context = self._logger.context
            if context is not None:
                self._phone_watch.heed_duty(context.on_duty)
            if context is not None and self._syncer is not None:
                await self._teller.tell_state(
                    self._syncer.figures.conversation,
                    self.now_ms(),
                    duty=context.on_duty,
                    jobs=context.jobs_on,
                )

    def _announce(self) -> None:
        for listener in self._listeners | self._place_listeners:
            listener.set()

    # --- what `people` asks

    announce = _announce

    def make_behind(self, folder: Path) -> Behind:
        """What sends what a worker owes who is not in."""
        # The phone's own folder is held by whoever runs the phone.
        locked = occupied(folder) if folder != self.phone_folder else nullcontext()
        outside = (self.clock, self._entropy, self._executor, self._over)
        return Behind(folder, locked, *outside, self._announce)

    async def close_folder(self) -> None:
        """End all that runs for whoever is in."""
        await self._close()

    async def go_to(self, folder: Path) -> None:
        """Let the worker of another folder in; what runs for the others goes on beside."""
        await self.people.end()
        await self._close()
        let_in(self.phone_folder, folder)
        self.folder = folder
        await self._open()
        self.people.begin()
        self._announce()

    # --- what the screens ask

    @property
    def reader(self) -> Reader:
        """The projections; asked only while `worker` is not empty."""
        assert self._reader is not None, "the phone has not joined a site yet"
        return self._reader

    @property
    def has_joined(self) -> bool:
        """Whether there is a store, which `reader` and `writer` need."""
        return self._writer is not None

    @property
    def writer(self) -> Writer:
        """The owner of the replica."""
        assert self._writer is not None, "the phone has not joined a site yet"
        return self._writer

    @property
    def in_session(self) -> bool:
        """Whether this phone and a hub have told each other everything, and go on."""
        return self._syncer is not None and self._syncer.figures.live

    @property
    def join_again(self) -> str:
        """Why the phone has to join again: it has no key, or the hub opens no session for it."""
        refused = self._syncer.figures.refused_name if self._syncer is not None else ""
        told = {EnrolAgain.name: TIME_IS_UP, Revoked.name: SHUT_OUT}
        return self._join_again or told.get(refused, "")

    def now_ms(self) -> int:
        """What time it is, ms UTC: what the clock says, corrected by what a hub told of it."""
        return self.clock.now_ms() if self._replica is None else self._replica.now_ms()

    def entropy(self, size: int) -> bytes:
        """Random bytes, for ids."""
        return self._entropy(size)

    async def act(
        self, changes: Sequence[Change], basis: Mapping[bytes, str] | None = None
    ) -> Written:
        """Commit one act; durable on return. Raises ActError, StoreError."""
        writer = self.writer
        written = await writer.act(lambda: writer.replica.write(changes, basis=basis))
        if self._logger is not None:
            self._logger.wake()
        return written

    async def save_file(self, job: bytes, data: bytes, beside: Sequence[Change] = ()) -> bytes:
        """Keep a photo or signature and name it in a job, in one act; its address, 32 bytes.

        Durable on return. Raises LogError (too large), ActError, StoreError: nothing was changed.
        """
        # Not as an act: room that is kept back for a full disk is none for photos.
        saved = await self.writer.run(save_file, self.writer.replica, job, data, beside)
        return saved.address

    async def attach_file(self, job: bytes, name: str, data: bytes) -> None:
        """Save a file that the worker chose. Raises ActError in words, StoreError."""
        await self.writer.run(attach_file, self.writer.replica, job, name, data)

    async def read_file(self, address: bytes) -> bytes:
        """The bytes of a file that is on this phone. Raises LogError: it is not, or is damaged."""
        return await self.writer.run(self.writer.replica.files.read, address)

    async def want_file(self, address: bytes) -> bool:
        """Ask for a file; whether it is here already. Raises StoreError."""
        return await self.writer.run(want_file, self.writer.replica, address)

    async def may_create_jobs(self) -> bool:
        """Whether this phone's key has the right to make jobs of its worker's own."""
        replica = self.writer.replica
        standing = await self.writer.run(replica.standing, replica.author)
        return CREATE_JOBS in standing.rights

    async def is_with(self, job: bytes, colleague: bytes) -> bool:
        """Whether a colleague's phone has provably all that this one wrote in a job."""
        replica = self.writer.replica
        db, author = replica.store.db, replica.author
        return await self.writer.run(is_with_colleague, db, job, author, colleague)

    async def where_is(self, address: bytes) -> Whereabouts:
        """Where a file is: on this phone, on the hub. Raises StoreError."""
        return await self.writer.run(where_is, self.writer.replica, address)

    async def sync_state(self) -> SyncState:
        """How far this phone's own entries have come."""
        hub = load_hub_address(self.folder)
        address = hub.addresses[0] if hub is not None else ""
        if self._writer is None or not self.worker:
            return SyncState(address, False, None, None, 0, 0, ())
        if not self._ballast.lies:
            # Whoever made room need not wait for the next upkeep to read that it helped.
            await self._writer.run(self._ballast.lay)
        unsent, met = await self._unsent_and_met(self._writer.replica.author)
        figures = self._syncer.figures if self._syncer is not None else SyncFigures()
        conversation = figures.conversation
        sending = None
        if conversation is not None and not figures.live and unsent.count:
            sending = (max(0, unsent.count - conversation.session.waiting), unsent.count)
        return SyncState(
            address,
            figures.connected,
            self.now_ms() if figures.live else figures.met_at_ms or met,
            sending,
            unsent.count,
            unsent.size_bytes,
            tuple(map(_shown, unsent.oldest)),
            needs_of(
                [figures, *self.meetings.figures],
                is_full=not self._ballast.lies,
                is_damaged=self._self_check is not None and bool(self._self_check.findings),
                offset_ms=self.writer.replica.offset.now_ms(),
            ),
            {stream.hex(): count for stream, count in unsent.count_by_stream.items()},
        )

    async def _unsent_and_met(self, author: bytes) -> tuple[UnsentInAll, int | None]:
        """What waits for a hub, and when one was last met (ms UTC), as of the last commit.

        Asked beside the writer, which has more to do after a tap whose page waits for this.
        """
        (met,), former = await self.reader.answers(
            ("SELECT max(met_at) FROM peer", ()),
            ("SELECT value FROM meta WHERE name = 'former'", ()),
        )
        known = unpack(former[0][0]) if former else []
        questions = unsent_questions(author, known, listed=UNSENT_SHOWN)
        return summed(*await self.reader.answers(*questions)), met[0]

    def sync_now(self) -> None:
        """Try to reach the hub, and colleagues, now rather than at the next turn."""
        if self._syncer is not None:
            self._syncer.sync_now()
        self.meetings.sync_now()
        self.people.sync_now()

    async def hang_up(self) -> None:
        """End the session that is going on, as a lost network would."""
        conversation = self._syncer.figures.conversation if self._syncer is not None else None
        if conversation is not None:
            await conversation.link.close()

    async def enrol(self, *, link: str = "", code: str = "", address: str = "") -> None:
        """Join a site. Raises EnrolmentRefused with what to do."""
        if self.worker and not self.join_again:
            raise EnrolmentRefused(say("this phone has joined a site already"))

        async def join(folder: Path) -> None:
            if link:
                await join_by_link(folder, link, self._entropy)
            else:
                await join_by_code(folder, code, address, self._entropy)

        if self._replica is None:
            await join(self.folder)
        else:
            assert self._syncer is not None
            new_key = self._syncer.figures.refused_name == Revoked.name
            await join_beside(self.folder, self._replica.identity, join, new_key=new_key)
            await self._close()
        await self._open()
        self._announce()

    async def delete_erased(self) -> int:
        """Delete for good what only this phone has of what the office erased: how many changes."""
        count = await self.writer.run(lambda: forget_only_here(self.writer.replica, all_of_it=True))
        self._announce()
        return count

    def last_fix(self) -> OwnFix | None:
        """The newest own fix, None where there is none."""
        if (fix := self._fix) is None:
            return None
        return OwnFix(fix.time_ms, fix.lat_e7, fix.lon_e7, fix.accuracy_m or 0)

    async def health(self, *, notifies: bool) -> Facts:
        """What this phone knows of itself; `notifies`: whether notifications can be shown."""
        context = self._logger.context if self._logger is not None else None
        offset = self.writer.replica.offset
        return await self._phone_watch.facts(
            self.reader,
            self.worker,
            auto_on=context is not None and context.settings.mode is not Mode.OFF,
            battery_percent=self._teller.battery_percent,
            offset_ms=offset.now_ms() if offset.is_known else None,
            room_kept=self._ballast.lies,
            notifies=notifies,
            met_at_ms=(await self.sync_state()).met_at_ms,
            damaged=self._self_check is not None and bool(self._self_check.findings),
        )

    def place_told_ms(self) -> int | None:
        """The time of the last place that was told to a hub, None for none since the start."""
        return self._teller.placed_ms

    def notices(self) -> Sequence[AutoNotice]:
        """What auto logging waits to hear about, the oldest first."""
        return self._logger.notices() if self._logger is not None else ()

    async def answer_notice(self, notice: str, agreed: bool) -> None:
        """Agree to a notice, or say that it is wrong; an unknown one is a no-op."""
        if self._logger is not None:
            await self._logger.answer(notice, agreed)

    async def subscribe(self, *, places: bool = True) -> AsyncIterator[object]:
        """Something each time that what screens show may have changed; or but for a place alone."""
        changed = asyncio.Event()
        listeners = self._place_listeners if places else self._listeners
        listeners.add(changed)
        try:
            while True:
                await changed.wait()
                changed.clear()
                yield True
        finally:
            listeners.discard(changed)

    async def _heed_choices(self) -> None:
        """Let store and logger go by what was chosen for this phone."""
        if self._logger is not None:
            self._logger.saving = self.choices.saves_battery
        if self._replica is None:
            return
        waited, self._replica.files_wait = self._replica.files_wait, self.choices.files_wait
        self._announce()
        if waited and not self.choices.files_wait:
            # A session offers files where it begins: begin one that does.
            await self.hang_up()
            self.sync_now()

    # --- location

    async def take_fix(self, fix: Fix, battery_percent: int | None = None) -> None:
        """A fix of this phone, durable on return: it feeds the logger, and presence on duty."""
        if self._replica is not None:
            told = (self.clock.now_ms(), self._replica.offset.now_ms())
            fix = replace(fix, time_ms=by_true_time(fix.time_ms, *told))
        if battery_percent is not None:
            self._teller.battery_percent = battery_percent
        self._phone_watch.saw(fix)
        newest = self._fix is None or fix.time_ms >= self._fix.time_ms
        # A fix of another year, or of nowhere, is kept as evidence and shows nobody's place.
        newest = newest and usable(fix, self.now_ms())
        if newest:
            self._fix = fix
        if self._logger is None:
            return
        on_duty = await self._logger.take(fix)
        context = self._logger.context
        if on_duty and newest and context is not None and context.on_duty and self._syncer:
            conversation = self._syncer.figures.conversation
            await self._teller.tell_place(conversation, fix, jobs=context.jobs_on)
        for listener in self._place_listeners:
            listener.set()

    def hear_location_app(self, app_mode: tuple[int, int] | None) -> None:
        """What mode OwnTracks says that it is in, and when it was."""
        self._steering.hear(app_mode)

    def owntracks_commands(self) -> list[Command]:
        """What to answer OwnTracks: today's places as regions, and how much to report."""
        if self._logger is None:
            return []
        logger = self._logger
        return self._steering.commands(logger.context, logger.sampling, self.clock.now_ms())


def _shown(entry: OwnUnsent) -> Unsent:
    return Unsent(entry.stream.hex(), entry.short.hex(), entry.arrived_ms, entry.size_bytes)
