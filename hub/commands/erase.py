"""The command `fieldlog erase`: makes a site forget a customer, a job, a worker or a worker-day.

For a hub that stands still; one that runs has a page for it. Holds what is asked and printed.
Invariant: nothing is erased that was not named and confirmed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.dispatch.acts import ActError
from core.dispatch.fields import Role
from hub.commands.sure import add_yes, see_that_it_is_meant
from hub.erasables import Erasable, find, still_named
from hub.forgetting import check_at_rest, erase_streams
from replica.clock import SystemClock
from replica.commandline import CommandError
from replica.identity import IdentityError
from replica.occupied import FolderInUse, occupied
from replica.opening import open_at_rest
from replica.purging import scrub_if_due
from replica.replica import Replica
from replica.store import STORE_FILE, StoreError

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
    with _hub(arguments.data) as replica:
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


@contextmanager
def _hub(folder: Path) -> Iterator[Replica]:
    """The hub in `folder`, which no other process may hold; errors in words."""
    if not (folder / STORE_FILE).exists():
        raise CommandError(f"there is no store in {folder}; give the folder of a hub")
    try:
        with occupied(folder):
            replica = open_at_rest(folder, SystemClock(), os.urandom)
            try:
                if replica.identity.own.role != Role.HUB:
                    raise CommandError(f"{folder} is a phone's folder; only a hub erases")
                yield replica
            finally:
                replica.close()
    except (FolderInUse, IdentityError, StoreError, ActError) as error:
        raise CommandError(str(error)) from error
