"""The command `fieldlog simulate`: chooses between its two ways.

*seeded* is here; a package that drives phones live adds its own. Holds no simulation.
"""

from __future__ import annotations

import argparse

from simulator.commands import live, seeded


def configure(parser: argparse.ArgumentParser) -> None:
    """Simulate whole sites: every fault, from a seed."""
    ways = parser.add_subparsers(title="ways", metavar="<way>")
    for name, way in (("live", live.configure), ("seeded", seeded.configure)):
        words = (way.__doc__ or "").strip()
        way(ways.add_parser(name, help=words, description=words))
