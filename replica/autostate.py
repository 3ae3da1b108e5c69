"""What the automatic logger keeps and asks: its state on disk, notices, and the day's context.

Values, their plain form in the store, and the questions to the projections that give jobs' places,
switches and duty. Holds no rules. Invariant: what is kept can be read back by the same version, and
is begun anew by another.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from core.dispatch.acts import THRESHOLD_MIN_MAX, day_stream
from core.dispatch.autofact import Certainty, Given, Mode, Propose, Start, Stop, Suggest
from core.dispatch.autolog import AutologError, State, from_plain, to_plain
from core.dispatch.duty import DutyError, DutyMark, Shift, on_duty, shift_end_ms
from core.dispatch.fields import LogKind, Phase
from core.dispatch.fix import Fix, decode_track, encode_track
from core.dispatch.geometry import RADIUS_M_MAX, RADIUS_M_MIN
from core.dispatch.jobplace import PLACES_MAX, JobPlace, Places
from core.dispatch.outline import standing_corners
from core.dispatch.timelog import Moment
from core.dispatch.visit import THRESHOLD_MIN_DEFAULT, Settings
from core.dispatch.workday import duty_moments, neighbours
from core.sentence import listed, say_n
from replica.replica import Replica
from replica.screens.port import AutoNotice
from replica.store import Store

# Goes up with every change of what `keep` writes.
KEPT_VERSION = 2

# What a notice asks where the mode itself began a log; the others are those of `autofact.Ask`.
STARTED = "start"

_PLACES = """
    SELECT job.job, assignment.turn, assignment.phase, job.lat_e7, job.lon_e7, job.radius_m,
           job.outline, job.window_start, job.window_end, assignment.position
    FROM assignment JOIN job USING (job)
    WHERE assignment.worker = ? AND job.status IN ('open', 'in progress')
      AND assignment.phase NOT IN ('withdrawn', 'released', 'finished', 'rejected')
    ORDER BY job.job LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that waits for the worker's word.

    `written`: the log stands already. `stop_ms`: when a log that waits for its countdown ended.
    """

    ask: str
    log_kind: LogKind
    job: str
    start_ms: int
    at_ms: int
    mode: str
    until_ms: int | None
    evidence_ms: tuple[int, ...]
    rule: tuple[int, ...]
    written: bool
    stop_ms: int | None = None
    uncertain: bool = False

    @classmethod
    def of(cls, fact: Start | Suggest, until_ms: int | None) -> Notice:
        """The notice for a fact of the logger."""
        job = fact.job.hex() if fact.job else ""
        rule = (fact.rule_version, fact.threshold_min)
        uncertain = fact.certainty is Certainty.UNCERTAIN
        if isinstance(fact, Start):
            written = until_ms is None
            return cls(
                STARTED, fact.kind, job, fact.at_ms, fact.at_ms, fact.mode.value, until_ms,
                fact.evidence_ms, rule, written,
            )  # fmt: skip
        return cls(
            fact.ask.value, fact.kind, job, fact.start_ms, fact.at_ms, Mode.SUGGEST.value, until_ms,
            fact.evidence_ms, rule, False, None, uncertain,
        )  # fmt: skip

    @property
    def name(self) -> str:
        """How a screen names it."""
        return f"{self.ask.replace(' ', '-')}-{self.job or 'none'}-{self.start_ms}"

    @property
    def matter(self) -> tuple[str, str, LogKind, int]:
        """What it is about: of a matter the newest stands. What is yet to be written is its own."""
        waits = self.ask == STARTED and not self.written
        return self.ask, self.job, self.log_kind, self.start_ms if waits else 0

    def concerns(self, fact: Given) -> bool:
        """Whether the fact settles it."""
        if isinstance(fact, Propose):
            return False
        start = fact.start_ms if isinstance(fact, (Stop, Suggest)) else fact.at_ms
        job = fact.job.hex() if fact.job else ""
        return (self.job, self.start_ms, self.log_kind) == (job, start, fact.kind)

    def shown(self) -> AutoNotice:
        """What the screens show of it."""
        parts = [say_n("{n} fix", "{n} fixes", len(self.evidence_ms))]
        if self.rule:
            rule, minutes = self.rule
            words = say_n(
                "rule {rule}, at least {n} minute", "rule {rule}, at least {n} minutes", minutes,
                rule=rule,
            )  # fmt: skip
            parts.append(words)
        kind_words = self.log_kind.name.lower().replace("_", " ")
        return AutoNotice(
            self.name, self.job, self.ask, self.at_ms, self.mode, self.until_ms,
            listed(parts), self.start_ms, kind_words,
        )  # fmt: skip


@dataclass(slots=True)
class Kept:
    """What the logger keeps between two calls."""

    state: State = field(default_factory=State)
    notices: list[Notice] = field(default_factory=list)
    buffer: list[Fix] = field(default_factory=list)


def load(store: Store) -> Kept:
    """What was kept; empty on the first start, and after an upgrade that reads it differently."""
    text = store.get("autolog")
    if text is None:
        return Kept()
    version, state, notices, buffer = json.loads(text)
    read = Kept(buffer=list(decode_track(buffer)) if buffer else [])
    if version != KEPT_VERSION:
        return read
    for ask, kind, job, start_ms, at_ms, mode, until_ms, evidence, rule, *rest in notices:
        read.notices.append(
            Notice(
                ask,
                LogKind(kind),
                job,
                start_ms,
                at_ms,
                mode,
                until_ms,
                tuple(evidence),
                tuple(rule),
                *rest,
            )  # fmt: skip
        )
    # Of another version: what was given is in the log, and the logger begins with an empty state.
    with contextlib.suppress(AutologError):
        read.state = from_plain(state)
    return read


def keep(store: Store, kept: Kept) -> None:
    """Keep it, within the caller's transaction."""
    notices = [
        [
            n.ask, int(n.log_kind), n.job, n.start_ms, n.at_ms, n.mode, n.until_ms,
            list(n.evidence_ms), list(n.rule), n.written, n.stop_ms, n.uncertain,
        ]
        for n in kept.notices
    ]  # fmt: skip
    buffer = encode_track(kept.buffer) if kept.buffer else []
    store.put("autolog", json.dumps([KEPT_VERSION, to_plain(kept.state), notices, buffer]))


