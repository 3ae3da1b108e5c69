"""What a worker does in a month away, drawn from a seed: days of jobs, photos, notes and fixes.

Values alone: each step says how long after the last one it is done and what the hand does then.
Invariant: the same size and seed draw the same month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything: what the acceptance names, unless it is told otherwise.

    `side` is that of a photo in points: it has some three times its square of bytes.
    """

    days: int = 30
    jobs: int = 500
    photos: int = 3_000
    kills: int = 40
    kills_at_contact: int = 8
    full_disks: int = 2
    side: int = 64


@dataclass(frozen=True, slots=True)
class Step:
    """Something that the hand does on a `day` (from 0), `after_ms` after what it did before.

    `do` is a command of `tests.blackbox.phone`, `words` what it takes.
    """

    day: int
    after_ms: int
    do: str
    words: dict[str, object]


def month(size: Size, chance: Random) -> list[Step]:
    """All steps of all days, in order; `job` is the number of the job, from 0."""
    shares = [size.jobs * (day + 1) // size.days for day in range(size.days)]
    photo_of = [size.photos * (job + 1) // size.jobs for job in range(size.jobs)]
    found: list[Step] = []
    first = 0
    for day, until in enumerate(shares):
        found.append(Step(day, 0, "duty", {"key": f"duty {day}"}))
        for job in range(first, until):
            photos = range(photo_of[job - 1] if job else 0, photo_of[job])
            found += _visit(day, job, photos, size.side, chance)
        found.append(Step(day, 5 * MINUTE_MS, "duty", {"key": f"duty {day}", "off": True}))
        first = until
    return found


def _visit(day: int, job: int, photos: range, side: int, chance: Random) -> Iterator[Step]:
    def step(minutes: float, do: str, **words: object) -> Step:
        return Step(day, int(minutes * MINUTE_MS), do, {"job": job, **words})

    def tap(minutes: float, to: str) -> Step:
        return step(minutes, "tap", to=to, key=f"{job} {to} {chance.random()}")

    yield tap(chance.uniform(0.2, 2), "accepted")
    if chance.random() < 0.04:
        yield step(1, "tap", to="rejected", key=f"{job} rejected", reason="Nobody is at home")
        # A photo of the closed door.
        for photo in photos:
            yield step(0.1, "photo", key=f"photo {photo}", side=side)
        return
    yield tap(0.2, "travelling")
    place = {"lat_e7": 600_000_000 + 9_000 * job, "lon_e7": 249_000_000}
    yield Step(day, 3 * MINUTE_MS, "fix", dict(place))
    yield tap(chance.uniform(2, 6), "on site")
    rest = chance.random() < 0.15
    for number, photo in enumerate(photos):
        yield step(chance.uniform(0.3, 2.5), "photo", key=f"photo {photo}", side=side)
        if rest and number == len(photos) // 2:
            yield tap(2, "paused")
            yield tap(chance.uniform(5, 20), "on site")
    if chance.random() < 0.4:
        yield step(1, "note", text=f"note of job {job}: {chance.random()}")
    yield tap(chance.uniform(0.5, 5), "finished")
