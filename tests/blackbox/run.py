"""A month away: a real phone that is killed, full and wrong about the time, and then its hub.

The hub runs when the phone joins, and again when it is back; between them there is none. What a
disk that is full does needs a small file system: `make_room` of `tests.blackbox.disk` gives one
where the machine allows it. Invariant: a step is done again until the phone has answered it, at the
same moment, so that what was asked and what is true are one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from random import Random

from core.dispatch import acts
from core.dispatch.fields import Kind
from replica.screens.local_time import day_of
from tests.blackbox.month import DAY_MS, HOUR_MS, MINUTE_MS, Size, Step, month
from tests.blackbox.process import Phone, Told
from tests.blackbox.truth import Truth, wrong_at
from tests.build import START_MS, YEAR_MS, SettableClock
from tests.running import HubAtWork, running_hub

# How long a command may take before the kill meets it: some are not begun yet, some long done.
KILL_S_MAX = 0.02
CONTACT_S_MAX = 1_500.0
# Steps that the hand does while the disk is full, where the run is not shorter.
FULL_STEPS_MAX = 60


@dataclass
class World:
    """The true time, and what the phone's clock makes of it."""

    true_ms: int = START_MS
    off_ms: int = 0
    boot: int = 1
    booted_ms: int = START_MS - HOUR_MS

    def phone(self) -> tuple[int, int, int]:
        """What the phone's clock says: wall, uptime, boot."""
        return self.true_ms + self.off_ms, self.true_ms - self.booted_ms, self.boot

    def reboot(self) -> None:
        """The phone starts anew."""
        self.boot, self.booted_ms = self.boot + 1, self.true_ms - MINUTE_MS


@dataclass
class Outcome:
    """What went wrong, in sentences, and what the run came to."""

    wrong: list[str] = field(default_factory=list)
    figures: list[tuple[str, float, str]] = field(default_factory=list)

    def figure(self, name: str, value: float, unit: str) -> None:
        """Keep a number."""
        self.figures.append((f"blackbox_{name}", value, unit))


