"""What an entry changed, in words, as far as a bundle alone tells.

The names that one bundle holds, and values as sentences. All that comes out of a bundle was written
by somebody else: what a terminal could take for a command is taken out. Times are UTC, since the
site's zone need not be in a bundle. Holds no order and no judgement. Invariant: a value that is not
understood is shown as it stands, never left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from core.dispatch import fields
from core.dispatch.fields import FIELDS, PHASES, Kind, LogKind, Phase, Role
from core.dispatch.fix import TrackError, decode_track
from core.dispatch.show import value_at
from core.dispatch.workday import day_of
from core.log.certificate import Standing
from core.log.entry import Path
from core.log.registers import Registers
from replica.projection.conflict import phase_words, words

# A longer text is one that nobody reads in a list; the bundle has it whole.
_LETTERS_MAX: Final = 400
_ROLE_WORDS: Final = {Role.WORKER: "worker", Role.DISPATCHER: "dispatcher", Role.HUB: "hub"}


def moment(at_ms: int) -> str:
    """`2026-03-02 09:10:00`, in UTC; the calendar's last second for what lies beyond it."""
    bent = min(max(at_ms, 0), 253_402_300_799_000)
    return f"{datetime.fromtimestamp(bent / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def plain(text: str) -> str:
    """A text in one line that does nothing to a terminal."""
    cut = text if len(text) <= _LETTERS_MAX else f"{text[:_LETTERS_MAX]}…"
    return "".join(letter if letter.isprintable() else " " for letter in cut)


@dataclass(frozen=True, slots=True)
class Names:
    """What a bundle calls its workers and jobs, by stream, and whose keys are whose."""

    by_stream: Mapping[bytes, str]
    standings: Mapping[bytes, Standing]

    def key(self, author: bytes) -> str:
        """Who is behind a key: `hub A`, `worker Ana`."""
        standing = self.standings.get(author)
        if standing is None:
            return f"key {author.hex()[:16]}"
        role = _ROLE_WORDS.get(Role(standing.role)) if standing.role in fields.ROLES else None
        subject = standing.subject
        if standing.role == Role.HUB:
            return f"hub {plain(subject.decode('utf-8', 'replace'))}"
        return f"{role or 'unknown role'} {self.subject(subject)}"

    def subject(self, subject: bytes) -> str:
        """A worker, a job or an account, by name where the bundle has it, else by id."""
        return self.by_stream.get(subject) or subject.hex()

    def actor(self, actor: bytes) -> str:
        """For whom an author acted: a person at a hub's pages, or a worker."""
        return self.by_stream.get(actor) or f"account {actor.hex()}"


def stream_name(stream: bytes, names: Names) -> str:
    """What a stream is, as a heading."""
    kind = stream[4]
    called = names.by_stream.get(stream, "")
    if kind == Kind.TRACK:
        return f"A worker's track, {day_of(stream)} (stream {stream.hex()})"
    if kind == Kind.DAY:
        return f"A worker's day, {day_of(stream)} (stream {stream.hex()})"
    word = Kind(kind).name.capitalize() if kind in set(Kind) else "Stream"
    return f"{word}{' ' if called else ''}{called} (stream {stream.hex()})"


def name_in(stream: bytes, registers: Registers) -> str:
    """What a stream's own entries call it; empty where they don't."""
    if stream[4] == Kind.JOB:
        number, title = (value_at(registers, (code,)) for code in (fields.NUMBER, fields.TITLE))
        return plain(" ".join(part for part in (number, title) if isinstance(part, str)))
    code = {Kind.WORKER: fields.WORKER_NAME, Kind.CUSTOMER: fields.CUSTOMER_NAME}.get(
        Kind(stream[4]) if stream[4] in set(Kind) else Kind.DAY
    )
    found = value_at(registers, (code,)) if code is not None else None
    return plain(found) if isinstance(found, str) else ""


def change_words(path: Path, value: Any, names: Names) -> str:
    """One change: `phase of worker Ana: on site`, `title: Boiler`."""
    code, ids = path[0], path[1:]
    field = FIELDS.get(code)
    name = field.name if field is not None else f"field {code}"
    # What anybody wrote can stand here: also a path that lacks its ids.
    match code, ids:
        case _, ():
            pass
        case (
            fields.PHASE | fields.REASON | fields.ASSIGNED | fields.WITHDRAWN,
            (worker, *_),
        ):
            name = f"{name}, worker {_named(worker, names)}"
        case fields.HANDED_TO, (worker, _, colleague):
            name = f"{name} {_named(colleague, names)}, worker {_named(worker, names)}"
        case (
            fields.CERTIFICATE | fields.REVOKED | fields.CLOSED | fields.CUT,
            (bytes(key), *_),
        ):
            name = f"{name}, {names.key(key)}"
        case (
            fields.LOG_START | fields.LOG_STOP | fields.LOG_SUPERSEDES | fields.LOG_REMOVED,
            (job, log),
        ):
            name = f"{name} {_named(log, names)}, job {_named(job, names) if job else 'none'}"
        case _:
            name = f"{name} {', '.join(_named(each, names) for each in ids)}"
    return plain(f"{name}: {_value_words(code, value, names)}")


def _named(identity: Any, names: Names) -> str:
    return names.subject(identity) if isinstance(identity, bytes) else str(identity)


def _value_words(code: int, value: Any, names: Names) -> str:
    match code, value:
        case _, True:
            return "yes"
        case _, None:
            return "nothing"
        case fields.PHASE, int() if value in PHASES:
            return phase_words(Phase(value))
        case fields.WINDOW, [int(start), int(end)]:
            return f"{moment(start)} to {moment(end)}"
        case fields.LOG_START, [int(kind), _, at_ms, *_]:
            at = f" at {moment(at_ms)}" if type(at_ms) is int else ""
            return f"{_log_kind(kind)}{at}"
        case fields.LOG_START, int():
            return _log_kind(value)
        case fields.LOG_STOP, [int(at_ms), *_]:
            return f"at {moment(at_ms)}"
        case ((fields.DUTY_START | fields.DUTY_STOP), int()):
            return f"at {moment(value)}"
        case fields.CUT, [int(height), bytes()]:
            return f"counts up to entry {height} here"
        case fields.CERTIFICATE, bytes():
            return "issued"
        case fields.CLOSED, [bytes(), bytes()]:
            return "by the site's key"
        case ((fields.FIXES | fields.TRACK_FIXES), list()):
            return _track(value)
    return words(value)


def _log_kind(kind: int) -> str:
    known = kind in {int(each) for each in LogKind}
    return LogKind(kind).name.lower().replace("_", " ") if known else f"kind {kind}"


def _track(numbers: list[Any]) -> str:
    try:
        return f"a track of {len(decode_track(numbers))} positions"
    except TrackError:
        return f"a track of {len(numbers)} numbers that this version can't read"
