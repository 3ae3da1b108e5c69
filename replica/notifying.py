"""Notifications of the phone itself, by Termux's own program.

A port and its one real side: `termux-notification` of the package termux-api, which the app
Termux:API carries out. Holds no words and decides nothing. Invariant: a notification that can't be
shown holds up nobody and is no error, since what it says stands on the screens too.

Source: the manual pages of termux-notification and termux-notification-remove.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import shutil
from dataclasses import dataclass
from typing import Final, Protocol

LOGGER = logging.getLogger(__name__)

SHOW: Final = "termux-notification"
REMOVE: Final = "termux-notification-remove"
OPEN: Final = "termux-open-url"
GIVEN_S: Final = 10.0
"""The program waits for the app; where that is missing it waits for ever."""
LETTERS_MAX: Final = 200
_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:[0-9]+/[0-9a-z/-]*\Z")


@dataclass(frozen=True, slots=True)
class Notification:
    """What is shown; one of the same `mark` takes the place of the one before.

    `address` is the page of ours that a tap opens.
    """

    mark: str
    title: str
    text: str
    address: str


class Notifier(Protocol):
    """Shows notifications outside of the screens."""

    @property
    def works(self) -> bool:
        """Whether there is a way to show any."""

    async def show(self, notification: Notification) -> None:
        """Show one."""

    async def remove(self, mark: str) -> None:
        """Take one away; one that is not shown is no error."""


class TermuxNotifier:
    """Notifications by Termux:API."""

    @property
    def works(self) -> bool:
        """Whether the program is installed; looked for anew, as it may be while we run."""
        return shutil.which(SHOW) is not None

    async def show(self, notification: Notification) -> None:
        """Show one; a tap on it opens its page."""
        # The action is handed to a shell, so nothing but an address of ours may stand in it.
        if _ADDRESS.match(notification.address) is None:
            raise ValueError(f"{notification.address!r} is no address of this phone's screens")
        await _run(
            SHOW, "--id", notification.mark, "--title", notification.title[:LETTERS_MAX],
            "--content", notification.text[:LETTERS_MAX], "--group", "fieldlog",
            "--priority", "high", "--sound", "--action", f"{OPEN} {notification.address}",
        )  # fmt: skip

    async def remove(self, mark: str) -> None:
        """Take one away."""
        await _run(REMOVE, mark)


async def _run(program: str, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        return
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            path, *arguments, stdin=quiet, stdout=quiet, stderr=quiet
        )
    except OSError as error:
        LOGGER.warning("%s can't be run: %s", program, error)
        return
    try:
        async with asyncio.timeout(GIVEN_S):
            if await process.wait():
                LOGGER.warning("%s ended with %d", program, process.returncode)
    except TimeoutError:
        LOGGER.warning("%s did not answer; is the app Termux:API installed?", program)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
