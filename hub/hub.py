"""The hub: a replica that also listens.

Opens the parts of a hub in the right order and closes them; carries the office's acts to the
writer; knows which phones are in session and where they are. Pages are made elsewhere. Holds no
HTTP.
Invariant: what `act` returns from was committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor
from datetime import date
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from core.dispatch import fields
from core.dispatch.acts import OFFICE_STREAM, SITE_STREAM, Act, ActError, Change
from core.dispatch.fields import Kind, Role
from core.log.certificate import Certificate
from core.sentence import say
from hub.acting_names import named
from hub.admission import admit
from hub.browser_authority import AuthorityError, BrowserAuthority
from hub.browser_sessions import BrowserSessions
from hub.code_limits import CodeLimits
from hub.enrolment import Enrolments
from hub.forgetting import apply_retention, erase_streams
from hub.founding import open_hub_replica
from hub.hub_sessions import HubSessions
from hub.kept_office import KeptOffice
from hub.live import LiveFeed
from hub.numbering import UNNUMBERED, number_those_of_phones, numbered
from hub.peers import Peers
from hub.presence import Presence, newest, read_presence
from hub.recurring import days_due, follow_skips, make_some, skip, take_up
from hub.recurring_in_line import bring_in_line
from hub.revocation import shut_out
from replica.ballast import Ballast
from replica.clock import Clock
from replica.driver import Conversation, Hooks
from replica.generation import settle
from replica.purging import forget_erased
from replica.reader import Reader
from replica.replica import Replica, Written
from replica.self_check import SelfCheck, check_for_an_hour
from replica.set_aside import join_set_aside
from replica.store import STORE_FILE, StoreError
from replica.transport_security import TransportIdentity, open_transport_identity
from replica.upkeep import look_after
from replica.witnesses import witness_changes
from replica.writer import Writer

if TYPE_CHECKING:
    from hub.map.region import Region

LOGGER = logging.getLogger(__name__)

# Ended browser sessions and the browsers' certificate are looked after this often.
UPKEEP_S = 3_600.0

# What other hubs made while this one stood still comes in first.
RECURRING_FIRST_S = 60.0

# Heads that changed are witnessed this often. What phones send comes in bursts, and a witness says
# of each entry that it was known by then; ten minutes tell a visit from the one after it.
WITNESS_S = 600.0

# A long question of one page, which may be two at once, holds up no short one of another.
READERS = 3


class Actor(Protocol):
    """Who acts from a page: see `hub.keys.Account`."""

    @property
    def account(self) -> str:
        """The account's id in hex."""

    @property
    def role(self) -> str:
        """admin, dispatcher or manager."""


# What of an account ends its browser sessions, as its rights are others from here on.
_RIGHTS_CODES = frozenset({fields.ACCOUNT_ROLE, fields.ACCOUNT_DISABLED})

# Codes that only an administrator's page writes.
_ADMIN_CODES = frozenset(
    {
        fields.CERTIFICATE,
        fields.ERASED,
        fields.ERASED_BEFORE,
        fields.SITE_NAME,
        fields.SETTING,
        fields.ACCOUNT_NAME,
        fields.ACCOUNT_PASSWORD,
        fields.ACCOUNT_ROLE,
        fields.ACCOUNT_DISABLED,
    }
)


