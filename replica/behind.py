"""The work of whoever is not in: it goes to the hub all the same, until nothing waits.

Beside the worker whose screens are shown, a shared phone keeps in session for each of the others
whose folder owes the hub anything. No screen, no auto logger and no fix ever belongs to them.
Invariant: the folder of one who has logged out is given up only once a hub has confirmed all of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from replica.clock import Clock
from replica.dialling import Dialler, hub_dialler, hubs_in_turn
from replica.identity import IdentityError
from replica.joining import load_hub_address
from replica.occupied import FolderInUse
from replica.opening import JOIN_AGAIN, open_phone
from replica.owed import NOTHING_OWED, Owed, owed
from replica.store import StoreError
from replica.syncing import Syncer
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)


class Behind:
    """One folder's way to its hub.

    Args:
        folder: of a worker who is not in.
        locked: holds the folder while it is at work.
        over: wraps how the hub is dialled.
        changed: is called when what is owed may have changed.
    """

    def __init__(
        self,
        folder: Path,
        locked: AbstractContextManager[None],
        clock: Clock,
        entropy: Callable[[int], bytes],
        executor: Executor | None,
        over: Callable[[Dialler], Dialler],
        changed: Callable[[], None],
    ) -> None:
        self.folder = folder
        self.owed: Owed = NOTHING_OWED
        self.refusal = ""
        self._locked = locked
        self._clock = clock
        self._entropy = entropy
        self._executor = executor
        self._over = over
        self._changed = changed
        self._look = asyncio.Event()
        self._syncer: Syncer | None = None

    async def run(self) -> bool:
        """Keep in session until nothing is owed; whether that came to be proven."""
        try:
            with self._locked:
                return await self._send()
        except (FolderInUse, IdentityError, StoreError, OSError) as error:
            # The folder is as it was; whoever comes in is told by the phone's own start.
            self.refusal = str(error)
            LOGGER.warning("what a worker who is not in owes can't be sent: %s", error)
            self._changed()
            return False

    async def _send(self) -> bool:
        replica = open_phone(self.folder, self._clock, self._entropy)
        if replica is None:
            # It was copied or restored: whoever it belongs to has to come in and join again.
            self.refusal = JOIN_AGAIN
            return False
        writer = Writer(replica, self._executor)
        try:
            self.owed = await writer.run(owed, replica)
            hub = load_hub_address(self.folder)
            if not self.owed or hub is None:
                return not self.owed
            dial = self._over(hub_dialler(partial(hubs_in_turn, writer, hub)))
            self._syncer = Syncer(writer, dial, self._look.set)
            async with asyncio.TaskGroup() as group:
                at_work = [
                    group.create_task(self._syncer.run()),
                    group.create_task(self._hear(writer)),
                ]
                while self.owed:
                    await self._look.wait()
                    self._look.clear()
                    self.owed = await writer.run(owed, replica)
                    self.refusal = self._syncer.figures.refusal
                    self._changed()
                for task in at_work:
                    task.cancel()
            return True
        finally:
            self._syncer = None
            await writer.run(replica.close)

    async def _hear(self, writer: Writer) -> None:
        """An ack is a change too."""
        async for _ in writer.subscribe():
            self._look.set()

    def sync_now(self) -> None:
        """Try to reach the hub now rather than at the next turn."""
        if self._syncer is not None:
            self._syncer.sync_now()
