"""One seed gives one run: across processes, and whatever the hashes of strings are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("replayed_program.py")
TOP = PROGRAM.parents[2]
SEEDS = ("1", "2", "3")


def _lines(hash_seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(TOP)}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *SEEDS],
        env=environment,
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_seed_gives_the_same_trace_in_another_process_with_other_hashes():
    first, second = _lines("1"), _lines("4242")
    assert len(first) == len(SEEDS)
    assert first == second
    assert len({line.split()[1] for line in first}) == len(SEEDS)


def test_the_simulator_does_not_import_apsw_unless_asked():
    code = (
        "import sys, simulator.weather, simulator.disk, simulator.faulty_disk, simulator.motion, "
        "simulator.receiver, simulator.virtual_loop; assert 'apsw' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=TOP, check=True)
