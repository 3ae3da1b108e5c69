"""The processes that hold the phones of a live run, as the run sees them.

Each is `simulator.live.fleet`, told and heard by lines of JSON. Holds no phones.
Invariant: a process that ends before it was let go is an error that names it, and none is left.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulator.draw import differing
from simulator.live.target import Target
from simulator.scenario.scenario import Scenario

LINE_BYTES_MAX = 1 << 24
LEAVE_S_MAX = 60.0


class FleetError(Exception):
    """A process of phones ended before its time; the sentence says what it said last."""


class FleetProcess:
    """One process: `await start()`, then `tell` and `until`."""

    def __init__(
        self,
        number: int,
        heard: Callable[[int, dict[str, Any]], None],
        ended: Callable[[int, FleetError], None],
    ) -> None:
        self.number = number
        self._heard = heard
        self._ended = ended
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def start(self, begin: dict[str, Any], errors: Path) -> None:
        """Start it, and let it begin."""
        with errors.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "simulator.live.fleet",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=log, limit=LINE_BYTES_MAX,
                # A Ctrl-C is for this program, which lets them end in good order.
                start_new_session=True,
            )  # fmt: skip
        self._errors = errors
        self._reading = asyncio.get_running_loop().create_task(self._read())
        begun = self.until("begun")
        self.tell({"do": "begin", "number": self.number, **begin})
        await begun

    def tell(self, line: dict[str, Any]) -> None:
        """Send a line."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    def until(self, key: str) -> asyncio.Future[dict[str, Any]]:
        """The next line that has this key."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        return future

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            self._heard(self.number, told)
            for key in told.keys() & self._waiting.keys():
                future = self._waiting.pop(key)
                if not future.done():
                    future.set_result(told)
        last = self._errors.read_text("utf-8", "replace").strip().splitlines()[-1:]
        error = FleetError(f"a process of phones ended: {' '.join(last) or 'it said nothing'}")
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)
        self._ended(self.number, error)

    @property
    def returncode(self) -> int | None:
        """How it ended, as the system tells it; None before."""
        return None if self._process is None else self._process.returncode

    async def end(self) -> None:
        """Let it go, and wait until it has gone."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(LEAVE_S_MAX):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reading is not None:
            await asyncio.wait([self._reading])


class Fleets:
    """All processes: `async with Fleets(…) as fleets`.

    Args:
        processes: how many.
        folder: in memory, where most phones lie; `disk_folder` is for the others, and for what the
            processes say of errors.
        heard: told of each line, with the process's number.
    """

    def __init__(
        self,
        target: Target,
        scenario: Scenario,
        seed: int,
        processes: int,
        folder: Path,
        disk_folder: Path,
        heard: Callable[[int, dict[str, Any]], None],
    ) -> None:
        self._begin = {
            "address": target.address,
            "fingerprint": target.fingerprint.hex(),
            "folder": str(folder),
            "disk_folder": str(disk_folder),
            "seed": seed,
            "options": differing(scenario.options),
            "live": asdict(scenario.live),
        }
        self._errors = disk_folder / "errors.log"
        self._heard = heard
        self._joining: dict[str, tuple[int, asyncio.Future[str]]] = {}
        self.processes = [
            FleetProcess(number, self._hear, self._has_ended) for number in range(processes)
        ]

    async def __aenter__(self) -> Fleets:
        try:
            for each in self.processes:
                await each.start(self._begin, self._errors)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def _end(self) -> None:
        await asyncio.gather(*(each.end() for each in self.processes), return_exceptions=True)

    def _hear(self, number: int, told: dict[str, Any]) -> None:
        _, joined = self._joining.pop(str(told.get("joined", "")), (0, None))
        if joined is not None and not joined.done():
            joined.set_result(str(told.get("refused", "")))
        self._heard(number, told)

    def _has_ended(self, number: int, error: FleetError) -> None:
        for of, joining in self._joining.values():
            if of == number and not joining.done():
                joining.set_exception(error)

    async def join(self, place: int, worker: str, link: str) -> str:
        """Let the phone of a worker join in the process of this place; '' or the refusal."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        process = self.processes[place % len(self.processes)]
        self._joining[worker] = (process.number, future)
        process.tell({"do": "join", "worker": worker, "link": link})
        return await future

    async def all_do(self, doing: str, until: str) -> list[dict[str, Any]]:
        """Let all processes do something to its end; what each said then."""
        futures = [each.until(until) for each in self.processes]
        for each in self.processes:
            each.tell({"do": doing})
        return list(await asyncio.gather(*futures))
