"""Records of runs as they come: a live one of a thousand phones, a seeded one of a hundred seeds.

Invariant: each is the same at every call.
"""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from simulator.report.record import (
    CutOff,
    Figure,
    Finding,
    Latency,
    Record,
    SeedOutcome,
    Series,
)

RAMP_UP_S, HOLD_S, RAMP_DOWN_S = 60.0, 540.0, 30.0
TOOK_S = RAMP_UP_S + HOLD_S + RAMP_DOWN_S
_EVERY_S = 2.0
# The hub's disk fills up here.
_FULL_S = 410.0
_FOUND = (
    Finding(
        "warned",
        "p99 from a tap to the hub's word rose from 142 ms to 4.1 s after 6 min 50 s.",
        "The hub waits for its disk: look at the finding on its disk first.",
    ),
    Finding(
        "failed",
        "The hub refused 312 entries for want of room on its disk from 6 min 52 s on.",
        "The disk that holds the store is full. Make room there (the store needs 90 MB "
        "for such a run), then simulate again; phones have kept what was refused.",
    ),
)
_COUNTS = {
    "acknowledged entries": 175_902,
    "jobs made": 6_000,
    "jobs handed on": 214,
    "photos": 1_288,
    "sessions": 1_212,
    "reconnections": 8_412,
    "acts of dispatchers": 2_110,
    "refused for want of room": 312,
}


def live_run() -> Record:
    """Ten minutes of a thousand phones, near the end of which the hub's disk is full."""
    chance = Random("live")
    at_s = tuple(at * _EVERY_S for at in range(round(TOOK_S / _EVERY_S) + 1))
    phones = tuple(round(1_000 * _presence(at)) for at in at_s)
    rates = tuple(
        round(0.033 * n * (1 - 0.72 * _trouble(at)) * chance.gauss(1, 0.05) * 12, 1)
        for at, n in zip(at_s, phones, strict=True)
    )
    p50 = tuple(round(24 * (1 + 2.5 * _trouble(at)) * chance.gauss(1, 0.06), 1) for at in at_s)
    p99 = tuple(round(140 * (1 + 30 * _trouble(at)) * chance.gauss(1, 0.1), 1) for at in at_s)
    memory = tuple(round(2.1e8 + 9e7 * (1 - math.exp(-at / 200)) + 6e4 * at) for at in at_s)
    store = tuple(round(4e6 + 210_000 * min(at, _FULL_S + 20)) for at in at_s)
    return Record(
        kind="live",
        scenario={
            "name": "A busy Monday",
            "about": "A thousand phones come on within a minute, work for nine, "
            "and drive through tunnels on the way.",
            "site": {"phones": 1000, "dispatchers": 6, "hostile": 0, "jobs_per_phone": 6},
            "options": {"tunnels_per_day": 12.0, "dead_zones_per_day": 2.0},
            "live": {
                "ramp_up_s": RAMP_UP_S,
                "hold_s": HOLD_S,
                "ramp_down_s": RAMP_DOWN_S,
                "taps_per_min": 2.0,
                "file_share": 0.1,
            },
            "limits": {"acknowledged_p99_ms": 1000.0, "memory_growth_max": None},
        },
        began="2026-11-30T09:12:53+00:00",
        took_s=TOOK_S + 2.4,
        command="fieldlog simulate live busy-monday https://10.0.0.5:8443 --report runs/monday",
        target="https://10.0.0.5:8443",
        machine={"processor": "2 × 2.6 GHz", "memory": "8 GB", "system": "Linux 6.8"},
        versions={"fieldlog": "0.1.0", "python": "3.13.5", "sqlite": "3.51.3", "aiohttp": "3.12.2"},
        findings=_FOUND,
        figures=_figures(memory[-1], store[-1]),
        series=(
            Series("phones on", "phones", at_s, phones),
            Series("sessions", "phones", at_s, tuple(max(0, n - 3 * (n > 900)) for n in phones)),
            Series("acknowledged", "entries/s", at_s, rates),
            Series("written", "entries/s", at_s, tuple(round(n * 0.4, 1) for n in phones)),
            Series("tap to hub, p50", "ms", at_s, p50),
            Series("tap to hub, p99", "ms", at_s, p99),
            Series("memory of the hub", "B", at_s, memory),
            Series("store of the hub", "B", at_s, store),
            Series("sent by all phones", "B/s", at_s, tuple(round(rate * 108) for rate in rates)),
        ),
        latencies=(
            _latency("a tap until the hub's word", 58_114, 26.0, 0.7, 0.15, chance),
            _latency("a page of the board", 2_410, 95.0, 0.7, 0, chance),
            _latency("a session's start", 1_212, 48.0, 0.5, 0, chance),
        ),
        counts=_COUNTS,
        conflicts={"window": 41, "assigned to two": 12, "finished and cancelled": 5, "note": 2},
        truth={
            "true visits": 812,
            "found": 806,
            "false": 1,
            "start, median error in min": 0.41,
            "end, median error in min": 0.19,
        },
        cut_off=_losses(chance),
    )


