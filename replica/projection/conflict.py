"""Rows of what people decide about a stream: conflicts, and alerts that they put aside.

Both stand in the table `conflict`; those put aside have the kind 'snoozed' and count as no
conflict. Beside them, values and who acted in words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from core.dispatch.fields import Phase
from core.dispatch.job import Conflict
from core.dispatch.snooze import snoozes
from core.log.registers import Registers, Write
from core.log.stream import Placed
from replica.projection.rows import Row

SNOOZED = "snoozed"


def words(value: Any) -> str:
    """A register's value as a person or a page can read it: JSON, ids in hex, text as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, default=bytes.hex)


def phase_words(phase: Phase) -> str:
    """A phase as people read it."""
    return phase.name.lower().replace("_", " ")


def actor_of(placed: Placed) -> str:
    """Who acted: the id of an account or a worker, 'rule', or ''."""
    if placed.entry is not None and placed.entry.by_rule:
        return "rule"
    if placed.entry is not None and placed.entry.actor:
        return placed.entry.actor.hex()
    return placed.standing.subject.hex()


def _side(value: Any, write: Write | None) -> dict[str, Any]:
    if write is None:
        return {"value": words(value), "actor": "", "author": "", "at": 0}
    return {
        "value": words(value),
        "actor": write.actor.hex(),
        "author": write.log[0].hex(),
        "at": write.corrected_ms,
    }


def conflict_rows(stream: str, conflicts: Iterable[Conflict]) -> list[Row]:
    """The conflict rows of a stream."""
    return [
        (
            stream,
            conflict.key.hex(),
            conflict.kind,
            conflict.field,
            json.dumps(_side(conflict.shown, conflict.write)),
            json.dumps([_side(value, write) for value, write in conflict.others]),
        )
        for conflict in conflicts
    ]


def snooze_rows(stream: str, registers: Registers) -> list[Row]:
    """Rows of the alerts that were put aside: `field` is the alert's kind, `shown` has the time.

    One that was taken up again keeps a row, so that whoever has one is always written again.
    """
    return [
        (
            stream,
            f"{SNOOZED} {each.kind}",
            SNOOZED,
            each.kind,
            json.dumps(_side(each.until_ms, each.write) | {"reason": each.reason}),
            "[]",
        )
        for each in snoozes(registers)
    ]
