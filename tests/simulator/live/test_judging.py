"""What a live run came to, judged by what hub and phones told: verdict, and cause of a failure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.draw import Options
from simulator.live.judging import record_of
from simulator.live.progress import line_of, page_of
from simulator.live.run import LiveRun, Plan
from simulator.live.samples import Samples
from simulator.live.tally import EDGES_MS, Tally, percentile_ms
from simulator.live.watching import HubWatch, Outage
from simulator.report.record import Record
from simulator.scenario.scenario import Limits, Live, Scenario

LIVE = Live(ramp_up_s=0.0, hold_s=60.0)


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("simulator.live.samples.time", found)
    return found


def told(at_s: float, **more: Any) -> dict[str, Any]:
    """What a hub that is well tells after so many seconds."""
    from importlib.metadata import version

    from core.log.messages import PROTOCOLS
    from replica.store import newest_schema

    return {
        "version": version("fieldlog"),
        "schema": newest_schema(),
        "protocols": list(PROTOCOLS),
        "processor_s": 0.3 * at_s,
        "memory_bytes": 100_000_000,
        "peers": 10,
        "loop_lag_ms": 4.0,
        "calls": int(100 * at_s),
        "calls_waited_s": 0.1 * at_s,
        "calls_worked_s": 0.2 * at_s,
        "free_bytes": 10**10,
        "room_is_kept": True,
        "store_bytes": 10**6,
        "wal_bytes": 10**5,
    } | more


def lived(clock: Clock, wait_ms: float = 20.0, lag_ms: float = 3.0, **hub: Any) -> LiveRun:
    """A run of a minute in which each second ten entries were confirmed after so long."""
    limits = Limits(acknowledged_p99_ms=250.0)
    run = LiveRun(
        Plan("127.0.0.1:8443", "Eva", "x", Scenario("a", "b", live=LIVE, limits=limits), 1, 1),
        lambda _: None,
    )
    run.course.joined = 10
    run.course.drained = {"wrote": 600, "unsent": 0, "phones left": 0}
    samples = run.course.samples
    samples.begin(LIVE)
    begun_s = clock.now_s
    for second in range(60):
        clock.now_s = begun_s + second + 0.5
        tally = Tally()
        tally.count("entries confirmed", 10)
        for _ in range(10):
            tally.took("acknowledgement", wait_ms)
        drained = tally.drained()
        samples.add_fleet(
            0, {"on": 10, "live": 10, "cut off": 0, "lag ms": lag_ms, "tally": drained}
        )
        run.course.tally.add(drained)
        samples.add_hub(
            told(second, **{k: v(second) if callable(v) else v for k, v in hub.items()})
        )
    samples.end()
    return run


def judged(run: LiveRun) -> Record:
    return record_of(run, "2026-11-30T12:00:00+00:00", 60.0, "fieldlog simulate live")


def causes(run: LiveRun) -> set[str]:
    record = judged(run)
    assert not record.passed
    return {each.cause for each in record.findings if each.level == "failed"}


def test_a_run_within_its_limits_has_passed_and_says_its_figures(clock: Clock) -> None:
    record = judged(lived(clock))
    assert record.passed
    assert record.findings == ()
    figures = {each.name: each for each in record.figures}
    assert figures["entries_confirmed_best_10_s"].value == 10
    assert figures["acknowledgement_p99"].reached is True
    assert figures["hub_memory_growth"].value == 1.0
    assert {each.name for each in record.series} >= {"entries confirmed", "the hub's processor"}


def test_a_full_disk_is_named(clock: Clock) -> None:
    run = lived(clock, free_bytes=900_000, room_is_kept=False)
    run.course.drained["unsent"] = 12
    (cause,) = causes(run)
    assert cause.startswith("The hub's disk is full. It had 0.9 MB of room")


def test_a_disk_that_was_full_for_a_while_is_told_though_nothing_failed(clock: Clock) -> None:
    record = judged(lived(clock, room_is_kept=False))
    assert record.passed
    (finding,) = record.findings
    assert finding.level == "warned"
    assert finding.cause.startswith("The hub's disk is full.")


def test_a_refusal_for_want_of_room_is_named_though_there_is_room_again(clock: Clock) -> None:
    run = lived(clock)
    run.course.drained["unsent"] = 3
    run.course.refusals.append("the disk is almost full, and what is left is kept for people")
    (cause,) = causes(run)
    assert cause.startswith("The hub's disk is full.")


def test_a_hub_without_processor_to_spare_is_named(clock: Clock) -> None:
    (cause,) = causes(lived(clock, wait_ms=900.0, processor_s=lambda at_s: 0.99 * at_s))
    assert "used 99 % of a processor" in cause


def test_a_slow_disk_is_named(clock: Clock) -> None:
    (cause,) = causes(lived(clock, wait_ms=900.0, calls_worked_s=lambda at_s: 0.95 * at_s))
    assert cause.startswith("The hub is slow to save")


def test_a_hub_that_is_held_up_is_named(clock: Clock) -> None:
    (cause,) = causes(lived(clock, wait_ms=900.0, loop_lag_ms=1_700.0))
    assert cause.startswith("The hub was held up: its program came up to 1700 ms late")


def test_a_hub_that_was_away_for_a_while_is_named(clock: Clock) -> None:
    async def nobody() -> None:
        raise ConnectionRefusedError

    run = lived(clock)
    run.watch = HubWatch(nobody, lambda _: None, lambda: "at work", run.course.tally.failed)
    run.watch.outages.append(Outage(12.0, "at work", 18.0, was_refused=True))
    run.course.tally.failed("a page did not answer")
    (cause,) = causes(run)
    assert cause.startswith("The hub did not answer for some 6 s, 12 s after the run began")
    # One that listened all the time and said nothing was not restarted.
    run.watch.outages[0].was_refused = False
    assert causes(run) == {""}


def test_a_hub_whose_program_began_anew_has_no_negative_figures(clock: Clock) -> None:
    run = lived(clock)
    run.course.samples.add_hub(told(0) | {"calls": 3, "processor_s": 0.1})
    clock.now_s += 1.0
    run.course.samples.add_hub(told(1) | {"calls": 9, "processor_s": 0.2})
    assert all(each.processor_share >= 0 for each in run.course.samples.hub)
    assert all(each.worked_share >= 0 for each in run.course.samples.hub)


def test_no_percentile_lies_above_the_worst_that_was_seen(clock: Clock) -> None:
    run = lived(clock, wait_ms=33.0)
    run.course.tally.took("page", 844.8)
    record = judged(run)
    figures = {each.name: each.value for each in record.figures}
    assert figures["acknowledgement_p99"] == 33.0
    assert figures["page_p99"] == 844.8
    held = next(each for each in record.latencies if each.name == "acknowledgement in the hold")
    assert (held.p50, held.p99) == (figures["acknowledgement_p50"], 33.0)


def test_failures_of_many_kinds_are_all_counted(clock: Clock) -> None:
    run = lived(clock)
    for kind in range(9):
        run.course.tally.failed(f"kind {kind}")
    words = [each.words for each in judged(run).findings if each.level == "warned"]
    assert "3 times: failures of other kinds, each in the counts." in words
    assert len([each for each in words if each.startswith("Once: kind")]) == 6


def test_a_simulator_that_is_late_blames_itself(clock: Clock) -> None:
    run = lived(clock, wait_ms=900.0, lag_ms=2_000.0)
    (cause,) = causes(run)
    assert cause.startswith("The simulator itself")


def test_another_version_is_told_also_where_all_went_well(clock: Clock) -> None:
    record = judged(lived(clock, schema=1))
    assert record.passed
    (finding,) = record.findings
    assert finding.level == "warned"
    assert "an earlier version of Fieldlog" in finding.words


def test_a_hub_that_tells_nothing_of_itself_is_of_an_earlier_version(clock: Clock) -> None:
    run = lived(clock, wait_ms=900.0)
    run.course.samples.hub.clear()
    (cause,) = causes(run)
    assert "an earlier version of Fieldlog than this simulator" in cause


def test_memory_that_grows_is_told_by_its_ratio(clock: Clock) -> None:
    run = lived(clock, memory_bytes=lambda at_s: 100_000_000 + 1_000_000 * int(at_s))
    growth = run.course.samples.memory_growth()
    assert growth is not None
    assert growth == pytest.approx(1.45, abs=0.05)


def test_tallies_of_processes_add_up() -> None:
    one, other, sum_of = Tally(), Tally(), Tally()
    for ms in (1.0, 2.0, 900.0):
        one.took("acknowledgement", ms)
    other.took("acknowledgement", 40_000_000.0)
    other.failed("no")
    for each in (one, other):
        sum_of.add(each.drained())
    assert sum(sum_of.buckets["acknowledgement"].values()) == 4
    assert sum_of.worst_ms["acknowledgement"] == 40_000_000.0
    assert sum_of.failures == {"no": 1}
    assert one.drained()["counts"] == {}
    assert percentile_ms(sum_of.buckets["acknowledgement"], 0.5) == 2.0
    assert percentile_ms(sum_of.buckets["acknowledgement"], 1.0) == EDGES_MS[-1]
    assert percentile_ms({}, 0.99) == 0.0


def test_a_run_without_a_second_has_no_rate(clock: Clock) -> None:
    assert Samples().best_rate() == 0.0
    assert Samples().hold_rate() == 0.0
    assert Samples().memory_growth() is None


def test_what_of_a_scenario_a_live_run_leaves_out_is_said(clock: Clock) -> None:
    run = lived(clock)
    scenario = run.plan.scenario
    asked = Options(tunnels_per_day=3.0, erasures_per_day=1.0, latency_s_max=0.5)
    run.plan = replace(run.plan, scenario=replace(scenario, options=asked))
    (finding,) = judged(run).findings
    assert finding.level == "noted"
    assert "erasures_per_day, latency_s_max." in finding.words
    assert "tunnels" not in finding.words


def test_a_run_that_goes_on_tells_how_it_stands_in_a_line_and_on_a_page(clock: Clock) -> None:
    run = lived(clock)
    run.course.tally.failed("a page answered <b>500</b>")
    assert "10 entries/s confirmed · p50 23 ms, p99 23 ms · hub 30 % · 1 FAILURES" in line_of(run)
    page = page_of(run)
    assert "10 a second" in page
    assert "23 ms" in page
    assert "a page answered &lt;b&gt;500&lt;/b&gt;" in page
    assert 'http-equiv="refresh"' in page
    run.course.is_over = True
    assert 'http-equiv="refresh"' not in page_of(run)
