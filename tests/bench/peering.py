"""The peers from here: an environment of their own, and their turns in processes of their own.

`make bench-log` makes the environment below `tests/.cache` with pip; what can't be had is left out
and said so in the table. Holds no peer's code. Invariant: a peer that fails is a line in the table,
never a row of the others' left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.measuring import Timing

TOP = Path(__file__).parents[2]
ENVIRONMENT = TOP / "tests" / ".cache" / "bench" / "peers"
REQUIREMENTS = Path(__file__).parent / "peers" / "requirements.txt"
PEERS = ("loro", "pycrdt", "sqlite-sync-core")
NOT_IN_A_REGISTRY = (
    "cr-sqlite is in no package of PyPI (its npm package downloads a binary when it is installed), "
    "so it is not measured here; the floor of plain SQL stands in its place."
)


class PeerError(Exception):
    """A peer's process failed; the sentence says which and what it said last."""


def python() -> Path:
    """The interpreter of the peers' environment, which may not be there."""
    return ENVIRONMENT / "bin" / "python"


def install() -> str:
    """Make the environment; '' or why it could not be had."""
    words = [[sys.executable, "-m", "venv", str(ENVIRONMENT)]]
    if not python().exists():
        words.append([str(python()), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)])
    for command in words:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stderr.strip().splitlines()[-1]
    return ""


@dataclass
class Peers:
    """Those peers that can be had, on a trace of so many jobs."""

    jobs: int
    folder: Path
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def prepare(self, names: tuple[str, ...] = PEERS) -> None:
        """Let each write the trace; those that can't are noted as missing."""
        for name in names:
            try:
                self.versions[name] = self.turn(name, "author")["version"]
            except PeerError as error:
                self.missing[name] = str(error)

    def turn(self, name: str, turn: str) -> dict[str, Any]:
        """One turn of a peer. Raises PeerError."""
        command = [str(python()), "-m", "tests.bench.peers", name, turn, "--jobs", str(self.jobs)]
        command += ["--folder", str(self.folder / name)]
        try:
            done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
        except OSError as error:
            raise PeerError(f"{name}: its environment is not there ({error})") from error
        if done.returncode:
            last = (done.stderr.strip() or "no word").splitlines()[-1]
            raise PeerError(f"{name}: {last}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def timed(self, name: str, turn: str) -> Timing:
        """The timing of one turn. Raises PeerError."""
        found = self.turn(name, turn)
        return Timing(found["count"], found["wall_s"], found["processor_s"])
