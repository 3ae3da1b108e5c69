"""Recorded traces and lists of jobs as files that people have: CSV and GPX in, values out.

Holds no rules. Invariant: a file that can't be read is refused with the line and what it should
hold, and nothing of it is used.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from core.dispatch.fix import Fix
from core.dispatch.geometry import Point
from core.dispatch.jobplace import AutologError, JobPlace, Spot
from core.dispatch.outline import check_beside_point, checked_outline, corners_of
from core.dispatch.outline_text import read_outline

GZIP_MAGIC: Final = b"\x1f\x8b"
BYTES_MAX: Final = 200 << 20
NEEDED: Final = "a CSV (plain or .gz) with the columns lat, lon and time_utc, or a GPX file"
JOBS_NEEDED: Final = (
    "a CSV with the columns job, lat, lon and, if need be, radius_m, outline, start, end"
)


class TraceError(Exception):
    """A file that holds no trace or no jobs; the sentence says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class NamedJob:
    """A job of a list: its name, and its place as the logger knows it."""

    name: str
    place: JobPlace


def read_trace(path: Path) -> list[Fix]:
    """The fixes of a file, in its order; `accuracy_m`, `speed_mps` and `mock` may stand in a CSV.

    Raises:
        TraceError: it can't be read, or holds no fix.
    """
    text = _text(path, NEEDED)
    fixes = list(_gpx(path, text) if text.lstrip()[:1] == "<" else _csv(path, text))
    if not fixes:
        raise TraceError(f"{path} holds no fix; it must be {NEEDED}")
    return fixes


def _text(path: Path, needed: str) -> str:
    try:
        data = path.read_bytes()
        if len(data) > BYTES_MAX:
            raise TraceError(f"{path} is larger than {BYTES_MAX >> 20} MB; give a part of it")
        return (gzip.decompress(data) if data[:2] == GZIP_MAGIC else data).decode("utf-8-sig")
    except OSError as error:
        raise TraceError(f"{path} can't be read ({error.strerror or error})") from error
    except (EOFError, ValueError) as error:
        raise TraceError(f"{path} is no text; it must be {needed}") from error


def _csv(path: Path, text: str) -> Iterator[Fix]:
    rows = csv.DictReader(io.StringIO(text))
    if not {"lat", "lon", "time_utc"} <= set(rows.fieldnames or ()):
        raise TraceError(f"{path} lacks a column; it must be {NEEDED}")
    for row in rows:
        try:
            accuracy, speed = row.get("accuracy_m") or "", row.get("speed_mps") or ""
            yield Fix(
                _ms(row["time_utc"]),
                _degrees(row["lat"], 90),
                _degrees(row["lon"], 180),
                round(float(accuracy)) if accuracy else None,
                float(speed) if speed else None,
                source="trace",
                mock=(row.get("mock") or "").lower() in ("1", "true", "yes"),
            )
        except (ValueError, TypeError, OverflowError) as error:
            raise TraceError(
                f"{path}, line {rows.line_num}: {error}; it must be {NEEDED}"
            ) from error


def _gpx(path: Path, text: str) -> Iterator[Fix]:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise TraceError(f"{path} is no GPX ({error})") from error
    for point in root.iter():
        if point.tag.rpartition("}")[2] != "trkpt":
            continue
        time = next((each for each in point if each.tag.rpartition("}")[2] == "time"), None)
        if time is None or not time.text:
            continue
        try:
            yield Fix(
                _ms(time.text),
                _degrees(point.get("lat", ""), 90),
                _degrees(point.get("lon", ""), 180),
                None,
                source="trace",
            )
        except (ValueError, OverflowError) as error:
            raise TraceError(f"{path}: a track point is not readable ({error})") from error


def read_jobs(path: Path) -> list[NamedJob]:
    """The jobs of a CSV, in their planned order.

    Raises:
        TraceError: it can't be read, a line makes no job, or it holds none.
    """
    rows = csv.DictReader(io.StringIO(_text(path, JOBS_NEEDED)))
    if not {"job", "lat", "lon"} <= set(rows.fieldnames or ()):
        raise TraceError(f"{path} lacks a column; it must be {JOBS_NEEDED}")
    found = []
    for position, row in enumerate(rows):
        try:
            place = JobPlace(
                position.to_bytes(12, "big"),
                _degrees(row["lat"], 90),
                _degrees(row["lon"], 180),
                int(row.get("radius_m") or 100),
                corners=_corners(row.get("outline") or "", row["lat"], row["lon"]),
                window_start_ms=_ms(row["start"]) if row.get("start") else None,
                window_end_ms=_ms(row["end"]) if row.get("end") else None,
                position=position,
            )
            Spot(place)
        except (ValueError, TypeError, OverflowError, AutologError) as error:
            words = f"{path}, line {rows.line_num}: {error}; it must be {JOBS_NEEDED}"
            raise TraceError(words) from error
        found.append(NamedJob(row["job"] or f"job {position + 1}", place))
    if not found:
        raise TraceError(f"{path} holds no job; it must be {JOBS_NEEDED}")
    return found


def _corners(text: str, lat: str, lon: str) -> tuple[Point, ...]:
    """The corners of a cell with an outline (WKT, GeoJSON, or a corner on each of its lines)."""
    outline = checked_outline(read_outline(text))
    if outline is None:
        return ()
    check_beside_point(outline, (_degrees(lat, 90), _degrees(lon, 180)))
    return corners_of(outline)


def _degrees(text: str, most: int) -> int:
    degrees = float(text)
    if not -most <= degrees <= most:
        raise ValueError(f"{text} is no latitude or longitude")
    return round(degrees * 1e7)


def _ms(text: str) -> int:
    """A time in ISO 8601; one that names no offset is UTC."""
    moment = datetime.fromisoformat(text.strip())
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000)
