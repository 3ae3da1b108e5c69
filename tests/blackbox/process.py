"""The phone's process as the world sees it: commands in, answers out, and SIGKILL.

Holds no clock and no truth. Invariant: what `ask` returns the phone has answered; of what
`killed_at` sent nobody knows whether it was done.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ANSWER_S_MAX = 60.0

Told = dict[str, Any]


class Phone:
    """The phone in a folder, on and off.

    `clock` is asked for what its clock says: wall and uptime in ms, and the boot.
    """

    def __init__(self, folder: Path, log: Path, clock: Any) -> None:
        self.lives = 0
        self._folder = folder
        self._log = log
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> Told:
        """Turn it on; what it says first."""
        with self._log.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.blackbox.phone", str(self._folder)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
            )
        self.lives += 1
        await self._write(list(self._clock()))
        return await self._answer()

    async def ask(self, do: str, **words: object) -> Told:
        """Let the hand do something, and wait for what the phone answers."""
        await self._write({"do": do, "clock": list(self._clock()), **words})
        return await self._answer()

    async def killed_at(self, after_s: float, do: str, **words: object) -> None:
        """Let the hand do something, and kill the phone a moment later, whatever came of it."""
        await self._write({"do": do, "clock": list(self._clock()), **words})
        await asyncio.sleep(after_s)
        await self.kill()

    async def kill(self) -> None:
        """SIGKILL."""
        process = self._process
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def stop(self) -> None:
        """End it as its owner does."""
        process = self._process
        if process is not None and process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
            await asyncio.wait_for(process.wait(), ANSWER_S_MAX)

    async def _write(self, line: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        await self._process.stdin.drain()

    async def _answer(self) -> Told:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), ANSWER_S_MAX)
        if not line:
            raise AssertionError(f"the phone ended by itself: {self._log.read_text()[-2000:]}")
        told: Told = json.loads(line)
        return told
