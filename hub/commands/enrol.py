"""The command `fieldlog enrol`: hubs of a site, certified, given new keys and shut out.

A second hub is made by two files and without a network.

Holds what is asked and printed. Invariant: both machines print the same digits of the site, so that
people can see that nobody put another site between them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from core.log.errors import LogError
from core.log.limits import CARRIED_BYTES_MAX
from hub import rekeying, second_hub
from hub.commandline import letter
from hub.commands.site_key import add_secret, secret_of
from hub.commands.sure import add_yes, see_that_it_is_meant
from hub.founding import open_hub_replica
from hub.second_hub import REQUEST_BYTES_MAX, HubRefused
from replica.carrying import take_in_words
from replica.clock import SystemClock
from replica.commandline import CommandError
from replica.identity import IDENTITY_FILE, IdentityError, write_private
from replica.occupied import FolderInUse, occupied
from replica.replica import Replica
from replica.store import StoreError
from replica.transport_security import TransportError, open_transport_identity

_FAULTS = (FolderInUse, HubRefused, IdentityError, LogError, StoreError, TransportError)


def configure(parser: argparse.ArgumentParser) -> None:
    """Make a second hub of a site (ask, answer, take), give a hub a new key, or shut one out."""
    ways = parser.add_subparsers(title="steps", metavar="ask|answer|take|rekey|close")
    asking = ways.add_parser("ask", help="on the new machine: make a file that asks")
    asking.add_argument("--letter", type=letter, required=True, help="stands in its job numbers")
    asking.set_defaults(run=ask)
    answering = ways.add_parser("answer", help="on the first hub: certify the new one")
    answering.set_defaults(run=answer)
    add_secret(answering)
    taking = ways.add_parser("take", help="on the new machine: begin with the answer")
    taking.set_defaults(run=take)
    rekeyed = ways.add_parser(
        "rekey", help="on the first hub: give it a new key instead of its old"
    )
    rekeyed.set_defaults(run=rekey)
    closing = ways.add_parser("close", help="on the first hub: shut another hub out for good")
    closing.add_argument("--letter", type=letter, required=True, help="of the hub to shut out")
    closing.add_argument(
        "--stolen",
        metavar="WHEN",
        type=_moment,
        help="since when it was in wrong hands (2026-11-28T14:30, UTC): what it revoked and "
        "certified since counts no more; left out, what is held here counts",
    )
    closing.set_defaults(run=close)
    for way in (rekeyed, closing):
        add_secret(way)
        add_yes(way)
    for way in (asking, answering, taking, rekeyed, closing):
        way.add_argument("--data", type=Path, required=True, help="the hub's folder")
    for way in (answering, taking):
        way.add_argument("--from", dest="source", type=Path, required=True, help="the file")
    for way in (asking, answering):
        way.add_argument("--to", type=Path, required=True, help="the file to make")


def ask(arguments: argparse.Namespace) -> int:
    """Make the keys of a new hub and the file that asks for it."""
    _see_that_it_is_free(arguments.to)
    with _in_words():
        with occupied(arguments.data):
            data = second_hub.ask(arguments.data, arguments.letter, os.urandom)
        write_private(arguments.to, data)
    print(f"{arguments.to} asks for hub {arguments.letter}. On the hub that has the site's key:")
    print(f"  fieldlog enrol answer --data FOLDER --from {arguments.to.name} --to answer.carried")
    return 0


def answer(arguments: argparse.Namespace) -> int:
    """Certify the hub that asks, and make its first file."""
    _see_that_it_is_free(arguments.to)
    folder: Path = arguments.data
    _see_that_it_is_a_hub(folder)
    with _in_words(), occupied(folder):
        request = second_hub.read_request(_read(arguments.source, REQUEST_BYTES_MAX))
        secret = secret_of(arguments, folder)
        with _open_hub(folder, secret) as replica:
            made = second_hub.answer(replica, folder, request, secret)
            write_private(arguments.to, made.data)
    print(f"{arguments.to} makes it hub {request.letter} of site {replica.site.hex()[:12]}.")
    print(f"There: fieldlog enrol take --data FOLDER --from {arguments.to.name}")
    return 0


def take(arguments: argparse.Namespace) -> int:
    """Be the hub that the file certifies, and take in the site."""
    folder: Path = arguments.data
    if not folder.exists():
        raise CommandError(f"there is no folder {folder}; begin with `fieldlog enrol ask`")
    with _in_words(), occupied(folder):
        data = _read(arguments.source, CARRIED_BYTES_MAX)
        site = second_hub.begin(folder, data)
        with _open_hub(folder) as replica:
            words = take_in_words(replica, data)
            letter = replica.subject.decode("ascii", "replace")
    print(f"{words}.")
    print(f"This is hub {letter} of site {site.hex()[:12]}; the first hub prints the same digits.")
    print(f"Start it with: fieldlog hub --data {folder}")
    return 0


def rekey(arguments: argparse.Namespace) -> int:
    """Replace the hub's key; the hub stands still meanwhile."""
    folder: Path = arguments.data
    _see_that_it_is_a_hub(folder)
    see_that_it_is_meant(arguments, "rekey")
    with _in_words(), occupied(folder):
        secret = secret_of(arguments, folder)
        with _open_hub(folder, secret) as replica:
            clock = SystemClock()
            author = rekeying.prepare_rekey(replica, folder, clock, os.urandom, secret)
        with _open_hub(folder, secret) as replica:
            assert replica.author == author
    print(f"The hub has a new key, {author.hex()[:16]}; its old one is shut out, and what it wrote")
    print("counts. Phones and hubs find it where it was. Make a new backup.")
    return 0


