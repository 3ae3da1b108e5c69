"""The automatic logger: visits, silence, late fixes, buttons and restarts."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch.autolog import (
    AutologError,
    Certainty,
    Fact,
    Mode,
    Places,
    Propose,
    Settings,
    Start,
    State,
    Stop,
    Suggest,
    Supersede,
    close_job,
    from_plain,
    refuse_job,
    replay,
    standing,
    step,
    tick,
    to_plain,
)
from core.dispatch.fields import LogKind, Phase
from core.dispatch.fix import Fix
from core.dispatch.geometry import PlaceError
from tests.core.dispatch.scene import (
    JOB_A,
    JOB_B,
    asked,
    automatic,
    fix,
    go,
    job,
    logs,
    ms,
    point,
    stay,
    stops,
    told,
)
from tests.traces import generate

DAY = [
    *stay(0, 400, x_m=-4000),
    *go(405, -4000, 0),
    *stay(745, 2600),
    *go(2605, 0, 2000),
    *stay(2800, 3250, x_m=2000),
    *go(3255, 2000, 6000),
    *stay(3600, 4800, x_m=6000),
    *go(4805, 6000, 9000),
]
JOBS = [job(), job(JOB_B, x_m=6000)]


def run_in_pieces(
    fixes: list[Fix], cuts: list[int], chance: random.Random, ticks: bool
) -> list[Fact]:
    """The facts where fixes come in batches, each shuffled, with restarts and ticks between."""
    places, rules = Places(JOBS), automatic()
    state, facts = State(), []
    for start, stop in zip([0, *cuts], [*cuts, len(fixes)], strict=True):
        batch = fixes[start:stop]
        chance.shuffle(batch)
        state, more = replay(state, batch, places, rules)
        facts += more
        state = from_plain(json.loads(json.dumps(to_plain(state))))
        if ticks and stop < len(fixes):
            state, more = tick(state, fixes[stop].time_ms, places, rules)
            facts += more
    return facts


@given(st.lists(st.integers(0, len(DAY)), max_size=8), st.integers(0, 2**32), st.booleans())
@settings(max_examples=30, deadline=None)
def test_batches_restarts_and_ticks_change_no_fact(cuts: list[int], seed: int, ticks: bool) -> None:
    whole = replay(State(), DAY, Places(JOBS), automatic())[1]
    assert run_in_pieces(list(DAY), sorted(cuts), random.Random(seed), ticks) == whole


@given(st.integers(0, 2**32), st.floats(0, 800))
@settings(max_examples=12, deadline=None)
def test_fixes_that_come_minutes_late_lead_to_the_same_facts(seed: int, late_s: float) -> None:
    chance = random.Random(seed)
    arrivals = sorted(DAY, key=lambda each: each.time_ms + chance.choice((0, 0, 0, late_s * 1000)))
    places, rules = Places(JOBS), automatic()
    state, facts = State(), []
    for each in arrivals:
        state, more = step(state, each, places, rules)
        facts += more
    assert state.too_late == 0
    whole = replay(State(), DAY, places, rules)[1]
    assert sorted(map(repr, standing(facts))) == sorted(map(repr, whole))


def test_a_late_fix_takes_back_by_name_what_it_refutes() -> None:
    # On the first news the worker never left; the late ones show an hour elsewhere.
    first = [*stay(0, 600), *stay(1500, 2100)]
    late = stay(660, 1260, x_m=3000)
    places = Places([job()])
    state, facts = replay(State(), first, places, automatic())
    assert logs(facts) == [(JOB_A, 0, None)]
    state, more = replay(state, late, places, automatic())
    taken_back = [fact for fact in more if isinstance(fact, Supersede)]
    assert all(fact.reason == "a fix came late" for fact in taken_back)
    assert logs([*facts, *more]) == [(JOB_A, 0, 600), (JOB_A, 1500, None)]


def test_a_fix_that_is_hours_late_is_counted_and_contradicts_nothing() -> None:
    places = Places([job()])
    state, facts = replay(State(), [*stay(0, 600), *stay(6000, 9000, x_m=9000)], places,
                          automatic())  # fmt: skip
    state, more = replay(state, stay(5, 500, x_m=3000), places, automatic())
    assert more == []
    assert state.too_late == len(stay(5, 500))
    again, _ = replay(state, stay(6000, 9000, x_m=9000)[-5:], places, automatic())
    assert again == state
    assert len(logs(facts)) == 1


def test_travel_lies_between_two_visits_and_a_long_stop_on_the_way_is_waiting() -> None:
    facts = told(DAY, JOBS, until_s=9000)
    (first, second) = logs(facts)
    (before, to_stop, from_stop) = logs(facts, LogKind.TRAVEL)
    (waiting,) = logs(facts, LogKind.WAITING)
    assert [first[0], second[0]] == [JOB_A, JOB_B]
    assert before[0] == JOB_A
    assert before[2] == first[1]
    assert to_stop[1] == first[2]
    assert (to_stop[0], waiting[0], from_stop[0]) == (JOB_B, JOB_B, JOB_B)
    assert to_stop[2] == waiting[1]
    assert waiting[2] == from_stop[1]
    assert from_stop[2] == second[1]
    assert 300 <= (waiting[2] or 0) - waiting[1] <= 510


def test_a_red_light_is_no_waiting() -> None:
    way = [*stay(0, 600), *go(605, 0, 2000), *stay(775, 900, x_m=2000), *go(905, 2000, 6000)]
    facts = told([*way, *stay(1245, 1800, x_m=6000)], JOBS)
    assert logs(facts, LogKind.WAITING) == []
    ((who, start, stop),) = logs(facts, LogKind.TRAVEL)
    assert who == JOB_B
    assert 605 <= start <= 615
    assert 1235 <= (stop or 0) <= 1245


def test_travelling_is_proposed_for_the_next_job_by_plan_and_not_before_its_hour() -> None:
    early = job(JOB_B, x_m=6000, window_start_ms=ms(7200), window_end_ms=ms(9000))
    due = job(JOB_B, x_m=6000, window_start_ms=ms(3600), window_end_ms=ms(9000))
    way = [*stay(0, 600), *go(605, 0, 5000)]

    def heading(facts: list[Fact]) -> list[bytes]:
        return [f.job for f in facts if isinstance(f, Propose) and f.phase is Phase.TRAVELLING]

    assert heading(told(way, [job(), early])) == []
    assert heading(told(way, [job(), due])) == [JOB_B]


def test_arriving_proposes_the_phase_and_leaving_only_asks_whether_it_is_finished() -> None:
    facts = told(DAY, JOBS, until_s=9000)
    phases = [(f.job, f.phase) for f in facts if isinstance(f, Propose)]
    assert phases == [
        (JOB_A, Phase.TRAVELLING), (JOB_A, Phase.ON_SITE),
        (JOB_B, Phase.TRAVELLING), (JOB_B, Phase.ON_SITE),
    ]  # fmt: skip
    assert [ask.job for ask in asked(facts, "finish")] == [JOB_A, JOB_B]


def test_every_fact_names_fixes_that_exist_the_rule_and_the_threshold() -> None:
    times = {each.time_ms for each in DAY}
    for fact in told(DAY, JOBS, until_s=9000):
        assert not isinstance(fact, Supersede)
        assert fact.evidence_ms
        assert set(fact.evidence_ms) <= times
        assert (fact.rule_version, fact.threshold_min) == (3, 3)


@pytest.mark.parametrize("mode", [Mode.SUGGEST, Mode.TIMED, Mode.OFF])
def test_the_mode_decides_what_becomes_of_a_visit(mode: Mode) -> None:
    facts = told(DAY, JOBS, Settings(mode), until_s=9000)
    if mode is Mode.OFF:
        assert facts == []
    elif mode is Mode.SUGGEST:
        assert not any(isinstance(fact, Start | Stop) for fact in facts)
        assert [ask.job for ask in asked(facts, "arrived")] == [JOB_A, JOB_B]
        visits = [a for a in asked(facts, "log") if a.kind is LogKind.ON_SITE]
        assert [(a.start_ms, a.at_ms) for a in visits] == [
            (ms(start), ms(stop or 0)) for _, start, stop in logs(told(DAY, JOBS, until_s=9000))
        ]
        assert {f.mode for f in facts if isinstance(f, Propose)} == {Mode.SUGGEST}
    else:
        assert {f.mode for f in facts if isinstance(f, Start | Stop | Propose)} == {Mode.TIMED}


def test_stepping_out_for_four_minutes_goes_on_with_the_same_log() -> None:
    fixes = [*stay(0, 900), *go(905, 10, 300, speed_mps=1.5), *go(1105, 300, 10, speed_mps=1.5)]
    fixes += [*stay(1310, 2400), *go(2405, 10, 2000)]
    ((who, start, stop),) = logs(told(fixes, [job()], until_s=9000))
    assert (who, start) == (JOB_A, 0)
    assert 2400 <= (stop or 0) <= 2415
    longer = [*stay(0, 900), *go(905, 10, 600, speed_mps=1.5), *go(1305, 600, 10, speed_mps=1.5)]
    assert len(logs(told([*longer, *stay(1710, 2400)], [job()]))) == 2


def test_driving_through_a_wide_place_is_no_visit_however_low_the_threshold() -> None:
    wide = job(radius_m=800)
    through = go(0, -2000, 2000, speed_mps=10)
    for threshold_min in (0, 1, 2):
        assert logs(told(through, [wide], automatic(threshold_min), until_s=3600)) == []
    told_speed = [fix(i * 10, i * 6 - 700, speed_mps=9) for i in range(200)]
    assert logs(told(told_speed, [wide], automatic(1), until_s=9000)) == []


def test_one_wild_fix_ends_no_visit_of_a_phone_that_reports_seldom() -> None:
    fixes = [*stay(0, 3600, every_s=360), fix(3960, 2500), *stay(4320, 7200, every_s=360)]
    assert logs(told(fixes, [job()])) == [(JOB_A, 0, None)]


def test_silence_under_an_hour_is_bridged_and_marked_and_over_it_is_not_logged() -> None:
    bridged = told([*stay(0, 600), *stay(600 + 2400, 3600), *go(3605, 10, 2000)], [job()],
                   until_s=9000)  # fmt: skip
    assert logs(bridged) == [(JOB_A, 0, 3610)]
    assert stops(bridged)[0].certainty is Certainty.UNCERTAIN
    silent = told([*stay(0, 600), *stay(600 + 7200, 9000)], [job()])
    assert logs(silent) == [(JOB_A, 0, 600), (JOB_A, 7800, None)]
    (join,) = asked(silent, "join")
    assert (join.start_ms, join.at_ms) == (ms(0), ms(7800))


def test_coarse_fixes_keep_a_visit_going_but_begin_none() -> None:
    coarse = stay(600, 9000, x_m=120, accuracy_m=150)
    assert logs(told(coarse, [job()])) == []
    facts = told([*stay(0, 585), *coarse, *go(9005, 0, 2000)], [job()], until_s=20_000)
    assert logs(facts) == [(JOB_A, 0, 9010)]
    assert stops(facts)[0].certainty is Certainty.CERTAIN


def test_no_log_runs_past_the_shift_or_twelve_hours_without_a_word() -> None:
    fixes = stay(0, 15 * 3600, every_s=60)
    facts = told(fixes, [job()], automatic(shift_end_s=4 * 3600))
    assert logs(facts) == [(JOB_A, 0, 4 * 3600 - 60)]
    assert stops(facts)[0].reason == "shift end"
    assert len(asked(facts, "extend")) == 1
    capped = told(fixes, [job()])
    assert logs(capped) == [(JOB_A, 0, 12 * 3600 - 60)]
    assert stops(capped)[0].reason == "cap"


def test_a_visit_after_the_shift_is_only_suggested() -> None:
    fixes = [*go(0, -3000, 0), *stay(255, 1200)]
    facts = told(fixes, [job()], automatic(shift_end_s=100))
    assert logs(facts) == []
    assert [ask.reason for ask in asked(facts, "arrived")] == ["after shift"]


def test_a_job_is_a_candidate_from_two_hours_before_to_six_hours_after_its_window() -> None:
    def found(start_s: float, end_s: float) -> int:
        windowed = job(window_start_ms=ms(start_s), window_end_ms=ms(end_s))
        return len(logs(told(stay(0, 600), [windowed])))

    assert found(2 * 3600 - 60, 3 * 3600) == 1
    assert found(2 * 3600 + 700, 3 * 3600) == 0
    assert found(-8 * 3600, -5 * 3600) == 1
    assert found(-9 * 3600, -6 * 3600 - 1) == 0


def test_the_office_may_set_a_place_its_own_threshold() -> None:
    fixes = [*stay(0, 600), *go(605, 10, 2000)]
    assert logs(told(fixes, [job(threshold_min=20)], until_s=9000)) == []
    assert len(logs(told(fixes, [job(threshold_min=9)], automatic(60), until_s=9000))) == 1


def test_a_yard_with_an_outline_is_left_at_its_edge() -> None:
    corners = tuple(point(x, y) for x, y in ((-400, -60), (400, -60), (400, 60), (-400, 60)))
    yard = job(corners=corners)
    inside = [*stay(0, 900, x_m=-350), *go(905, -350, 350, speed_mps=1.5), *stay(1400, 2000, 350)]
    assert logs(told([*inside, *go(2005, 350, 2000)], [yard], until_s=9000)) == [(JOB_A, 0, 2005)]
    assert logs(told(stay(0, 900, y_m=90), [yard])) == []


def test_finishing_by_hand_ends_the_log_and_the_place_stays_quiet_until_it_is_left() -> None:
    places, rules = Places([job()]), automatic()
    state, facts = replay(State(), stay(0, 900), places, rules)
    state, closing = close_job(state, JOB_A, ms(930))
    assert logs([*facts, *closing]) == [(JOB_A, 0, 930)]
    assert stops(closing)[0].certainty is Certainty.CERTAIN
    state, more = replay(state, stay(960, 2400), places, rules)
    assert more == []
    state, more = replay(state, [*go(2405, 10, 2000), *stay(3000, 3600)], places, rules)
    assert [log[1] for log in logs(more)] == [3000]


def test_the_next_job_at_the_same_place_begins_where_the_first_was_finished() -> None:
    two = Places([job(), job(JOB_B, position=1)])
    state, facts = replay(State(), stay(0, 900), two, automatic())
    state, closing = close_job(state, JOB_A, ms(900))
    rest = Places([job(JOB_B, position=1)])
    state, more = replay(state, stay(915, 2400), rest, automatic())
    assert logs([*facts, *closing, *more]) == [(JOB_A, 0, 900), (JOB_B, 900, None)]


def test_not_here_takes_the_visit_back() -> None:
    places = Places([job()])
    state, facts = replay(State(), stay(0, 300), places, automatic())
    state, refusal = refuse_job(state, JOB_A)
    assert logs([*facts, *refusal]) == []
    assert isinstance(refusal[0], Supersede)
    state, more = replay(state, stay(315, 1200), places, automatic())
    assert more == []


@pytest.mark.parametrize("bad", [
    Fix(ms(300) + 3 * 86_400_000, *point(5000, 0), 8),
    Fix(0, *point(5000, 0), 8),
    Fix(ms(300), 0, 0, 8),
    Fix(ms(300), 910_000_000, 0, 8),
    Fix(ms(300), *point(5000, 0), None),
    Fix(ms(300), *point(5000, 0), -5),
    Fix(ms(300), *point(5000, 0), 2000),
])  # fmt: skip
def test_nonsense_is_counted_and_decides_nothing(bad: Fix) -> None:
    places, rules = Places([job()]), automatic()
    plain, facts = replay(State(), stay(0, 900), places, rules, ms(900))
    state, spoilt = replay(State(), [*stay(0, 900), bad, bad], places, rules, ms(900))
    assert spoilt == facts
    assert (state.core, state.unusable) == (plain.core, 1)


def test_made_up_days_are_logged_to_the_minute() -> None:
    made = generate(seed=3, days=4)
    jobs = [job(bytes([i])) for i in range(len(made.places))]
    jobs = [type(each)(each.job, *where) for each, where in zip(jobs, made.places, strict=True)]
    facts = replay(State(), made.fixes, Places(jobs), automatic())[1]
    found = stops(facts)
    open_log = len(logs(facts)) - len(found)
    assert len(made.stays) == len(found) + open_log
    for real, log in zip(made.stays, found, strict=False):
        assert log.job == bytes([real.place])
        # The circle is entered up to half a minute before the stay, and left as much after it.
        assert abs(log.start_ms - real.start_ms) <= 60_000
        assert abs(log.at_ms - real.stop_ms) <= 60_000


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Settings(threshold_min=61), "0 to 60 minutes"),
    (lambda: Places([job(threshold_min=-1)]), "0 to 60 minutes"),
    (lambda: Places([job(), job()]), "twice"),
    (lambda: from_plain([99]), "another version"),
    (lambda: from_plain([]), "another version"),
])  # fmt: skip
def test_what_the_logger_cannot_work_with_is_named(make: object, words: str) -> None:
    with pytest.raises(AutologError, match=words):
        make()  # type: ignore[operator]


def test_a_radius_that_tells_nothing_is_refused() -> None:
    with pytest.raises(PlaceError, match="30 to 1000 m"):
        Places([job(radius_m=5)])


def test_suggestions_are_no_logs() -> None:
    facts = told(DAY, JOBS, until_s=9000)
    kinds = {type(fact) for fact in facts}
    assert kinds == {Start, Stop, Suggest, Propose}


def test_time_of_an_absence_that_was_seen_does_not_count_towards_the_threshold() -> None:
    out = [*stay(0, 100), *go(105, 0, 190, speed_mps=1.5), *go(235, 190, 0, speed_mps=1.5)]
    fixes = [*out, *stay(365, 395), *go(400, 10, 3000)]
    assert logs(told(fixes, [job()], automatic(5), until_s=9000)) == []
    ((_, start, stop),) = logs(told(fixes, [job()], automatic(4), until_s=9000))
    assert (start, stop) == (0, 405)


def test_a_planned_place_that_was_only_touched_delays_no_other() -> None:
    planned = job(window_start_ms=ms(0), window_end_ms=ms(7200))
    other = job(JOB_B, x_m=150)
    facts = told([*go(0, -500, 150, speed_mps=8), *stay(85, 900, x_m=150)], [planned, other])
    (start,) = [f for f in facts if isinstance(f, Start) and f.kind is LogKind.ON_SITE]
    assert start.job == JOB_B
    assert start.evidence_ms[-1] - start.at_ms <= 200_000


def test_who_is_nearer_to_the_planned_place_is_asked_nothing() -> None:
    facts = told(stay(0, 1800, x_m=5), [job(position=1), job(JOB_B, x_m=60, position=2)])
    assert [log[0] for log in logs(facts)] == [JOB_A]
    assert asked(facts, "other job") == []


def test_two_visits_with_an_absence_between_are_not_offered_as_one() -> None:
    fixes = [*stay(0, 600), *go(7800, 3000, 0), *stay(8060, 9000)]
    facts = told(fixes, [job()])
    assert len(logs(facts)) == 2
    assert asked(facts, "join") == []


def test_of_hours_of_silence_on_the_way_no_travel_is_logged() -> None:
    fixes = [*stay(0, 600), *go(605, 0, 3000), *stay(8000, 9000, x_m=6000)]
    travel = logs(told(fixes, JOBS), LogKind.TRAVEL)
    assert travel == [(None, 610, 855)]


def test_one_wild_fix_begins_no_way() -> None:
    home = [*stay(0, 1800, x_m=-3000), fix(1810, -9000), *stay(1820, 3600, x_m=-3000)]
    facts = told([*home, *go(3605, -3000, 0), *stay(3860, 4800)], JOBS)
    assert logs(facts, LogKind.WAITING) == []
    ((who, start, stop),) = logs(facts, LogKind.TRAVEL)
    assert who == JOB_A
    assert abs(start - 3605) <= 15
    assert stop == logs(facts)[0][1]


def test_new_settings_are_not_applied_backwards_by_a_late_fix() -> None:
    places = Places([job()])
    state, facts = replay(State(), stay(0, 300), places, automatic(3))
    state, more = step(state, fix(315, 0), places, automatic(60))
    state, late = step(state, fix(250, 1), places, automatic(60))
    assert [*more, *late] == []
    assert state.too_late == 1
    assert logs(facts) == [(JOB_A, 0, None)]