def mended_run() -> Record:
    """The same on a faster machine with room on its disk, by a later program."""
    run = live_run()
    whole = tuple(
        replace(each, values=tuple(value * 0.8 for value in _before_trouble(each)))
        if each.unit == "ms"
        else replace(each, values=_before_trouble(each))
        for each in run.series
    )
    return replace(
        run,
        began="2026-12-01T09:00:00+00:00",
        machine={**run.machine, "processor": "8 × 3.8 GHz"},
        versions={**run.versions, "fieldlog": "0.1.1"},
        findings=(
            Finding("warned", "Memory of the hub grew by 12 % over the hold.", "Look for a leak."),
        ),
        figures=tuple(
            replace(each, value=each.value * 0.4, reached=True if each.goal else None)
            for each in run.figures
        ),
        latencies=tuple(
            replace(each, p99=each.p99 * 0.5, worst=each.worst * 0.4) for each in run.latencies
        ),
        counts={**run.counts, "refused for want of room": 0, "acknowledged entries": 216_140},
        conflicts={"window": 38, "assigned to two": 15},
        series=whole,
    )


def thinned(run: Record) -> Record:
    """The run with every tenth moment of its series: the same page with shorter tables."""
    series = (replace(each, at_s=each.at_s[::10], values=each.values[::10]) for each in run.series)
    return replace(run, series=tuple(series))


def _before_trouble(series: Series) -> tuple[float, ...]:
    """The values of a series as if what came before the disk was full had gone on."""
    first = next(at for at, moment in enumerate(series.at_s) if moment > _FULL_S - 60)
    last = next(at for at, moment in enumerate(series.at_s) if moment > TOOK_S - RAMP_DOWN_S)
    before = series.values[first - 60 : first]
    middle = tuple(before[at % 60] for at in range(last - first))
    return series.values[:first] + middle + series.values[last:]


