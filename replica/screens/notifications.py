"""What a worker is told of while no page is looked at: new and changed jobs, and what is asked.

Watches what the screens would show as news and hands it to the phone's notifications. Holds no way
to show any (`replica.notifying`). Invariant: the same news is told once, and what is told goes as
soon as it is news no more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from core.sentence import listed, say
from replica.notifying import Notification, Notifier
from replica.screens import live
from replica.screens.changed_by import CHANGED_BY
from replica.screens.here import NOTIFIER, SCREENS, Here
from replica.screens.joblist import GIVEN_AWAY, NEW, load_cards, news

LOGGER = logging.getLogger(__name__)

# Jobs of one sync come one commit after another.
GATHER_S = 1.0

_STATES = """
SELECT turn.job, turn.phase, job.frontier FROM assignment AS turn
JOIN job ON job.job = turn.job WHERE turn.worker = ? ORDER BY turn.job, turn.turn
"""


def tell_in(app: web.Application, notifier: Notifier, address: str) -> None:
    """Let `app` tell of news by `notifier`; `address` is where its screens are, without a path."""

    async def telling(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.get_running_loop().create_task(_Telling(app, notifier, address).run())
        yield
        task.cancel()
        await asyncio.wait([task])

    app[NOTIFIER] = notifier
    app.cleanup_ctx.append(telling)


class _Telling:
    """What was told, by its mark."""

    def __init__(self, app: web.Application, notifier: Notifier, address: str) -> None:
        self._app = app
        self._notifier = notifier
        self._address = address
        self._told: dict[str, str] = {}
        self._states: list[tuple[str, ...]] | None = None
        self._news: dict[str, Notification] = {}

    async def run(self) -> None:
        """Tell until cancelled. What is news when the program starts was told before it ended."""
        await self._try_to_look(silent=True)
        async for _ in self._app[SCREENS].device.subscribe(places=False):
            # First: whoever tapped just now waits for a page.
            await asyncio.sleep(GATHER_S)
            await self._try_to_look(silent=False)

    async def _try_to_look(self, *, silent: bool) -> None:
        try:
            await self._look(silent=silent)
        except Exception:
            # A store that closes for a new key, or fails, must not end this for good.
            LOGGER.exception("news was not told")

    async def _look(self, *, silent: bool) -> None:
        screens = self._app[SCREENS]
        if not screens.device.worker:
            return
        here = await screens.here()
        now = {**await self._jobs(here), **self._asked(here)} if here.jobs_shown else {}
        for mark in [mark for mark in self._told if mark not in now]:
            del self._told[mark]
            await self._notifier.remove(mark)
        silent = silent or bool(self._app[live.OPEN].visible)
        for mark, notification in now.items():
            if self._told.get(mark) == notification.text:
                continue
            self._told[mark] = notification.text
            if not silent:
                await self._notifier.show(notification)

    async def _jobs(self, here: Here) -> dict[str, Notification]:
        screens = self._app[SCREENS]
        rows = await screens.device.reader.rows(_STATES, (here.worker,))
        states = [tuple(row) for row in rows]
        if states != self._states or self._news:
            self._states = states
            self._news = {}
            for card in (await load_cards(screens.device.reader, here.worker)).values():
                by = await self._app[CHANGED_BY].by(screens, here.worker, card)
                words = news(card, screens.marks, here.zone, here.now_ms, by)
                if not words or card.phase in GIVEN_AWAY:
                    continue
                mark = f"job-{card.job}"
                text = listed((words, card.title), ": ") if words != NEW else card.title
                window = here.window(card.window_start, card.window_end)
                about = listed([each for each in (window, card.place_words) if each], " · ")
                said = screens.language.said
                self._news[mark] = Notification(
                    mark,
                    said(say("New job") if words == NEW else say("Job changed")),
                    said(listed((text, about))),
                    f"{self._address}/jobs/{card.job}",
                )
        return self._news

    def _asked(self, here: Here) -> dict[str, Notification]:
        said = self._app[SCREENS].language.said
        return {
            f"asked-{each.notice.notice}": Notification(
                f"asked-{each.notice.notice}",
                said(say("Auto logging")),
                said(each.words),
                f"{self._address}/jobs" + (f"/{each.notice.job}" if each.notice.job else ""),
            )
            for each in here.notices
        }
