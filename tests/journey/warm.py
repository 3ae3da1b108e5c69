"""Commands begun by a process that has imported them already, so that a start costs little.

Where hubs and phones are killed by the hundred, most of the processor's time went into importing
the same modules and compiling the same templates. `python -m tests.journey.warm` does that once and
forks for each line that it reads: a JSON list of the log file, the file of the clock's offset or
"", and the command's words.
Invariant: what is forked is a process of its own, which nothing but its pid ties to the one that
asked for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from replica.commandline import installed_commands, load, main
from replica.language import ENGLISH
from replica.screens import assets as screen_assets
from replica.screens import here
from tests.journey.shifted import shift
from web import assets, rendering

ROOT = Path(__file__).parents[2]


class Forked:
    """A process that is nobody's child here, watched by its pid."""

    def __init__(self, pid: int) -> None:
        self._process = os.pidfd_open(pid)
        self._has_ended = False

    @property
    def returncode(self) -> int | None:
        """None while it runs; how it ended is not known here, so -1 afterwards."""
        if not self._has_ended and select.select([self._process], [], [], 0)[0]:
            self._has_ended = True
            os.close(self._process)
        return -1 if self._has_ended else None

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._process, number)

    async def wait(self) -> int:
        """Wait until it has ended."""
        if self.returncode is None:
            ended, loop = asyncio.Event(), asyncio.get_running_loop()
            loop.add_reader(self._process, ended.set)
            await ended.wait()
            loop.remove_reader(self._process)
        return self.returncode or -1


class Warm:
    """Begins commands; `async with Warm() as warm`."""

    async def __aenter__(self) -> Warm:
        self._server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.journey.warm"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            # Threads of a library would not be there after the fork.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._server.kill()
        await self._server.wait()

    async def begin(self, log: Path, words: Sequence[str], offset_file: Path | None) -> Forked:
        """Run `fieldlog` with these words, its output in `log`."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        asked = [str(log), str(offset_file or ""), *words]
        self._server.stdin.write(json.dumps(asked).encode() + b"\n")
        pid = await self._server.stdout.readline()
        return Forked(int(pid))


def _serve() -> None:
    for name in ("hub", "device"):
        load(installed_commands()[name])
    for point in entry_points(group="fieldlog.pages"):
        point.load()
    _compile_pages()
    signal.signal(signal.SIGCHLD, _let_go)
    for line in sys.stdin.buffer:
        log, offset_file, *words = json.loads(line)
        pid = os.fork()
        if not pid:
            os._exit(_run(log, offset_file, words))
        os.write(1, b"%d\n" % pid)


def _compile_pages() -> None:
    """Have the templates of the board and of a phone's screens at hand.

    To compile those of its first page takes a hub as long as all else that it does until then.
    """
    # As it is asked for by pages; a call that says less has another environment.
    board = rendering.make_environment(assets.installed_assets(), ENGLISH)
    for name in board.list_templates():
        if name.startswith(("board/", "parts/", "layout")):
            board.get_template(name)
    screens = here.make_environment(screen_assets.installed_assets())
    for name in screens.list_templates():
        screens.get_template(name)


def _let_go(*_: object) -> None:
    """Take note of those that have ended, so that their processor time counts here."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _run(log: str, offset_file: str, words: Sequence[str]) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(old, new)
    if offset_file:
        shift(Path(offset_file))
    return main(words)


if __name__ == "__main__":
    _serve()