def seeded_run() -> Record:
    """A hundred seeds of which one failed."""
    chance = Random("seeded")
    faults = ("cuts", "tunnels", "drift", "kills", "power_cuts", "partitions", "photos", "erasures")
    seeds = tuple(
        SeedOutcome(
            seed,
            f"{chance.getrandbits(64):016x}",
            chance.randint(2_000, 9_000),
            chance.randint(24, 40),
            tuple(fault for fault in faults if chance.random() < 0.45 or (seed, fault) == _BAD),
            "durable" if seed == _BAD[0] else "",
            "entry 412 of phone 3 was acknowledged and is gone after a power cut"
            if seed == _BAD[0]
            else "",
            f"fieldlog simulate seeded --from {seed} --seeds 1 --trace",
        )
        for seed in range(1, 101)
    )
    return Record(
        kind="seeded",
        scenario={
            "name": "Torn disks",
            "about": "A small site whose phones lose power in the middle of writing.",
            "site": {"phones": 8, "hubs": 2, "dispatchers": 2},
            "options": {"power_cuts_per_day": 3.0, "torn_disks": 1.0},
            "seeded": {"days": 3, "entries_per_phone": 100, "drawn": True, "upgrades": False},
        },
        began="2026-11-29T22:00:00+00:00",
        took_s=4_212.0,
        command="fieldlog simulate seeded --scenario torn-disks --seeds 100 --report runs/torn",
        machine={"processor": "2 × 2.6 GHz", "memory": "8 GB", "system": "Linux 6.8"},
        versions={"fieldlog": "0.1.0", "python": "3.13.5", "sqlite": "3.51.3"},
        findings=(
            Finding(
                "failed",
                "Seed 57: entry 412 of phone 3 was acknowledged and is gone after a power cut.",
                "A commit was answered for before it was durable. Replay the seed, then take "
                "faults away one by one with --without.",
            ),
        ),
        figures=(
            Figure("seeds that passed", 99, "seeds", "all 100", reached=False),
            Figure("entries", sum(each.entries for each in seeds), "entries"),
            Figure("device-days", sum(each.device_days for each in seeds), "device-days"),
            Figure("entries a minute", 7_841.0, "entries/min"),
        ),
        counts={"power was cut in a transaction": 812, "a conflict was settled": 1_204},
        conflicts={"window": 214, "assigned to two": 88},
        seeds=seeds,
    )


_BAD = (57, "power_cuts")


def _figures(memory_b: float, store_b: float) -> tuple[Figure, ...]:
    return (
        Figure("acknowledged, p99", 1_424.0, "ms", "at most 1,000 ms", reached=False),
        Figure("page of the board, p99", 812.0, "ms", "at most 2,000 ms", reached=True),
        Figure("entries in the best ten seconds", 418.2, "entries/s", "at least 350", reached=True),
        Figure("sessions that failed", 0, "sessions", "at most 0", reached=True),
        Figure("entries refused", 312, "entries", "none", reached=False),
        Figure("entries in all", 176_214, "entries"),
        Figure("sent by a phone", 18_412, "B/phone"),
        Figure("received by a phone", 42_118, "B/phone"),
        Figure("memory of the hub at the end", memory_b, "B"),
        Figure("store of the hub at the end", store_b, "B"),
        Figure("files of the hub", 312_442_880, "B"),
    )


def _presence(at_s: float) -> float:
    return min(1.0, at_s / RAMP_UP_S, max(0.0, (TOOK_S - at_s) / RAMP_DOWN_S))


def _trouble(at_s: float) -> float:
    """How much the full disk gets in the way, from 0 to 1."""
    return 1 / (1 + math.exp(-(at_s - _FULL_S) / 8))


def _latency(
    name: str, count: int, median: float, spread: float, slow: float, chance: Random
) -> Latency:
    drawn = sorted(
        chance.lognormvariate(math.log(median), spread) * (14 if chance.random() < slow else 1)
        for _ in range(4_000)
    )
    edges = [round(1.0 * 2 ** (at / 2), 2) for at in range(28)]
    held, buckets = 0, []
    for edge in edges:
        under = sum(1 for value in drawn if value <= edge)
        buckets.append((edge, round((under - held) * count / 4_000)))
        held = under
    at = [round(drawn[int(4_000 * part)], 1) for part in (0.5, 0.9, 0.99)]
    return Latency(name, count, at[0], at[1], at[2], round(drawn[-1], 1), tuple(buckets))


def _losses(chance: Random) -> tuple[CutOff, ...]:
    """Places in and around Helsinki, thicker at two tunnels."""
    around = ((60.1699, 24.9384, 0.02), (60.187, 24.921, 0.002), (60.199, 24.966, 0.003))
    return tuple(
        CutOff(
            round(chance.gauss(lat, spread / 2) * 1e7),
            round(chance.gauss(lon, spread) * 1e7),
            max(1, round(chance.expovariate(0.2 if spread > 0.01 else 0.03))),
        )
        for lat, lon, spread in around
        for _ in range(40)
    )
