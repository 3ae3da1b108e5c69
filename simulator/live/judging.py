"""What a live run came to: its record, its verdict, and what a failure most likely comes from.

Causes are named by what the hub and the phones themselves told. Holds no drawing and no network.
Invariant: what failed is found whether or not a cause for it is known.
"""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import Any, Final

from core.log.messages import PROTOCOLS
from replica.store import newest_schema
from simulator.draw import CALM
from simulator.live.fleet import LIVE_OPTIONS
from simulator.live.run import LiveRun
from simulator.live.samples import BEST_S
from simulator.live.tally import EDGES_MS, percentile_ms
from simulator.report.record import CutOff, Figure, Finding, Latency, Record
from simulator.scenario.keys import as_tables
from simulator.scenario.scenario import Scenario

# Above these a part of the hub has no more to give.
PROCESSOR_BUSY: Final = 0.9
WRITER_BUSY: Final = 0.85
WRITER_WAIT_MS: Final = 100.0
LAG_MS: Final = 500.0
# Below this a hub keeps what is left for people.
ROOM_BYTES_MIN: Final = 2 << 20
FINDINGS_OF_A_KIND: Final = 6
_GROWS: Final = (
    "The hub keeps what it folded last, up to a bound, and a young one has not come to that yet: "
    "see in a longer hold whether its memory goes on growing."
)


def record_of(run: LiveRun, began: str, took_s: float, command: str) -> Record:
    """The record of a run that is over, with its findings."""
    course, scenario = run.course, run.plan.scenario
    counts = {name: each for name, each in sorted(course.tally.counts.items()) if _is_plain(name)}
    counts |= {f"failed: {words}": each for words, each in course.tally.failures.items()}
    counts |= {f"at the end: {name}": each for name, each in course.drained.items()}
    return Record(
        kind="live",
        # Whole, as what nobody named is asked for as well.
        scenario=as_tables(scenario)
        | {"live": asdict(scenario.live), "limits": asdict(scenario.limits)},
        began=began,
        took_s=round(took_s, 1),
        command=command,
        target=run.target.address if run.target else run.plan.address,
        machine={
            "processors": os.cpu_count() or 0,
            "system": platform.platform(),
            "processes of phones": run.plan.processes,
        },
        versions=_versions(run),
        findings=tuple(_findings(run)),
        figures=tuple(_figures(run)),
        series=course.samples.series(),
        latencies=tuple(_latencies(run)),
        counts=counts,
        conflicts=course.conflicts,
        cut_off=tuple(_cut_off(course.tally.counts)),
    )


def _is_plain(name: str) -> bool:
    return not name.startswith("cut off ")


def _versions(run: LiveRun) -> dict[str, str]:
    hub = _last_told(run)
    found = {
        "simulator": version("fieldlog"),
        "Python": platform.python_version(),
        "store of the simulator": str(newest_schema()),
    }
    if hub is not None:
        found |= {"hub": str(hub["version"]), "store of the hub": str(hub["schema"])}
    return found


def _last_told(run: LiveRun) -> Mapping[str, Any] | None:
    hub = run.course.samples.hub
    return hub[-1].told if hub else run.hub_at_start


def _latencies(run: LiveRun) -> Iterable[Latency]:
    """Those of the whole run; acknowledgements in the hold besides, which are judged."""
    tally, waits = run.course.tally, run.course.samples.hold_waits()
    for name, buckets in sorted(tally.buckets.items()):
        worst_ms = tally.worst_ms.get(name, 0.0)
        yield _latency(name, buckets, worst_ms)
        if name == "acknowledgement" and waits:
            yield _latency("acknowledgement in the hold", waits, min(worst_ms, _most_ms(waits)))


def _most_ms(buckets: Mapping[int, int]) -> float:
    return EDGES_MS[max(buckets)]


def _latency(name: str, buckets: Mapping[int, int], worst_ms: float) -> Latency:
    # The upper edge of the last bucket lies beyond what was really seen.
    p50_ms, p90_ms, p99_ms = (
        round(min(percentile_ms(buckets, share), worst_ms), 3) for share in (0.5, 0.9, 0.99)
    )
    counted = tuple((EDGES_MS[at], count) for at, count in sorted(buckets.items()))
    count = sum(buckets.values())
    return Latency(name, count, p50_ms, p90_ms, p99_ms, round(worst_ms, 3), counted)


def _cut_off(counts: Mapping[str, int]) -> Iterable[CutOff]:
    for name, times in sorted(counts.items()):
        if name.startswith("cut off "):
            _, _, lat, lon = name.split()
            yield CutOff(int(lat), int(lon), times)


# --- figures


