"""The hub: a replica that also listens.

Opens the parts of a hub in the right order and closes them; carries the office's acts to the
writer; knows which phones are in session and where they are. Pages are made elsewhere. Holds no HTTP.
Invariant: what `act` returns from was committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from core.dispatch import fields
from core.dispatch.acts import Act, ActError, Change, number_job
from core.dispatch.fields import Kind, Role
from core.log.certificate import Certificate
from core.log.errors import LogError
from hub.browser_authority import BrowserAuthority
from hub.browser_sessions import BrowserSessions
from hub.enrolment import Enrolments
from hub.founding import open_hub_replica
from hub.live import LiveFeed
from hub.presence import Presence, read_presence
from replica.clock import Clock
from replica.driver import Conversation, Hooks, converse
from replica.link import Link, LinkClosed
from replica.reader import Reader
from replica.replica import Replica, Written
from replica.transport_security import TransportIdentity, open_transport_identity
from replica.writer import Writer

if TYPE_CHECKING:
    from hub.map.region import Region

LOGGER = logging.getLogger(__name__)


class Actor(Protocol):
    """Who acts from a page: see `hub.keys.Account`."""

    @property
    def account(self) -> str:
        """The account's id in hex."""

    @property
    def role(self) -> str:
        """admin, dispatcher or manager."""


# Codes that only an administrator's page writes.
_ADMIN_CODES = frozenset(
    {
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
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        entropy: Callable[[int], bytes],
        executor: Executor | None,
        addresses: tuple[str, ...] = ("127.0.0.1:8443",),
        letter: str = "A",
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.addresses = addresses
        self.transport: TransportIdentity = open_transport_identity(_made(folder))
        self.replica: Replica = open_hub_replica(
            folder, clock, entropy, tls_fingerprint=self.transport.fingerprint, letter=letter
        )
        self.writer = Writer(self.replica, executor)
        self.reader = Reader(folder / "store.sqlite")
        self.sessions = BrowserSessions(folder / "browsers.sqlite", clock.now_ms, entropy)
        self.feed = LiveFeed()
        self.presence: dict[str, Presence] = {}
        self.conversations: dict[bytes, Conversation] = {}
        self.enrolments = Enrolments(
            self.replica, self.transport.fingerprint, lambda: self.addresses
        )
        self.region: Region | None = None
        self.browser_authority: BrowserAuthority | None = None
        self._announcing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Hub:
        await self.reader.__aenter__()
        self._announcing = asyncio.get_running_loop().create_task(self._announce())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for conversation in list(self.conversations.values()):
            await conversation.link.close()
        if self._announcing is not None:
            self._announcing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._announcing
        await self.reader.__aexit__(kind, error, trace)
        await self.writer.run(self.replica.close)
        self.sessions.close()

    async def _announce(self) -> None:
        subscription = self.writer.subscribe()
        try:
            async for streams in subscription:
                self.feed.publish("streams", (stream.hex() for stream in streams))
        finally:
            self.writer.unsubscribe(subscription)

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
        if account.role not in ("admin", "dispatcher"):
            raise ActError("your account reads only; ask an administrator for more rights")
        if account.role != "admin" and any(c.path[0] in _ADMIN_CODES for c in changes):
            own = all(
                change.path == (fields.ACCOUNT_PASSWORD, bytes.fromhex(account.account))
                for change in changes
            )
            if not own:
                raise ActError("only an administrator may change that")
        return await self.writer.run(
            self._write, list(changes), bytes.fromhex(account.account), basis
        )

    def _write(self, changes: Act, actor: bytes, basis: Mapping[bytes, str] | None) -> Written:
        with self.replica.store.transaction():
            return self.replica.write(self._number_new_jobs(changes), actor=actor, basis=basis)

    def _number_new_jobs(self, changes: Act) -> Act:
        """Give each new job the hub's letter and its own count."""
        numbered = list(changes)
        for change in changes:
            if change.path == (fields.CREATED,) and change.stream[4] == Kind.JOB:
                count = self.replica.store.get("jobs numbered", 0) + 1
                self.replica.store.put("jobs numbered", count)
                letter = self.replica.subject.decode("ascii", "replace")
                numbered += number_job(change.stream, f"{letter}-{count}")
        return numbered

    # --- sync

    async def serve(self, link: Link, channel: bytes = b"") -> None:
        """Hold a session with a phone or another hub that connected.

        A refusal is logged in words; the peer was told it too.
        """
        mine: list[Conversation] = []

        async def met(peer: Certificate) -> None:
            before = self.conversations.get(peer.author)
            self.conversations[peer.author] = mine[0]
            if before is not None and before is not mine[0]:
                # A phone that lost its connection comes back before the hub has noticed.
                await before.link.close()

        async def seen(peer: Certificate, presence: dict[int, Any]) -> None:
            self.keep_presence(peer, presence)

        async def live() -> None:
            self.feed.publish("sync", ())

        hooks = Hooks(met=met, seen=seen, live=live)
        try:
            await converse(
                self.writer, link, opens=False, channel=channel, hooks=hooks, started=mine.append
            )
        except LinkClosed:
            pass
        except LogError as error:
            LOGGER.warning("a session was refused: %s: %s", error.name, error)
        finally:
            for author, conversation in list(self.conversations.items()):
                if mine and conversation is mine[0]:
                    del self.conversations[author]
                    self.feed.publish("sync", ())

    def keep_presence(self, peer: Certificate, message: dict[int, Any]) -> None:
        """Keep where a worker's phone says it is; an older one than is known changes nothing."""
        if peer.role != Role.WORKER:
            return
        presence = read_presence(message, self.clock.now_ms())
        worker = peer.subject.hex()
        known = self.presence.get(worker)
        if presence is None or (known is not None and known.at_ms > presence.at_ms):
            return
        self.presence[worker] = presence
        self.feed.publish("presence", (worker,))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
