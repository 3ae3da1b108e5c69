"""The command `fieldlog simulate seeded`: whole sites under every fault, from numbers."""

from __future__ import annotations

import argparse
import os
import sys
import time
from importlib.util import find_spec

from replica.commandline import CommandError
from simulator.draw import FAULTS, HOSTILE_FAULTS, differing
from simulator.planted import PLANTED
from simulator.world.campaign import Failure, Tally, attempts
from simulator.world.drawn import WORLD_FAULTS, options_of
from simulator.world.run import Report, Size

SEEDS_MAX = 10_000_000
PHONES_MIN, PHONES_MAX = 2, 200
DAYS_MAX = 60
# A run in which one of these was never reached would prove little.
EXPECTED_POINTS = (
    "a conflict was settled",
    "a hub was restored",
    "a job was handed on",
    "a log was forked",
    "a phone was cloned",
    "a phone was shut out",
    "a photo was taken",
    "a stream left a phone",
    "a stream was folded anew",
    "acted from a stale page",
    "entries waited for a seal",
    "power was cut in a transaction",
    "the office erased something",
    "what a shut-out key wrote was admitted",
    "compared digests or heads",
)
# With so many seeds every expected point is reached.
POINTS_EXPECTED_FROM_SEEDS = 50


def configure(parser: argparse.ArgumentParser) -> None:
    """Run whole sites under a virtual clock, with faults and checkers, from seeds."""
    size = Size()
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--phones", type=int, default=size.phones, help="phones of a site")
    parser.add_argument("--days", type=int, default=size.days, help="days of a seed")
    parser.add_argument(
        "--entries", type=int, default=size.entries_per_phone, help="entries of a phone at least"
    )
    parser.add_argument(
        "--hostile",
        type=int,
        default=size.hostile,
        help=f"phones that break every rule, besides (0 to {PHONES_MAX})",
    )
    parser.add_argument(
        "--upgrades", action="store_true", help="replace all programs by later ones on the way"
    )
    parser.add_argument("--plant", default="", help=f"plant a bug: {', '.join(PLANTED)}")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        help="take a fault away, to make a failure smaller",
    )
    parser.add_argument(
        "--with",
        action="append",
        default=[],
        dest="having",
        help="give every seed a fault, as strong as it would have it (websockets, say)",
    )
    parser.add_argument("--trace", action="store_true", help="show the last events and the hashes")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at a violation")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the seeds; 1 if any failed."""
    _check(arguments)
    size = Size(
        arguments.phones,
        arguments.days,
        arguments.entries,
        hostile=arguments.hostile,
        upgrades=arguments.upgrades,
    )
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    tally, began_s = Tally(), time.monotonic()
    for outcome in attempts(
        seeds,
        size,
        arguments.workers,
        arguments.plant,
        tuple(arguments.without),
        tuple(arguments.having),
    ):
        tally.add(outcome)
        if isinstance(outcome, Failure):
            _end_line()
            _say_failure(outcome, arguments)
            if not arguments.keep_going:
                break
        elif arguments.trace:
            _say_report(outcome)
        _progress(tally, len(seeds), time.monotonic() - began_s)
    _end_line()
    _summary(tally, time.monotonic() - began_s)
    return 1 if tally.failures else 0


