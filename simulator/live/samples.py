"""What a live run looked like second by second: the phones' side and the hub's.

Holds numbers and their moments; judges nothing. Invariant: moments are seconds since the phones
began to come on, and ascend.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.live.tally import percentile_ms
from simulator.report.record import Series
from simulator.scenario.scenario import Live

BEST_S: Final = 10
"""Rates are told for the best so many seconds that follow each other."""


@dataclass(slots=True)
class Second:
    """One second of all phones."""

    on: int = 0
    live: int = 0
    cut_off: int = 0
    lag_ms: float = 0.0
    taps: int = 0
    written: int = 0
    confirmed: int = 0
    failures: int = 0
    bytes: int = 0
    waits: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class HubSecond:
    """What the hub told at a moment, and what that comes to since the last time it told."""

    at_s: float
    told: Mapping[str, Any]
    processor_share: float
    worked_share: float
    waited_ms: float


class Samples:
    """All seconds of a run."""

    def __init__(self) -> None:
        self.seconds: dict[int, Second] = {}
        self.hub: list[HubSecond] = []
        self.live = Live()
        self._began_s = time.monotonic()
        self._ended_s: float | None = None
        self._gauges: dict[int, dict[int, tuple[int, int, int]]] = {}
        self._before: tuple[float, Mapping[str, Any]] | None = None

    def begin(self, live: Live) -> None:
        """The phones begin to come on."""
        self.live, self._began_s = live, time.monotonic()

    def end(self) -> None:
        """The last phone has left."""
        self._ended_s = time.monotonic()

    @property
    def now_s(self) -> float:
        """Seconds since the phones began to come on."""
        return time.monotonic() - self._began_s

    def add_fleet(self, number: int, told: Mapping[str, Any]) -> None:
        """A second of one process."""
        at = int(self.now_s)
        second = self.seconds.setdefault(at, Second())
        tally = told["tally"]
        counts = tally["counts"]
        second.taps += counts.get("taps", 0)
        second.written += counts.get("entries written", 0)
        second.confirmed += counts.get("entries confirmed", 0)
        second.bytes += counts.get("bytes sent", 0) + counts.get("bytes received", 0)
        second.failures += sum(tally["failures"].values())
        for edge, count in tally["buckets"].get("acknowledgement", {}).items():
            second.waits[int(edge)] += count
        second.lag_ms = max(second.lag_ms, told["lag ms"])
        # A process may tell twice in one second of ours: what it told last is how it stands.
        gauges = self._gauges.setdefault(at, {})
        gauges[number] = (told["on"], told["live"], told["cut off"])
        second.on, second.live, second.cut_off = (
            sum(each[place] for each in gauges.values()) for place in range(3)
        )

    def add_hub(self, told: Mapping[str, Any]) -> None:
        """What the hub tells of itself now."""
        at_s = self.now_s
        if self._before is None or told["calls"] < self._before[1]["calls"]:
            # The first look, or the first at a program that began anew.
            self._before = at_s, told
            return
        before_s, before = self._before
        passed_s = max(at_s - before_s, 1e-3)
        calls = max(told["calls"] - before["calls"], 1)
        self.hub.append(
            HubSecond(
                at_s,
                told,
                (told["processor_s"] - before["processor_s"]) / passed_s,
                (told["calls_worked_s"] - before["calls_worked_s"]) / passed_s,
                1_000 * (told["calls_waited_s"] - before["calls_waited_s"]) / calls,
            )
        )
        self._before = at_s, told

    # --- what it comes to

    @property
    def took_s(self) -> float:
        """How long the phones were on."""
        return (self._ended_s or time.monotonic()) - self._began_s

    def best_rate(self) -> float:
        """Entries confirmed a second, in the best ten seconds that follow each other."""
        if not self.seconds:
            return 0.0
        last = max(self.seconds)
        confirmed = [
            self.seconds[at].confirmed if at in self.seconds else 0 for at in range(last + 1)
        ]
        width = min(BEST_S, len(confirmed))
        sums = [sum(confirmed[at : at + width]) for at in range(len(confirmed) - width + 1)]
        return max(sums) / width

    def held(self) -> list[Second]:
        """The seconds of the hold."""
        begins, ends = self.live.ramp_up_s, self.live.ramp_up_s + self.live.hold_s
        return [each for at, each in sorted(self.seconds.items()) if begins <= at < ends]

    def hold_waits(self) -> Counter[int]:
        """How long acknowledgements took in the hold, as counts of buckets."""
        return sum((each.waits for each in self.held()), Counter[int]())

    def hold_rate(self) -> float:
        """Entries confirmed a second over the hold."""
        held = self.held()
        return sum(each.confirmed for each in held) / len(held) if held else 0.0

    def memory_growth(self) -> float | None:
        """The hub's memory in the last fifth of the hold by that of the first; None: not known."""
        begins, ends = self.live.ramp_up_s, self.live.ramp_up_s + self.live.hold_s
        known = [
            each.told["memory_bytes"]
            for each in self.hub
            if begins <= each.at_s < ends and each.told["memory_bytes"]
        ]
        fifth = len(known) // 5
        if not fifth:
            return None
        first, last = sorted(known[:fifth]), sorted(known[-fifth:])
        return float(last[fifth // 2] / first[fifth // 2])

    def series(self) -> tuple[Series, ...]:
        """All of it over time, for a report."""
        at = tuple(float(each) for each in sorted(self.seconds))
        seconds = [self.seconds[int(each)] for each in at]
        hub_at = tuple(round(each.at_s, 1) for each in self.hub)

        def of_hub(name: str, unit: str) -> Series:
            values = tuple(float(each.told[name]) for each in self.hub)
            return Series(name.replace("_", " "), unit, hub_at, values)

        def of_phones(name: str, unit: str, value: Callable[[Second], float]) -> Series:
            return Series(name, unit, at, tuple(float(value(each)) for each in seconds))

        found = [
            of_phones("entries confirmed", "entries/s", lambda one: one.confirmed),
            of_phones("entries written", "entries/s", lambda one: one.written),
            of_phones("taps", "taps/s", lambda one: one.taps),
            of_phones("phones connected", "phones", lambda one: one.on),
            of_phones("phones that agree", "phones", lambda one: one.live),
            of_phones("phones without network", "phones", lambda one: one.cut_off),
            of_phones(
                "acknowledgement, 99 in 100", "ms", lambda one: percentile_ms(one.waits, 0.99)
            ),
            of_phones("acknowledgement, half", "ms", lambda one: percentile_ms(one.waits, 0.5)),
            of_phones("failures", "failures/s", lambda one: one.failures),
            of_phones("bytes of sync", "B/s", lambda one: one.bytes),
            of_phones("lag of the simulator", "ms", lambda one: one.lag_ms),
        ]
        if self.hub:
            found += [
                Series(
                    "the hub's processor", "percent", hub_at,
                    tuple(round(100 * each.processor_share, 1) for each in self.hub),
                ),
                Series(
                    "the hub's writer at work", "percent", hub_at,
                    tuple(round(100 * each.worked_share, 1) for each in self.hub),
                ),
                Series(
                    "wait for the hub's writer", "ms", hub_at,
                    tuple(round(each.waited_ms, 2) for each in self.hub),
                ),
                of_hub("loop_lag_ms", "ms"),
                of_hub("memory_bytes", "B"),
                of_hub("store_bytes", "B"),
                of_hub("wal_bytes", "B"),
                of_hub("free_bytes", "B"),
                of_hub("peers", "phones"),
            ]  # fmt: skip
        return tuple(found)
