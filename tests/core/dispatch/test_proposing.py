"""Laws of a proposal over many small sites, and the words that a person reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.itinerary import MINUTE_MS, Stop
from core.dispatch.proposing import Crew, Proposal, Task, TooMuch, propose

PLACES = 8
SKILLS = ["gas", "lift"]


def ms(minutes: int | None) -> int | None:
    return None if minutes is None else minutes * MINUTE_MS


@st.composite
def sites(draw: st.DrawFn) -> tuple[list[Task], list[Crew], list[list[int]]]:
    """Tasks, crews and a matrix; some tasks are in somebody's day already."""
    minutes = st.integers(0, 60)
    times = [[0 if a == b else draw(minutes) * MINUTE_MS for b in range(PLACES)]
             for a in range(PLACES)]  # fmt: skip
    skills = st.frozensets(st.sampled_from(SKILLS))

    def stop(job: str) -> Stop:
        start = draw(st.none() | st.integers(0, 400))
        wide = draw(st.integers(0, 120))
        place = draw(st.none() | st.integers(0, PLACES - 1))
        length = draw(st.integers(5, 60)) * MINUTE_MS
        return Stop(job, place, length, ms(start), None if start is None else ms(start + wide))

    tasks = [Task(stop(f"t{n}"), draw(skills), draw(st.integers(0, 3)))
             for n in range(draw(st.integers(0, 6)))]  # fmt: skip
    crews = []
    holders = [draw(st.integers(-1, 2)) for _ in tasks]
    for n in range(draw(st.integers(0, 3))):
        own = [task.stop for task, holder in zip(tasks, holders, strict=True) if holder == n]
        own += [stop(f"fixed-{n}-{k}") for k in range(draw(st.integers(0, 2)))]
        crews.append(
            Crew(f"w{n}", f"W{n}", draw(st.none() | st.integers(0, PLACES - 1)),
                 draw(st.integers(0, 60)) * MINUTE_MS, ms(draw(st.none() | st.integers(60, 480))),
                 draw(skills), tuple(draw(st.permutations(own)))))  # fmt: skip
    return tasks, crews, times


def jobs_of(proposal: Proposal) -> list[str]:
    return [timed.stop.job for day in proposal.after.values() for timed in day]


@given(sites())
def test_no_proposal_breaks_a_skill_or_a_shift_or_places_a_job_twice(
    site: tuple[list[Task], list[Crew], list[list[int]]],
) -> None:
    tasks, crews, times = site
    found = propose(*site)
    crew_by_worker = {crew.worker: crew for crew in crews}
    task_by_job = {task.stop.job: task for task in tasks}
    held = {stop.job for crew in crews for stop in crew.stops}
    jobs = jobs_of(found)
    assert len(jobs) == len(set(jobs))
    assert set(jobs) | {left.job for left in found.left} == held | set(task_by_job)
    assert not set(jobs) & {left.job for left in found.left}
    assert held <= set(jobs)
    for move in found.moves:
        crew = crew_by_worker[move.worker]
        assert move.before == crew.worker or task_by_job[move.job].skills <= crew.skills
        assert move.reason
    for crew in crews:
        before, after = found.before[crew.worker], found.after[crew.worker]
        came = {timed.stop.job for timed in after} - {stop.job for stop in crew.stops}
        if crew.shift_end_ms is not None and after:
            end_ms = after[-1].end_ms
            assert end_ms <= crew.shift_end_ms or (not came and end_ms <= before[-1].end_ms)


@given(sites())
def test_what_was_not_given_stays_with_its_worker_and_in_its_order(
    site: tuple[list[Task], list[Crew], list[list[int]]],
) -> None:
    tasks, crews, _ = site
    found = propose(*site)
    given_jobs = {task.stop.job for task in tasks}
    for crew in crews:
        fixed = [stop.job for stop in crew.stops if stop.job not in given_jobs]
        after = [timed.stop.job for timed in found.after[crew.worker]]
        assert [job for job in after if job not in given_jobs] == fixed
    assert all(move.job in given_jobs for move in found.moves)


