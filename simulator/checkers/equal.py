"""Equal sets of entries give byte-identical states and projection rows, on whatever machine.

Streams are grouped by the heads held of them, by which of their authors the machine knows to be
shut out, and by how its program reads; within a group fingerprints are equal, and so are the
histories and the rows of every table that is made from the stream alone. Rows of days depend on the
days beside them and are compared at the end, when all hold the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from typing import TYPE_CHECKING

from core.dispatch.fields import Kind
from replica.authority import revoked_keys
from replica.checking import dump_projections
from replica.history import history_of

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World

# Tables whose rows name their stream in this column; a day's name their worker and day instead.
_STREAM_COLUMNS = {
    "job": 0, "assignment": 0, "note": 0, "check_item": 0, "customer": 0, "customer_place": 0,
    "contact": 0, "worker": 0, "conflict": 0, "phase_time": 0,
}  # fmt: skip
_OF_DAYS = ("time_log", "duty")

Rows = dict[str, list[tuple[object, ...]]]


def unlike(world: World, *, whole: bool) -> Iterator[str]:
    """Streams of which two machines hold the same entries and show different things.

    `whole` compares projection rows too, which takes longer.
    """
    first_by_kind: dict[tuple[bytes, bytes, frozenset[bytes]], tuple[Machine, bytes, Rows]] = {}
    for machine in world.machines:
        if not machine.up:
            continue
        rows = _rows_by_stream(machine) if whole else {}
        mark = machine.replica.reading.mark
        shut_out = revoked_keys(machine.store.db)
        held = machine.store.db.execute(
            "SELECT stream, leaf FROM stream WHERE left_at IS NULL ORDER BY stream"
        )
        for stream, leaf in held.fetchall():
            state = machine.replica.state(stream)
            fingerprint, fallen = state.fingerprint(), shut_out & {key[0] for key in state.logs}
            own = rows.get(stream.hex(), {})
            if whole and stream[4] not in (Kind.SITE, Kind.OFFICE):
                told = history_of(machine.replica.state(stream))
                own["history"] = [astuple(row) for row in told]
            first = first_by_kind.setdefault((leaf, mark, fallen), (machine, fingerprint, own))
            if first[1] != fingerprint:
                yield (
                    f"{first[0].name} and {machine.name} hold the same entries of stream "
                    f"{stream.hex()} and fold them to different states"
                )
            if whole and first[2] != own:
                table = next(
                    name
                    for name in (*_STREAM_COLUMNS, "history")
                    if first[2].get(name) != own.get(name)
                )
                yield (
                    f"{first[0].name} and {machine.name} hold the same entries of stream "
                    f"{stream.hex()} and show different rows of {table}"
                )
    if whole:
        yield from _unlike_days(world)


def _rows_by_stream(machine: Machine) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for table, rows in dump_projections(machine.store.db).items():
        if table in _STREAM_COLUMNS:
            for row in rows:
                found.setdefault(str(row[0]), {}).setdefault(table, []).append(row)
    return found


def _unlike_days(world: World) -> Iterator[str]:
    """A worker's days as the phone shows them, against each hub."""
    for phone in world.phones:
        own = _days(phone, phone.worker)
        for hub in world.hubs:
            others = _days(hub, phone.worker)
            for table in _OF_DAYS:
                if own[table] != others[table]:
                    yield f"{hub.name} and {phone.name} show different rows of {table}"
    kinds = {Kind.SITE: ("setting", "team", "vehicle", "skill", "erased")}
    first = dump_projections(world.hubs[0].store.db)
    second = dump_projections(world.hubs[-1].store.db)
    for table in kinds[Kind.SITE]:
        if first[table] != second[table]:
            yield f"the hubs show different rows of {table}"


def _days(machine: Machine, worker: bytes) -> Rows:
    name = worker.hex()
    return {
        table: machine.store.db.execute(
            f"SELECT * FROM {table} WHERE worker = ? ORDER BY 1, 2, 3", (name,)
        ).fetchall()
        for table in _OF_DAYS
    }
