"""What the automatic logger keeps and asks: its state on disk, notices, and the day's context.

Values, their plain form in the store, and the questions to the projections that give jobs' places,
switches and duty. Holds no rules. Invariant: what is kept can be read back by the same version, and
is begun anew by another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from core.dispatch import fields
from core.dispatch.acts import day_stream
from core.dispatch.autofact import Given, Mode, Propose, Start, Stop, Suggest
from core.dispatch.autolog import AutologError, State, from_plain, to_plain
from core.dispatch.fields import LogKind, Phase
from core.dispatch.fix import Fix, decode_track, encode_track
from core.dispatch.jobplace import PLACES_MAX, JobPlace, Places
from core.dispatch.show import value_at
from core.dispatch.visit import Settings
from replica.replica import Replica
from replica.screens.port import AutoNotice
from replica.store import Store

_DAY_MS = 86_400_000

# Fixes that wait are kept beside the state; a track entry takes at most a thousand.
BUFFER_MAX = 900

_PLACES = """
    SELECT job.job, assignment.turn, assignment.phase, job.lat_e7, job.lon_e7, job.radius_m,
           job.window_start, job.window_end, assignment.position
    FROM assignment JOIN job USING (job)
    WHERE assignment.worker = ? AND job.status IN ('open', 'in progress')
      AND assignment.phase NOT IN ('withdrawn', 'released', 'finished', 'rejected')
    ORDER BY job.job LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that waits for the worker's word. `written`: the log stands already."""

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

    @classmethod
    def of(cls, fact: Start | Suggest, until_ms: int | None) -> Notice:
        """The notice for a fact of the logger."""
        job = fact.job.hex() if fact.job else ""
        rule = (fact.rule_version, fact.threshold_min)
        if isinstance(fact, Start):
            written = until_ms is None
            return cls(
                "start", fact.kind, job, fact.at_ms, fact.at_ms, fact.mode.value, until_ms,
                fact.evidence_ms, rule, written,
            )  # fmt: skip
        return cls(
            fact.ask.value, fact.kind, job, fact.start_ms, fact.at_ms, Mode.SUGGEST.value, until_ms,
            fact.evidence_ms, rule, False,
        )  # fmt: skip

    @property
    def name(self) -> str:
        """How a screen names it."""
        return f"{self.ask.replace(' ', '-')}-{self.job or 'none'}-{self.start_ms}"

    @property
    def matter(self) -> tuple[str, str]:
        """What it is about: the newest notice of a matter stands."""
        return self.ask, self.job

    def concerns(self, fact: Given) -> bool:
        """Whether the fact settles it."""
        if isinstance(fact, Propose):
            return False
        start = fact.start_ms if isinstance(fact, (Stop, Suggest)) else fact.at_ms
        job = fact.job.hex() if fact.job else ""
        return (self.job, self.start_ms, self.log_kind) == (job, start, fact.kind)

    def shown(self) -> AutoNotice:
        """What the screens show of it."""
        kind = "left" if self.ask in ("finish", "end", "log") else "arrived"
        words = f"{len(self.evidence_ms)} fixes"
        if self.rule:
            words += f", rule {self.rule[0]}, at least {self.rule[1]} minutes"
        at_ms = self.start_ms if kind == "arrived" else self.at_ms
        return AutoNotice(self.name, self.job, kind, at_ms, self.mode, self.until_ms, words)


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
    state, notices, buffer = json.loads(text)
    read = Kept(buffer=list(decode_track(buffer)) if buffer else [])
    for ask, kind, *rest in notices:
        job, start_ms, at_ms, mode, until_ms, evidence, rule, written = rest
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
                written,
            )  # fmt: skip
        )
    try:
        read.state = from_plain(state)
    except AutologError:
        # What was given is in the log; the fixes of the last minutes are worked through anew.
        read.state = State()
    return read


def keep(store: Store, kept: Kept) -> None:
    """Keep it, within the caller's transaction."""
    notices = [
        [
            n.ask, int(n.log_kind), n.job, n.start_ms, n.at_ms, n.mode, n.until_ms,
            list(n.evidence_ms), list(n.rule), n.written,
        ]
        for n in kept.notices
    ]  # fmt: skip
    buffer = encode_track(kept.buffer[-BUFFER_MAX:]) if kept.buffer else []
    store.put("autolog", json.dumps([to_plain(kept.state), notices, buffer]))


@dataclass(slots=True)
class Context:
    """What the logger goes by now: places and settings, duty, own turns by job, the zone."""

    places: Places
    settings: Settings
    on_duty: bool
    turn_by_job: dict[str, tuple[bytes, Phase]]
    zone: ZoneInfo

    def local_day(self, at_ms: int) -> str:
        """The site's local day of a moment, as 'YYYY-MM-DD'."""
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone).date().isoformat()


def read_context(replica: Replica, worker: bytes) -> Context:
    """Ask the store what the logger goes by."""
    db = replica.store.db
    now_ms = replica.clock.now_ms()
    settings = {name: json.loads(value) for name, value in db.execute("SELECT * FROM setting")}
    zone = _zone(settings.get("time_zone"))
    row = db.execute(
        "SELECT jobs_on, auto_on, auto_mode, threshold_min, shift FROM worker WHERE worker = ?",
        (worker.hex(),),
    ).fetchone()
    jobs_on, auto_on, mode, threshold, shift = row or (1, 1, "automatic", None, "null")
    turns: dict[str, tuple[bytes, Phase]] = {}
    places = []
    for job, turn, phase, lat, lon, radius, start, end, position in db.execute(
        _PLACES, (worker.hex(), PLACES_MAX)
    ):
        turns[job] = (bytes.fromhex(turn), Phase[phase.upper().replace(" ", "_")])
        if lat is not None and phase != "paused":
            places.append(JobPlace(bytes.fromhex(job), lat, lon, radius, (), start, end, position))
    on = bool(jobs_on and auto_on and settings.get("job_dispatch", False)) and mode != "off"
    minutes = threshold if threshold is not None else settings.get("threshold_min", 3)
    context = Context(
        Places(places),
        Settings(Mode(mode) if on else Mode.OFF, minutes, None),
        False,
        turns,
        zone,
    )
    today = context.local_day(now_ms)
    context.settings = replace(
        context.settings, shift_end_ms=_shift_end(json.loads(shift), today, zone)
    )
    context.on_duty = _on_duty(replica, worker, today, context.local_day(now_ms - _DAY_MS))
    return context


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(name if isinstance(name, str) and name else "UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


def _shift_end(shift: object, today: str, zone: ZoneInfo) -> int | None:
    """When today's shift ends, ms UTC; None where the worker has none."""
    if not isinstance(shift, list) or len(shift) != 2:
        return None
    midnight = datetime.fromisoformat(today).replace(tzinfo=zone)
    return int(midnight.timestamp() * 1000) + int(shift[1]) * 60_000


def _on_duty(replica: Replica, worker: bytes, *days: str) -> bool:
    """Whether a duty of today or yesterday was started and not stopped."""
    for day in days:
        registers = replica.state(day_stream(worker, day)).registers
        for path in registers:
            if path[0] != fields.DUTY_START or value_at(registers, path) is None:
                continue
            if value_at(registers, (fields.DUTY_STOP, *path[1:])) is None:
                return True
    return False
