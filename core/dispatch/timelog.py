"""Time logs: from the facts of some days to the minutes that count.

Holds how starts and stops of one worker become disjoint intervals. Holds no entries and no totals
in SQL. Every duration comes from the monotonic clock where one boot covers it. Invariant: the
intervals of a worker are disjoint, lie within the logs' own span, and depend on the set of logs
alone, not on their order or on how often one was given.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from core.dispatch.fields import LogKind, Source

OPEN_MS_MAX: Final = 12 * 3_600_000
"""An open log is counted for no longer: who works on says so."""
LONG_MS: Final = 16 * 3_600_000
"""A closed log this long was probably forgotten; it counts and is marked."""
LOG_MS_MAX: Final = 24 * 3_600_000
"""A closed log counts for no longer, so that it meets the logs of the next day at most."""
CLOCK_MOVED_MS: Final = 120_000
"""A clock that differs by more from what the same boot said before was moved by somebody."""
LOGS_MAX: Final = 20_000
"""A worker has some dozens of logs a day; this is years of them."""


class TimeLogError(ValueError):
    """Logs that cannot be counted together; the sentence says why."""


class Flag(enum.StrEnum):
    """What people should know about an interval or a log."""

    OPEN = "open"
    UNCERTAIN = "uncertain"
    BRIDGED = "bridged over a reboot"
    OVERLAPS = "overlaps"
    BACKWARDS = "ends before it starts"
    LONG = "unusually long"
    CAPPED = "open for too long"
    CLOCK_MOVED = "the phone's clock was moved"
    CYCLE = "replaces itself"
    RIVAL = "replaced twice"


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was done, by the clocks of the phone where it was done.

    `wall_ms` + `offset_ms` is the corrected time. `uptime_ms` runs on through changes of the clock
    for as long as the phone is not restarted, which `boot` tells; None where a person typed a time
    or it came from a fix.
    """

    wall_ms: int
    offset_ms: int = 0
    uptime_ms: int | None = None
    boot: int | None = None

    @property
    def corrected_ms(self) -> int:
        """UTC in ms, as well as the phone knew it."""
        return self.wall_ms + self.offset_ms


