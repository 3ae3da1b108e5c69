"""The command `fieldlog simulate`: chooses between its ways.

The seeded one is here; a package that drives phones live adds its own. Holds no simulation.
"""

from __future__ import annotations

import argparse

from simulator.commands import replay, scenarios, seeded, shrink


def configure(parser: argparse.ArgumentParser) -> None:
    """Simulate whole sites: every fault, from a seed or a scenario."""
    ways = parser.add_subparsers(title="ways", metavar="<way>")
    for name, way in (
        ("seeded", seeded.configure),
        ("scenarios", scenarios.configure),
        ("replay", replay.configure),
        ("shrink", shrink.configure),
    ):
        words = (way.__doc__ or "").strip()
        way(ways.add_parser(name, help=words, description=words))
