"""A proposal: who does which jobs of a day, in what order, and why. A person decides.

Insertion of what nobody has, then improvement by moving, swapping and turning round, on a matrix of
travel times. Pure and bounded: it counts its own steps and looks at no clock. What is begun is not
here at all (a worker starts where and when it ends), and jobs that were not given to be placed keep
their worker and their order among themselves.

Invariants: no job is given to somebody who lacks its skill or whose day would end after the shift;
none stands twice; improvement is never worse than the insertion alone; the same values give the
same proposal, in whatever order they come.

Source: cheapest insertion, relocation, exchange and 2-opt as in any text on vehicle routing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from core.dispatch.itinerary import MINUTE_MS, Stop, Timed, itinerary
from core.sentence import listed, say, say_n

LATE_WEIGHT: Final = 6
"""A minute too late is worth six of driving: a customer waits for it."""
STAY_MS: Final = 5 * MINUTE_MS
"""A job is taken from whoever has it only where that saves more than this: people count on it."""
URGENT: Final = 3
"""Of this priority the time until work begins counts as well, window or not."""
DAY_MS: Final = 24 * 60 * MINUTE_MS
PASSES_MAX: Final = 12
STEPS_MAX: Final = 700_000
"""Days that are walked through: some seconds for 60 workers and 200 jobs."""
TASKS_MAX: Final = 200
CREWS_MAX: Final = 250

Progress = Callable[[int, int], None]
"""Called with the steps done and the most that there may be."""


class TooMuch(ValueError):
    """More jobs or workers than one proposal takes; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Task:
    """A job to be placed: its stop, the skills that it needs (by name), its priority."""

    stop: Stop
    skills: frozenset[str] = frozenset()
    priority: int = 1


