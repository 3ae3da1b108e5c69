"""The command `fieldlog simulate scenarios`: which scenarios come along, and what they say."""

from __future__ import annotations

import argparse
import textwrap

from replica.commandline import CommandError
from simulator.scenario.reading import ScenarioError
from simulator.scenario.shipped import shipped, shipped_names, shipped_text

WIDTH = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """List the scenarios that come along; with a name, print that one's file."""
    parser.add_argument("name", nargs="?", help="whose file to print, to begin an own one from")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print the list, or one file as it is."""
    if arguments.name is not None:
        try:
            print(shipped_text(arguments.name), end="")
        except ScenarioError as error:
            raise CommandError(str(error)) from error
        return
    width = max(map(len, shipped_names())) + 2
    for name in shipped_names():
        about = textwrap.wrap(shipped(name).about, WIDTH - width)
        print(name.ljust(width) + ("\n" + " " * width).join(about))
    print()
    print("Run one:   fieldlog simulate seeded NAME --seeds 10")
    print("Your own:  fieldlog simulate scenarios NAME > mine.toml")
    print("           fieldlog simulate seeded mine.toml")
