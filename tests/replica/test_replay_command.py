"""`fieldlog replay`: a recorded trace under one minimum or two, as a stranger runs it."""

from __future__ import annotations

import asyncio
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from replica.trace_file import TraceError, read_jobs, read_trace
from tests.core.dispatch.test_what_if import DAY, A, B
from tests.journey.processes import FIELDLOG, ROOT


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The trace of a day, packed, and its two jobs."""
    trace, jobs = tmp_path / "day.csv.gz", tmp_path / "jobs.csv"
    rows = [
        f"{fix.lat_e7 / 1e7:.7f},{fix.lon_e7 / 1e7:.7f},{iso(fix.time_ms)},{fix.accuracy_m or ''}"
        for fix in DAY
    ]
    trace.write_bytes(gzip.compress("\n".join(["lat,lon,time_utc,accuracy_m", *rows]).encode()))
    lines = [
        f"{name},{place.lat_e7 / 1e7:.7f},{place.lon_e7 / 1e7:.7f},100"
        for name, place in (("Boiler", A), ("Pump", B))
    ]
    jobs.write_text("\n".join(["job,lat,lon,radius_m", *lines]) + "\n")
    return trace, jobs


async def fieldlog(*words: object) -> tuple[int, str]:
    """Run the command; how it ended and what it said."""
    process = await asyncio.create_subprocess_exec(
        *FIELDLOG, *map(str, words), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, cwd=ROOT,
    )  # fmt: skip
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode()


async def test_a_trace_is_replayed_under_one_minimum_and_beside_another(
    files: tuple[Path, Path],
) -> None:
    trace, jobs = files
    ended, told = await fieldlog("replay", trace, "--jobs", jobs)
    assert ended == 0
    assert "Boiler" in told
    assert "Pump" in told
    assert "2 visits" in told
    ended, told = await fieldlog("replay", trace, "--jobs", jobs, "--minimum", 3, "--with", 8)
    assert ended == 0
    lines = told.splitlines()
    assert [line.split(":")[0] for line in lines[1:3]] == ["minimum   3 min", "minimum   8 min"]
    assert [line.split()[0] for line in lines[3:]] == ["gone"]
    assert lines[3].endswith("Pump")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing-here.csv", "--jobs", "JOBS"], "can't be read"),
        (["JOBS", "--jobs", "JOBS"], "lacks a column; it must be a CSV"),
        (["TRACE", "--jobs", "TRACE"], "the columns job, lat, lon"),
        (["TRACE", "--jobs", "JOBS", "--minimum", "900"], "the minimum auto-logging time is 0"),
        (["TRACE"], "--jobs"),
    ],
)
async def test_what_cant_be_replayed_is_said_in_words(
    files: tuple[Path, Path], words: list[str], told: str
) -> None:
    trace, jobs = files
    given = [{"TRACE": trace, "JOBS": jobs}.get(word, word) for word in words]
    ended, said = await fieldlog("replay", *given)
    assert ended != 0
    assert told in said
    assert "Traceback" not in said


def test_a_line_that_is_wrong_is_named(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "lat,lon,time_utc\n60.1,24.9,2026-03-02T08:00:00\n60.1,240.9,2026-03-02T08:00\n"
    )
    with pytest.raises(TraceError, match="line 3: 240.9 is no latitude or longitude"):
        read_trace(trace)
    jobs = tmp_path / "jobs.csv"
    jobs.write_text("job,lat,lon,radius_m\nBoiler,60.1,24.9,5\n")
    with pytest.raises(TraceError, match="line 2"):
        read_jobs(jobs)


def test_a_list_of_jobs_may_draw_outlines(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.csv"
    shape = "POLYGON ((24.9 60.1, 24.902 60.1, 24.902 60.102, 24.9 60.1))"
    jobs.write_text(f'job,lat,lon,outline\nYard,60.1,24.9,"{shape}"\nBoiler,60.1,24.9,\n')
    yard, boiler = read_jobs(jobs)
    corners = ((601_000_000, 249_000_000), (601_000_000, 249_020_000), (601_020_000, 249_020_000))
    assert (yard.place.corners, boiler.place.corners) == (corners, ())
    jobs.write_text(f'job,lat,lon,outline\nYard,61.1,24.9,"{shape}"\n')
    with pytest.raises(TraceError, match=r"line 2: the outline lies 111\.\d km from the position"):
        read_jobs(jobs)


def test_a_gpx_track_is_read_too(tmp_path: Path) -> None:
    trace = tmp_path / "day.gpx"
    trace.write_text(
        '<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
        '<trkpt lat="60.17" lon="24.94"><ele>3</ele><time>2026-03-02T08:00:00Z</time></trkpt>'
        '<trkpt lat="60.18" lon="24.94"/></trkseg></trk></gpx>'
    )
    (fix,) = read_trace(trace)
    assert (fix.lat_e7, fix.lon_e7, iso(fix.time_ms)) == (
        601_700_000, 249_400_000, "2026-03-02T08:00:00+00:00",
    )  # fmt: skip
    trace.write_text("<gpx><trk>")
    with pytest.raises(TraceError, match="no GPX"):
        read_trace(trace)