def _check(arguments: argparse.Namespace) -> None:
    if not 1 <= arguments.seeds <= SEEDS_MAX or arguments.first < 0:
        raise CommandError(f"--seeds lies between 1 and {SEEDS_MAX:,}, --from is not negative")
    if not PHONES_MIN <= arguments.phones <= PHONES_MAX or not 1 <= arguments.days <= DAYS_MAX:
        raise CommandError(
            f"--phones lies between {PHONES_MIN} and {PHONES_MAX}, --days between 1 and {DAYS_MAX}"
        )
    if not 0 <= arguments.hostile <= PHONES_MAX:
        raise CommandError(f"--hostile lies between 0 and {PHONES_MAX}")
    if arguments.plant and arguments.plant not in PLANTED:
        raise CommandError(f"no bug '{arguments.plant}' to plant; there are {', '.join(PLANTED)}")
    if unknown := sorted({*arguments.without, *arguments.having} - set(FAULTS)):
        raise CommandError(f"no fault {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    if elsewhere := sorted(set(arguments.having) - WORLD_FAULTS):
        raise CommandError(f"these worlds have no {', '.join(elsewhere)}")
    if "websockets" in arguments.having and set(arguments.having) & HOSTILE_FAULTS:
        raise CommandError("what TLS carries is whole: give --with websockets no hostile fault")
    if "torn_writes" not in arguments.without and find_spec("apsw") is None:
        raise CommandError(
            "some seeds have disks that need apsw; install it, or say --without torn_writes"
        )


def _replay(seed: int, arguments: argparse.Namespace) -> str:
    words = f"fieldlog simulate seeded --from {seed} --seeds 1 --trace"
    standard = Size()
    for name, value, usual in (
        ("phones", arguments.phones, standard.phones),
        ("days", arguments.days, standard.days),
        ("entries", arguments.entries, standard.entries_per_phone),
        ("hostile", arguments.hostile, standard.hostile),
        ("plant", arguments.plant, ""),
    ):
        if value != usual:
            words += f" --{name} {value}"
    words += " --upgrades" if arguments.upgrades else ""
    words += "".join(f" --with {name}" for name in arguments.having)
    return words + "".join(f" --without {name}" for name in arguments.without)


def _say_failure(failure: Failure, arguments: argparse.Namespace) -> None:
    options = options_of(failure.seed, without=arguments.without, having=arguments.having)
    print(f"seed {failure.seed}: {options.in_words()}")
    print(f"  options: {differing(options)}")
    print(f"  {failure.checker}: {failure.words}")
    if arguments.trace:
        print("  last events:")
        for line in failure.tail:
            print(f"    {line}")
    print(f"  replay: {_replay(failure.seed, arguments)}")
    print("  then take faults away one by one: --without NAME", flush=True)


def _say_report(report: Report) -> None:
    print(f"seed {report.seed}: {report.options.in_words()}")
    print(
        f"  trace {report.digest} state {report.state} entries {report.entries} "
        f"(a phone at least {report.phone_entries_min}) steps {report.steps}",
        flush=True,
    )


def _progress(tally: Tally, seeds: int, took_s: float) -> None:
    done = tally.passed + len(tally.failures)
    left_s = took_s / done * (seeds - done)
    if sys.stdout.isatty():
        print(f"\r{done} of {seeds} seeds, {left_s / 60:.0f} min left ", end="", flush=True)
    elif done % 50 == 0:
        print(f"{done} of {seeds} seeds in {took_s:.0f} s", flush=True)


def _end_line() -> None:
    if sys.stdout.isatty():
        print()


def _summary(tally: Tally, took_s: float) -> None:
    per_min = 60 / max(took_s, 0.001)
    print(
        f"{tally.passed} seeds passed, {len(tally.failures)} failed, in {took_s:.0f} s: "
        f"{tally.entries:,} entries, {tally.device_days:,} device-days; "
        f"{tally.entries * per_min:,.0f} entries and {tally.device_days * per_min:,.0f} "
        "device-days a minute"
    )
    _list("seeds by fault", tally.faults)
    _list("what happened", tally.events)
    _list("places reached", tally.points)
    if tally.passed >= POINTS_EXPECTED_FROM_SEEDS:
        missed = [point for point in EXPECTED_POINTS if not tally.points[point]]
        if missed:
            print(f"never reached: {', '.join(missed)}; these seeds say nothing of that")


def _list(words: str, count_by_name: dict[str, int]) -> None:
    if count_by_name:
        parts = [f"{name} {count:,}" for name, count in sorted(count_by_name.items()) if count]
        print(f"{words}: {', '.join(parts)}")