def close(arguments: argparse.Namespace) -> int:
    """Shut out another hub by the site's key."""
    folder: Path = arguments.data
    _see_that_it_is_a_hub(folder)
    if arguments.stolen is not None and arguments.stolen > SystemClock().now_ms():
        raise CommandError("--stolen lies in the future; give the moment since which it is missing")
    see_that_it_is_meant(arguments, "close")
    with _in_words(), occupied(folder):
        secret = secret_of(arguments, folder)
        with _open_hub(folder, secret) as replica:
            was_revoked = replica.standing(replica.author).revoked
            count = rekeying.close_hub(replica, folder, arguments.letter, secret, arguments.stolen)
    keys = "its key counts" if count == 1 else f"its {count} keys count"
    print(
        f"Hub {arguments.letter} is shut out: {keys} no more from here. What this hub held goes on"
    )
    print(
        "counting"
        + (", but whom it revoked or certified since that moment." if arguments.stolen else "."),
        "Other hubs and phones hear of it",
    )
    print("at their next contact.")
    if was_revoked:
        print("It had revoked this hub, and who heard of that opens no session with its key.")
        print(f"Give it a new one:  fieldlog enrol rekey --data {folder}")
    return 0


def _moment(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no moment such as 2026-11-28T14:30"
        ) from error
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return int(at.timestamp() * 1_000)


@contextmanager
def _in_words() -> Iterator[None]:
    """Whatever a person can mend is said in one line."""
    try:
        yield
    except _FAULTS as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be used: {error.strerror}") from error


@contextmanager
def _open_hub(folder: Path, site_secret: str = "") -> Iterator[Replica]:
    """The hub's replica in `folder`."""
    transport = open_transport_identity(folder)
    replica = open_hub_replica(
        folder,
        SystemClock(),
        os.urandom,
        tls_fingerprint=transport.fingerprint,
        site_secret=site_secret,
    )
    try:
        yield replica
    finally:
        replica.close()


def _see_that_it_is_a_hub(folder: Path) -> None:
    if not (folder / IDENTITY_FILE).exists():
        raise CommandError(f"there is no hub in {folder}; give the folder of the site's first hub")


def _see_that_it_is_free(path: Path) -> None:
    if path.exists():
        raise CommandError(f"{path} is there already; give another name with --to")


def _read(path: Path, bytes_max: int) -> bytes:
    with path.open("rb") as file:
        return file.read(bytes_max + 1)