def _figures(run: LiveRun) -> Iterable[Figure]:
    course, limits = run.course, run.plan.scenario.limits
    samples, tally = course.samples, course.tally
    waits = samples.hold_waits()
    yield Figure("phones", course.joined, "phones")
    most_on = max((each.on for each in samples.seconds.values()), default=0)
    yield Figure("phones_connected_most", most_on, "phones")
    rate, least = samples.best_rate(), limits.entries_per_s_min
    yield Figure(
        f"entries_confirmed_best_{BEST_S}_s", round(rate, 1), "entries/s",
        "" if least is None else f">= {least:g}", None if least is None else rate >= least,
    )  # fmt: skip
    yield Figure("entries_confirmed_in_the_hold", round(samples.hold_rate(), 1), "entries/s")
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        most = limits.acknowledged_p99_ms if name == "p99" else None
        value = min(percentile_ms(waits, share), tally.worst_ms.get("acknowledgement", 0.0))
        yield Figure(
            f"acknowledgement_{name}", round(value, 3), "ms",
            "" if most is None else f"<= {most:g}",
            None if most is None or not waits else value <= most,
        )  # fmt: skip
    pages = tally.buckets.get("page", Counter[int]())
    most = limits.page_p99_ms
    # The upper edge of the last bucket lies beyond what was really seen.
    value = min(percentile_ms(pages, 0.99), tally.worst_ms.get("page", 0.0))
    yield Figure(
        "page_p99", round(value, 3), "ms", "" if most is None else f"<= {most:g}",
        None if most is None or not pages else value <= most,
    )  # fmt: skip
    failures = tally.failures.total()
    yield Figure(
        "failures", failures, "failures", f"<= {limits.failures_max}",
        failures <= limits.failures_max,
    )  # fmt: skip
    if course.drained:
        unsent = course.drained["unsent"]
        yield Figure("entries_not_handed_in", unsent, "entries", "0", not unsent)
    if course.joined:
        sent = tally.counts["bytes sent"] + tally.counts["bytes received"]
        yield Figure("sync_bytes_per_phone", round(sent / course.joined), "B/phone")
    growth = samples.memory_growth()
    if growth is not None:
        most = limits.memory_growth_max
        yield Figure(
            "hub_memory_growth", round(growth, 3), "ratio", "" if most is None else f"<= {most:g}",
            None if most is None else growth <= most,
        )  # fmt: skip
    lag = max((s.lag_ms for s in samples.seconds.values()), default=0.0)
    yield Figure("simulator_lag_worst", lag, "ms")


# --- findings


def _findings(run: LiveRun) -> Iterable[Finding]:
    """What failed, each with its cause; then what is only worth knowing."""
    cause = _cause(run)
    if run.hub_is_gone:
        yield Finding("failed", "The hub did not answer any more, which ended the run.", cause)
    elif not run.course.drained:
        yield Finding("failed", "The run was broken off before its end.", cause)
    broken = [figure for figure in _figures(run) if figure.reached is False]
    for figure in broken:
        of_memory = figure.name == "hub_memory_growth"
        yield Finding("failed", _broken(figure), _GROWS if of_memory else cause)
    left = run.course.drained.get("phones left", 0)
    if left:
        yield Finding("failed", f"{left} phones did not come to agree with the hub.", cause)
    failures = run.course.tally.failures.most_common()
    for words, times in failures[:FINDINGS_OF_A_KIND]:
        # Said once, with what failed.
        yield Finding("warned", f"{_times(times)}: {words}", "" if broken else cause)
    others = failures[FINDINGS_OF_A_KIND:]
    if others:
        times = sum(each for _, each in others)
        yield Finding("warned", f"{_times(times)}: failures of other kinds, each in the counts.")
    yield from _worth_knowing(run)


def _times(count: int) -> str:
    return "Once" if count == 1 else f"{count:,} times"


def _broken(figure: Figure) -> str:
    name = figure.name.replace("_", " ")
    if name == figure.unit:
        return f"{figure.value:,.0f} {name}, where {figure.goal} is asked for."
    return f"{name}: {figure.value:g} {figure.unit}, where {figure.goal} is asked for."


def _worth_knowing(run: LiveRun) -> Iterable[Finding]:
    samples = run.course.samples
    slow = [each for each in samples.held() if each.lag_ms > LAG_MS]
    if len(slow) > len(samples.held()) // 10:
        yield Finding(
            "warned",
            "The simulator itself was late for a tenth of the time or more: waits are overstated.",
            "Its processes had too little of the processor: run it on another machine than the "
            "hub, with more processes, or with fewer phones.",
        )
    full = _full(run)
    if full:
        yield Finding("warned", "The hub's disk was full, or almost full, within the run.", full)
    differs = _older(run)
    if differs:
        yield Finding("warned", *differs)
    left_out = _left_out(run.plan.scenario)
    if left_out:
        yield Finding(
            "noted",
            f"The scenario also asks for what a live run does not simulate: {', '.join(left_out)}.",
            "Seeded runs do: simulate the same scenario with seeds, too.",
        )


def _left_out(scenario: Scenario) -> list[str]:
    """Options of a scenario that only seeded runs make something of."""
    asked = {
        each.name
        for each in fields(CALM)
        if getattr(scenario.options, each.name) != getattr(CALM, each.name)
    }
    if scenario.site.hostile:
        asked.add("hostile")
    return sorted(asked - LIVE_OPTIONS)