class Month:
    """One run.

    Args:
        folder: of the hub and of what the phone says.
        phone_folder: on a disk that `fill` fills and `free` frees again, if it can be.
    """

    def __init__(
        self,
        size: Size,
        seed: int,
        folder: Path,
        phone_folder: Path,
        fill: Callable[[], None] | None = None,
        free: Callable[[], None] | None = None,
    ) -> None:
        self.size = size
        self.world = World()
        self.truth = Truth()
        self.outcome = Outcome()
        self.phone = Phone(phone_folder, folder / "phone.log", self.world.phone)
        self.hub_clock = SettableClock()
        self._folder = folder
        self._chance = Random(seed)
        self._fill, self._free = fill, free
        self._steps = month(size, self._chance)
        self._full_steps = min(FULL_STEPS_MAX, len(self._steps) // (2 * size.full_disks + 2))
        self._jobs: list[bytes] = []
        self._worker = b""
        self._port = 0
        self._refused: list[Step] = []
        self._refusals = self._taps_when_full = self._episodes = self._kills = 0
        self._answer_s: list[float] = []
        self._duty_day = ""

    async def run(self) -> Outcome:
        """Do all of it."""
        try:
            async with running_hub(self._folder / "hub", self.hub_clock) as hub:
                await self._join(hub)
            await self._away()
            async with running_hub(self._folder / "hub", self.hub_clock, port=self._port) as hub:
                await self._contact(hub)
                self.outcome.wrong += await hub.hub.writer.run(
                    wrong_at, hub.hub.writer.replica, self.truth, self._jobs, self._worker
                )
            self._tell()
        finally:
            await self.phone.kill()
        return self.outcome

    # --- the beginning

    async def _join(self, hub: HubAtWork) -> None:
        self._port = hub.port
        self._worker = await hub.worker("Aino")
        await hub.act(acts.set_setting("job_dispatch", True))
        await hub.act(acts.set_setting("time_zone", "UTC"))
        for number in range(self.size.jobs):
            job = acts.new_stream_id(Kind.JOB, START_MS, hub.entropy(7))
            values = {"title": f"Job {number}"}
            act = acts.create_job(job, values) + acts.assign(job, self._worker, hub.entropy(8))
            await hub.act(act)
            self._jobs.append(job)
        await self.phone.start()
        await self.phone.ask("enrol", link=(await hub.offer(self._worker)).link)
        await self._until(lambda told: told["live"] and told["jobs"] == self.size.jobs)

    async def _until(self, is_so: Callable[[Told], bool], seconds: float = CONTACT_S_MAX) -> Told:
        told: Told = {}
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            told = await self.phone.ask("state")
            if is_so(told):
                return told
            await asyncio.sleep(0.1)
        raise AssertionError(f"it never came to what was waited for: {told}")

    # --- away

    async def _away(self) -> None:
        kills = set(
            self._chance.sample(range(len(self._steps)), self.size.kills - self._contact_kills)
        )
        full = self._full_episodes()
        wrong_clock = self._wrong_clock()
        day = -1
        for at, step in enumerate(self._steps):
            if step.day != day:
                day = step.day
                self.world.true_ms = START_MS + day * DAY_MS
                if day and self._chance.random() < 0.2:
                    await self.phone.kill()
                    self.world.reboot()
                    await self.phone.start()
            self.world.true_ms += step.after_ms
            self.world.off_ms = wrong_clock.get(at, self.world.off_ms)
            if at in full and self._fill is not None:
                self._fill()
                self._episodes += 1
                # Whoever is killed on a full disk has to start on it again.
                kills.add(at + self._full_steps // 2)
            in_episode = any(first <= at < first + self._full_steps for first in full)
            is_full = in_episode and self._fill is not None
            await self._do(step, kill=at in kills, is_full=is_full)
            if at + 1 - self._full_steps in full and self._free is not None:
                self._free()
                await self.phone.ask("state")
                waiting, self._refused = self._refused, []
                for photo in waiting:
                    await self._do(photo, kill=False, is_full=False)

    @property
    def _contact_kills(self) -> int:
        return self.size.kills_at_contact

    def _full_episodes(self) -> set[int]:
        """Where the disk runs full: in the middle of days that lie apart."""
        count = self.size.full_disks
        return {len(self._steps) * (2 * each + 1) // (2 * count + 1) for each in range(count)}

    def _wrong_clock(self) -> dict[int, int]:
        """From which step on the phone's clock stands how far off: 2036 in a visit, and back.

        Later a battery that lay empty brings 1970.
        """
        on_site = [
            at
            for at, step in enumerate(self._steps)
            if step.do == "tap" and step.words["to"] == "on site"
        ]
        at = len(on_site) // 3, len(on_site) // 2, len(on_site) * 3 // 4, len(on_site) * 4 // 5
        ahead, back, behind, right = (on_site[each] + 1 for each in at)
        return {ahead: 10 * YEAR_MS, back: 0, behind: -START_MS + 5 * HOUR_MS, right: 0}

    async def _do(self, step: Step, *, kill: bool, is_full: bool) -> None:
        """Do a step until the phone has answered it; note it as true then."""
        words = dict(step.words)
        job = words.get("job")
        if isinstance(job, int):
            words["job"] = self._jobs[job].hex()
        if words.pop("off", False):
            words["day"] = self._duty_day
        if kill:
            self._kills += 1
            await self.phone.killed_at(self._chance.uniform(0, KILL_S_MAX), step.do, **words)
            await self.phone.start()
        began_s = time.monotonic()
        told = await self.phone.ask(step.do, **words)
        self._answer_s.append(time.monotonic() - began_s)
        if "refused" in told:
            if step.do == "photo" and is_full and told.get("kind") == "DiskFull":
                self._refusals += 1
                self._refused.append(step)
                return
            self.outcome.wrong.append(f"{step} was refused: {told}")
            return
        self._taps_when_full += is_full
        self._note_true(step, told)

    def _note_true(self, step: Step, told: Told) -> None:
        # The phone has met its hub, so it knows what time it is, whatever its clock says.
        true_ms = self.world.true_ms
        day = day_of(true_ms, UTC)
        words, truth = step.words, self.truth
        match step.do:
            case "tap":
                truth.tapped(int(str(words["job"])), str(words["to"]), day, true_ms)
            case "note":
                truth.notes.append((int(str(words["job"])), str(words["text"])))
            case "photo":
                side = int(str(words["side"]))
                truth.photos.append((int(str(words["job"])), str(words["key"]), side))
            case "duty":
                truth.duties["stop" if "off" in words else "start"] += 1
                self._duty_day = told["day"]
            case "fix":
                truth.fixes.append((day, true_ms))

    # --- back

    async def _contact(self, hub: HubAtWork) -> None:
        self.world.true_ms += HOUR_MS
        self.hub_clock.wall_ms = self.world.true_ms
        self.hub_clock.up_ms += self.world.true_ms - START_MS
        waiting = await self.phone.ask("state")
        self.outcome.figure("entries_waiting", waiting["unsent"], "entries")
        self.outcome.figure("photos_waiting", waiting["files"], "photos")
        began_s = time.monotonic()
        for _ in range(self._contact_kills):
            await asyncio.sleep(self._chance.uniform(0.5, 3.0))
            await self.phone.kill()
            self._kills += 1
            await self.phone.start()
        peak_mb = 0
        entries_s = 0.0

        def is_over(told: Told) -> bool:
            nonlocal peak_mb, entries_s
            peak_mb = max(peak_mb, told["peak_mb"])
            if not told["unsent"] and not entries_s:
                entries_s = time.monotonic() - began_s
            return told["live"] and not told["unsent"] and not told["files"]

        told = await self._until(is_over)
        took_s = time.monotonic() - began_s
        self.outcome.figure("contact_to_last_entry", round(entries_s, 1), "s")
        self.outcome.figure("contact_to_last_photo", round(took_s, 1), "s")
        self.outcome.figure("phone_peak_memory", peak_mb, "MB")
        if told["needs"]:
            self.outcome.wrong.append(f"the phone still needs somebody: {told['needs']}")

    def _tell(self) -> None:
        figure, truth, size = self.outcome.figure, self.truth, self.size
        figure("days_offline", size.days, "days")
        figure("jobs", size.jobs, "jobs")
        figure("acknowledged", truth.taps, "taps")
        figure("photos", len(truth.photos), "photos")
        figure("fixes", len(truth.fixes), "fixes")
        figure("time_logs", truth.logs, "logs")
        figure("minutes", round(sum(truth.seconds.values()) / 60), "min")
        figure("kills", self._kills, "kills")
        figure("lives", self.phone.lives, "starts")
        figure("disk_full_episodes", self._episodes, "episodes")
        figure("done_while_full", self._taps_when_full, "taps")
        figure("photos_refused_while_full", self._refusals, "photos")
        took = sorted(self._answer_s)
        figure("answer_median", round(took[len(took) // 2] * 1000, 1), "ms")
        figure("answer_p99", round(took[len(took) * 99 // 100] * 1000, 1), "ms")
        figure("wrong", len(self.outcome.wrong), "sentences")