@dataclass(frozen=True, slots=True)
class TimeLog:
    """One time log as its facts say. `day` is the local day it began (ISO); `stop` None: open.

    `supersedes` is the log that it corrects, `removed` says that it was taken out of the count,
    `uncertain` that nobody saw its end.
    """

    log_id: bytes
    worker: bytes
    day: str
    job: bytes | None
    kind: LogKind
    start: Moment
    stop: Moment | None
    source: Source
    evidence_ms: tuple[int, ...] = ()
    supersedes: bytes | None = None
    reason: str = ""
    uncertain: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """A piece of time that counts, once: for `log_id`. `also` are logs that claim it too."""

    log_id: bytes
    worker: bytes
    job: bytes | None
    kind: LogKind
    source: Source
    start_ms: int
    stop_ms: int
    flags: frozenset[Flag]
    also: tuple[bytes, ...] = ()

    @property
    def duration_ms(self) -> int:
        """How long it is."""
        return self.stop_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a log counts, and if not, why: 'superseded', 'removed' or 'rival'."""

    counts: bool
    why: str = ""
    by: bytes | None = None
    flags: frozenset[Flag] = frozenset()


# --- one log of what was said about it


def _moment_key(moment: Moment | None) -> tuple[int, ...]:
    if moment is None:
        return (1,)
    uptime_ms = -1 if moment.uptime_ms is None else moment.uptime_ms
    boot = -1 if moment.boot is None else moment.boot
    return 0, moment.corrected_ms, moment.wall_ms, uptime_ms, boot


def _content_key(log: TimeLog) -> tuple[object, ...]:
    """An order of logs by what they say, so that no order of arrival shows."""
    return (
        _moment_key(log.start),
        _moment_key(log.stop),
        log.log_id,
        int(log.kind),
        int(log.source),
        log.job or b"",
        log.day,
        log.supersedes or b"",
        log.reason,
        log.uncertain,
        log.removed,
        log.evidence_ms,
    )


def merged(logs: Iterable[TimeLog]) -> list[TimeLog]:
    """Each log once, in an order of their content.

    A second start or stop of the same log changes nothing: the earliest of each stands. A removal
    stands, and so does doubt about the end that stands.
    """
    log_by_id: dict[bytes, TimeLog] = {}
    every = sorted(set(logs), key=_content_key)
    for log in every:
        first = log_by_id.get(log.log_id)
        if first is None:
            log_by_id[log.log_id] = log
            continue
        stop, uncertain = first.stop, first.uncertain
        if log.stop is not None and (stop is None or _moment_key(log.stop) < _moment_key(stop)):
            stop, uncertain = log.stop, log.uncertain
        log_by_id[log.log_id] = replace(
            first,
            stop=stop,
            uncertain=uncertain,
            removed=first.removed or log.removed,
            supersedes=first.supersedes or log.supersedes,
            reason=first.reason or log.reason,
        )
    if len(log_by_id) == len(every):
        return every
    return sorted(log_by_id.values(), key=_content_key)


# --- what stands


def standings(logs: Iterable[TimeLog]) -> dict[bytes, Standing]:
    """For each log whether it counts.

    A log that another replaces counts no more, also if that one was replaced or removed in turn.
    Of two that replace the same log, the one that was not removed, then the one that was corrected
    further, then the one that begins later counts; the other is its rival, with all replacing it.
    Of logs that replace each other in a ring the last by content counts. Both cases are flagged.
    """
    return _standings(merged(logs))


def _standings(every: Iterable[TimeLog]) -> dict[bytes, Standing]:
    log_by_id = {log.log_id: log for log in every}
    ring_ids = _rings(log_by_id)
    heirs: dict[bytes, list[bytes]] = {}
    for log in log_by_id.values():
        target = log.supersedes
        if target in log_by_id and not (log.log_id in ring_ids and target in ring_ids):
            heirs.setdefault(target or b"", []).append(log.log_id)
    depth_by_id = _depths(log_by_id, heirs)
    found: dict[bytes, Standing] = {}
    for ring in _ring_groups(log_by_id, ring_ids):
        last = max(ring, key=lambda log_id: _content_key(log_by_id[log_id]))
        for log_id in ring:
            if log_id != last:
                found[log_id] = Standing(False, "superseded", last, frozenset({Flag.CYCLE}))
    for log_id, rivals in heirs.items():
        best = max(
            rivals,
            key=lambda heir: (
                any(not log_by_id[each].removed for each in _ends(heir, heirs)),
                depth_by_id[heir],
                _content_key(log_by_id[heir]),
            ),
        )
        found[log_id] = Standing(False, "superseded", best)
        for rival in rivals:
            if rival != best:
                flags = frozenset({Flag.RIVAL})
                for late in (rival, *_below(rival, heirs)):
                    found[late] = Standing(False, "rival", best, flags)
    for log_id, log in log_by_id.items():
        if log_id not in found:
            flagged = {Flag.CYCLE} if log_id in ring_ids else set()
            if len(heirs.get(log.supersedes or b"", ())) > 1:
                flagged.add(Flag.RIVAL)
            why = "removed" if log.removed else ""
            found[log_id] = Standing(not log.removed, why, None, frozenset(flagged))
    return found


def _rings(log_by_id: Mapping[bytes, TimeLog]) -> set[bytes]:
    """The logs that, by replacing and being replaced, come round to themselves."""
    done: set[bytes] = set()
    rings: set[bytes] = set()
    for start in log_by_id:
        path: list[bytes] = []
        here: bytes | None = start
        while here in log_by_id and here not in done and here not in path:
            path.append(here or b"")
            here = log_by_id[here or b""].supersedes
        if here in path:
            rings.update(path[path.index(here or b"") :])
        done.update(path)
    return rings


def _ring_groups(log_by_id: Mapping[bytes, TimeLog], ring_ids: set[bytes]) -> list[list[bytes]]:
    groups: list[list[bytes]] = []
    left = sorted(ring_ids)
    while left:
        group = [left[0]]
        here = log_by_id[left[0]].supersedes
        while here != left[0]:
            group.append(here or b"")
            here = log_by_id[here or b""].supersedes
        groups.append(group)
        left = [log_id for log_id in left if log_id not in group]
    return groups


def _ends(log_id: bytes, heirs: Mapping[bytes, Sequence[bytes]]) -> list[bytes]:
    """The newest corrections of a log: it itself, where there are none."""
    return [each for each in (log_id, *_below(log_id, heirs)) if each not in heirs]


def _below(log_id: bytes, heirs: Mapping[bytes, Sequence[bytes]]) -> list[bytes]:
    found: list[bytes] = []
    ahead = list(heirs.get(log_id, ()))
    while ahead:
        heir = ahead.pop()
        found.append(heir)
        ahead += heirs.get(heir, ())
    return found


def _depths(
    log_by_id: Mapping[bytes, TimeLog], heirs: Mapping[bytes, Sequence[bytes]]
) -> dict[bytes, int]:
    """How many corrections follow each log, one upon the other."""
    depth_by_id = dict.fromkeys(log_by_id, 0)
    parent_by_id = {heir: log_id for log_id, each in heirs.items() for heir in each}
    for log_id in log_by_id:
        steps, here = 0, log_id
        while here in parent_by_id:
            steps, here = steps + 1, parent_by_id[here]
            if depth_by_id[here] >= steps:
                break
            depth_by_id[here] = steps
    return depth_by_id


# --- when it was


def moments_by_boot(logs: Iterable[TimeLog]) -> dict[int, list[int]]:
    """For each boot the corrected times at which its monotonic clock stood at 0, as moments say."""
    bases: dict[int, list[int]] = {}
    for log in logs:
        for moment in (log.start, log.stop):
            if moment is not None and moment.boot is not None and moment.uptime_ms is not None:
                bases.setdefault(moment.boot, []).append(moment.corrected_ms - moment.uptime_ms)
    return bases


def base_of(told_ms: Sequence[int]) -> int:
    """The corrected time at which a boot's monotonic clock stood at 0, of what moments say.

    They differ where somebody moved the phone's clock; the middle one is taken for all, so that
    durations and the order of logs are those of the monotonic clock.
    """
    return sorted(told_ms)[(len(told_ms) - 1) // 2]


def _placed_ms(moment: Moment, base_by_boot: Mapping[int, int]) -> int:
    if moment.boot is None or moment.uptime_ms is None:
        return moment.corrected_ms
    return base_by_boot[moment.boot] + moment.uptime_ms


_TRUST = (Source.CORRECTION, Source.DISPATCHER, Source.MANUAL, Source.AUTO)
_WORK = (LogKind.BREAK, LogKind.ON_SITE, LogKind.TRAVEL, LogKind.WAITING, LogKind.OTHER)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A log placed on the line of time; `order` is its place among all logs by what they say."""

    order: int
    log: TimeLog
    start_ms: int
    stop_ms: int
    flags: frozenset[Flag]

    @property
    def rank(self) -> tuple[object, ...]:
        """Of claims to the same time the lowest gets it: people before rules, work before way.

        A log that has no end takes nothing from one that has: it was forgotten, or it goes on, and
        then nothing that has ended lies in what is still to come.
        """
        log = self.log
        is_break = log.kind is LogKind.BREAK
        return (
            log.stop is None,
            not is_break,
            _TRUST.index(log.source),
            _WORK.index(log.kind),
            self.order,
        )


