"""What the automatic logger says: starts, stops, suggestions, phases, and what it takes back.

Holds values and their plain form for the disk. Holds no rules (`visit`, `trip`) and writes no
entries: the replica turns a fact into entries, or asks the worker, as its `mode` says. Invariant:
every fact names the times of the fixes behind it, the rule version and the threshold that made it,
and a fact once given is taken back only by a `Supersede` with a reason.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch.fields import LogKind, Phase

RULE_VERSION: Final = 3
"""Goes up with every change of a rule or number in `visit` or `trip`."""
COUNTDOWN_MS: Final = 60_000
"""How long a fact of mode TIMED waits for a no before it is taken as agreed."""

Plain = list[Any]
"""Lists, whole numbers, texts and None, nested."""


class Mode(enum.StrEnum):
    """What becomes of what the logger sees."""

    OFF = "off"
    SUGGEST = "suggest"
    TIMED = "timed"
    AUTOMATIC = "automatic"


class Certainty(enum.StrEnum):
    """Whether fixes cover the time, or silence lies in it."""

    CERTAIN = "certain"
    UNCERTAIN = "uncertain"


class Ask(enum.StrEnum):
    """What a suggestion asks the worker."""

    ARRIVED = "arrived"
    """Log time on site from `start_ms`?"""
    LOG = "log"
    """Log the time from `start_ms` to `at_ms`?"""
    FINISH = "finish"
    """You left at `at_ms`: is the job finished? The logger never finishes a job itself."""
    END = "end"
    """No sign of you on site since `at_ms`: did you leave then?"""
    OTHER_JOB = "other job"
    """You have been nearer to `job` for ten minutes: are you there?"""
    SPLIT = "split"
    """You were at `job`'s place too, from `start_ms` to `at_ms`: share the time?"""
    JOIN = "join"
    """You were here before and after a long silence: one visit from `start_ms`?"""
    EXTEND = "extend"
    """Still on site at `at_ms`, after the log was closed: go on?"""


@dataclass(frozen=True, slots=True)
class Start:
    """A time log begins at `at_ms`, which lies before the fix that proved it."""

    kind: LogKind
    job: bytes | None
    at_ms: int
    mode: Mode
    certainty: Certainty
    evidence_ms: tuple[int, ...]
    rule_version: int
    threshold_min: int

    @property
    def key(self) -> tuple[LogKind, bytes, int]:
        """What names the log: its stop has the same key."""
        return self.kind, self.job or b"", self.at_ms


@dataclass(frozen=True, slots=True)
class Stop:
    """The log that began at `start_ms` ends at `at_ms`.

    `reason` is 'left', or what ended it without a departure being seen: 'no evidence', 'shift end',
    'cap', 'switched off', 'closed'; travel ends by 'arrived' or 'stopped'.
    """

    kind: LogKind
    job: bytes | None
    start_ms: int
    at_ms: int
    mode: Mode
    certainty: Certainty
    reason: str
    evidence_ms: tuple[int, ...]
    rule_version: int
    threshold_min: int

    @property
    def key(self) -> tuple[LogKind, bytes, int]:
        """What names the log: its start has the same key."""
        return self.kind, self.job or b"", self.start_ms


@dataclass(frozen=True, slots=True)
class Suggest:
    """A question to the worker; nothing is logged without an answer.

    `reason` says why it is only a question where the mode would log: 'mode', 'mock', 'after shift',
    'next door', 'in the open', or why it is asked at all.
    """

    ask: Ask
    kind: LogKind
    job: bytes | None
    start_ms: int
    at_ms: int
    certainty: Certainty
    reason: str
    evidence_ms: tuple[int, ...]
    rule_version: int
    threshold_min: int


@dataclass(frozen=True, slots=True)
class Propose:
    """The worker's assignment of `job` reaches `phase` (TRAVELLING or ON_SITE, nothing else)."""

    job: bytes
    phase: Phase
    at_ms: int
    mode: Mode
    evidence_ms: tuple[int, ...]
    rule_version: int
    threshold_min: int


Given = Start | Stop | Suggest | Propose


@dataclass(frozen=True, slots=True)
class Supersede:
    """`fact` was given and no longer holds; `by` is what holds in its place, None for nothing."""

    fact: Given
    by: Given | None
    reason: str


Fact = Given | Supersede


def plain_fact(fact: Given) -> Plain:
    """The fact as lists of numbers and texts."""
    head: Plain
    match fact:
        case Start():
            head = ["start", fact.kind.value, fact.at_ms, fact.mode.value, fact.certainty.value]
        case Stop():
            head = [
                "stop", fact.kind.value, fact.start_ms, fact.at_ms, fact.mode.value,
                fact.certainty.value, fact.reason,
            ]  # fmt: skip
        case Suggest():
            head = [
                "suggest", fact.ask.value, fact.kind.value, fact.start_ms, fact.at_ms,
                fact.certainty.value, fact.reason,
            ]  # fmt: skip
        case Propose():
            head = ["propose", fact.phase.value, fact.at_ms, fact.mode.value]
    job = None if fact.job is None else fact.job.hex()
    return [job, list(fact.evidence_ms), fact.rule_version, fact.threshold_min, *head]


def fact_of_plain(plain: Plain) -> Given:
    """The fact that `plain_fact` made lists of. Raises ValueError for anything else."""
    job_hex, evidence, version, threshold_min, what, *rest = plain
    job = None if job_hex is None else bytes.fromhex(job_hex)
    tail = (tuple(evidence), version, threshold_min)
    match what, rest:
        case "start", [kind, at_ms, mode, certainty]:
            return Start(LogKind(kind), job, at_ms, Mode(mode), Certainty(certainty), *tail)
        case "stop", [kind, start_ms, at_ms, mode, certainty, reason]:
            return Stop(
                LogKind(kind), job, start_ms, at_ms, Mode(mode), Certainty(certainty), reason, *tail
            )
        case "suggest", [ask, kind, start_ms, at_ms, certainty, reason]:
            return Suggest(
                Ask(ask), LogKind(kind), job, start_ms, at_ms, Certainty(certainty), reason, *tail
            )
        case "propose", [phase, at_ms, mode]:
            return Propose(job or b"", Phase(phase), at_ms, Mode(mode), *tail)
        case _:
            raise ValueError(f"no fact of the logger is called '{what}'")
