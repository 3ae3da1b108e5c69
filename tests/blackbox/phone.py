"""The phone of the black box's run: a real `Device` in a process that may be killed at any moment.

`python -m tests.blackbox.phone FOLDER` reads a command a line (JSON) and answers each with a line
once what it did is durable, as a screen shows it then. What a tap does is what the screens do: the
same acts, made of what the phone's own rows say. Its clock says what the last command told it.
Invariant: nothing is answered before the device has returned from it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import resource
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from pathlib import Path
from random import Random
from typing import Any

from core.dispatch import acts, day_acts
from core.dispatch.acts import ActError
from core.dispatch.fix import Fix
from core.log.chunk_list import list_of
from replica.device import Device
from replica.owed import owed
from replica.screens.local_time import day_of
from replica.screens.port import EnrolmentRefused
from replica.screens.progress import OpenLog, Turn, move
from replica.screens.words import PHASE_BY_WORD
from replica.store import StoreError

Said = dict[str, Any]


class ToldClock:
    """A clock that stands where it was told."""

    def __init__(self) -> None:
        self.wall_ms, self.up_ms, self.boot_number = 0, 0, 0

    def now_ms(self) -> int:
        return self.wall_ms

    def uptime_ms(self) -> int:
        return self.up_ms

    def boot(self) -> int:
        return self.boot_number


def drawn_bytes(key: str) -> Callable[[int], bytes]:
    """Bytes that follow from a key: who taps again after a kill draws the same ids."""
    taken = 0

    def draw(size: int) -> bytes:
        nonlocal taken
        taken += 1
        return hashlib.blake2b(f"{key} {taken}".encode(), digest_size=size).digest()

    return draw


def picture(key: str, side: int) -> bytes:
    """A real PNG of drawn points, of some `side`² · 3 bytes."""
    chance = Random(key)
    lines = b"".join(b"\0" + chance.randbytes(3 * side) for _ in range(side))
    head = side.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b""))
    framed = (
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
        for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


class Hand:
    """The worker's hand on a phone: each method is one command."""

    def __init__(self, device: Device) -> None:
        self._device = device

    async def enrol(self, link: str) -> Said:
        """Join by a link."""
        await self._device.enrol(link=link)
        await self._device.act(acts.set_app(bytes.fromhex(self._device.worker), auto_on=False))
        return {}

    async def tap(self, job: str, to: str, key: str, reason: str = "") -> Said:
        """Bring a job to a phase, where it is not there already."""
        device = self._device
        row = await device.reader.row(
            "SELECT turn, phase FROM assignment WHERE job = ? AND worker = ?", (job, device.worker)
        )
        if row is None:
            return {"refused": "the job is not on this phone"}
        if row["phase"] == to:
            return {"again": True}
        moved = move(
            Turn(
                bytes.fromhex(job),
                bytes.fromhex(device.worker),
                bytes.fromhex(row["turn"]),
                row["phase"],
            ),
            PHASE_BY_WORD[to],
            open_logs=await self._running(),
            today=day_of(device.now_ms(), UTC),
            entropy=drawn_bytes(key),
            reason=reason,
        )
        await device.act(moved.changes)
        return {}

    async def _running(self) -> tuple[OpenLog, ...]:
        rows = await self._device.reader.rows(
            "SELECT day, log, job, kind, source, start_at FROM time_log "
            "WHERE worker = ? AND stop_at IS NULL AND superseded = 0 ORDER BY start_at DESC",
            (self._device.worker,),
        )
        return tuple(
            OpenLog(
                row["day"],
                bytes.fromhex(row["log"]),
                bytes.fromhex(row["job"]) or None,
                row["kind"],
                row["source"],
                row["start_at"],
            )
            for row in rows
        )

    async def note(self, job: str, text: str) -> Said:
        """Write a note, where it is not there already."""
        if await self._device.reader.row("SELECT 1 FROM note WHERE text = ?", (text,)) is not None:
            return {"again": True}
        await self._device.act(acts.add_note(bytes.fromhex(job), text))
        return {}

    async def photo(self, job: str, key: str, side: int) -> Said:
        """Take a photo of a job, where it is not there already."""
        data = picture(key, side)
        address = list_of(data).address
        asked = "SELECT 1 FROM file_ref WHERE job = ? AND address = ?"
        if await self._device.reader.row(asked, (job, address)) is not None:
            return {"again": True, "address": address.hex()}
        await self._device.save_file(bytes.fromhex(job), data)
        return {"address": address.hex()}

    async def duty(self, key: str, day: str = "") -> Said:
        """Go on duty, or with the day it began off it again."""
        device, duty = self._device, drawn_bytes(key)(8)
        worker, today = bytes.fromhex(device.worker), day_of(device.now_ms(), UTC)
        asked = "SELECT stop_at FROM duty WHERE worker = ? AND duty = ?"
        row = await device.reader.row(asked, (device.worker, duty.hex()))
        if (row is not None) if not day else (row is not None and row["stop_at"] is not None):
            return {"again": True, "day": day or today}
        changes = day_acts.stop_duty if day else day_acts.start_duty
        await device.act(changes(worker, day or today, duty))
        return {"day": day or today}

    async def fix(self, lat_e7: int, lon_e7: int) -> Said:
        """What a location app posts."""
        await self._device.take_fix(Fix(self._device.now_ms(), lat_e7, lon_e7, 8))
        return {}

    async def state(self) -> Said:
        """What the sync page says, and what the process takes."""
        device = self._device
        told = await device.sync_state()
        device.sync_now()
        owing = await device.writer.run(owed, device.writer.replica)
        return {
            "unsent": told.unsent_count,
            "files": owing.files,
            "connected": told.connected,
            "live": device._syncer is not None and device._syncer.figures.live,
            "needs": [need.title for need in told.needs],
            "refusal": [need.what_to_do for need in told.needs],
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "jobs": (await device.reader.rows("SELECT count(*) FROM job"))[0][0],
        }


async def _serve(folder: Path) -> None:
    clock = ToldClock()
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    clock.wall_ms, clock.up_ms, clock.boot_number = json.loads(await reader.readline())
    with ThreadPoolExecutor(max_workers=1) as executor:
        async with Device(folder, clock, os.urandom, executor) as device:
            hand = Hand(device)
            _say({"ready": device.worker, "again": device.join_again})
            while line := await reader.readline():
                told = json.loads(line)
                clock.wall_ms, clock.up_ms, clock.boot_number = told.pop("clock")
                try:
                    answer = await getattr(hand, told.pop("do"))(**told)
                except (ActError, StoreError, EnrolmentRefused) as error:
                    answer = {"refused": str(error), "kind": type(error).__name__}
                _say(answer)


def _say(answer: Said) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(_serve(Path(sys.argv[1])))
