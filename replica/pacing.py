"""When what a phone does again and again is due: together, since each time alone wakes the phone.

Holds one question to the loop's clock. Invariant: whoever asks for the same period is given the
same moment.
"""

from __future__ import annotations

import asyncio


def until_due_s(period_s: float) -> float:
    """Seconds until the loop's clock next shows a whole number of periods; never 0."""
    return period_s - asyncio.get_running_loop().time() % period_s
