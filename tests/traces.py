"""Recorded traces read from a file, and made-up ones with a known truth where there is none.

Holds no rules of the logger. A recorded trace is never kept in the repository: its file is looked
for where FIELDLOG_TRACES says, else beside the checkout under `shared/data`. Invariant: the same
seed makes the same trace.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.dispatch.fix import Fix

RECORDED = Path("shared", "data", "gps-traces-a.csv.gz")
RECORDED_ACCURACY_M = 15
"""The recorded file tells no accuracy; this is that of its receivers under open sky."""
GZIP_MAGIC = b"\x1f\x8b"
EARTH_M_PER_DEGREE = 111_195.0
BEGIN_MS = 1_780_000_000_000


def recorded_path() -> Path | None:
    """Where the recorded trace lies on this machine, None if it does not."""
    named = os.environ.get("FIELDLOG_TRACES")
    path = Path(named) if named else Path(__file__).resolve().parents[2] / RECORDED
    return path if path.is_file() else None


class TraceError(Exception):
    """A file that holds no trace; the sentence says what is wrong with it and what to do."""


def read_fixes(path: Path) -> list[Fix]:
    """The fixes of a CSV (gzipped or plain) with the columns lat, lon, time_utc, in its order.

    Raises:
        TraceError: the file cannot be read, is no such CSV or holds nothing.
    """
    wanted = "it must be a CSV, plain or .gz, with the columns lat, lon and time_utc"
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == GZIP_MAGIC else data).decode()
        fixes = [_fix(row) for row in csv.DictReader(io.StringIO(text))]
    except OSError as error:
        raise TraceError(f"{path} cannot be read ({error.strerror or error}); {wanted}") from error
    except (EOFError, KeyError, TypeError, ValueError, csv.Error) as error:
        words = f"{type(error).__name__}: {error}"[:120]
        raise TraceError(f"{path} holds no trace ({words}); {wanted}") from error
    if not fixes:
        raise TraceError(f"{path} holds no fix; {wanted}")
    return fixes


def _fix(row: dict[str, str]) -> Fix:
    return Fix(
        time_ms=_time_ms(row["time_utc"]),
        lat_e7=round(float(row["lat"]) * 1e7),
        lon_e7=round(float(row["lon"]) * 1e7),
        accuracy_m=RECORDED_ACCURACY_M,
        source="gps",
    )


def _time_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True)
class Stay:
    """A visit as it really was: which of the places, from when to when."""

    place: int
    start_ms: int
    stop_ms: int


@dataclass(frozen=True)
class Generated:
    """A made-up trace: its fixes in order, the places (lat_e7, lon_e7), and what really was."""

    fixes: list[Fix]
    places: list[tuple[int, int]]
    stays: list[Stay]


def generate(seed: int, days: int = 3, place_count: int = 10) -> Generated:
    """Days of a worker in a made-up town, who drives by some of the places without stopping.

    The streets are a grid 400 m wide; places lie 20 to 40 m off their crossings, so that many ways
    lead past one. A fix every 5 s (15 s at a stay) with 8 m of noise; at stays one in ten is 45 m
    off and coarse, and sometimes the phone is silent for up to half an hour, or drifts.
    """
    return _Town(random.Random(seed), place_count).days(days)


class _Town:
    BLOCK_M = 400.0

    def __init__(self, chance: random.Random, place_count: int) -> None:
        self.chance = chance
        self.lat, self.lon = 60.17, 24.94
        self.time_ms = BEGIN_MS
        self.fixes: list[Fix] = []
        self.stays: list[Stay] = []
        crossings = [(x, y) for x in range(8) for y in range(8)]
        self.crossings = chance.sample(crossings, place_count)
        self.points = [
            (
                x * self.BLOCK_M + chance.choice((-1, 1)) * chance.uniform(20, 40),
                y * self.BLOCK_M + chance.choice((-1, 1)) * chance.uniform(20, 40),
            )
            for x, y in self.crossings
        ]

    def days(self, days: int) -> Generated:
        at = (0, 0)
        for day in range(days):
            self.time_ms = BEGIN_MS + day * 86_400_000
            for place in self.chance.sample(range(len(self.points)), 6):
                at = self.drive(at, self.crossings[place])
                self.stay(place)
        places = [self.degrees(x, y) for x, y in self.points]
        return Generated(self.fixes, places, self.stays)

    def degrees(self, x_m: float, y_m: float) -> tuple[int, int]:
        lat = self.lat + y_m / EARTH_M_PER_DEGREE
        lon = self.lon + x_m / (EARTH_M_PER_DEGREE * math.cos(math.radians(self.lat)))
        return round(lat * 1e7), round(lon * 1e7)

    def see(self, x_m: float, y_m: float, noise_m: float, accuracy_m: int) -> None:
        lat_e7, lon_e7 = self.degrees(
            x_m + self.chance.gauss(0, noise_m), y_m + self.chance.gauss(0, noise_m)
        )
        self.fixes.append(Fix(self.time_ms, lat_e7, lon_e7, accuracy_m, source="gps"))

    def drive(self, start: tuple[int, int], end: tuple[int, int]) -> tuple[int, int]:
        """Along the streets at 20 to 50 km/h, with a wait of up to 90 s at some crossings."""
        x, y = start
        while (x, y) != end:
            if x != end[0] and (y == end[1] or self.chance.random() < 0.5):
                step = (1 if end[0] > x else -1, 0)
            else:
                step = (0, 1 if end[1] > y else -1)
            speed_mps = self.chance.uniform(6, 14)
            went_m = 0.0
            while went_m < self.BLOCK_M:
                share = went_m / self.BLOCK_M
                where = ((x + step[0] * share), (y + step[1] * share))
                self.see(where[0] * self.BLOCK_M, where[1] * self.BLOCK_M, 8, 12)
                self.time_ms += 5_000
                went_m += 5 * speed_mps
            x, y = x + step[0], y + step[1]
            if self.chance.random() < 0.3 and (x, y) != end:
                for _ in range(self.chance.randrange(1, 18)):
                    self.see(x * self.BLOCK_M, y * self.BLOCK_M, 8, 12)
                    self.time_ms += 5_000
        return end

    def stay(self, place: int) -> None:
        x_m, y_m = self.points[place]
        start_ms = self.time_ms
        stop_ms = start_ms + self.chance.choice((12, 20, 35, 60, 110)) * 60_000
        silent_at_ms = start_ms + self.chance.randrange(5, 60) * 60_000
        silence_ms = self.chance.randrange(1, 31) * 60_000
        drift_m = self.chance.choice((0.0, 0.0, 40.0))
        while self.time_ms < stop_ms:
            off_m = drift_m * math.sin((self.time_ms - start_ms) / 600_000)
            if self.chance.random() < 0.1:
                self.see(x_m + off_m, y_m, 45, 60)
            else:
                self.see(x_m + off_m, y_m, 10, 15)
            self.time_ms += 15_000
            if silence_ms and silent_at_ms <= self.time_ms < stop_ms:
                # The last fix of a stay is always seen, so that its truth can be known.
                self.time_ms = min(stop_ms - 1_000, self.time_ms + silence_ms)
                silence_ms = 0
        self.stays.append(Stay(place, start_ms, self.time_ms))
        self.time_ms += 5_000
