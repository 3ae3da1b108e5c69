"""The command `fieldlog replay`: what the automatic logger makes of a recorded trace.

Reads files and prints; writes nothing. Invariant: the same files and minimum give the same lines.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.dispatch.autofact import RULE_VERSION
from core.dispatch.autolog import Places
from core.dispatch.jobplace import AutologError
from core.dispatch.visit import THRESHOLD_MIN_DEFAULT, Settings
from core.dispatch.what_if import Difference, LoggedVisit, differences, visits_under
from replica.commandline import CommandError
from replica.trace_file import TraceError, read_jobs, read_trace


def configure(parser: argparse.ArgumentParser) -> None:
    """Show what auto logging makes of a recorded trace, under one minimum time or two."""
    parser.add_argument(
        "trace", type=Path, help="CSV (plain or .gz) with lat, lon and time_utc, or GPX"
    )
    parser.add_argument(
        "--jobs",
        type=Path,
        required=True,
        help="CSV with job, lat, lon; radius_m, outline, start, end",
    )
    parser.add_argument(
        "--minimum", type=int, default=THRESHOLD_MIN_DEFAULT, metavar="MINUTES",
        help="the minimum auto-logging time (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--with", type=int, dest="other", metavar="MINUTES",
        help="a second minimum: shows what would be otherwise under it",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what is logged."""
    try:
        fixes, jobs = read_trace(arguments.trace), read_jobs(arguments.jobs)
        places = Places([job.place for job in jobs])
        before = visits_under(fixes, places, Settings(threshold_min=arguments.minimum))
        names = {job.place.job: job.name for job in jobs}
        print(
            f"{len(fixes):,} fixes, {len(jobs)} job{'s' if len(jobs) > 1 else ''}, "
            f"rule {RULE_VERSION}; times are UTC, ~ marks an end that nobody saw"
        )
        if arguments.other is None:
            _print_visits(before, names)
            return 0
        after = visits_under(fixes, places, Settings(threshold_min=arguments.other))
    except (TraceError, AutologError) as error:
        raise CommandError(str(error)) from error
    _print_sums(arguments.minimum, before)
    _print_sums(arguments.other, after)
    _print_differences(differences(before, after), names)
    return 0


def _print_visits(visits: Sequence[LoggedVisit], names: dict[bytes, str]) -> None:
    for visit in visits:
        print(f"{_span(visit)}  {visit.minutes:4} min  {names[visit.job]}")
    print(f"{len(visits)} visits, {sum(each.minutes for each in visits)} min")


def _print_sums(minimum: int, visits: Sequence[LoggedVisit]) -> None:
    minutes = sum(each.minutes for each in visits)
    print(f"minimum {minimum:3} min: {len(visits)} visits, {minutes} min")


def _print_differences(found: Sequence[Difference], names: dict[bytes, str]) -> None:
    if not found:
        print("no visit would be logged otherwise")
    for each in found:
        if each.after is None and each.before is not None:
            print(f"gone    {_span(each.before)}  {each.before.minutes:4} min  {names[each.job]}")
        elif each.before is None and each.after is not None:
            print(f"new     {_span(each.after)}  {each.after.minutes:4} min  {names[each.job]}")
        elif each.before is not None and each.after is not None:
            print(f"moved   {_span(each.before)} to {_span(each.after)}  {names[each.job]}")


def _span(visit: LoggedVisit) -> str:
    start, stop = (
        datetime.fromtimestamp(ms / 1_000, UTC) for ms in (visit.start_ms, visit.stop_ms)
    )
    mark = " " if visit.certain else "~"
    return f"{start:%Y-%m-%d %H:%M}–{stop:%H:%M}{mark}"