@dataclass(frozen=True, slots=True)
class Crew:
    """A worker's day: where (a place's number) and when (UTC ms) it starts, and what is planned.

    `stops` are the jobs ahead in order; those among the tasks may be moved, the others stay.
    `start` is None where it is not known: the way to the first job counts nothing then. A shift
    that ended at 0 takes nothing more.
    """

    worker: str
    name: str
    start: int | None
    free_ms: int
    shift_end_ms: int | None
    skills: frozenset[str] = frozenset()
    stops: tuple[Stop, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """One job that comes to somebody, or to another place in the same day.

    `before` is the worker who has it now, '' for nobody; `place` its number in the new day from 1;
    `added_ms` the driving that it adds there; `reason` in words.
    """

    job: str
    before: str
    worker: str
    place: int
    timed: Timed
    added_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """A job that could not be placed, and why in words."""

    job: str
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed: moves, what is left, and each worker's day before and after.

    `cost_ms` is what was made small: driving, and lateness by its weight.
    """

    moves: tuple[Move, ...]
    left: tuple[Left, ...]
    before: Mapping[str, tuple[Timed, ...]]
    after: Mapping[str, tuple[Timed, ...]]
    cost_ms: int


class _Walk(NamedTuple):
    """One day, walked through: its cost, driving and when it ends."""

    cost_ms: int
    travel_ms: int
    end_ms: int


class _Planner:
    """The days as they are being changed. `days[i]` are the stops of `crews[i]`."""

    def __init__(
        self,
        tasks: Iterable[Task],
        crews: Iterable[Crew],
        times_ms: Sequence[Sequence[int]],
        progress: Progress | None,
    ) -> None:
        self.tasks = {task.stop.job: task for task in sorted(tasks, key=lambda t: t.stop.job)}
        self.crews = sorted(crews, key=lambda crew: crew.worker)
        self.times_ms = times_ms
        self.progress = progress
        self.days: list[tuple[Stop, ...]] = [crew.stops for crew in self.crews]
        self.holder = {stop.job: i for i, crew in enumerate(self.crews) for stop in crew.stops}
        self.at = dict(self.holder)
        self.steps = 0
        self.first = [self.walk(i, day) for i, day in enumerate(self.days)]
        self.walks = list(self.first)
        self.unplaced: list[Task] = []

    # --- one day

    def walk(self, i: int, stops: Sequence[Stop]) -> _Walk:
        """The cost of a day: driving, lateness by weight, urgent jobs' waiting, jobs taken away."""
        crew, tasks, times_ms = self.crews[i], self.tasks, self.times_ms
        self.steps += 1
        if self.progress is not None and self.steps % 5_000 == 0:
            self.progress(min(self.steps, STEPS_MAX), STEPS_MAX)
        at_ms, here, travel_ms, cost_ms = crew.free_ms, crew.start, 0, 0
        for stop in stops:
            place = stop.place
            if place is not None:
                if here is not None:
                    leg_ms = times_ms[here][place]
                    travel_ms += leg_ms
                    at_ms += leg_ms
                here = place
            if stop.window_start_ms is not None and at_ms < stop.window_start_ms:
                at_ms = stop.window_start_ms
            if stop.window_end_ms is not None and at_ms > stop.window_end_ms:
                cost_ms += LATE_WEIGHT * (at_ms - stop.window_end_ms)
            task = tasks.get(stop.job)
            if task is not None:
                if task.priority >= URGENT:
                    cost_ms += at_ms - crew.free_ms
                if self.holder.get(stop.job, i) != i:
                    cost_ms += STAY_MS
            at_ms += stop.length_ms
        return _Walk(cost_ms + travel_ms, travel_ms, at_ms)

    def fits(self, i: int, stops: Sequence[Stop], walk: _Walk) -> bool:
        """Whether a day keeps the shift, or is an old one that breaks it no more than it did."""
        end_ms = self.crews[i].shift_end_ms
        if end_ms is None or walk.end_ms <= end_ms or not stops:
            return True
        if walk.end_ms > self.first[i].end_ms:
            return False
        return all(self.holder.get(stop.job) == i for stop in stops)

    def is_able(self, i: int, task: Task) -> bool:
        """Whether the worker has the skills, or has the job already."""
        return task.skills <= self.crews[i].skills or self.holder.get(task.stop.job) == i

    def set_day(self, i: int, stops: tuple[Stop, ...], walk: _Walk) -> None:
        self.days[i], self.walks[i] = stops, walk
        self.at.update((stop.job, i) for stop in stops)

    @property
    def is_spent(self) -> bool:
        return self.steps >= STEPS_MAX

    @property
    def cost_ms(self) -> int:
        return sum(walk.cost_ms for walk in self.walks)

    # --- where one more stop costs least

    def best_place(
        self, task: Task, days: Sequence[tuple[Stop, ...]], walks: Sequence[_Walk]
    ) -> tuple[int, int, tuple[Stop, ...], _Walk] | None:
        """What it adds, whose day, the day with it and its walk; None where it fits nowhere."""
        best: tuple[int, int, tuple[Stop, ...], _Walk] | None = None
        for i, day in enumerate(days):
            if not self.is_able(i, task):
                continue
            for place in range(len(day) + 1):
                stops = (*day[:place], task.stop, *day[place:])
                walk = self.walk(i, stops)
                added_ms = walk.cost_ms - walks[i].cost_ms
                if (best is None or added_ms < best[0]) and self.fits(i, stops, walk):
                    best = (added_ms, i, stops, walk)
        return best

    # --- the two parts

    def insert(self) -> None:
        """Place what nobody has, the most pressing first, each where it costs least."""
        waiting = [task for job, task in self.tasks.items() if job not in self.holder]
        waiting.sort(key=_pressing)
        self.unplaced = [task for task in waiting if not self.place(task)]

    def place(self, task: Task) -> bool:
        """Place one job where it costs least; False where it can't be."""
        if task.stop.place is None:
            return False
        best = self.best_place(task, self.days, self.walks)
        if best is not None:
            self.set_day(*best[1:])
        return best is not None

    def improve(self) -> None:
        """Move, swap and turn round as long as that makes the cost less; then place the rest."""
        for _ in range(PASSES_MAX):
            before_ms = self.cost_ms
            self.relocate()
            self.exchange()
            self.turn_round()
            if self.is_spent or self.cost_ms >= before_ms:
                break
        self.unplaced = [task for task in self.unplaced if not self.place(task)]

    def relocate(self) -> None:
        """Take each job out and put it where it costs least."""
        for job in [job for job in self.tasks if job in self.at]:
            if self.is_spent:
                return
            i, task = self.at[job], self.tasks[job]
            if task.stop.place is None:
                continue
            rest = tuple(stop for stop in self.days[i] if stop.job != job)
            walk = self.walk(i, rest)
            saved_ms = self.walks[i].cost_ms - walk.cost_ms
            days, walks = list(self.days), list(self.walks)
            days[i], walks[i] = rest, walk
            best = self.best_place(task, days, walks)
            if best is not None and best[0] < saved_ms:
                self.set_day(i, rest, walk)
                self.set_day(*best[1:])

    def exchange(self) -> None:
        """Swap two jobs of two workers."""
        jobs = [job for job in self.tasks if job in self.at]
        for n, one in enumerate(jobs):
            for other in jobs[n + 1 :]:
                if self.is_spent:
                    return
                self._swap(one, other)

    def _swap(self, one: str, other: str) -> None:
        i, j = self.at[one], self.at[other]
        first, second = self.tasks[one], self.tasks[other]
        if i == j or not (self.is_able(i, second) and self.is_able(j, first)):
            return
        if first.stop.place is None or second.stop.place is None:
            return
        mine = tuple(second.stop if stop.job == one else stop for stop in self.days[i])
        theirs = tuple(first.stop if stop.job == other else stop for stop in self.days[j])
        walks = self.walk(i, mine), self.walk(j, theirs)
        now_ms = self.walks[i].cost_ms + self.walks[j].cost_ms
        if walks[0].cost_ms + walks[1].cost_ms >= now_ms:
            return
        if self.fits(i, mine, walks[0]) and self.fits(j, theirs, walks[1]):
            self.set_day(i, mine, walks[0])
            self.set_day(j, theirs, walks[1])

    def turn_round(self) -> None:
        """Reverse runs of a day that hold only jobs which may be moved (2-opt)."""
        for i in range(len(self.days)):
            for start in range(len(self.days[i])):
                for end in range(start + 2, len(self.days[i]) + 1):
                    day = self.days[i]
                    if self.is_spent or day[end - 1].job not in self.tasks:
                        break
                    if day[start].job not in self.tasks:
                        break
                    stops = (*day[:start], *reversed(day[start:end]), *day[end:])
                    walk = self.walk(i, stops)
                    if walk.cost_ms < self.walks[i].cost_ms and self.fits(i, stops, walk):
                        self.set_day(i, stops, walk)


def _pressing(task: Task) -> tuple[int, int, str]:
    end_ms = task.stop.window_end_ms
    return (-task.priority, 1 << 62 if end_ms is None else end_ms, task.stop.job)


def propose(
    tasks: Iterable[Task],
    crews: Iterable[Crew],
    times_ms: Sequence[Sequence[int]],
    *,
    improving: bool = True,
    progress: Progress | None = None,
) -> Proposal:
    """Propose who does the tasks and in what order.

    Args:
        tasks: what is to be placed; a job that stands in a crew's stops may be moved from there.
        crews: the workers of the day with their plans.
        times_ms: travel from place to place.
        improving: False for insertion alone.
        progress: told now and again how far it is.

    Raises:
        TooMuch: more than `TASKS_MAX` tasks or `CREWS_MAX` crews.
    """
    planner = _Planner(tasks, crews, times_ms, progress)
    if len(planner.tasks) > TASKS_MAX or len(planner.crews) > CREWS_MAX:
        raise TooMuch(
            say(
                "a proposal takes at most {jobs} jobs and {workers} workers; choose fewer",
                jobs=TASKS_MAX,
                workers=CREWS_MAX,
            )
        )
    planner.insert()
    if improving:
        planner.improve()
    return _proposal(planner)


# --- what came of it, in words


def _proposal(planner: _Planner) -> Proposal:
    def timed(i: int, stops: Sequence[Stop]) -> tuple[Timed, ...]:
        crew = planner.crews[i]
        return tuple(itinerary(crew.free_ms, crew.start, stops, _legs(planner.times_ms)))

    workers = [crew.worker for crew in planner.crews]
    before = {worker: timed(i, planner.crews[i].stops) for i, worker in enumerate(workers)}
    after = {worker: timed(i, planner.days[i]) for i, worker in enumerate(workers)}
    moves = []
    for i, day in enumerate(planner.days):
        turned = _order(day, planner.crews[i].stops) != _order(planner.crews[i].stops, day)
        for place, stop in enumerate(day):
            held = planner.holder.get(stop.job)
            if stop.job in planner.tasks and (held != i or turned):
                moves.append(_move(planner, i, place, held, before, after))
    left = tuple(Left(task.stop.job, _why_left(planner, task)) for task in planner.unplaced)
    return Proposal(tuple(moves), left, before, after, planner.cost_ms)


def _order(stops: Sequence[Stop], among: Sequence[Stop]) -> list[str]:
    known = {stop.job for stop in among}
    return [stop.job for stop in stops if stop.job in known]


def _legs(times_ms: Sequence[Sequence[int]]) -> Callable[[int | None, int | None], int]:
    def legs(start: int | None, end: int | None) -> int:
        return 0 if start is None or end is None else times_ms[start][end]

    return legs


def _move(
    planner: _Planner,
    i: int,
    place: int,
    held: int | None,
    before: Mapping[str, tuple[Timed, ...]],
    after: Mapping[str, tuple[Timed, ...]],
) -> Move:
    worker = planner.crews[i].worker
    day = planner.days[i]
    rest = (*day[:place], *day[place + 1 :])
    added_ms = planner.walks[i].travel_ms - planner.walk(i, rest).travel_ms
    timed = after[worker][place]
    reason = _reason(planner, i, place, added_ms, held, _later(before, after[worker], timed))
    holder = "" if held is None else planner.crews[held].worker
    return Move(day[place].job, holder, worker, place + 1, timed, added_ms, reason)


def _later(
    before: Mapping[str, tuple[Timed, ...]], day: Sequence[Timed], own: Timed
) -> list[tuple[str, int]]:
    """Other jobs of the day that begin later after their window than they did; with minutes."""
    late = {timed.stop.job: timed.late_ms for each in before.values() for timed in each}
    return [
        (timed.stop.job, -(-(timed.late_ms - late.get(timed.stop.job, 0)) // MINUTE_MS))
        for timed in day
        if timed is not own and timed.late_ms > late.get(timed.stop.job, timed.late_ms)
    ]


def _reason(
    planner: _Planner,
    i: int,
    place: int,
    added_ms: int,
    held: int | None,
    later: Sequence[tuple[str, int]],
) -> str:
    task = planner.tasks[planner.days[i][place].job]
    parts = []
    able = [n for n in range(len(planner.crews)) if task.skills <= planner.crews[n].skills]
    if task.skills:
        only = able == [i]
        parts.append(
            say("the only one with the skill")
            if only
            else say("one of {count} with the skill", count=len(able))
        )
    if held == i:
        parts.append(say("in a better order"))
    else:
        more_ms = added_ms - _least_added(planner, task, i)
        if more_ms <= 0:
            parts.append(say("the least driving of all who could"))
        elif more_ms <= MINUTE_MS:
            parts.append(say("hardly more driving than the least"))
        else:
            parts.append(say("more driving than another, and less lateness or driving in all"))
    added_min = round(added_ms / MINUTE_MS)
    parts.append(
        say("adds {minutes} min of driving", minutes=added_min)
        if added_min > 0
        else say("adds no driving")
    )
    walk = itinerary(
        planner.crews[i].free_ms, planner.crews[i].start, planner.days[i], _legs(planner.times_ms)
    )
    own_min = -(-walk[place].late_ms // MINUTE_MS)
    if own_min:
        parts.append(say("begins {minutes} min after its window", minutes=own_min))
    if later:
        parts.append(say_n("makes {n} other later", "makes {n} others later", len(later)))
    if not own_min and not later:
        parts.append(say("keeps all windows"))
    return listed(parts)


def _least_added(planner: _Planner, task: Task, but: int) -> int:
    """The least driving that the job would add to another worker's day, within its shift."""
    least = 1 << 62
    for i, day in enumerate(planner.days):
        if i == but or not task.skills <= planner.crews[i].skills:
            continue
        for place in range(len(day) + 1):
            stops = (*day[:place], task.stop, *day[place:])
            walk = planner.walk(i, stops)
            if planner.fits(i, stops, walk):
                least = min(least, walk.travel_ms - planner.walks[i].travel_ms)
    return least


def _why_left(planner: _Planner, task: Task) -> str:
    if task.stop.place is None:
        return say("its position is not known; give it one")
    if not planner.crews:
        return say("no worker was chosen")
    able = [i for i in range(len(planner.crews)) if planner.is_able(i, task)]
    if not able:
        return say("nobody has the skill: {skills}", skills=", ".join(sorted(task.skills)))
    over: list[tuple[int, str]] = []
    for i in able:
        day, end_ms = planner.days[i], planner.crews[i].shift_end_ms
        ends = [
            planner.walk(i, (*day[:place], task.stop, *day[place:])).end_ms
            for place in range(len(day) + 1)
        ]
        over.append((min(ends) - (end_ms or 0), planner.crews[i].name))
    over_ms, name = min(over)
    if over_ms > DAY_MS:
        return say("nobody who could do it works then")
    minutes = -(-over_ms // MINUTE_MS)
    return say(
        "it fits into no shift; with {name} the day would end {minutes} min after it",
        name=name,
        minutes=minutes,
    )
