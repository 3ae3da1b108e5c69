"""The arguments by which the commands of the seeded way choose a world.

A scenario gives it and the options of the command line win over the scenario. Runs nothing.
Invariant: a choice that can't be simulated is refused before anything is.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Collection, Iterable
from dataclasses import replace
from importlib.util import find_spec

from replica.commandline import CommandError
from simulator.draw import FAULTS
from simulator.planted import PLANTED
from simulator.scenario.reading import ScenarioError
from simulator.scenario.shipped import plain_name, scenario_of, shipped_names
from simulator.world.drawn import WORLD_FAULTS
from simulator.world.run import Size
from simulator.world.sized import PHONES_MAX, size_of, why_not
from simulator.world.wanted import SIZE_OPTIONS, Wanted


def add_world(parser: argparse.ArgumentParser) -> None:
    """Add what chooses a world; `chosen` reads it."""
    usual = Size()
    parser.add_argument(
        "scenario",
        nargs="?",
        default="",
        metavar="SCENARIO",
        help="one of those that come along (see `fieldlog simulate scenarios`), or a .toml file",
    )
    for option, words, default in (
        ("phones", "phones of a site", usual.phones),
        ("days", "days of a seed", usual.days),
        ("entries", "entries of a phone at least", usual.entries_per_phone),
        ("hostile", f"phones that break every rule, besides (0 to {PHONES_MAX})", usual.hostile),
        ("hubs", "hubs of a site, 1 or 2", usual.hubs),
        ("dispatchers", "dispatchers at each hub", usual.dispatchers_per_hub),
        ("jobs", "jobs of each worker at the beginning", usual.jobs_per_phone),
    ):
        parser.add_argument(
            f"--{option}", type=int, help=f"{words} (default: the scenario's, or {default})"
        )
    parser.add_argument(
        "--upgrades",
        action=argparse.BooleanOptionalAction,
        help="replace all programs by later ones on the way (default: as the scenario says, or no)",
    )
    parser.add_argument("--plant", default="", help=f"plant a bug: {', '.join(PLANTED)}")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="FAULTS",
        help="take faults away: a name, or several with commas",
    )
    parser.add_argument(
        "--with",
        action="append",
        default=[],
        dest="having",
        metavar="FAULTS",
        help="give every seed faults, as strong as it would have them (websockets, say)",
    )


def chosen(arguments: argparse.Namespace) -> Wanted:
    """The world that was chosen.

    Raises:
        CommandError: there is none such, or it can't be simulated.
    """
    try:
        scenario = scenario_of(arguments.scenario) if arguments.scenario.strip() else None
    except ScenarioError as error:
        raise CommandError(str(error)) from error
    size = Size() if scenario is None else size_of(scenario)
    for option, name in SIZE_OPTIONS:
        value = getattr(arguments, option)
        if value is not None:
            size = replace(size, **{name: value})
    if arguments.upgrades is not None:
        size = replace(size, upgrades=arguments.upgrades)
    without, having = _faults(arguments.without), _faults(arguments.having)
    if arguments.plant and arguments.plant not in PLANTED:
        raise CommandError(
            f"no bug '{arguments.plant}' to plant; {_nearest(arguments.plant, PLANTED)}"
        )
    if elsewhere := sorted(set(having) - WORLD_FAULTS):
        raise CommandError(f"these worlds have no {', '.join(elsewhere)}")
    called = "" if scenario is None else _called(arguments.scenario)
    wanted = Wanted(size, scenario, called, arguments.plant, without, having)
    if wrong := why_not(size) or wanted.contradiction():
        raise CommandError(wrong)
    if wanted.may_tear() and find_spec("apsw") is None:
        raise CommandError(
            "some seeds have disks that need apsw; install it, or say --without torn_writes"
        )
    return wanted


def _called(words: str) -> str:
    """What the scenario is called in a command that repeats this one."""
    plain = plain_name(words)
    return plain if plain in shipped_names() else words


def _faults(said: Iterable[str]) -> tuple[str, ...]:
    names = [name.strip() for words in said for name in words.split(",") if name.strip()]
    for name in names:
        if name not in FAULTS:
            raise CommandError(f"no fault is called '{name}'; {_nearest(name, FAULTS)}")
    return tuple(dict.fromkeys(names))


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
