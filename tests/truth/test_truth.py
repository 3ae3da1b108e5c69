"""A day of every kind: what the logger and others make of it, whatever order fixes come in."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from core.dispatch.autofact import plain_fact
from core.dispatch.autolog import (
    WINDOW_MS,
    Fact,
    Places,
    Settings,
    State,
    from_plain,
    replay,
    standing,
    tick,
    to_plain,
)
from core.dispatch.fix import Fix
from simulator.motion import Mode
from tests.truth.days import VISIT_MS_MIN, WorkDay, make_day
from tests.truth.detectors import BARE, DWELL, by_radius, ours
from tests.truth.mix import MIX, SCORING_SEEDS, TUNING_SEEDS, days_of
from tests.truth.scoring import Log, Score, judge, quantile
from tests.truth.stay_points import Stay, logs_of

SAMPLE = [(scenario, 400 + number) for number, scenario in enumerate(MIX)]
SCENARIO = {scenario.name: scenario for scenario in MIX}


@pytest.fixture(scope="module")
def days() -> list[WorkDay]:
    return [make_day(scenario, seed) for scenario, seed in SAMPLE]


def test_shares_add_up_and_no_seed_is_for_tuning_and_for_scoring() -> None:
    assert sum(scenario.share for scenario in MIX) == 100
    assert not set(TUNING_SEEDS) & set(SCORING_SEEDS)
    kinds = Counter(scenario.name for scenario, _ in days_of(SCORING_SEEDS, 400))
    assert kinds == {scenario.name: 4 * scenario.share for scenario in MIX}
    assert len({seed for _, seed in days_of(SCORING_SEEDS, 130)}) == 130


def test_of_a_day_of_every_kind_most_visits_are_found_and_little_is_made_up(
    days: list[WorkDay],
) -> None:
    score = Score()
    for day in days:
        score += judge(day, ours(day.fixes, day.jobs))[0]
    assert score.days == len(MIX)
    assert score.visits > 90
    assert score.found_percent > 96
    assert score.false <= 3
    assert quantile(score.minutes_min, 0.5) < 1
    # Phones that are silent or die have a larger share here than in the mix.
    assert quantile(score.minutes_min, 0.9) < 4


def test_a_bare_radius_logs_many_who_drive_past_and_a_dwell_few(days: list[WorkDay]) -> None:
    bare, dwell = Score(), Score()
    for day in days:
        bare += judge(day, by_radius(day.fixes, day.jobs, BARE))[0]
        dwell += judge(day, by_radius(day.fixes, day.jobs, DWELL))[0]
    assert bare.false > 5 * dwell.false > 0
    assert bare.found_percent > 90 < dwell.found_percent


def test_days_are_what_their_scenario_says() -> None:
    mocked = make_day(SCENARIO["mocked"], 7)
    assert any(fix.mock for fix in mocked.fixes)
    assert not any(fix.mock for fix in make_day(SCENARIO["ordinary"], 7).fixes)
    jam = make_day(SCENARIO["jams_long"], 7)
    pairs = zip(jam.day.waypoints, jam.day.waypoints[1:], strict=False)
    stood_ms = sum(b.at_ms - a.at_ms for a, b in pairs if a.mode is Mode.STANDS)
    assert stood_ms > 240_000
    sparse = make_day(SCENARIO["sparse"], 7)
    assert len(sparse.fixes) < len(jam.fixes) / 3
    unknown = make_day(SCENARIO["missing_accuracy"], 7).fixes
    assert 0.5 < sum(fix.accuracy_m is None for fix in unknown) / len(unknown) < 0.7
    again = make_day(SCENARIO["mocked"], 7)
    assert (again.fixes, again.jobs, again.day) == (mocked.fixes, mocked.jobs, mocked.day)


def test_a_log_is_judged_by_its_job_and_its_time(days: list[WorkDay]) -> None:
    day = days[0]
    visit = day.visits[0]
    assert visit.leave_ms - visit.arrive_ms >= VISIT_MS_MIN
    exact = Log(visit.key, visit.arrive_ms, visit.leave_ms)
    score, _ = judge(day, [exact])
    assert (score.found, score.false, score.minutes_min) == (1, 0, [0.0])
    third = exact._replace(stop_ms=exact.start_ms + (exact.stop_ms - exact.start_ms) // 3)
    assert judge(day, [third])[0].found == 0
    other = next(job.job.decode() for job in day.jobs if job.job.decode() != visit.key)
    score, verdicts = judge(day, [exact._replace(job=other)])
    assert (score.found, score.false) == (0, 1)
    assert "false" in {verdict.what for verdict in verdicts}
    late = exact._replace(start_ms=exact.start_ms + 120_000)
    assert judge(day, [late])[0].start_min == [2.0]


def test_a_stay_point_counts_for_the_nearest_job_within_its_radius(days: list[WorkDay]) -> None:
    job = days[0].jobs[0]
    here = Stay(0, 600_000, job.lat_e7, job.lon_e7)
    assert logs_of([here], days[0].jobs) == [Log(job.job.decode(), 0, 600_000)]
    assert logs_of([here._replace(lat_e7=job.lat_e7 + 10_000_000)], days[0].jobs) == []


def _arrived(day: WorkDay, chance: random.Random) -> list[list[Fix]]:
    """The day's fixes as an app sends them: late by up to a quarter of an hour, some twice."""
    late_ms = {fix: chance.choice((0, 0, chance.uniform(0, 0.9) * WINDOW_MS)) for fix in day.fixes}
    sent = [*day.fixes, *chance.sample(day.fixes, len(day.fixes) // 20)]
    sent.sort(key=lambda fix: fix.time_ms + late_ms[fix])
    batches = []
    while sent:
        count = chance.choice((1, 1, 2, 7, 25))
        batches.append(sent[:count])
        chance.shuffle(batches[-1])
        sent = sent[count:]
    return batches


@pytest.mark.parametrize("name", ["sparse", "canyons", "neighbours_both", "jams_long", "mocked"])
def test_facts_are_the_same_bytes_in_any_order_of_arrival_over_batches_and_restarts(
    name: str,
) -> None:
    day = make_day(SCENARIO[name], 31)
    chance, places, settings = random.Random(name), Places(day.jobs), Settings()
    whole, facts = replay(State(), day.fixes, places, settings)
    end_ms = day.day.end_ms + 4 * 3_600_000
    _, more = tick(whole, end_ms, places, settings)
    expected = [*facts, *more]
    state, said = State(), list[Fact]()
    for batch in _arrived(day, chance):
        state, more = replay(state, batch, places, settings)
        said += more
        if chance.random() < 0.1:
            state = from_plain(json.loads(json.dumps(to_plain(state))))
    _, more = tick(state, end_ms, places, settings)
    assert state.too_late == 0
    assert _bytes_of([*said, *more]) == _bytes_of(expected)


def _bytes_of(facts: list[Fact]) -> list[bytes]:
    return sorted(json.dumps(plain_fact(fact)).encode() for fact in standing(facts))
