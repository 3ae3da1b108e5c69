"""The command `fieldlog simulate`: chooses between its ways.

*seeded*, *replay* and *shrink* run whole sites from numbers, *live* drives phones against a running
hub, and *compare* and *report* read what runs wrote. Holds no simulation.
"""

from __future__ import annotations

import argparse

from simulator.commands import live, replay, reports, scenarios, seeded, shrink


def configure(parser: argparse.ArgumentParser) -> None:
    """Simulate sites: whole ones from a seed or a scenario, or phones against a running hub."""
    ways = parser.add_subparsers(title="ways", metavar="<way>")
    for name, way in (
        ("scenarios", scenarios.configure),
        ("live", live.configure),
        ("seeded", seeded.configure),
        ("replay", replay.configure),
        ("shrink", shrink.configure),
        *reports.WAYS,
    ):
        words = (way.__doc__ or "").strip()
        way(ways.add_parser(name, help=words, description=words))
