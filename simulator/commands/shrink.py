"""The command `fieldlog simulate shrink`: a failing seed as a short story.

Finds the smallest world in which the same checker still objects, within a time, and tells which
faults it needs, how large it is, and what happened last to the machines that the checker names.
"""

from __future__ import annotations

import argparse
import sys
import time

from replica.commandline import CommandError
from simulator.commands.choosing import add_world, chosen
from simulator.draw import FAULTS
from simulator.world.campaign import Failure
from simulator.world.shrinking import Shrunk, shrink
from simulator.world.telling import Event, KeepingTrace, by_day, counted, machines_in
from simulator.world.wanted import Wanted

EVENTS_TOLD = 12
WITHIN_S_MAX = 86_400.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Make a failing seed smaller, and tell the short story of what fails."""
    parser.add_argument("seed", type=int, help="the number of the seed that fails")
    add_world(parser)
    parser.add_argument(
        "--within", type=float, default=300.0, metavar="SECONDS", help="how long to go on trying"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Shrink and tell it; 0 where the seed fails, since that is what was asked for."""
    if arguments.seed < 0:
        raise CommandError("a seed is a number from 0 on")
    if not 0 < arguments.within <= WITHIN_S_MAX:
        raise CommandError("--within lies between 0 and 86400 seconds")
    wanted, seed = chosen(arguments), arguments.seed
    began_s = time.monotonic()
    story = _Story(seed)
    first = story.fails(wanted)
    if first is None:
        raise CommandError(
            f"seed {seed} passes, so there is nothing to make smaller; "
            f"see it by `fieldlog simulate replay {seed}{wanted.words()}`"
        )
    print(f"Seed {seed} fails. {first.checker}: {first.words}", flush=True)

    def time_left() -> bool:
        return not story.stopped and time.monotonic() - began_s < arguments.within

    shrunk = shrink(wanted, first, story.fails_unless_stopped, time_left)
    story.end_line()
    _tell(seed, wanted, shrunk, story, time.monotonic() - began_s)
    return 0


class _Story:
    """Runs worlds of a seed; keeps the events of those that failed, by world."""

    def __init__(self, seed: int) -> None:
        self.stopped = False
        self._seed = seed
        self._tried = 0
        self._events: dict[Wanted, list[Event]] = {}

    def fails(self, wanted: Wanted) -> Failure | None:
        """How a world fails, or None."""
        self._progress(wanted)
        trace = KeepingTrace()
        outcome = wanted.attempt(self._seed, trace)
        if not isinstance(outcome, Failure):
            return None
        self._events[wanted] = trace.events
        return outcome

    def fails_unless_stopped(self, wanted: Wanted) -> Failure | None:
        """As `fails`; who presses Ctrl-C wants to know what was found so far."""
        try:
            return self.fails(wanted)
        except KeyboardInterrupt:
            self.stopped = True
            return None

    def last_events(self, shrunk: Shrunk) -> tuple[tuple[str, ...], list[Event]]:
        """The machines that the checker names, and what happened last to them, or to any."""
        events, names = self._events[shrunk.wanted], machines_in(shrunk.failure.words)
        of_them = [event for event in events if event.concerns(names)]
        return names, (of_them or events)[-EVENTS_TOLD:]

    def _progress(self, wanted: Wanted) -> None:
        self._tried += 1
        if sys.stdout.isatty():
            size, faults = wanted.size, len(wanted.options_of(self._seed).faults())
            words = f"world {self._tried}: {faults} faults, {size.days} days, {size.phones} phones"
            print(f"\r{words} ".ljust(60), end="", flush=True)

    def end_line(self) -> None:
        """End the line on which progress was shown."""
        if sys.stdout.isatty():
            print()


def _tell(seed: int, wanted: Wanted, shrunk: Shrunk, story: _Story, took_s: float) -> None:
    failure, size, before = shrunk.failure, shrunk.wanted.size, wanted.size
    print(f"{counted(shrunk.tries, 'smaller world')} tried in {took_s:.0f} s.", end="")
    if story.stopped:
        print(" It was stopped; smaller ones may fail too.")
    else:
        print("" if shrunk.in_time else " The time was over: --within SECONDS gives it more.")
    print()
    if failure.faults:
        print("It needs:")
        for name in failure.faults:
            print(f"  {name}: {FAULTS[name].words}")
    else:
        print("It needs no fault at all.")
    print("The smallest site that fails:")
    for words, value, was in (
        ("day", size.days, before.days),
        ("phone", size.phones, before.phones),
        ("hub", size.hubs, before.hubs),
        ("hostile phone", size.hostile, before.hostile),
    ):
        if value or was:
            print(f"  {counted(value, words)}" + (f" (of {was})" if value != was else ""))
    for words, value, was in (
        (
            "entries that each phone writes at least",
            size.entries_per_phone,
            before.entries_per_phone,
        ),
        ("jobs of each worker at first", size.jobs_per_phone, before.jobs_per_phone),
        ("dispatchers at each hub", size.dispatchers_per_hub, before.dispatchers_per_hub),
    ):
        if value or was:
            print(f"  {words}: {value}" + (f" (of {was})" if value != was else ""))
    if size.upgrades:
        print("  all programs are replaced by later ones")
    print(f"{failure.checker}: {failure.words}")
    names, events = story.last_events(shrunk)
    if events:
        print(f"What happened last{' to ' if names else ''}{', '.join(names)}:")
        for line in by_day(events):
            print(f"  {line}")
    print(f"Again: fieldlog simulate replay {seed}{shrunk.wanted.words()}")
