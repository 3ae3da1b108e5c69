"""What is known of a job's states beside the log: where they were set, and when the hub had them.

Where somebody was is told by the fixes of that minute; that an entry came late by the hub's
witnesses, which say by when it was held. Holds no words. Invariant: nothing is said to have been
made without a network unless a witness of later shows that the hub can't have had it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.fields import Role
from core.dispatch.fix import usable
from core.dispatch.geometry import distance_m
from core.log.registers import LogKey
from core.log.stream import StreamState
from hub.hub import WITNESS_S
from replica.history import HistoryRow
from replica.reader import Reader
from replica.witnesses import KEPT_MAX, TIP_BYTES
from web import formats
from web.board.days import today
from web.board.detail_history import Around

LATE_MS: Final = round(WITNESS_S * 1000) + 5 * formats.MINUTE_MS
"""Witnesses are made every ten minutes; what is held only by one of later than this came late."""
DAYS_MAX: Final = 3
"""Workers' days of one job whose tracks are looked at, the newest: each is read whole."""

_WITNESSES: Final = """
    SELECT witness.at, witnessed.tips FROM witnessed JOIN witness USING (witness)
    WHERE stream = ? ORDER BY witness.at
"""


async def around_of(
    reader: Reader, state: StreamState, changes: Sequence[HistoryRow], job: Any, zone: ZoneInfo
) -> Around:
    """What is known beside the log of one job; `changes` its history, `job` its row."""
    witnesses = await reader.rows(_WITNESSES, (state.stream,))
    known = _known(state, [(row["at"], row["tips"]) for row in witnesses])
    fixes: dict[str, list[tuple[int, float]]] = {}
    if job["lat_e7"] is not None:
        point = (job["lat_e7"], job["lon_e7"])
        for worker, day in _days(state, changes, zone):
            for track in await reader.tracks(bytes.fromhex(worker), day):
                fixes.setdefault(worker, []).extend(
                    (fix.time_ms, distance_m(fix.lat_e7, fix.lon_e7, *point))
                    for fix in track.fixes
                    if usable(fix)
                )
    return Around({worker: sorted(own) for worker, own in fixes.items()}, known)


def _days(
    state: StreamState, changes: Sequence[HistoryRow], zone: ZoneInfo
) -> list[tuple[str, str]]:
    """The workers (hex) and local days on which phones set states, the newest first."""
    workers = {
        placed.standing.subject.hex()
        for placed in state.entries()
        if placed.standing.role == Role.WORKER
    }
    found = dict.fromkeys(
        (row.actor, today(row.at, zone))
        for row in reversed(changes)
        if row.field == "phase" and row.actor in workers and row.at > 0
    )
    return list(found)[:DAYS_MAX]


def _known(state: StreamState, witnesses: list[tuple[int, bytes]]) -> dict[str, int]:
    """By when the hub had what it did not have at once, by the first digits of the entry's hash."""
    if not witnesses or len(witnesses) >= KEPT_MAX:
        # Of so many some were left out, and the one that first held an entry may be among them.
        return {}
    placed_by_tip = {placed.stored.hash[:TIP_BYTES]: placed for placed in state.entries()}
    height_by_log: dict[LogKey, int] = {}
    heights = []
    for at_ms, tips in witnesses:
        for at in range(0, len(tips), TIP_BYTES):
            placed = placed_by_tip.get(tips[at : at + TIP_BYTES])
            if placed is not None:
                seq = max(placed.stored.seq, height_by_log.get(placed.log, 0))
                height_by_log[placed.log] = seq
        heights.append((at_ms, dict(height_by_log)))
    found = {}
    for placed in placed_by_tip.values():
        if placed.entry is None or placed.standing.role != Role.WORKER:
            continue
        seq = placed.stored.seq
        holding = [at for at, held in heights if held.get(placed.log, 0) >= seq]
        if holding and holding[0] > placed.entry.corrected_ms + LATE_MS:
            found[placed.stored.hash[:8].hex()] = holding[0]
    return found
