"""The command `fieldlog carry`: entries in a file, where there is no network at all.

`out` makes a file for one hub or phone, which nobody else can open; `in` takes one in. Holds what
is asked and printed. Invariant: a file that was not taken in whole has changed nothing, or what of
it was refused is told.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from core.dispatch.fields import Role
from core.log.errors import LogError
from core.log.limits import CARRIED_BYTES_MAX
from replica.carrying import SUFFIX, count_words, file_for, sender_of, take_file, take_in_words
from replica.clock import SystemClock
from replica.commandline import CommandError
from replica.identity import IdentityError, write_private
from replica.occupied import FolderInUse, occupied
from replica.opening import open_at_rest
from replica.receivers import NobodyToCarryTo, receiver_named
from replica.relaying import is_for_hub
from replica.replica import Replica
from replica.store import STORE_FILE, StoreError

T = TypeVar("T")

# More of them nobody reads; the store keeps all.
_REFUSED_SHOWN = 10


def configure(parser: argparse.ArgumentParser) -> None:
    """Carry entries by hand, in a file that only its receiver can open."""
    ways = parser.add_subparsers(title="ways", metavar="out|in")
    out = ways.add_parser("out", help="make a file for a hub, or on a hub for a phone")
    out.add_argument("--to", type=Path, required=True, help=f"the file to make (name{SUFFIX})")
    out.add_argument(
        "--for",
        dest="who",
        default="",
        help="a hub's letter, a worker's name, or the first eight digits of a key; left out, the "
        "phone's own hub",
    )
    out.set_defaults(run=carry_out)
    words = "take in a file that was made for this hub or phone; a phone keeps one for a hub"
    into = ways.add_parser("in", help=words)
    into.add_argument("--from", dest="source", type=Path, required=True, help="the file")
    into.set_defaults(run=carry_in)
    for way in (out, into):
        way.add_argument("--data", type=Path, required=True, help="the hub's or phone's folder")


def carry_out(arguments: argparse.Namespace) -> int:
    """Make the file; it counts as sent to nobody until its receiver answers."""
    if arguments.to.exists():
        raise CommandError(f"{arguments.to} is there already; give another name with --to")
    with _replica(arguments.data) as replica:
        receiver = receiver_named(replica, arguments.who)
        made = file_for(replica, receiver)
    _in_words(arguments.to, lambda: write_private(arguments.to, made.data))
    print(
        f"{arguments.to} carries {count_words(made.entries)} in {len(made.data):,} bytes, "
        f"for {receiver.name} alone."
    )
    print(f"There: fieldlog carry in --data FOLDER --from {arguments.to.name}")
    return 0


def carry_in(arguments: argparse.Namespace) -> int:
    """Take in the file; exit code 1 if something of it was refused."""
    data = _in_words(arguments.source, lambda: _read(arguments.source))
    with _replica(arguments.data) as replica:
        if replica.identity.own.role == Role.WORKER and is_for_hub(replica, data):
            print(f"{take_in_words(replica, data)}.")
            return 0
        brought = take_file(replica, data)
        sender = sender_of(replica, brought)
    print(f"The file of {sender} brought {count_words(brought.entries)}.")
    for _, name, words in brought.refused[:_REFUSED_SHOWN]:
        print(f"refused ({name}): {words}")
    if len(brought.refused) > _REFUSED_SHOWN:
        print(f"and {len(brought.refused) - _REFUSED_SHOWN} more were refused")
    return 1 if brought.refused else 0


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(CARRIED_BYTES_MAX + 1)


def _in_words(path: Path, function: Callable[[], T]) -> T:
    try:
        return function()
    except OSError as error:
        raise CommandError(f"{path} cannot be used: {error.strerror or error}") from error


@contextmanager
def _replica(folder: Path) -> Iterator[Replica]:
    """The replica in `folder`, which no other process may hold; errors in words."""
    if not (folder / STORE_FILE).exists():
        raise CommandError(f"there is no store in {folder}; give the folder of a hub or phone")
    try:
        with occupied(folder):
            replica = open_at_rest(folder, SystemClock(), os.urandom)
            try:
                yield replica
            finally:
                replica.close()
    except (FolderInUse, IdentityError, StoreError, LogError, NobodyToCarryTo) as error:
        raise CommandError(str(error)) from error
