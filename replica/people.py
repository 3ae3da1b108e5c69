"""Who uses this phone: letting another worker in, and logging out, with nothing lost by either.

A person who is not in keeps their folder, and what they owe goes to the hub by itself (`behind`).
Logging out takes the folder away, so it is refused in words while anything waits; or it is done
once nothing waits any more. Holds no screens. Invariant: nothing that no hub has confirmed is ever
deleted here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.sentence import say
from replica.behind import Behind
from replica.identity import IdentityError
from replica.opening import open_phone
from replica.owed import NOTHING_OWED, Owed, owed
from replica.shared_phone import (
    FOLDERS_MAX,
    empty,
    empty_folder,
    is_leaving,
    set_leaving,
    worker_folders,
    worker_of,
)
from replica.store import STORE_FILE, read_only

if TYPE_CHECKING:
    from replica.device import Device

LOGGER = logging.getLogger(__name__)


class LogOutRefused(Exception):
    """Nobody was logged out, or let in; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Person:
    """A worker whose work lies on this phone.

    `person` names their folder here, `worker` is their id in hex, `name` as the office has it.
    `is_in`: their screens are shown. `is_leaving`: they logged out, and their folder goes once
    nothing waits. `owed` says what waits; `needs` why it does not go, '' where nothing stands in
    its way.
    """

    person: str
    worker: str
    name: str
    is_in: bool
    is_leaving: bool
    owed: Owed
    needs: str


class People:
    """The people of one phone."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._behind: dict[Path, tuple[Behind, asyncio.Task[None]]] = {}

    # --- what the device calls

    def begin(self) -> None:
        """Send what those owe who are not in."""
        phone, loop = self._device.phone_folder, asyncio.get_running_loop()
        for folder in worker_folders(phone):
            if folder != self._device.folder and folder not in self._behind:
                behind = self._device.make_behind(folder)
                self._behind[folder] = behind, loop.create_task(self._look_after(behind))

    async def end(self) -> None:
        """End what runs for them; it goes on at the next start."""
        tasks = [task for _, task in self._behind.values()]
        self._behind.clear()
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                LOGGER.error("a worker who is not in had stopped by a fault", exc_info=ended)

    async def _look_after(self, behind: Behind) -> None:
        if await behind.run() and is_leaving(behind.folder):
            empty(self._device.phone_folder, behind.folder)
            LOGGER.info("a worker who had logged out owes nothing more; the folder is gone")
        self._device.announce()

    def sync_now(self) -> None:
        """Try to reach the hub for all of them now."""
        for behind, _ in self._behind.values():
            behind.sync_now()

    # --- what the screens call

    async def all(self) -> tuple[Person, ...]:
        """All whose work lies here, the first who joined first."""
        device = self._device
        found = []
        for folder in worker_folders(device.phone_folder):
            is_in = folder == device.folder
            behind = self._behind.get(folder)
            waits, needs = NOTHING_OWED, ""
            if is_in and device.worker:
                waits = await device.writer.run(owed, device.writer.replica)
            elif behind is not None:
                waits, needs = behind[0].owed, behind[0].refusal
            worker = _worker(folder)
            name = _name(folder, worker)
            found.append(
                Person(
                    _called(device.phone_folder, folder),
                    worker,
                    name,
                    is_in,
                    is_leaving(folder),
                    waits,
                    needs,
                )
            )
        return tuple(found)

    async def let_in(self, person: str) -> None:
        """Show another worker's screens; what the one who was in owes goes on by itself.

        Raises:
            LogOutRefused: nobody of that name is here.
        """
        device = self._device
        folders = {_called(device.phone_folder, each): each for each in self._folders()}
        if person not in folders:
            raise LogOutRefused(say("this person's work is not on this phone any more"))
        set_leaving(folders[person], False)
        await device.go_to(folders[person])

    async def let_somebody_new_in(self) -> None:
        """Show the page to join with, for a worker who has not joined here; all others stay.

        Raises:
            LogOutRefused: there are too many.
        """
        if len(self._folders()) >= FOLDERS_MAX:
            raise LogOutRefused(say("so many people share this phone that no more can join it"))
        await self._device.go_to(empty_folder(self._device.phone_folder, self._device.entropy))

    async def log_out(self, *, once_sent: bool = False) -> None:
        """Take the work of whoever is in off this phone, and show the page to join with.

        With `once_sent` what waits is sent first, by itself, and then the folder goes.

        Raises:
            LogOutRefused: something waits that no hub has confirmed, or a log runs; nothing was
                changed. The sentence says how much, and what can be done.
        """
        device = self._device
        if not device.worker:
            raise LogOutRefused(say("nobody is logged in on this phone"))
        folder = device.folder
        await self._see_that_nothing_runs()
        waits = await device.writer.run(owed, device.writer.replica)
        if waits and not once_sent:
            raise LogOutRefused(_waiting(waits))
        await device.close_folder()
        # Between the question and the end of all that writes something may have come.
        waits = self._owed_at_rest(folder)
        if waits and not once_sent:
            await device.go_to(folder)
            raise LogOutRefused(_waiting(waits))
        if waits:
            set_leaving(folder, True)
        else:
            empty(device.phone_folder, folder)
        await device.go_to(empty_folder(device.phone_folder, device.entropy))

    async def _see_that_nothing_runs(self) -> None:
        reader, worker = self._device.reader, self._device.worker
        running = await reader.row(
            "SELECT 1 FROM duty WHERE worker = ? AND stop_at IS NULL UNION ALL "
            "SELECT 1 FROM time_log WHERE worker = ? AND stop_at IS NULL AND superseded = 0",
            (worker, worker),
        )
        if running is not None:
            raise LogOutRefused(
                say("your duty or a time log is still running; end it first, then log out")
            )

    def _owed_at_rest(self, folder: Path) -> Owed:
        device = self._device
        replica = open_phone(folder, device.clock, device.entropy)
        if replica is None:
            # It can't be asked, so it is not taken away.
            raise LogOutRefused(say("this phone has to join again before anybody can log out"))
        try:
            return owed(replica)
        finally:
            replica.close()

    def _folders(self) -> list[Path]:
        return worker_folders(self._device.phone_folder)


def _waiting(waits: Owed) -> str:
    return say(
        "{what} on this phone have not reached the hub yet. Send them first, save them to a file "
        "for the hub, or log out once they are sent: until then nobody else sees them here",
        what=waits.words,
    )


def _called(phone: Path, folder: Path) -> str:
    """What a folder is named by: '' is the phone's own."""
    return "first" if folder == phone else folder.name


def _worker(folder: Path) -> str:
    try:
        return worker_of(folder).hex()
    except IdentityError as error:
        LOGGER.warning("whose a folder is can't be read: %s", error)
        return ""


def _name(folder: Path, worker: str) -> str:
    """The worker's name as the folder's store has it, '' where it can't be read.

    A copied folder has lost its certificate; its store knows of one worker all the same.
    """
    asked = "SELECT name FROM worker WHERE worker = ? OR ? = '' LIMIT 1"
    try:
        with contextlib.closing(read_only(folder / STORE_FILE)) as db:
            row = db.execute(asked, (worker, worker)).fetchone()
    except sqlite3.Error:
        return ""
    return "" if row is None else str(row[0])
