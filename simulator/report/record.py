"""What a run writes down of itself, as values that go into JSON and come back the same.

Holds no drawing and no judging. Invariant: a record read from its JSON equals the one written.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know. `level` is 'failed' or 'warned'.

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
        """Whether nothing failed."""
        return not any(finding.level == "failed" for finding in self.findings)


class RecordError(Exception):
    """The text is no record; the sentence says why."""


def to_json(record: Record) -> str:
    """The record as JSON, with its format's number."""
    return json.dumps({"format": FORMAT, **asdict(record)}, indent=1, sort_keys=True)


def from_json(text: str) -> Record:
    """The record of a JSON text.

    Raises:
        RecordError: it is none of ours, or of another format.
    """
    try:
        found = json.loads(text)
        if found.pop("format") != FORMAT:
            raise RecordError(f"this program reads reports of format {FORMAT}; make it anew")
        return Record(
            **{
                **found,
                "findings": tuple(Finding(**each) for each in found["findings"]),
                "figures": tuple(Figure(**each) for each in found["figures"]),
                "series": tuple(
                    Series(**{**each, "at_s": tuple(each["at_s"]), "values": tuple(each["values"])})
                    for each in found["series"]
                ),
                "latencies": tuple(
                    Latency(**{**each, "buckets": tuple(map(tuple, each["buckets"]))})
                    for each in found["latencies"]
                ),
                "cut_off": tuple(CutOff(**each) for each in found["cut_off"]),
                "seeds": tuple(
                    SeedOutcome(**{**each, "faults": tuple(each["faults"])})
                    for each in found["seeds"]
                ),
            }
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"this file is no report of a simulated run: {error}") from error
