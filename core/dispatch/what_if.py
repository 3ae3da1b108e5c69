"""What another minimum auto-logging time would have logged, on the same fixes, side by side.

Pure: the rules of the automatic logger are run twice. Holds no tracks and no jobs of its own. What
people did by hand meanwhile is left out on both sides, so a difference is the rule's alone.
Invariant: with equal settings there is no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.dispatch.autofact import Certainty, Start, Stop
from core.dispatch.autolog import State, replay, standing
from core.dispatch.fields import LogKind
from core.dispatch.fix import Fix
from core.dispatch.jobplace import Places
from core.dispatch.visit import Settings

APART_MS = 60_000
"""Two visits whose ends lie no further apart are the same."""


@dataclass(frozen=True, slots=True)
class LoggedVisit:
    """A time on site as the rules log it, UTC ms; `certain` is False where an end was not seen."""

    job: bytes
    start_ms: int
    stop_ms: int
    certain: bool

    @property
    def minutes(self) -> int:
        """Whole minutes."""
        return round((self.stop_ms - self.start_ms) / 60_000)


@dataclass(frozen=True, slots=True)
class Difference:
    """What one rule logs and the other does not (None), or logs at other times."""

    job: bytes
    before: LoggedVisit | None
    after: LoggedVisit | None

    @property
    def at_ms(self) -> int:
        """When it begins."""
        return min(each.start_ms for each in (self.before, self.after) if each is not None)


def visits_under(
    fixes: Sequence[Fix], places: Places, settings: Settings
) -> tuple[LoggedVisit, ...]:
    """The visits that the rules log of these fixes; one that goes on ends as last seen."""
    state, facts = replay(State(), fixes, places, settings)
    held = standing(facts)
    begun = {
        (fact.job, fact.at_ms): fact
        for fact in held
        if isinstance(fact, Start) and fact.kind is LogKind.ON_SITE and fact.job
    }
    found = []
    for fact in held:
        if isinstance(fact, Stop) and fact.kind is LogKind.ON_SITE and fact.job:
            start = begun.pop((fact.job, fact.start_ms), None)
            if start is not None:
                certain = Certainty.UNCERTAIN not in (fact.certainty, start.certainty)
                found.append(LoggedVisit(fact.job, fact.start_ms, fact.at_ms, certain))
    # The last one may go on, as far as these fixes tell.
    if state.open_job is not None and state.open_since_ms is not None:
        seen_ms = max(state.seen_until_ms or 0, state.open_since_ms)
        found.append(LoggedVisit(state.open_job, state.open_since_ms, seen_ms, False))
    return tuple(sorted(found, key=lambda visit: (visit.start_ms, visit.job)))


def differences(
    before: Sequence[LoggedVisit], after: Sequence[LoggedVisit]
) -> tuple[Difference, ...]:
    """What the second rule logs otherwise than the first, in order of time."""
    left = list(after)
    found = []
    for visit in before:
        other = max(
            (each for each in left if each.job == visit.job and _shared_ms(visit, each) > 0),
            key=lambda each: _shared_ms(visit, each),
            default=None,
        )
        if other is None:
            found.append(Difference(visit.job, visit, None))
            continue
        left.remove(other)
        moved = max(abs(visit.start_ms - other.start_ms), abs(visit.stop_ms - other.stop_ms))
        if moved > APART_MS:
            found.append(Difference(visit.job, visit, other))
    found += [Difference(each.job, None, each) for each in left]
    return tuple(sorted(found, key=lambda each: (each.at_ms, each.job)))


def _shared_ms(one: LoggedVisit, other: LoggedVisit) -> int:
    # A visit of one fix has no length and is shared all the same.
    return min(one.stop_ms, other.stop_ms) - max(one.start_ms, other.start_ms) + 1
