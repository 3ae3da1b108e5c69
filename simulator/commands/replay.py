"""The command `fieldlog simulate replay`: what happened in a seed, event by event.

Runs the seed's world again, which is the same each time, and tells its events in words. Invariant:
what is left out was asked to be left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence

from replica.commandline import CommandError
from simulator.commands.choosing import add_world, chosen
from simulator.world.campaign import Failure
from simulator.world.run import Report
from simulator.world.telling import NETWORK, Event, KeepingTrace, by_day, counted, seconds_of
from simulator.world.wanted import Wanted

_NAME = re.compile(rf"(?:hostile )?phone(?: \d+)?|hub(?: [A-Z])?|{NETWORK}")


def configure(parser: argparse.ArgumentParser) -> None:
    """Show a seed event by event, with the verdict at the end."""
    parser.add_argument("seed", type=int, help="the number of the seed")
    add_world(parser)
    parser.add_argument(
        "--from",
        dest="start",
        default="1",
        metavar="TIME",
        help="show events from a virtual time on: a day, or a day and a time ('2 07:30')",
    )
    parser.add_argument("--to", dest="end", metavar="TIME", help="show events before a time")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAMES",
        help=f"only events of these, with commas: 'phone 3', 'hub A', all of 'hub', '{NETWORK}'",
    )
    parser.add_argument("--no-pager", action="store_true", help="do not page on a terminal")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the seed and tell it; 1 if it failed."""
    if arguments.seed < 0:
        raise CommandError("a seed is a number from 0 on")
    start_s, end_s = _times(arguments)
    names = _names(arguments.only)
    wanted, trace = chosen(arguments), KeepingTrace()
    if sys.stderr.isatty():
        print(f"Living through seed {arguments.seed} …", file=sys.stderr)
    outcome = wanted.attempt(arguments.seed, trace)
    shown = [
        event
        for event in trace.events
        if start_s <= event.at_s < end_s and (not names or event.concerns(names))
    ]
    lines = _lines(arguments.seed, wanted, shown, len(trace.events), outcome)
    with _pager(wanted=not arguments.no_pager) as show:
        show(lines)
    return 1 if isinstance(outcome, Failure) else 0


def _lines(
    seed: int, wanted: Wanted, shown: Sequence[Event], events: int, outcome: Report | Failure
) -> Iterator[str]:
    size = wanted.size
    yield f"Seed {seed}: {wanted.options_of(seed).in_words()}."
    yield (
        f"{counted(size.phones, 'phone')}, {counted(size.hubs, 'hub')}, {counted(size.days, 'day')}"
        + (f", {counted(size.hostile, 'hostile phone')}" if size.hostile else "")
        + (f", with the bug {wanted.plant} planted" if wanted.plant else "")
        + "; times are the world's own."
    )
    yield ""
    yield from by_day(shown)
    yield ""
    left_out = events - len(shown)
    yield counted(events, "event") + (
        f", of which {left_out:,} were left out." if left_out else "."
    )
    if isinstance(outcome, Failure):
        yield f"Failed. {outcome.checker}: {outcome.words}"
        yield f"Make it smaller: fieldlog simulate shrink {seed}{wanted.words()}"
    else:
        yield (
            f"Passed: no checker objected. {outcome.entries:,} entries; trace {outcome.digest}, "
            f"state {outcome.state}."
        )


def _times(arguments: argparse.Namespace) -> tuple[float, float]:
    try:
        start_s = seconds_of(arguments.start)
        end_s = float("inf") if arguments.end is None else seconds_of(arguments.end)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if end_s <= start_s:
        raise CommandError("--to lies after --from")
    return start_s, end_s


def _names(said: Iterable[str]) -> frozenset[str]:
    names = {name.strip() for words in said for name in words.split(",") if name.strip()}
    for name in sorted(names):
        if not _NAME.fullmatch(name):
            raise CommandError(
                f"no machine is called '{name}': say 'phone 3', 'hub A', 'phone', 'hub', "
                f"'hostile phone' or '{NETWORK}'"
            )
    return frozenset(names)


class _Show:
    """Writes lines, to a pager or to whoever reads the output."""

    def __init__(self, process: subprocess.Popen[str] | None) -> None:
        self._process = process

    def __call__(self, lines: Iterable[str]) -> None:
        if self._process is None:
            for line in lines:
                print(line)
            return
        assert self._process.stdin is not None
        # Who leaves the pager has seen enough.
        with contextlib.suppress(BrokenPipeError):
            for line in lines:
                self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


@contextlib.contextmanager
def _pager(*, wanted: bool) -> Iterator[_Show]:
    """A pager on a terminal that has one; elsewhere plain lines."""
    program, *options = shlex.split(os.environ.get("PAGER", "")) or ["less"]
    program = shutil.which(program) or ""
    if not wanted or not sys.stdout.isatty() or not program:
        yield _Show(None)
        return
    # Short stories are shown and left standing, without a screen of their own.
    environment = {"LESS": "FRX", **os.environ}
    process = subprocess.Popen(
        [program, *options], stdin=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield _Show(process)
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.communicate()
