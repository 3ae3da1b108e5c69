"""The command `fieldlog simulate`: chooses between its ways.

*seeded* runs sites, and *compare* and *report* read what runs wrote; a package that drives phones
live adds its own. Holds no simulation.
"""

from __future__ import annotations

import argparse

from simulator.commands import reports, seeded


def configure(parser: argparse.ArgumentParser) -> None:
    """Simulate whole sites: every fault, from a seed."""
    ways = parser.add_subparsers(title="ways", metavar="<way>")
    for name, way in (("seeded", seeded.configure), *reports.WAYS):
        words = (way.__doc__ or "").strip()
        way(ways.add_parser(name, help=words, description=words))