@dataclass(slots=True)
class Context:
    """What the logger goes by now: places and settings, duty, own turns by job, the zone.

    `place_rows` is what the places were made of.
    """

    places: Places
    settings: Settings
    on_duty: bool
    turn_by_job: dict[str, tuple[bytes, Phase]]
    zone: ZoneInfo
    jobs_on: bool = True
    place_rows: tuple[tuple[object, ...], ...] = ()

    def local_day(self, at_ms: int) -> str:
        """The site's local day of a moment, as 'YYYY-MM-DD'."""
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone).date().isoformat()


def read_context(replica: Replica, worker: bytes, before: Context | None = None) -> Context:
    """Ask the store what the logger goes by; places that are as `before` are not made anew.

    To make those of 500 jobs takes some 20 ms, and this is asked at each fix and each tap.
    """
    db = replica.store.db
    now_ms = replica.now_ms()
    settings = {name: json.loads(value) for name, value in db.execute("SELECT * FROM setting")}
    zone = _zone(settings.get("time_zone"))
    row = db.execute(
        "SELECT jobs_on, auto_on, auto_mode, threshold_min, shift FROM worker WHERE worker = ?",
        (worker.hex(),),
    ).fetchone()
    jobs_on, auto_on, mode, threshold, shift = row or (1, 1, "automatic", None, "null")
    turns: dict[str, tuple[bytes, Phase]] = {}
    places = []
    for job, turn, phase, *where in db.execute(_PLACES, (worker.hex(), PLACES_MAX)):
        turns[job] = (bytes.fromhex(turn), Phase[phase.upper().replace(" ", "_")])
        if where[0] is not None and phase != "paused":
            places.append((bytes.fromhex(job), *where))
    enabled = bool(jobs_on and settings.get("job_dispatch", False))
    # A mode of a later version is none that this one may guess at.
    known = mode if mode in set(Mode) else Mode.OFF
    chosen = Mode(known) if enabled and auto_on else Mode.OFF
    minutes = threshold if threshold is not None else settings.get("threshold_min")
    if type(minutes) is not int or not 0 <= minutes <= THRESHOLD_MIN_MAX:
        minutes = THRESHOLD_MIN_DEFAULT
    rows = tuple(places)
    if before is not None and before.place_rows == rows:
        spots = before.places
    else:
        spots = Places(place_of_row(*row) for row in rows)
    context = Context(spots, Settings(chosen, minutes), False, turns, zone, enabled, rows)
    today = context.local_day(now_ms)
    context.settings = replace(
        context.settings, shift_end_ms=_shift_end(json.loads(shift), now_ms, zone)
    )
    marks = duties_around(replica, worker, {today})
    context.on_duty = on_duty(marks, now_ms)
    return context


def place_of_row(
    job: bytes,
    lat_e7: int,
    lon_e7: int,
    radius_m: int,
    outline: str,
    window_start_ms: int | None,
    window_end_ms: int | None,
    position: int,
) -> JobPlace:
    """A job's place from its row; an outline counts where its pin stands by it.

    A radius that another program allows and this one does not counts as the nearest that it does.
    """
    corners = standing_corners(outline, lat_e7, lon_e7)
    radius_m = min(max(radius_m, RADIUS_M_MIN), RADIUS_M_MAX)
    return JobPlace(
        job, lat_e7, lon_e7, radius_m, corners, window_start_ms, window_end_ms, position
    )


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(name if isinstance(name, str) and name else "UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


def _shift_end(shift: object, now_ms: int, zone: ZoneInfo) -> int | None:
    """When the shift that goes on ends, ms UTC; None where the worker has none."""
    if not isinstance(shift, list) or len(shift) != 2:
        return None
    try:
        return shift_end_ms(Shift(*shift), zone, now_ms)
    except DutyError:
        return None


def duties_around(replica: Replica, worker: bytes, days: set[str]) -> list[DutyMark]:
    """The duties that began on these local days or the day before each.

    Times are those of this boot's monotonic clock where it covers them, so that a clock that was
    corrected since moves no duty.
    """
    clock = replica.clock
    boot, uptime_ms = clock.boot(), clock.uptime_ms()
    now_ms = replica.now_ms()

    def placed_ms(moment: Moment) -> int:
        if moment.boot != boot or moment.uptime_ms is None:
            return moment.corrected_ms
        return now_ms + moment.uptime_ms - uptime_ms

    marks = []
    for day in sorted(days | {neighbours(day)[0] for day in days}):
        for duty, start, stop in duty_moments(replica.state(day_stream(worker, day))):
            ended = None if stop is None else placed_ms(stop)
            marks.append(DutyMark(duty, placed_ms(start), ended))
    return marks
