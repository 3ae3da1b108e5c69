"""The command `fieldlog simulate`: chooses between its ways.

*seeded* runs sites, *live* drives phones against a running hub, and *compare* and *report* read what
runs wrote. Holds no simulation.
"""

from __future__ import annotations

import argparse

from simulator.commands import live, reports, seeded


def configure(parser: argparse.ArgumentParser) -> None:
    """Simulate sites: whole ones from a seed, or phones against a running hub."""
    ways = parser.add_subparsers(title="ways", metavar="<way>")
    for name, way in (
        ("live", live.configure),
        ("seeded", seeded.configure),
        *reports.WAYS,
    ):
        words = (way.__doc__ or "").strip()
        way(ways.add_parser(name, help=words, description=words))
