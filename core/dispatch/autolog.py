"""The automatic logger as a phone runs it: fixes in, facts out, whatever order they come in.

Holds the state that a phone keeps on its disk, late fixes, switches and the worker's own buttons.
The rules are in `visit` and `trip`. Holds no clock and no ids of logs.

Late fixes: the state remembers the last 15 to 30 minutes of fixes, the `Core` from before them and
the facts given since. A fix that is older than time has come is put into its place and those
minutes are worked out anew; what no longer holds is taken back by a `Supersede`, never silently.
What is older than the remembered minutes, or than the last change of settings, jobs or a button
pressed, is counted in `too_late` and changes nothing (the track keeps it): a rule applies from
the moment it was set, and is not applied backwards.

Invariant: the facts given, less those taken back, depend on the fixes and not on the order in which
they came, on restarts, or on how often `tick` was called.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from core.dispatch.arrival import Run
from core.dispatch.autofact import (
    COUNTDOWN_MS,
    RULE_VERSION,
    Ask,
    Certainty,
    Fact,
    Given,
    Mode,
    Plain,
    Propose,
    Start,
    Stop,
    Suggest,
    Supersede,
    fact_of_plain,
    plain_fact,
)
from core.dispatch.fix import (
    TRACK_FIXES_MAX,
    Fix,
    decode_track,
    encode_track,
    fault,
    order_of,
    settled,
)
from core.dispatch.jobplace import (
    AutologError,
    JobPlace,
    Places,
    Spot,
    place_of_plain,
    plain_place,
)
from core.dispatch.rest import Rest
from core.dispatch.trip import motion_of_plain, plain_motion
from core.dispatch.visit import (
    Core,
    Settings,
    Visit,
    advance,
    close_visit,
    end_way,
    take,
)

__all__ = [
    "COUNTDOWN_MS", "RULE_VERSION", "Ask", "AutologError", "Certainty", "Fact", "Given", "JobPlace",
    "Mode", "Places", "Propose", "Settings", "Start", "State", "Stop", "Suggest", "Supersede",
    "close_job", "from_plain", "go_on", "refuse_job", "replay", "standing", "step", "switch_off",
    "tick", "to_plain",
]  # fmt: skip

WINDOW_MS: Final = 15 * 60_000
"""Fixes this late change what was said; those up to twice as late may."""
WINDOW_FIXES_MAX: Final = 450
"""Two windows of fixes fit a track entry, and are worked out anew in some milliseconds."""
SETTLE_MS: Final = 60_000
"""`tick` lets a fix be this late before time passes without it."""
STATE_VERSION: Final = 3


@dataclass(frozen=True, slots=True)
class State:
    """What the logger remembers; begin with `State()`.

    `core` is the state after all fixes. `anchor` is the one from before the remembered `fixes`,
    whose facts are `given`; `middle` the one half way, after `middle_fixes` and `middle_given` of
    them. `place_mark` and `settings` are those in force since the anchor. `too_late` and `unusable`
    count fixes.
    """

    core: Core = field(default_factory=Core)
    anchor: Core = field(default_factory=Core)
    middle: Core = field(default_factory=Core)
    middle_fixes: int = 0
    middle_given: int = 0
    fixes: tuple[Fix, ...] = ()
    given: tuple[Given, ...] = ()
    place_mark: int = 0
    settings: Settings = field(default_factory=Settings)
    too_late: int = 0
    unusable: int = 0

    @property
    def open_job(self) -> bytes | None:
        """The job whose visit is going on, None without one."""
        visit = self.core.visit
        return None if visit is None else visit.spot.place.job

    @property
    def open_since_ms(self) -> int | None:
        """Since when that visit is going on."""
        visit = self.core.visit
        return None if visit is None else visit.start_ms

    @property
    def seen_until_ms(self) -> int | None:
        """The last fix inside its place: up to here its time is proven."""
        visit = self.core.visit
        return None if visit is None else visit.last_ms

    @property
    def near_jobs(self) -> tuple[bytes, ...]:
        """Jobs whose place the phone is in, and has not been in for long enough."""
        return tuple(run.job for run in self.core.runs if run.away_count == 0)


Step = tuple[State, list[Fact]]


def step(
    state: State, fix: Fix, places: Places, settings: Settings, now_ms: int | None = None
) -> Step:
    """Take one fix; see `replay`, which takes many. Gives the new state and what is to be said."""
    if fault(fix, now_ms):
        return replace(state, unusable=state.unusable + 1), []
    facts: list[Fact] = []
    state = _in_force(state, places, settings, facts)
    if settings.mode is Mode.OFF:
        return state, facts
    core = state.core
    if fix.time_ms <= core.fix_ms or fix.time_ms < core.clock_ms:
        return _with_late(state, [fix], places, settings, facts)
    given: list[Given] = []
    after = take(core, fix, places, settings, given)
    facts += given
    return _remembered(state, after, (*state.fixes, fix), given), facts


def replay(
    state: State,
    fixes: Iterable[Fix],
    places: Places,
    settings: Settings,
    now_ms: int | None = None,
) -> Step:
    """Take a batch of fixes in any order; they are worked through in order of their own time."""
    ordered = sorted(set(fixes), key=order_of)
    good = [fix for fix in ordered if not fault(fix, now_ms)]
    state = replace(state, unusable=state.unusable + len(ordered) - len(good))
    facts: list[Fact] = []
    state = _in_force(state, places, settings, facts)
    if settings.mode is Mode.OFF:
        return state, facts
    known_ms = max(state.core.fix_ms, state.core.clock_ms - 1)
    late = [fix for fix in good if fix.time_ms <= known_ms]
    if late:
        state, facts = _with_late(state, late, places, settings, facts)
    for fix in good[len(late) :]:
        state, more = step(state, fix, places, settings, now_ms)
        facts += more
    return state, facts


def tick(state: State, now_ms: int, places: Places, settings: Settings) -> Step:
    """Let time pass without a fix: silence, the end of the shift and the cap come due.

    Call it once a minute or so; calling it less often delays facts and changes none.
    """
    facts: list[Fact] = []
    state = _in_force(state, places, settings, facts)
    given: list[Given] = []
    core = advance(state.core, now_ms - SETTLE_MS, settings, given)
    if core is state.core:
        return state, facts
    return replace(state, core=core, given=(*state.given, *given)), [*facts, *given]


def close_job(state: State, job: bytes, at_ms: int) -> Step:
    """The worker finished, paused or stopped `job` by a button: its open log ends now.

    The job's place stays quiet until the worker has left it.
    """
    if state.open_job != job:
        return state, []
    given: list[Given] = []
    core = close_visit(state.core, at_ms, "closed", given)
    return _anchored(state, core), list(given)


def refuse_job(state: State, job: bytes) -> Step:
    """The worker says "not here" of `job`: its open log is taken back, and its place kept quiet.

    A visit given as `Start` in this state's remembered minutes is superseded by nothing; an older
    one ends where it began, so that no time counts.
    """
    visit = state.core.visit
    if visit is None or visit.spot.place.job != job:
        return state, []
    dropped: list[Given] = []
    core = close_visit(state.core, visit.start_ms, "closed", dropped)
    start = next(
        (fact for fact in state.given if isinstance(fact, Start) and fact.job == job
         and fact.at_ms == visit.start_ms),
        None,
    )  # fmt: skip
    if start is not None:
        return _anchored(state, core), [Supersede(start, None, "refused by the worker")]
    return _anchored(state, core), [fact for fact in dropped if isinstance(fact, Stop)]


def go_on(state: State, job: bytes, at_ms: int) -> State:
    """The worker is still at `job`, whose log was ended: from `at_ms` its place counts again."""
    muted = tuple(each for each in state.core.muted if each[0] != job)
    floor_ms = max(state.core.floor_ms, at_ms)
    return _anchored(state, state.core._replace(muted=muted, floor_ms=floor_ms))


def switch_off(state: State, settings: Settings) -> Step:
    """Auto logging, jobs or duty went off: what is open ends at its last evidence, marked.

    The way that is going on is logged as far as it was seen. Nothing is begun in hindsight.
    """
    given: list[Given] = []
    core = state.core
    if core.visit is not None:
        core = close_visit(core, core.visit.last_ms, "switched off", given)
    core = end_way(core, settings, given)
    core = Core(clock_ms=core.clock_ms, fix_ms=core.fix_ms, floor_ms=core.floor_ms)
    return _anchored(state, core), list(given)


def standing(facts: Iterable[Fact]) -> list[Given]:
    """The facts of a history that still hold: those given, less those taken back."""
    held: list[Given] = []
    for fact in facts:
        if not isinstance(fact, Supersede):
            held.append(fact)
        elif fact.fact in held:
            held.remove(fact.fact)
    return held


# --- the remembered minutes


def _anchored(state: State, core: Core) -> State:
    return replace(
        state, core=core, anchor=core, middle=core, middle_fixes=0, middle_given=0, fixes=(),
        given=(),
    )  # fmt: skip


def _in_force(state: State, places: Places, settings: Settings, facts: list[Fact]) -> State:
    """The state under these places and settings; new ones apply from here on, not backwards."""
    if state.place_mark == places.mark and state.settings == settings:
        return state
    if settings.mode is Mode.OFF and state.settings.mode is not Mode.OFF:
        state, closing = switch_off(state, state.settings)
        facts += closing
    state = _anchored(state, state.core)
    return replace(state, place_mark=places.mark, settings=settings)


def _remembered(state: State, core: Core, fixes: tuple[Fix, ...], given: Sequence[Given]) -> State:
    """The state after one more fix, which forgets what is older than two windows."""
    kept = (*state.given, *given) if given else state.given
    anchor, middle = state.anchor, state.middle
    middle_fixes, middle_given = state.middle_fixes, state.middle_given
    begun_ms = fixes[middle_fixes].time_ms
    if core.fix_ms - begun_ms > WINDOW_MS or len(fixes) - middle_fixes >= WINDOW_FIXES_MAX:
        fixes, kept = fixes[middle_fixes:], kept[middle_given:]
        anchor, middle = middle, core
        middle_fixes, middle_given = len(fixes), len(kept)
        # The next fix begins the new window.
    return State(
        core, anchor, middle, middle_fixes, middle_given, fixes, kept, state.place_mark,
        state.settings, state.too_late, state.unusable,
    )  # fmt: skip


def _with_late(
    state: State, late: Sequence[Fix], places: Places, settings: Settings, facts: list[Fact]
) -> Step:
    """The state as if late fixes had come in time, and what that changes of what was said."""
    late_ms = {fix.time_ms for fix in late}
    known = {settled(fix) for fix in state.fixes if fix.time_ms in late_ms}
    floor_ms = max(state.anchor.fix_ms, state.anchor.clock_ms - 1)
    fresh = [fix for fix in late if settled(fix) not in known]
    usable = [fix for fix in fresh if fix.time_ms > floor_ms]
    state = replace(state, too_late=state.too_late + len(fresh) - len(usable))
    if not usable:
        return state, facts
    ordered = sorted((*state.fixes, *usable), key=order_of)
    before, clock_ms = state.given, state.core.clock_ms
    again = replace(
        state, core=state.anchor, middle=state.anchor, middle_fixes=0, middle_given=0, fixes=(),
        given=(),
    )  # fmt: skip
    said: list[Given] = []
    for fix in ordered:
        if fix.time_ms == again.core.fix_ms:
            # Two fixes of one moment that differ: the first in order counts, both are kept.
            again = replace(again, fixes=(*again.fixes, fix))
            continue
        given: list[Given] = []
        core = take(again.core, fix, places, settings, given)
        said += given
        again = _remembered(again, core, (*again.fixes, fix), given)
    given = []
    core = advance(again.core, clock_ms, settings, given)
    again = replace(again, core=core, given=(*again.given, *given))
    return again, [*facts, *_changes(before, [*said, *given])]


def _changes(before: Sequence[Given], after: Sequence[Given]) -> list[Fact]:
    """What is to be said so that `before` becomes `after`: takings back first, in order."""
    missing = [fact for fact in before if fact not in after]
    added = [fact for fact in after if fact not in before]
    changes: list[Fact] = []
    for fact in missing:
        alike = [other for other in added if _alike(fact, other)]
        by = min(alike, key=lambda other: abs(_at(other) - _at(fact)), default=None)
        changes.append(Supersede(fact, by, "a fix came late"))
    return [*changes, *added]


def _alike(fact: Given, other: Given) -> bool:
    return (
        type(fact) is type(other)
        and fact.job == other.job
        and getattr(fact, "kind", None) == getattr(other, "kind", None)
        and getattr(fact, "ask", None) == getattr(other, "ask", None)
        and getattr(fact, "phase", None) == getattr(other, "phase", None)
    )


def _at(fact: Given) -> int:
    return fact.at_ms


# --- on disk


def to_plain(state: State) -> Plain:
    """The state as nested lists of numbers and texts, for the disk."""
    # Those that are the same object are written once: after most changes all three are.
    cores = [state.core, state.anchor, state.middle]
    distinct: list[Core] = []
    places: list[int] = []
    for core in cores:
        position = next((i for i, other in enumerate(distinct) if other is core), len(distinct))
        if position == len(distinct):
            distinct.append(core)
        places.append(position)
    settings = state.settings
    return [
        STATE_VERSION, places, [_plain_core(core) for core in distinct], state.middle_fixes,
        state.middle_given, encode_track(state.fixes[:TRACK_FIXES_MAX]),
        encode_track(state.fixes[TRACK_FIXES_MAX:]), [plain_fact(fact) for fact in state.given],
        state.place_mark, [settings.mode.value, settings.threshold_min, settings.shift_end_ms],
        state.too_late, state.unusable,
    ]  # fmt: skip


def from_plain(plain: Plain) -> State:
    """The state that `to_plain` wrote. Raises AutologError for one of another version.

    A phone that is given one it cannot read begins with `State()`: what was given is in the log.
    """
    if not plain or plain[0] != STATE_VERSION:
        raise AutologError("the logger's state is of another version; begin with an empty one")
    (
        _, places, rows, middle_fixes, middle_given, fixes, more_fixes, given, place_mark,
        (mode, threshold_min, shift_end_ms), too_late, unusable,
    ) = plain  # fmt: skip
    distinct = [_core_of_plain(row) for row in rows]
    core, anchor, middle = (distinct[position] for position in places)
    return State(
        core, anchor, middle, middle_fixes, middle_given,
        (*decode_track(fixes), *decode_track(more_fixes)), tuple(map(fact_of_plain, given)),
        place_mark, Settings(Mode(mode), threshold_min, shift_end_ms), too_late, unusable,
    )  # fmt: skip


def _plain_core(core: Core) -> Plain:
    visit: Plain | None = None
    if core.visit is not None:
        spot, start_ms, last_ms, mode, *more, told, own, x, y, at, lat, lon, drove, out = core.visit
        visit = [plain_place(spot.place), start_ms, last_ms, mode.value, *more]
        visit += [[job.hex() for job in told], own, x, y, at, lat, lon, drove, out]
    lost = core.lost
    return [
        core.clock_ms, core.fix_ms, visit, [[run.job.hex(), *run[1:]] for run in core.runs],
        [[job.hex(), away_ms, ask] for job, away_ms, ask in core.muted],
        plain_motion(core.motion), core.floor_ms, core.last_job.hex(),
        None if lost is None else [lost[0].hex(), lost[1], lost[2]], core.heading.hex(),
        list(core.rest),
    ]  # fmt: skip


def _core_of_plain(plain: Plain) -> Core:
    (
        clock_ms, fix_ms, visit_row, runs, muted, motion, floor_ms, last_job, lost, heading,
        rest,
    ) = plain  # fmt: skip
    visit: Visit | None = None
    if visit_row is not None:
        place, start_ms, last_ms, mode, *more, told, own, x, y, at, lat, lon, drove, out = visit_row
        jobs = tuple(bytes.fromhex(job) for job in told)
        spot = Spot(place_of_plain(place))
        visit = Visit._make(
            (spot, start_ms, last_ms, Mode(mode), *more, jobs, own, x, y, at, lat, lon, drove, out)
        )
    return Core(
        clock_ms,
        fix_ms,
        visit,
        tuple(Run(bytes.fromhex(job), *more) for job, *more in runs),
        tuple((bytes.fromhex(job), away_ms, ask) for job, away_ms, ask in muted),
        motion_of_plain(motion),
        floor_ms,
        bytes.fromhex(last_job),
        None if lost is None else (bytes.fromhex(lost[0]), lost[1], lost[2]),
        bytes.fromhex(heading),
        Rest._make(rest),
    )
