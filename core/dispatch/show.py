"""What a register shows: one write first, the others kept beside it.

The field's rule decides among the writes that stand; no rule discards one. Equal values are no
conflict, and a value written by a rule yields to any person's. Invariant: the choice depends only
on the writes themselves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from core.dispatch.fields import FIELDS, PHASE, Phase, Role, Rule
from core.log.canonical import pack
from core.log.entry import Path
from core.log.registers import Register, Registers, Write

# What happened in the world, from least to most: a rejection yields to work that was done.
_PHASE_RANK = {
    phase: rank
    for rank, phase in enumerate(
        (
            Phase.ASSIGNED,
            Phase.RECEIVED,
            Phase.OPENED,
            Phase.ACCEPTED,
            Phase.REJECTED,
            Phase.TRAVELLING,
            Phase.PAUSED,
            Phase.ON_SITE,
            Phase.FINISHED,
        )
    )
}


class Shown(NamedTuple):
    """The write that is shown, and the other values that stand beside it (each once)."""

    write: Write
    others: tuple[Write, ...]

    @property
    def value(self) -> Any:
        """The value shown."""
        return self.write.value


def _rank(rule: Rule, code: int, write: Write) -> tuple[Any, ...]:
    person = not write.by_rule
    tie = (write.corrected_ms, write.log, write.seq)
    value = write.value
    if rule is Rule.OFFICE_FIRST:
        return (person, write.role >= Role.DISPATCHER, *tie)
    if rule is Rule.TRUE_FIRST:
        return (person, bool(value), *tie)
    if rule is Rule.FURTHEST:
        known = code == PHASE and type(value) is int and value in _PHASE_RANK
        return (person, _PHASE_RANK[Phase(value)] if known else -1, *tie)
    return (person, *tie)


def show(registers: Registers, path: Path) -> Shown | None:
    """What the register at `path` shows, None where nothing was ever written."""
    register = registers.get(path)
    if register is None or not register.writes:
        return None
    return show_register(register, path[0])


def show_register(register: Register, code: int) -> Shown:
    """What a register with at least one write shows."""
    if len(register.writes) == 1:
        # As nearly always.
        return Shown(next(iter(register.writes.values())), ())
    field = FIELDS.get(code)
    rule = field.rule if field is not None else Rule.LATEST
    ordered = sorted(
        register.writes.values(), key=lambda write: _rank(rule, code, write), reverse=True
    )
    first = ordered[0]
    taken = {pack(first.value)}
    others = []
    for write in ordered[1:]:
        packed = pack(write.value)
        if packed not in taken and not (write.by_rule and not first.by_rule):
            taken.add(packed)
            others.append(write)
    return Shown(first, tuple(others))


def value_at(registers: Registers, path: Path, default: Any = None) -> Any:
    """The value shown at `path`; `default` where nothing stands or it was cleared."""
    register = registers.get(path)
    if register is None or not register.writes:
        return default
    value = show_register(register, path[0]).write.value
    return default if value is None else value
