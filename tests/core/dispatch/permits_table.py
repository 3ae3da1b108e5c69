"""The table of docs/permits.md, found by asking `permits` of every field in every situation.

Run it to write the page's table anew: `python -m tests.core.dispatch.permits_table`. Holds no
expectations. Invariant: a cell says what `permits` answered, and nothing that was written down.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.dispatch.acts import (
    OFFICE_STREAM,
    SITE_STREAM,
    day_stream,
    own_job_stream,
    track_stream,
)
from core.dispatch.fields import FIELDS, Field, Kind, Role
from core.dispatch.permits import CREATE_JOBS, permits
from core.log.certificate import Standing
from core.log.chain import stream_id
from core.log.entry import Entry, Path

OWN, OTHER = (stream_id(Kind.WORKER, 7, bytes([number]) * 7) for number in (1, 2))
HUB = Standing(b"A", int(Role.HUB))
DISPATCHER = Standing(b"\5" * 8, int(Role.DISPATCHER))
WORKER = Standing(OWN, int(Role.WORKER))
WORKER_WITH_RIGHT = Standing(OWN, int(Role.WORKER), frozenset({CREATE_JOBS}))

IDS: dict[str, bytes | int | str] = {
    "alert": "late start",
    "author": b"a" * 32,
    "colleague": OTHER,
    "conflict": b"c" * 8,
    "entry": b"e" * 32,
    "file": b"f" * 32,
    "item": 1,
    "job": stream_id(Kind.JOB, 7, b"j" * 7),
    "date": "2026-03-02",
    "kind": int(Kind.DAY),
    "setting": "radius_m",
    "stream": stream_id(Kind.JOB, 7, b"j" * 7),
    "view": b"v" * 8,
    "worker": OWN,
}
KIND_NAMES = {
    Kind.SITE: "site",
    Kind.OFFICE: "office",
    Kind.CUSTOMER: "customer",
    Kind.WORKER: "worker",
    Kind.JOB: "job",
    Kind.DAY: "worker-day",
    Kind.TRACK: "track",
    Kind.SUMMARY: "summary",
    Kind.RECURRENCE: "recurrence",
    None: "every",
}


def path_of(field: Field, worker: bytes = OWN) -> Path:
    """A path of the field; where it names a worker, this one."""
    ids = {**IDS, "worker": worker}
    return (field.code, *(ids.get(name, b"i" * 8) for name in field.ids))


def stream_of(kind: Kind | None, worker: bytes) -> bytes:
    """A stream of the kind, a worker's where the kind has such; a job is the office's."""
    match kind:
        case Kind.SITE | None:
            return SITE_STREAM
        case Kind.OFFICE:
            return OFFICE_STREAM
        case Kind.WORKER:
            return worker
        case Kind.DAY:
            return day_stream(worker, "2026-03-02")
        case Kind.TRACK:
            return track_stream(worker, "2026-03-02")
        case _:
            return stream_id(kind, 7, b"j" * 7)


def may(standing: Standing, stream: bytes, path: Path) -> bool:
    """Whether an entry that clears the path's value is permitted."""
    return permits(standing, stream, Entry(0, ((path, None),)))


def worker_cell(field: Field) -> str:
    """Where a worker may write a field."""
    own = may(WORKER, stream_of(field.kind, OWN), path_of(field, OWN))
    others = may(WORKER, stream_of(field.kind, OTHER), path_of(field, OTHER))
    if own:
        return "yes" if others else "own"
    if field.kind is Kind.JOB:
        made = own_job_stream(OWN, 7_000, b"new")
        with_right = may(WORKER_WITH_RIGHT, made, path_of(field))
        elsewhere = may(WORKER_WITH_RIGHT, stream_of(Kind.JOB, OWN), path_of(field))
        without_right = may(WORKER, made, path_of(field))
        assert not elsewhere
        assert not without_right
        return "own new job" if with_right else "–"
    return "–"


def rows() -> Iterator[str]:
    """The table, a line each."""
    yield "| field | stream | code | hub | dispatcher | worker |"
    yield "|---|---|---|---|---|---|"
    for code, field in sorted(FIELDS.items()):
        stream = stream_of(field.kind, OWN)
        cells = [
            "yes" if may(standing, stream, path_of(field)) else "–"
            for standing in (HUB, DISPATCHER)
        ]
        name = "/".join((field.name, *(f"<{each}>" for each in field.ids)))
        kind = KIND_NAMES[field.kind]
        yield f"| `{name}` | {kind} | {code} | {' | '.join(cells)} | {worker_cell(field)} |"
    unknown = (max(FIELDS) + 1,)
    cells = [
        "yes" if may(standing, stream_of(Kind.JOB, OWN), unknown) else "–"
        for standing in (HUB, DISPATCHER, WORKER_WITH_RIGHT)
    ]
    yield f"| *of a later version* | any | | {' | '.join(cells)} |"


def nobody() -> Standing:
    """A key without a certificate that holds."""
    return Standing(b"", 0)


def a_field_elsewhere() -> Iterator[tuple[Field, bytes]]:
    """Each field with streams of every other kind."""
    for field in FIELDS.values():
        for kind in Kind:
            if field.kind is not None and kind is not field.kind:
                yield field, stream_of(kind, OWN)


if __name__ == "__main__":
    import sys

    sys.stdout.write("\n".join(rows()) + "\n")
