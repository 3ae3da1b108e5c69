"""The command `fieldlog erase`: makes a site forget a customer, a job, a worker or a worker-day.

For a hub that stands still; one that runs has a page for it. Holds what is asked and printed.
Invariant: nothing is erased that was not named and confirmed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hub.commands.at_rest import hub_at_rest
from hub.commands.sure import add_yes, see_that_it_is_meant
from hub.erasables import Erasable, find, still_named
from hub.forgetting import check_at_rest, erase_streams
from replica.commandline import CommandError
from replica.purging import scrub_if_due
from replica.replica import Replica

SURE = "erase"


def configure(parser: argparse.ArgumentParser) -> None:
    """Erase a customer, a job, a worker or a worker-day everywhere and for good."""
    parser.epilog = "The hub stands still meanwhile; one that runs has the page /erased for it."
    parser.add_argument(
        "what",
        help="a job's number, the name of a customer or worker, 'NAME 2026-11-23' for a day, or an "
        "id of 24 hex digits",
    )
    parser.add_argument("--data", type=Path, required=True, help="the hub's folder")
    parser.add_argument(
        "--along",
        action="store_true",
        help="with a customer the jobs, with a worker the worker-days",
    )
    add_yes(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Say what goes, ask, erase, and say what is out of reach."""
    with hub_at_rest(arguments.data, "erases") as replica:
        chosen = _chosen(replica, arguments.what)
        streams = chosen.chosen(along=arguments.along)
        print(f"This erases {chosen.name}: {_count(len(streams))}, here and on every phone.")
        if chosen.along_words and not arguments.along:
            print(f"Not {chosen.along_words}; --along erases these too.")
        check_at_rest(replica, streams)
        see_that_it_is_meant(arguments, SURE, "nothing was erased")
        erase_streams(replica, streams)
        gone = scrub_if_due(replica)
        beside = still_named(replica)
    print("Erased. Phones and other hubs forget it when they next meet this one.")
    if not gone:
        print("Its bytes still stand in free parts of the store; the hub's next start clears them.")
    print("Out of reach: backups, carried files, bundles and exports that were made before.")
    for path in beside:
        print(f"Out of reach too: {path}, which a repair left; delete it when it is not needed.")
    return 0


def _chosen(replica: Replica, what: str) -> Erasable:
    found = find(replica.store.db, what)
    if not found:
        raise CommandError(f"nothing here is called {what!r}; see the board, or give an id")
    if len(found) > 1:
        listed = "; ".join(f"{each.name}: {each.stream.hex()}" for each in found)
        raise CommandError(f"several things are called {what!r}; give one's id: {listed}")
    return found[0]


def _count(number: int) -> str:
    return f"{number:,} {'stream' if number == 1 else 'streams'}"
