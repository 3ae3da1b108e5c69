"""What hurts most: the order in which problems are put before a person.

Minutes lost times the job's priority. What is late has lost its minutes; what waits for somebody
(a conflict, a refusal, a silent phone) may lose them yet, and counts half. Pure. Invariant: with
the same values, more minutes or a higher priority never rank lower.
"""

from __future__ import annotations

from typing import Final

MINUTES_MAX: Final = 8 * 60
"""A working day. What nobody looked at for a week does not hide what can still be saved today."""
PRIORITY_MAX: Final = 3


def points(minutes: int, priority: int, *, lost: bool) -> int:
    """How much a problem hurts; the greatest comes first.

    `minutes` is how late, or how long it waits; `priority` is 0 (low) to 3 (urgent); `lost` says
    that the minutes are lost already, and do not only wait.
    """
    counted = min(max(minutes, 1), MINUTES_MAX)
    weight = min(max(priority, 0), PRIORITY_MAX) + 1
    return counted * weight * (2 if lost else 1)
