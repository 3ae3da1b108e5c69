"""Who acts from the office, by name: a text that a hub writes beside an act, in the job's stream.

A phone holds no accounts: those stand in the office's stream, which hubs alone have. What it holds
of a person there is the name under which they acted in a job that it has, no more, and it goes with
the job. Holds no accounts. Invariant: the name of an account in a job follows from the entries of
that job alone.
"""

from __future__ import annotations

from core.dispatch.acts import Act, Change
from core.dispatch.fields import ACTING_NAME
from core.dispatch.show import value_at
from core.log.registers import Registers

NAME_LETTERS_MAX = 60
"""More of a name is not written; it stands in each job that its bearer touches."""


def acting_as(registers: Registers, job: bytes, account: bytes, name: str) -> Act:
    """The change by which a job comes to know an account's name; none where it does already.

    `account` is an id of 8 bytes, `registers` are the job's.
    """
    name = name.strip()[:NAME_LETTERS_MAX]
    if not name or acting_name(registers, account) == name:
        return []
    return [Change(job, (ACTING_NAME, account), name)]


def acting_name(registers: Registers, account: bytes) -> str:
    """The name under which an account acted in a job, '' where none is told."""
    name = value_at(registers, (ACTING_NAME, account))
    return name if isinstance(name, str) else ""