class Hub:
    """A running hub: `async with Hub(folder, clock, entropy) as hub`.

    Args:
        folder: where the hub keeps everything.
        clock: wall, monotonic, boot.
        entropy: gives random bytes.
        executor: one thread for the writer; None in a simulated loop.
        addresses: `host:port` under which phones reach the hub, the best first.
        letter: the hub's letter in job numbers.
        site_secret: opens the site's key, where that is locked and a copied hub needs a new key.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        entropy: Callable[[int], bytes],
        executor: Executor | None,
        addresses: tuple[str, ...] = ("127.0.0.1:8443",),
        letter: str = "A",
        site_secret: str = "",
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.addresses = addresses
        self.ballast = Ballast(_made(folder))
        self.ballast.begin()
        self.transport: TransportIdentity = open_transport_identity(folder)
        self.replica: Replica = open_hub_replica(
            folder,
            clock,
            entropy,
            tls_fingerprint=self.transport.fingerprint,
            letter=letter,
            site_secret=site_secret,
        )
        self.self_check = SelfCheck(self.replica)
        self.writer = Writer(self.replica, executor, self.ballast)
        self.reader = Reader(folder / STORE_FILE, READERS)
        self.office = KeptOffice(self.reader, self.writer)
        self.sessions = BrowserSessions(folder / "browsers.sqlite", clock.now_ms, entropy)
        self.feed = LiveFeed()
        self.presence: dict[str, Presence] = {}
        self.enrolments = Enrolments(
            self.replica, self.transport.fingerprint, lambda: self.addresses
        )
        self.region: Region | None = None
        self.browser_authority: BrowserAuthority | None = None
        self.hub_sessions: HubSessions | None = None
        self.code_limits = CodeLimits(clock.now_ms)
        self.peers = Peers(
            self.writer,
            self.transport.fingerprint,
            self._hooks_for,
            lambda: self.feed.publish("sync", ()),
        )
        # Pages of one hub are served by an application for each port: what excludes lies here.
        self.setting_up = asyncio.Lock()
        self._recurring = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def conversations(self) -> Mapping[bytes, Conversation]:
        """The sessions with peers that are connected here, by their keys."""
        return self.peers.conversations

    async def __aenter__(self) -> Hub:
        await self.reader.__aenter__()
        self._begin(self._announce())
        self._begin(self._upkeep())
        self._begin(self._keep_witness())
        self._begin(self._keep_recurring())
        return self

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; it is ended with the hub at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.peers.stop()
        for task in list(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        # Nothing more comes in: what did since the last time is witnessed too.
        await self._witness()
        await self.reader.__aexit__(kind, error, trace)
        await self.writer.run(self.replica.close)
        self.sessions.close()

    async def _announce(self) -> None:
        subscription = self.writer.subscribe()
        try:
            async for streams in subscription:
                self.feed.publish("streams", (stream.hex() for stream in streams))
                await self._number(streams)
                if SITE_STREAM in streams and self.conversations:
                    await self._end_revoked()
                workers = {stream for stream in streams if stream[4] == Kind.WORKER}
                if workers:
                    await self._follow_keys(workers)
        finally:
            self.writer.unsubscribe(subscription)

    async def _follow_keys(self, workers: set[bytes]) -> None:
        """A phone that is in session names its next key there and then."""
        for conversation in list(self.conversations.values()):
            peer = conversation.session.peer
            if peer is not None and peer.subject in workers:
                await self.peers.follow_keys(conversation, agreed=False)

    async def _number(self, streams: frozenset[bytes]) -> None:
        """A job that a phone made gets its number as soon as it is here."""
        jobs = [stream.hex() for stream in streams if stream[4] == Kind.JOB]
        asked = f"{UNNUMBERED} AND job IN (SELECT value FROM json_each(?)) LIMIT 1"
        if jobs and await self.reader.row(asked, (json.dumps(jobs),)) is not None:
            try:
                await self.writer.run(number_those_of_phones, self.replica)
            except StoreError as error:
                LOGGER.warning("a phone's job was not numbered; the next time: %s", error)

    async def _end_revoked(self) -> None:
        """Whose key was revoked leaves at once; at the next hello it is told why in words."""
        for row in await self.reader.rows("SELECT author FROM revoked"):
            if self.peers.end(row["author"]):
                LOGGER.warning("a session ends: its phone's certificate was revoked")

    async def _upkeep(self) -> None:
        """Forget ended browser sessions, renew the browsers' certificate, lay the mark anew."""
        while True:
            self.sessions.forget_ended()
            if self.browser_authority is not None:
                try:
                    if self.browser_authority.renew_if_due():
                        LOGGER.info("the certificate for browsers was renewed")
                except (AuthorityError, OSError) as error:
                    LOGGER.warning("the certificate for browsers was not renewed: %s", error)
            await asyncio.sleep(UPKEEP_S)
            run = self.writer.run
            await look_after(
                # A hub runs for months: a copy of its store that is put back is hours old at most
                # before it is noticed for what it is.
                partial(run, settle, self.replica.store, self.replica.entropy),
                partial(run, join_set_aside, self.replica),
                partial(run, number_those_of_phones, self.replica),
                partial(run, forget_erased, self.replica),
                partial(run, apply_retention, self.replica),
                partial(run, self.ballast.lay),
                partial(check_for_an_hour, self.writer, self.self_check),
            )

    async def _keep_recurring(self) -> None:
        """Make the jobs of recurrences that are due: now and again, and when one was changed here.

        Not as soon as another hub's change comes in: that hub makes them itself.
        """
        pause_s = RECURRING_FIRST_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._recurring.wait()
            pause_s = UPKEEP_S
            self._recurring.clear()
            await look_after(self.make_recurring)

    async def make_recurring(self) -> int:
        """Make the jobs of recurrences that are due; how many were.

        Raises:
            StoreError: the disk refused; what was made stays, and the next time makes the others.
        """
        pending, count, is_done = days_due(self.replica), 0, False
        while not is_done:
            # Some at a time, so that people and phones have their turns at the writer.
            made, is_done = await self.writer.run(make_some, self.replica, pending)
            count += made
        await self.writer.run(follow_skips, self.replica)
        return count

    async def _keep_witness(self) -> None:
        """Sign, now and again, which heads are held, for whoever must prove it one day."""
        while True:
            await asyncio.sleep(WITNESS_S)
            await self._witness()

    async def _witness(self) -> None:
        try:
            await self.writer.run(witness_changes, self.replica)
        except StoreError as error:
            LOGGER.warning("what the hub holds was not witnessed; the next time does it: %s", error)

    # --- the office's acts

    async def act(
        self,
        account: Actor,
        changes: Sequence[Change],
        basis: Mapping[bytes, str] | None = None,
    ) -> Written:
        """Commit one act for a signed-in account.

        Raises:
            ActError: the account's role does not permit it, or the act makes no sense.
            StoreError: the disk refused; nothing was written.
        """
        check_may_write(account)
        if account.role != "admin" and any(c.path[0] in _ADMIN_CODES for c in changes):
            own = all(
                change.path == (fields.ACCOUNT_PASSWORD, bytes.fromhex(account.account))
                for change in changes
            )
            if not own:
                raise ActError(say("only an administrator may change that"))
        written = await self.writer.act(
            self._write, list(changes), bytes.fromhex(account.account), basis
        )
        for change in changes:
            if change.stream == OFFICE_STREAM and change.path[0] in _RIGHTS_CODES:
                self.sessions.end_all(change.path[1].hex())
        if any(change.stream[4] == Kind.RECURRENCE for change in changes):
            self._recurring.set()
        return written

    async def leave_out(
        self,
        account: Actor,
        recurrence: bytes,
        day: date,
        basis: Mapping[bytes, str] | None = None,
        *,
        left_out: bool = True,
    ) -> None:
        """Leave a day of a recurrence out, with its job, or take it up again.

        Raises:
            ActError: the account's role does not permit it, or the day can't be left out.
            StoreError: the disk refused; nothing was written.
        """
        check_may_write(account)
        actor, work = bytes.fromhex(account.account), skip if left_out else take_up
        await self.writer.act(lambda: work(self.replica, recurrence, day, actor=actor, basis=basis))
        self._recurring.set()

    async def bring_in_line(self, account: Actor, recurrence: bytes) -> tuple[int, int]:
        """Let made jobs of a recurrence follow what it says now; how many changed, and cancelled.

        Raises:
            ActError: the account's role does not permit it, or it makes no jobs.
            StoreError: the disk refused; nothing was written.
        """
        check_may_write(account)
        actor = bytes.fromhex(account.account)
        return await self.writer.act(lambda: bring_in_line(self.replica, recurrence, actor=actor))

    def _write(self, changes: Act, actor: bytes, basis: Mapping[bytes, str] | None) -> Written:
        with self.replica.store.transaction():
            told = named(self.replica, numbered(self.replica, changes), actor)
            return self.replica.write(told, actor=actor, basis=basis)

    async def erase(self, account: Actor, streams: Sequence[bytes]) -> None:
        """Erase streams everywhere and for good.

        Raises:
            ActError: the account is no administrator's, or somebody still works with one of them.
            StoreError: the disk refused; nothing was changed.
        """
        if account.role != "admin":
            raise ActError(say("only an administrator may erase"))
        actor = bytes.fromhex(account.account)
        await self.writer.run(lambda: erase_streams(self.replica, streams, actor=actor))

    async def revoke(self, account: Actor, author: bytes) -> None:
        """Shut a phone's key out: what the hub holds of it goes on counting, later work does not.

        Raises:
            ActError: the account's role does not permit it.
        """
        check_may_write(account)
        await self.writer.run(self._revoke, author, bytes.fromhex(account.account))
        self.peers.end(author)

    def _revoke(self, author: bytes, actor: bytes) -> None:
        shut_out(self.replica, author, actor=actor)

    async def admit(self, account: Actor, stream: bytes, author: bytes) -> int:
        """Let count what a key wrote in a stream after it was shut out; how many entries that were.

        Raises:
            ActError: the account's role does not permit it.
            StoreError: the disk refused; nothing was written.
        """
        check_may_write(account)
        actor = bytes.fromhex(account.account)
        return await self.writer.run(lambda: admit(self.replica, stream, author, actor=actor))

    # --- sync

    def _hooks_for(self, address: str) -> Hooks:
        async def seen(peer: Certificate, presence: dict[int, Any]) -> None:
            self.keep_presence(peer, presence)

        async def live() -> None:
            self.feed.publish("sync", ())

        return Hooks(seen=seen, live=live)

    def keep_presence(self, peer: Certificate, message: dict[int, Any]) -> None:
        """Keep where a worker's phone says it is; an older one than is known changes nothing."""
        if peer.role != Role.WORKER:
            return
        presence = read_presence(message, self.clock.now_ms(), peer.author.hex())
        worker = peer.subject.hex()
        if presence is not None:
            presence = newest(self.presence.get(worker), presence)
        if presence is None:
            return
        self.presence[worker] = presence
        self.feed.moved(worker)


def check_may_write(account: Actor) -> None:
    """Raise ActError for an account that reads only."""
    if account.role not in ("admin", "dispatcher"):
        raise ActError(say("your account reads only; ask an administrator for more rights"))


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