def _cause(run: LiveRun) -> str:
    """What a failure of this run most likely comes from; '' where nothing stands out."""
    for look in (_full, _away, _older_cause, _slow, _late_simulator):
        found = look(run)
        if found:
            return found
    return ""


def _full(run: LiveRun) -> str:
    told = [each.told for each in run.course.samples.hub]
    least = min((each["free_bytes"] for each in told), default=None)
    without_room = any(not each["room_is_kept"] for each in told)
    refused = [*run.course.refusals, *run.course.tally.failures]
    says_so = any("full" in words and "disk" in words for words in refused)
    if (least is not None and least < ROOM_BYTES_MIN) or without_room or says_so:
        room = "" if least is None else f" It had {least / 1e6:.1f} MB of room at the least."
        return (
            f"The hub's disk is full.{room} Make room on it: phones keep what they have, and hand "
            "it in as soon as there is some."
        )
    return ""


def _away(run: LiveRun) -> str:
    """That the hub was not there for a time, or from a time on."""
    outages = run.watch.outages if run.watch is not None else []
    if run.hub_is_gone:
        when = f"{outages[-1].from_s:.0f} s after the run began" if outages else "within the run"
        stage = f" ({outages[-1].stage})" if outages else ""
        return (
            f"The hub at {run.plan.address} stopped answering {when}{stage}, and did not answer "
            "again: its program ended, or its machine or the way to it went away. Read what it "
            "printed last, start it, and run again."
        )
    # One that listened and said nothing was slow, whatever made it so.
    over = [each for each in outages if each.until_s is not None and each.was_refused]
    if not over:
        return ""
    away_s = sum((each.until_s or 0.0) - each.from_s for each in over)
    return (
        f"The hub did not answer for some {max(away_s, 1.0):.0f} s, {over[0].from_s:.0f} s after "
        "the run began: it was stopped and started again, or its machine was. Find out who or what "
        "did that, and run again."
    )


def _older(run: LiveRun) -> tuple[str, str] | None:
    hub = _last_told(run)
    if hub is None:
        return (
            "The hub tells nothing of itself.",
            (
                "It runs an earlier version of Fieldlog than this simulator: hubs of this version "
                "tell their figures to people who are signed in. Upgrade the hub, or simulate with "
                "the hub's own version."
            ),
        )
    own = (newest_schema(), list(PROTOCOLS))
    theirs = (hub["schema"], list(hub["protocols"]))
    if theirs == own and hub["version"] == version("fieldlog"):
        return None
    which = "an earlier" if theirs < own else "a later" if theirs > own else "another"
    return (
        (
            f"The hub runs {which} version of Fieldlog: {hub['version']} with stores of schema "
            f"{theirs[0]}, where the simulator is {version('fieldlog')} with schema {own[0]}."
        ),
        (
            "Phones of one version and hubs of another work together as far as both know the same; "
            "simulate with the hub's own version to leave that out."
        ),
    )


def _older_cause(run: LiveRun) -> str:
    older = _older(run)
    return f"{older[0]} {older[1]}" if older else ""


def _slow(run: LiveRun) -> str:
    samples = run.course.samples
    held = [each for each in samples.hub if each.at_s >= samples.live.ramp_up_s] or samples.hub
    if not held:
        return ""
    middle = sorted(held, key=lambda each: each.worked_share)[len(held) // 2]
    processor = sorted(each.processor_share for each in held)[len(held) // 2]
    waited_ms = max(each.waited_ms for each in held)
    lag_ms = max(each.told["loop_lag_ms"] for each in held)
    if processor > PROCESSOR_BUSY:
        return (
            f"The hub is too slow for this load: its program used {100 * processor:.0f} % of a "
            "processor, and one is all that it can use. Fewer phones at once, or a faster machine."
        )
    if lag_ms > LAG_MS:
        return (
            f"The hub was held up: its program came up to {lag_ms:.0f} ms late to what was due, "
            f"though it used only {100 * processor:.0f} % of a processor. Its machine was busy "
            "with other work, or stood still: see what else runs there, and run again without it."
        )
    if middle.worked_share > WRITER_BUSY or waited_ms > WRITER_WAIT_MS:
        return (
            f"The hub is slow to save: its writer was at work {100 * middle.worked_share:.0f} % "
            f"of the time, and what was asked of it waited up to {waited_ms:.0f} ms, while its "
            f"program used {100 * processor:.0f} % of a processor. Its disk is slow, or the "
            "machine is busy with other work: see what else runs there, or give it another disk."
        )
    return ""


def _late_simulator(run: LiveRun) -> str:
    lag = max((s.lag_ms for s in run.course.samples.seconds.values()), default=0.0)
    if lag > LAG_MS:
        return (
            f"The simulator itself came up to {lag:.0f} ms late to what was due, so it may be to "
            "blame: give it more of the processor."
        )
    return ""
