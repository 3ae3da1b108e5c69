"""`make bench-live`: a hub under many live phones, as one table and as figures.

A real hub as a process of its own, on the disk; phones and dispatchers as `fieldlog simulate live`
has them. `--phones` come on within `--ramp` seconds with `--backlog` entries each, which is the
peak, and work for `--hold` seconds. The floors are of the same run: commits of one such entry to a
bare file on the same disk, and frames of as many bytes over bare sockets. Judged here and nowhere
else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from replica.clock import SystemClock
from simulator.live.judging import record_of
from simulator.live.progress import show_progress
from simulator.live.run import LiveRun, Plan, usual_processes
from simulator.report.record import Record
from simulator.report.writing import write
from simulator.scenario.scenario import Limits, Live, Scenario, SiteSize
from tests.bench.floors import send_frames
from tests.bench.live.floors import commit_rate
from tests.bench.measuring import Row, figures, table
from tests.journey.processes import Site

ENTRY_BYTES = 200
FRAMES = 20_000
GROWTH_MAX = 1.1


def scenario_of(arguments: argparse.Namespace) -> Scenario:
    """What is asked for on the command line."""
    return Scenario(
        "bench",
        f"{arguments.phones} phones come on within {arguments.ramp:.0f} s and work.",
        site=SiteSize(dispatchers=2, jobs_per_phone=arguments.jobs),
        live=Live(
            phones=arguments.phones,
            ramp_up_s=arguments.ramp,
            hold_s=arguments.hold,
            ramp_down_s=10.0,
            taps_per_min=arguments.taps,
            backlog=arguments.backlog,
        ),
        limits=Limits(
            acknowledged_p99_ms=250.0,
            page_p99_ms=None,
            entries_per_s_min=1_000.0,
            memory_growth_max=GROWTH_MAX,
        ),
    )


async def measure(arguments: argparse.Namespace, folder: Path) -> Record:
    """Start a hub, run, and tell."""
    # As it is for its users: a clock that tests move is read from a file each time.
    site = Site(folder / "site", clocks_move=False)
    try:
        await site.set_up()
        address = f"127.0.0.1:{site.sync_port}"
        plan = Plan(
            address, "Eva", "a long enough one", scenario_of(arguments), arguments.processes, 1
        )
        run = LiveRun(plan, lambda words: print(f"# {words}", flush=True))
        loop, began_ms = asyncio.get_running_loop(), SystemClock().now_ms()
        began_s = loop.time()
        showing = loop.create_task(show_progress(run, 0, lambda words: print(f"# {words}")))
        await run.run()
        showing.cancel()
        await asyncio.wait([showing])
        began = datetime.fromtimestamp(began_ms / 1_000, UTC).isoformat(timespec="seconds")
        return record_of(run, began, loop.time() - began_s, "make bench-live")
    finally:
        await site.close()


def rows_of(record: Record, folder: Path) -> list[Row]:
    """The record's figures as rows; rates beside their floors."""
    commits = commit_rate(folder, ENTRY_BYTES)
    frames = send_frames([os.urandom(ENTRY_BYTES)] * FRAMES).rate / ENTRY_BYTES
    rows = []
    for figure in record.figures:
        name = f"bench_live_{figure.name}"
        goal, reached = figure.goal, figure.reached
        if figure.name.startswith("entries_confirmed"):
            rows.append(
                Row(name, figure.value, "entries/s", "bare commits", commits, goal, reached)
            )
            rows.append(Row(name, figure.value, "entries/s", "bare sockets", frames))
        else:
            rows.append(Row(name, figure.value, figure.unit, goal=goal, reached=reached))
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-live", description=__doc__)
    parser.add_argument("--phones", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--ramp", type=float, default=60.0)
    parser.add_argument("--hold", type=float, default=600.0)
    parser.add_argument("--taps", type=float, default=12.0, help="a minute, of each worker")
    parser.add_argument("--backlog", type=int, default=60)
    parser.add_argument("--processes", type=int, default=usual_processes())
    parser.add_argument("--report", type=Path, help="a folder for the run's report")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = asyncio.run(measure(arguments, Path(folder)))
        rows = rows_of(record, Path(folder))
    if arguments.report is not None:
        write(record, arguments.report)
    for finding in record.findings:
        print(f"# {finding.level}: {finding.words} {finding.cause}", file=sys.stderr)
    for name, value, unit in figures(rows):
        print(name, value, unit)
    print("\n" + table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
