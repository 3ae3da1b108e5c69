"""The twelve cases that break automatic loggers in the field, each as a recorded day would be."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from core.dispatch.autolog import (
    Certainty,
    JobPlace,
    Mode,
    Places,
    Propose,
    Settings,
    Start,
    State,
    Stop,
    replay,
    standing,
    step,
    switch_off,
    tick,
)
from core.dispatch.fields import LogKind, Phase, Source
from core.dispatch.timelog import Flag, Moment, TimeLog, local_text
from tests.core.dispatch.scene import (
    BEGIN_MS,
    JOB_A,
    JOB_B,
    asked,
    automatic,
    fix,
    go,
    intervals_of,
    job,
    logs,
    ms,
    stay,
    stops,
    told,
    told_at_once,
)

HOUR_MS = 3_600_000


def time_log(start: Moment, stop: Moment | None, name: bytes = b"log-0001") -> TimeLog:
    return TimeLog(name, b"worker", "2026-10-25", JOB_A, LogKind.ON_SITE, start, stop, Source.AUTO)


def test_1_a_confident_fix_far_off_splits_no_visit() -> None:
    fixes = []
    for round_s in range(0, 3 * 60, 36):
        fixes += [fix(round_s, 8), fix(round_s + 12, 200, accuracy_m=2), fix(round_s + 24, 9)]
    fixes += stay(180, 900, x_m=9) + go(910, 20, 900)
    assert logs(told(fixes, [job(radius_m=50)], until_s=3600)) == [(JOB_A, 0, 910)]


def test_2_driving_by_is_no_visit_and_a_jam_only_below_the_threshold() -> None:
    by = go(0, -560, 560, speed_mps=14, every_s=10)
    assert logs(told(by, [job()], until_s=3600)) == []
    jam = [*go(0, -600, -60), *stay(50, 170, x_m=-50, every_s=10), *go(175, -50, 900)]
    assert logs(told(jam, [job()], until_s=3600)) == []
    facts = told(jam, [job()], automatic(threshold_min=1), until_s=3600)
    assert [log[0] for log in logs(facts)] == [JOB_A]
    # It asks whether the job is finished, and says nothing of its own accord.
    assert [ask.job for ask in asked(facts, "finish")] == [JOB_A]
    assert {f.phase for f in facts if isinstance(f, Propose)} <= {Phase.ON_SITE, Phase.TRAVELLING}


def test_3_a_phone_that_died_on_site_leaves_an_uncertain_end_and_a_question() -> None:
    dead = told(stay(0, 3000), [job()], until_s=3000 + 25 * 60)
    assert logs(dead) == [(JOB_A, 0, None)]
    assert [ask.at_ms for ask in asked(dead, "end")] == [ms(3000)]
    facts = told([*stay(0, 3000), *stay(10_800, 11_000, x_m=20_000)], [job()])
    assert logs(facts) == [(JOB_A, 0, 3000)]
    assert stops(facts)[0].certainty is Certainty.UNCERTAIN
    assert [ask.at_ms for ask in asked(facts, "end")] == [ms(3000)]


def test_4_walking_in_from_the_car_park_and_drifting_indoors_is_one_visit() -> None:
    fixes = [*go(0, -2000, -180), *stay(170, 200, x_m=-180), *go(205, -180, -5, speed_mps=1.4)]
    arrival_s = 205 + 80 / 1.4
    for i in range(720):
        drift = (0, 45, -60, 30)[i // 4 % 4]
        fixes.append(fix(335 + 15 * i, drift, drift / 3, accuracy_m=(12, 35, 60, 20)[i % 4]))
    fixes += go(335 + 15 * 720, 110, 2000)
    (found,) = logs(told(fixes, [job()], until_s=20_000))
    assert found[0] == JOB_A
    assert abs(found[1] - arrival_s) <= 30
    assert abs((found[2] or 0) - (335 + 15 * 719)) <= 30


def test_5_a_batch_in_reverse_order_gives_the_same_facts() -> None:
    day = [*go(0, -3000, 0), *stay(260, 1500), *go(1510, 0, 5000), *stay(1930, 3000, x_m=5000)]
    jobs = [job(), job(JOB_B, x_m=5000)]
    in_order = told(day, jobs)
    assert [log[0] for log in logs(in_order)] == [JOB_A, JOB_B]
    assert told_at_once(list(reversed(day)), jobs) == in_order


def test_6_of_two_neighbours_the_planned_one_is_logged_and_the_nearer_only_suggested() -> None:
    planned = job(window_start_ms=ms(0), window_end_ms=ms(7200), position=1)
    neighbour = job(JOB_B, x_m=60, window_start_ms=ms(0), window_end_ms=ms(7200), position=2)
    fixes = [*go(0, 1500, 65), *stay(125, 1500, x_m=55), *go(1510, 60, 2500)]
    facts = told(fixes, [neighbour, planned], until_s=4000)
    assert [log[0] for log in logs(facts)] == [JOB_A]
    (other,) = asked(facts, "other job")
    assert other.job == JOB_B
    assert other.at_ms - logs(facts)[0][1] * 1000 - BEGIN_MS >= 600_000


def test_7_durations_are_exact_over_nights_when_clocks_change_and_over_borders() -> None:
    helsinki, stockholm = ZoneInfo("Europe/Helsinki"), ZoneInfo("Europe/Stockholm")
    # In Stockholm 01:30 to 02:30 on the night clocks go back lasts two hours, forward none.
    back_ms, forward_ms = 1_792_884_600_000, 1_774_744_200_000
    (autumn,) = intervals_of(
        [time_log(Moment(back_ms), Moment(back_ms + 2 * HOUR_MS))], [], back_ms + 9 * HOUR_MS
    )
    assert autumn.duration_ms == 2 * HOUR_MS
    assert local_text(autumn.start_ms, stockholm) == "2026-10-25T01:30:00+02:00"
    assert local_text(autumn.stop_ms, stockholm) == "2026-10-25T02:30:00+01:00"
    (spring,) = intervals_of(
        [time_log(Moment(forward_ms), Moment(forward_ms + HOUR_MS))], [], back_ms
    )
    assert local_text(spring.start_ms, stockholm) == "2026-03-29T01:30:00+01:00"
    assert local_text(spring.stop_ms, stockholm) == "2026-03-29T03:30:00+02:00"
    assert spring.duration_ms == HOUR_MS
    # Over a border the hands move back an hour; the time on the way does not.
    assert local_text(ms(0), helsinki) == "2026-05-29T11:00:00+03:00"
    assert local_text(ms(5400), stockholm) == "2026-05-29T11:30:00+02:00"
    way = [*stay(0, 600), *go(605, 0, 70_000, speed_mps=13), *stay(6000, 6600, x_m=70_000)]
    facts = told(way, [job(), job(JOB_B, x_m=70_000)])
    (travel,) = logs(facts, LogKind.TRAVEL)
    assert travel[0] == JOB_B
    assert abs((travel[2] or 0) - travel[1] - 70_000 / 13) < 60


def test_8_a_clock_put_right_during_a_log_changes_its_duration_by_nothing() -> None:
    start = Moment(BEGIN_MS - HOUR_MS, 0, uptime_ms=50_000, boot=7)
    stop = Moment(BEGIN_MS + 1_800_000, 0, uptime_ms=50_000 + 1_800_000, boot=7)
    (interval,) = intervals_of([time_log(start, stop)], [], BEGIN_MS + HOUR_MS)
    assert interval.duration_ms == 1_800_000
    assert Flag.CLOCK_MOVED in interval.flags


def test_9_a_log_over_a_restart_stays_one_and_its_bridge_is_marked() -> None:
    start = Moment(BEGIN_MS, 500, uptime_ms=9_000_000, boot=7)
    stop = Moment(BEGIN_MS + 1_200_000, 500, uptime_ms=60_000, boot=8)
    (interval,) = intervals_of([time_log(start, stop)], [], BEGIN_MS + HOUR_MS)
    assert interval.duration_ms == 1_200_000
    assert Flag.BRIDGED in interval.flags
    # The logger's own state goes to disk after every fix, as `told` does it.
    assert logs(told([*stay(0, 600), *go(605, 50, 900)], [job()], until_s=2000)) == [
        (JOB_A, 0, 605)
    ]


def test_10_a_new_threshold_counts_from_noon_and_every_log_names_its_own() -> None:
    visits = [*stay(0, 300), *go(305, 0, 1500), *stay(800, 1100), *go(1105, 0, 1500)]
    later = [*stay(2000, 2300), *go(2305, 0, 1500), *stay(3000, 3900), *go(3905, 0, 1500)]
    places = Places([job()])
    state, morning = replay(State(), visits, places, automatic(3))
    state, afternoon = replay(state, later, places, automatic(10))
    _, evening = tick(state, ms(9000), places, automatic(10))
    facts = [*morning, *afternoon, *evening]
    assert [round(log[1]) for log in logs(facts)] == [0, 800, 3000]
    starts = [f for f in facts if isinstance(f, Start) and f.kind is LogKind.ON_SITE]
    assert [f.threshold_min for f in starts] == [3, 3, 10]
    assert {f.rule_version for f in starts} == {3}


def test_11_a_mock_location_is_never_logged_by_itself() -> None:
    made_up = stay(0, 900, accuracy_m=0, mock=True)
    facts = told([*made_up, *go(1000, 0, 3000)], [job()], until_s=3000)
    assert [f for f in facts if isinstance(f, Start | Stop | Propose)] == []
    (arrived,) = asked(facts, "arrived")
    assert (arrived.job, arrived.reason) == (JOB_A, "mock")
    # And it does not prolong what was really seen.
    mixed = [*stay(0, 600), *stay(615, 1400, mock=True)]
    assert logs(told(mixed, [job()], until_s=9000)) == [(JOB_A, 0, 600)]


def test_12_a_job_cancelled_while_the_phone_is_on_site_keeps_its_log() -> None:
    state, facts = replay(State(), stay(0, 600), Places([job()]), automatic())
    nothing: list[JobPlace] = []
    for each in [*stay(615, 1500), *go(1505, 50, 1500)]:
        state, more = step(state, each, Places(nothing), automatic())
        facts += more
    _, more = tick(state, ms(4000), Places(nothing), automatic())
    assert logs([*facts, *more]) == [(JOB_A, 0, 1505)]


def test_switching_off_ends_an_open_log_at_its_last_evidence_and_marks_it() -> None:
    state, facts = replay(State(), stay(0, 600), Places([job()]), automatic())
    _, closing = switch_off(state, automatic())
    (stop,) = stops([*facts, *closing])
    assert (stop.at_ms, stop.reason, stop.certainty) == (
        ms(600), "switched off", Certainty.UNCERTAIN
    )  # fmt: skip
    off = Settings(Mode.OFF)
    _, same = step(state, fix(900, 0), Places([job()]), off)
    assert standing(same) == standing(closing)