class _Ranked(NamedTuple):
    """A claim with where it begins and its rank."""

    start_ms: int
    rank: tuple[object, ...]
    claim: _Claim


def _claim(
    order: int,
    log: TimeLog,
    base_by_boot: Mapping[int, int],
    duty: Sequence[tuple[int, int | None]],
    now_ms: int,
    told: frozenset[Flag],
) -> _Claim:
    flags = set(told)
    start_ms = _placed_ms(log.start, base_by_boot)
    if abs(start_ms - log.start.corrected_ms) > CLOCK_MOVED_MS:
        flags.add(Flag.CLOCK_MOVED)
    if log.uncertain:
        flags.add(Flag.UNCERTAIN)
    if log.stop is None:
        flags.add(Flag.OPEN)
        ends = [stop for begin, stop in duty if stop is not None and begin <= start_ms < stop]
        latest_ms = min(start_ms + OPEN_MS_MAX, *ends) if ends else start_ms + OPEN_MS_MAX
        stop_ms = min(now_ms, latest_ms)
        if now_ms > latest_ms:
            flags.add(Flag.CAPPED)
        return _Claim(order, log, start_ms, max(start_ms, stop_ms), frozenset(flags))
    stop_ms = _placed_ms(log.stop, base_by_boot)
    if abs(stop_ms - log.stop.corrected_ms) > CLOCK_MOVED_MS:
        flags.add(Flag.CLOCK_MOVED)
    if None not in (log.start.boot, log.stop.boot) and log.start.boot != log.stop.boot:
        flags.add(Flag.BRIDGED)
    if stop_ms < start_ms:
        flags.add(Flag.BACKWARDS)
    elif stop_ms - start_ms > LONG_MS:
        flags.add(Flag.LONG)
    if stop_ms - start_ms > LOG_MS_MAX:
        flags.add(Flag.CAPPED)
        stop_ms = start_ms + LOG_MS_MAX
    return _Claim(order, log, start_ms, max(start_ms, stop_ms), frozenset(flags))


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts of some days' logs, and what people should know of each log.

    `flags_by_id` has the logs that count, also one that no interval is left of; an overlap is
    marked on every log that claims the time. `standing_by_id` has all logs.
    """

    intervals: list[Interval]
    flags_by_id: dict[bytes, frozenset[Flag]]
    standing_by_id: dict[bytes, Standing]


def counted(
    logs: Iterable[TimeLog],
    duty: Sequence[tuple[int, int | None]],
    now_ms: int,
    base_by_boot: Mapping[int, int] | None = None,
) -> Counted:
    """What counts of one worker's logs of some adjacent days, in order of time.

    `duty` are spans on duty as `duty.spans` gives them: an open log counts until now, or until the
    duty ended in which it began, or for twelve hours. Breaks are cut out of everything. Time that
    several logs claim counts once, for the one that people or the better evidence stand behind, and
    is flagged. `base_by_boot` is given where other logs tell of the same boots too. Raises
    TimeLogError for logs of two workers, or too many.
    """
    return counted_once(merged(logs), duty, now_ms, base_by_boot)


def counted_once(
    every: Sequence[TimeLog],
    duty: Sequence[tuple[int, int | None]],
    now_ms: int,
    base_by_boot: Mapping[int, int] | None = None,
) -> Counted:
    """As `counted`, of logs as `merged` gives them."""
    if len({log.worker for log in every}) > 1:
        raise TimeLogError("time logs of two workers cannot be counted together; ask for each")
    if len(every) > LOGS_MAX:
        raise TimeLogError(f"more than {LOGS_MAX} time logs; ask for fewer days")
    found = _standings(every)
    if base_by_boot is None:
        base_by_boot = {boot: base_of(told) for boot, told in moments_by_boot(every).items()}
    claims = [
        _claim(order, log, base_by_boot, duty, now_ms, found[log.log_id].flags)
        for order, log in enumerate(every)
        if found[log.log_id].counts
    ]
    intervals = _swept([claim for claim in claims if claim.stop_ms > claim.start_ms])
    flags = {claim.log.log_id: claim.flags for claim in claims}
    for interval in intervals:
        for log_id in (interval.log_id, *interval.also):
            flags[log_id] |= interval.flags & {Flag.OVERLAPS}
    return Counted(intervals, flags, found)


def _swept(claims: Sequence[_Claim]) -> list[Interval]:
    """Each stretch of time between two starts or stops, given to one claim and joined again."""
    edges = sorted({edge for claim in claims for edge in (claim.start_ms, claim.stop_ms)})
    # A rank is worked out once for each claim, and not for each stretch that it is one of.
    ranked = [_Ranked(claim.start_ms, claim.rank, claim) for claim in claims]
    waiting = sorted(ranked, key=lambda each: each[:2], reverse=True)
    active: list[_Ranked] = []
    intervals: list[Interval] = []
    for start_ms, stop_ms in zip(edges, edges[1:], strict=False):
        active = [each for each in active if each.claim.stop_ms > start_ms]
        while waiting and waiting[-1].start_ms <= start_ms:
            active.append(waiting.pop())
        if active:
            best = min(active, key=lambda each: each.rank).claim
            _extend(intervals, start_ms, stop_ms, best, [each.claim for each in active])
    return intervals


def _extend(
    intervals: list[Interval],
    start_ms: int,
    stop_ms: int,
    best: _Claim,
    active: Sequence[_Claim],
) -> None:
    log, flags = best.log, best.flags
    also: tuple[bytes, ...] = ()
    # A break lies within other logs by its nature: it is cut out of them and overlaps none.
    if log.kind is not LogKind.BREAK and len(active) > 1:
        also = tuple(sorted(claim.log.log_id for claim in active if claim is not best))
        flags = flags | {Flag.OVERLAPS}
    last = intervals[-1] if intervals else None
    if (
        last is not None
        and last.stop_ms == start_ms
        and (last.log_id, last.also) == (log.log_id, also)
    ):
        intervals[-1] = replace(last, stop_ms=stop_ms)
        return
    intervals.append(
        Interval(
            log.log_id, log.worker, log.job, log.kind, log.source, start_ms, stop_ms, flags, also
        )
    )


# --- sums and words


def total_ms(intervals: Iterable[Interval], *kinds: LogKind) -> int:
    """How long the intervals of these kinds are together; without kinds, all but breaks."""
    wanted = kinds or tuple(kind for kind in LogKind if kind is not LogKind.BREAK)
    return sum(each.duration_ms for each in intervals if each.kind in wanted)


def total_ms_by_job(intervals: Iterable[Interval]) -> dict[tuple[bytes | None, LogKind], int]:
    """How long was spent for each job and kind."""
    totals: dict[tuple[bytes | None, LogKind], int] = {}
    for each in intervals:
        totals[each.job, each.kind] = totals.get((each.job, each.kind), 0) + each.duration_ms
    return totals


def local_text(at_ms: int, zone: ZoneInfo) -> str:
    """A moment as people there read it, with the offset, so that no hour is told twice."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone)
    return moment.isoformat(timespec="seconds")
