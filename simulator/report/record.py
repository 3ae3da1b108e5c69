"""What a run writes down of itself, as values that go into JSON and come back the same.

Holds no drawing and no judging. Invariant: a record read from its JSON equals the one written, and
each of its values is of the type that its field says.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

FORMAT = 1
NUMBER_MAX: Final = 2**63
"""No whole number of a report is larger; one of a thousand digits would only be an attack."""
_WORDS: Final = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know. `level` is 'failed', 'warned' or 'noted'.

    `cause` names what it most likely comes from, and what to do ('' where that is not known).
    """

    level: str
    words: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """A value over the run: `at_s` seconds since its beginning, `values` of the same length."""

    name: str
    unit: str
    at_s: tuple[float, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Latency:
    """How long something took, ms. `buckets`: pairs of an upper edge (ms) and how many were under.

    Edges ascend and the counts are of that bucket alone.
    """

    name: str
    count: int = 0
    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    worst: float = 0.0
    buckets: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the run, as `name value unit`; `goal` in words, `reached` where it has one."""

    name: str
    value: float
    unit: str
    goal: str = ""
    reached: bool | None = None


@dataclass(frozen=True, slots=True)
class CutOff:
    """Where phones had no network: a place (degrees × 10⁷) and how many losses began there."""

    lat_e7: int
    lon_e7: int
    times: int


@dataclass(frozen=True, slots=True)
class SeedOutcome:
    """One seed of a seeded run; `wrong` is '' where no checker objected."""

    seed: int
    state: str
    entries: int
    device_days: int
    faults: tuple[str, ...] = ()
    checker: str = ""
    wrong: str = ""
    replay: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One run. `kind` is 'live' or 'seeded'; `began` an ISO moment; `scenario` as its file says it.

    `machine` and `versions` say where it ran; `counts` are totals by name (conflicts by kind under
    `conflicts`); `truth` is what auto logging found beside what was true, by name.
    """

    kind: str
    scenario: dict[str, Any]
    began: str
    took_s: float
    command: str
    target: str = ""
    machine: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    figures: tuple[Figure, ...] = ()
    series: tuple[Series, ...] = ()
    latencies: tuple[Latency, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)
    truth: dict[str, float] = field(default_factory=dict)
    cut_off: tuple[CutOff, ...] = ()
    seeds: tuple[SeedOutcome, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no finding failed and no checker objected to a seed."""
        found = any(finding.level == "failed" for finding in self.findings)
        return not found and not any(seed.wrong for seed in self.seeds)


class RecordError(Exception):
    """The text is no record; the sentence says why."""


def to_json(record: Record) -> str:
    """The record as JSON, with its format's number; values by name keep their order."""
    return json.dumps({"format": FORMAT, **asdict(record)}, indent=1)


def from_json(text: str) -> Record:
    """The record of a JSON text. What it leaves out has the value that its field has by default.

    Raises:
        RecordError: it is none of ours, or of another format; the sentence names the place.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"this file is no report of a simulated run: {error}") from error
    if not isinstance(found, dict) or "format" not in found:
        raise RecordError("this file is no report of a simulated run: it names no format")
    number = found.pop("format")
    if number != FORMAT:
        raise RecordError(
            f"this report is of format {number!r}, and this program reads {FORMAT}: "
            "simulate again, or use the program that made it"
        )
    record: Record = _built(Record, found, "")
    for series in record.series:
        if len(series.at_s) != len(series.values):
            raise _wrong(
                f"series '{series.name}'",
                f"has {len(series.at_s)} moments and {len(series.values)} values",
            )
    return record


def _built(kind: Any, value: Any, where: str) -> Any:
    """The value as its type says it, lists of JSON being tuples. Raises RecordError."""
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _built_of_fields(kind, value, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        if value is None:
            return None
        return _built(next(each for each in inner if each is not type(None)), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(where, "should be a list")
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
        if len(kinds) != len(value):
            raise _wrong(where, f"should be a list of {len(kinds)}")
        pairs = enumerate(zip(kinds, value, strict=True))
        return tuple(_built(each, part, f"{where}[{at}]") for at, (each, part) in pairs)
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(where, "should be values by name")
        return {name: _built(inner[1], part, f"{where}.{name}") for name, part in value.items()}
    fits = int | float if kind is float else kind
    if not isinstance(value, fits) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(where, f"should be {_WORDS[kind]}")
    if isinstance(value, int) and abs(value) > NUMBER_MAX:
        raise _wrong(where, "is too large a number")
    return value


def _built_of_fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(where or "it", "should be values by name")
    inside = f"{where}." if where else ""
    types = get_type_hints(kind)
    if unknown := sorted(set(value) - set(types)):
        raise _wrong(f"{inside}{unknown[0]}", "is no part of a report")
    for each in fields(kind):
        needed = each.default is MISSING and each.default_factory is MISSING
        if needed and each.name not in value:
            raise _wrong(f"{inside}{each.name}", "is missing")
    return kind(
        **{name: _built(types[name], part, f"{inside}{name}") for name, part in value.items()}
    )


def _wrong(where: str, words: str) -> RecordError:
    return RecordError(f"this file is no report of a simulated run: {where} {words}")
