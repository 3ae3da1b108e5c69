"""Whether a hub answers: a slow one ends no run, one that is gone does."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from simulator.live.watching import HubGone, HubWatch


class Hub:
    """Answers, refuses or keeps silent, as it is told."""

    def __init__(self) -> None:
        self.does = "answers"

    async def ask(self) -> dict[str, Any] | None:
        if self.does == "refuses":
            raise ConnectionRefusedError
        if self.does == "breaks off":
            raise aiohttp.ServerDisconnectedError
        if self.does == "keeps silent":
            raise TimeoutError
        return {"calls": 1}


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> HubWatch:
    hub = Hub()
    made = HubWatch(hub.ask, lambda _: None, lambda: "at work", lambda _: None)
    made.hub = hub  # type: ignore[attr-defined]
    monkeypatch.setattr("simulator.live.watching.LOOK_EVERY_S", 0.0)
    return made


async def looks(watch: HubWatch, does: str, from_s: float, until_s: float) -> bool:
    """Whether it goes on after so many seconds in which the hub does one thing."""
    watch.hub.does = does  # type: ignore[attr-defined]
    for now_s in range(int(from_s), int(until_s)):
        watch._began_s = asyncio.get_running_loop().time() - now_s
        await watch.look()
        if watch.is_gone:
            return False
    return True


async def test_nothing_that_listens_for_half_a_minute_is_gone(watch: HubWatch) -> None:
    assert await looks(watch, "answers", 0, 5)
    assert await looks(watch, "refuses", 5, 34)
    assert not await looks(watch, "refuses", 34, 40)
    with pytest.raises(HubGone):
        await watch.run()


async def test_a_slow_hub_that_breaks_off_once_is_not_gone(watch: HubWatch) -> None:
    assert await looks(watch, "keeps silent", 0, 60)
    assert await looks(watch, "breaks off", 60, 61)
    assert await looks(watch, "answers", 61, 62)
    (outage,) = watch.outages
    assert outage.until_s is not None


async def test_one_that_says_nothing_for_two_minutes_is_gone(watch: HubWatch) -> None:
    assert await looks(watch, "keeps silent", 0, 119)
    assert not await looks(watch, "keeps silent", 119, 125)
    assert not watch.is_refused


async def test_each_time_without_an_answer_is_one_outage(watch: HubWatch) -> None:
    for begin_s in (0, 20):
        assert await looks(watch, "refuses", begin_s, begin_s + 5)
        assert await looks(watch, "answers", begin_s + 5, begin_s + 10)
    assert [round(each.until_s or 0) for each in watch.outages] == [5, 25]
    assert not watch.is_away
