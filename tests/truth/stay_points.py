"""Stay points of trackintel as a detector: a stay counts for the nearest job within its radius.

The library lives in an environment of its own below `tests/.cache`, made by `install` with pip on
first use, since neither phone nor hub needs it. Its defaults are 100 m, five minutes and gaps of up
to fifteen; its last stay is asked for, too. Invariant: what it is given are the same fixes as all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from core.dispatch.fix import Fix
from core.dispatch.geometry import distance_m
from core.dispatch.jobplace import JobPlace
from tests.truth.detectors import Sieve
from tests.truth.scoring import Log

TOP: Final = Path(__file__).parents[2]
ENVIRONMENT: Final = TOP / "tests" / ".cache" / "truth" / "peer"
REQUIREMENTS: Final = Path(__file__).parent / "peer" / "requirements.txt"


class PeerError(Exception):
    """The library could not be had, or failed; the sentence says what it said last."""


class Stay(NamedTuple):
    """A stay point of one track."""

    start_ms: int
    stop_ms: int
    lat_e7: int
    lon_e7: int


@dataclass(frozen=True, slots=True)
class StayRule:
    """The library's own numbers (m, min, min), and which fixes it is given."""

    distance_m: int = 100
    stay_min: float = 5.0
    gap_min: float = 15.0
    sieve: Sieve = Sieve()

    def __str__(self) -> str:
        most = self.sieve.accuracy_m_max
        accuracy = "" if most is None else f", accuracy up to {most} m"
        words = f"{self.distance_m} m, {self.stay_min:g} min, gaps {self.gap_min:g} min{accuracy}"
        return words + ("" if self.sieve.made_up_too else ", none made up")


USUAL: Final = StayRule()
SWEEP: Final = tuple(
    StayRule(distance_m, stay_min, gap_min, Sieve(accuracy_m_max, made_up))
    for accuracy_m_max in (None, 50)
    for made_up in (True, False)
    for distance_m in (50, 75, 100, 150)
    for stay_min in (3.0, 5.0)
    for gap_min in (15.0, 60.0)
)


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def install() -> str:
    """Make the environment; '' or why it could not be had."""
    commands = [[sys.executable, "-m", "venv", str(ENVIRONMENT)]]
    if not _python().exists():
        commands.append([str(_python()), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)])
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                return (done.stderr.strip() or "no word").splitlines()[-1]
    return ""


def stays_by_rule(
    tracks: Sequence[Sequence[Fix]], rules: Sequence[StayRule]
) -> tuple[str, list[list[list[Stay]]]]:
    """The library's version, and for each rule and each track its stay points.

    The rules must share a sieve. Raises PeerError.
    """
    sieve = rules[0].sieve
    request = {
        "tracks": [
            [[fix.time_ms, fix.lat_e7, fix.lon_e7] for fix in sieve.kept(fixes)] for fixes in tracks
        ],
        "settings": [[rule.distance_m, rule.stay_min, rule.gap_min] for rule in rules],
    }
    # One thread each: the days are spread over processes already.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [str(_python()), "-m", "tests.truth.peer"], cwd=TOP, input=json.dumps(request),
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
    except OSError as error:
        raise PeerError(f"trackintel: its environment is not there ({error})") from error
    if done.returncode:
        raise PeerError(f"trackintel: {(done.stderr.strip() or 'no word').splitlines()[-1]}")
    answer = json.loads(done.stdout)
    found: list[list[list[Stay]]] = []
    for rows in answer["stays"]:
        by_track: list[list[Stay]] = [[] for _ in tracks]
        for track, *stay in rows:
            by_track[track].append(Stay(*stay))
        found.append(by_track)
    return answer["version"], found


def logs_of(stays: Sequence[Stay], jobs: Sequence[JobPlace]) -> list[Log]:
    """Each stay for the nearest job in whose radius it lies, if there is one."""
    logs = []
    for stay in stays:
        nearest = min(
            (
                (distance_m(stay.lat_e7, stay.lon_e7, job.lat_e7, job.lon_e7), job.job)
                for job in jobs
            ),
            default=None,
        )
        if nearest is not None:
            away_m, name = nearest
            job = next(job for job in jobs if job.job == name)
            if away_m <= job.radius_m:
                logs.append(Log(name.decode(), stay.start_ms, stay.stop_ms))
    return logs
