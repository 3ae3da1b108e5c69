"""Why a visit was missed, as far as the day itself says it.

Holds words for the table alone. Invariant: looks at the truth, the fixes and the plan, and at no
detector.
"""

from __future__ import annotations

from typing import Final

from core.dispatch.fix import usable
from core.dispatch.jobplace import EARLY_MS, LATE_MS
from tests.truth.days import WorkDay
from tests.truth.scoring import Verdict

SILENT: Final = "silent for more than half of it"
OUT_OF_HOURS: Final = "done more than 2 h before or 6 h after its window: no candidate then"
NEIGHBOUR: Final = "on a day with neighbours 50 to 70 m apart"
OTHER: Final = "seen, and not logged"
GAP_MS: Final = 6 * 60_000
"""A phone that lies still reports every five minutes at least."""


def reason(day: WorkDay, missed: Verdict) -> str:
    """The first of the reasons above that holds."""
    job = next(job for job in day.jobs if job.job.decode() == missed.job)
    if job.window_start_ms is not None and missed.start_ms < job.window_start_ms - EARLY_MS:
        return OUT_OF_HOURS
    if job.window_end_ms is not None and missed.stop_ms > job.window_end_ms + LATE_MS:
        return OUT_OF_HOURS
    times_ms = [
        fix.time_ms
        for fix in day.fixes
        if missed.start_ms <= fix.time_ms <= missed.stop_ms and usable(fix) and not fix.mock
    ]
    edges_ms = [missed.start_ms, *times_ms, missed.stop_ms]
    silent_ms = sum(
        after - before
        for before, after in zip(edges_ms, edges_ms[1:], strict=False)
        if after - before > GAP_MS
    )
    if 2 * silent_ms > missed.stop_ms - missed.start_ms:
        return SILENT
    return NEIGHBOUR if day.scenario == "neighbours_both" else OTHER