@given(sites())
def test_improvement_is_never_worse_than_insertion_alone(
    site: tuple[list[Task], list[Crew], list[list[int]]],
) -> None:
    alone, better = propose(*site, improving=False), propose(*site)
    assert len(better.left) <= len(alone.left)
    if len(better.left) == len(alone.left):
        assert better.cost_ms <= alone.cost_ms


@given(sites(), st.data())
def test_the_order_of_what_is_given_changes_nothing(
    site: tuple[list[Task], list[Crew], list[list[int]]], data: st.DataObject
) -> None:
    tasks, crews, times = site
    others = data.draw(st.permutations(tasks)), data.draw(st.permutations(crews))
    assert propose(*others, times) == propose(tasks, crews, times)


def test_a_job_goes_to_the_nearest_with_the_skill_and_says_so() -> None:
    times = [[0, 10 * MINUTE_MS], [10 * MINUTE_MS, 0]]
    crews = [
        Crew("a", "Ana", 1, 0, ms(480), frozenset()),
        Crew("b", "Ben", 0, 0, ms(480), frozenset({"gas"})),
    ]
    task = Task(Stop("job", 1, 30 * MINUTE_MS, 0, 60 * MINUTE_MS), frozenset({"gas"}))
    (move,) = propose([task], crews, times).moves
    assert (move.before, move.worker, move.place) == ("", "b", 1)
    assert move.reason == (
        "the only one with the skill, the least driving of all who could,"
        " adds 10 min of driving, keeps all windows"
    )
    free = Task(Stop("job", 1, 30 * MINUTE_MS, 0, 60 * MINUTE_MS))
    (move,) = propose([free], crews, times).moves
    assert (move.worker, move.added_ms) == ("a", 0)


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (Task(Stop("j", None, MINUTE_MS)), "its position is not known; give it one"),
        (Task(Stop("j", 0, MINUTE_MS), frozenset({"lift"})), "nobody has the skill: lift"),
        (
            Task(Stop("j", 0, 90 * MINUTE_MS)),
            "it fits into no shift; with Ana the day would end 30 min after it",
        ),
    ],
)
def test_what_cannot_be_placed_is_left_with_why(task: Task, why: str) -> None:
    found = propose([task], [Crew("a", "Ana", 0, 0, ms(60))], [[0]])
    assert [(left.job, left.why) for left in found.left] == [("j", why)]
    assert found.moves == ()


def test_an_assigned_job_is_not_moved_for_a_minute_of_driving() -> None:
    times = [[0, 4 * MINUTE_MS, 9 * MINUTE_MS], [4 * MINUTE_MS, 0, 0], [9 * MINUTE_MS, 0, 0]]
    job = Stop("job", 0, MINUTE_MS)
    holder = Crew("a", "Ana", 1, 0, None, stops=(job,))
    near = Crew("b", "Ben", 0, 0, None)
    assert propose([Task(job)], [holder, near], times).moves == ()
    far = Crew("a", "Ana", 2, 0, None, stops=(job,))
    (move,) = propose([Task(job)], [far, near], times).moves
    assert (move.before, move.worker) == ("a", "b")


def test_sixty_workers_and_two_hundred_jobs_are_bounded_and_more_are_refused() -> None:
    places = 260
    spots = [((n * 7919) % 997, (n * 104_729) % 991) for n in range(places)]
    times = [[(abs(a - c) + abs(b - d)) * 1_500 for c, d in spots] for a, b in spots]
    tasks = [
        Task(Stop(f"{n:03d}", n, 25 * MINUTE_MS, ms(n % 8 * 60), ms(n % 8 * 60 + 90)))
        for n in range(200)
    ]
    crews = [Crew(f"w{n:02d}", f"W{n}", 200 + n, 0, ms(560)) for n in range(60)]
    steps: list[int] = []
    found = propose(tasks, crews, times, progress=lambda done, _: steps.append(done))
    assert not found.left
    assert steps == sorted(steps)
    # What came of it is told in words beyond the bound, of a few thousand walks more.
    assert steps[-1] < 900_000
    with pytest.raises(TooMuch, match="at most 200 jobs"):
        propose([*tasks, Task(Stop("more", 0, 1))], crews, times)
