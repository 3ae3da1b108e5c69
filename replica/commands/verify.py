"""The command `fieldlog verify`: says what a bundle proves, and what is in doubt.

Needs no store, no folder and no network: the bundle and the site's public key. Holds the command's
words. Invariant: exit code 0 is answered only where all holds and nothing is in doubt.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from core.log.certificate import HUB_ROLE
from core.log.chain import AUTHOR_BYTES
from core.log.errors import LogError
from core.log.fork_proof import MAGIC, check_fork, read_fork
from core.log.limits import BUNDLE_BYTES_MAX
from core.log.proof import prove
from replica.bundle_report import report
from replica.commandline import CommandError

EXIT_DOUBTS: Final = 1
EXIT_NOT_PROVEN: Final = 3

# A file with the key has it on one line, perhaps with spaces; nobody needs more of it.
_KEY_FILE_BYTES_MAX: Final = 1_024


def configure(parser: argparse.ArgumentParser) -> None:
    """Check a bundle that `fieldlog prove` wrote, or a fork's proof; say what it proves."""
    parser.epilog = (
        "Exit code 0: all holds and nothing is in doubt; 1: it holds, and something is in doubt; "
        "3: it is not proven."
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the file")
    parser.add_argument(
        "--site",
        required=True,
        metavar="KEY",
        help="the site's public key: 64 hex digits, or a file that holds them; get it from the "
        "site itself (`fieldlog prove site-key`), not with the bundle",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the report; the exit code says how it went."""
    site = read_site_key(arguments.site)
    path: Path = arguments.bundle
    try:
        with path.open("rb") as file:
            data = file.read(BUNDLE_BYTES_MAX + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        if data[: len(MAGIC)] == MAGIC:
            print("\n".join(_fork_words(data, site)))
            return 0
        proven = prove(data, site)
    except LogError as error:
        print(f"NOT PROVEN. {path} is {error.name}: {error}.", file=sys.stderr)
        return EXIT_NOT_PROVEN
    lines, doubts = report(proven)
    print("\n".join(lines))
    print("PROVEN, but see what is in doubt." if doubts else "PROVEN.")
    return EXIT_DOUBTS if doubts else 0


def _fork_words(data: bytes, site: bytes) -> list[str]:
    """What a proof of a fork says."""
    proof = read_fork(data)
    whose = check_fork(proof, site)
    by_hub = whose.role == HUB_ROLE
    name = whose.subject.decode("ascii", "replace") if by_hub else whose.subject.hex()
    kind = "hub" if by_hub else "phone or dispatcher of"
    return [
        f"The key {proof.author.hex()}, {kind} {name}, signed two entries at one place:",
        f"  entry {proof.seq} of its log in the stream {proof.stream.hex()}.",
        *(f"  one: {branch.bodies[0][:32].hex()} …" for branch in proof.branches),
        "A copy of its store does so, or somebody else who has the key; it should be replaced.",
        "PROVEN.",
    ]


def read_site_key(text: str) -> bytes:
    """The site's key from hex digits, or from a file that holds them.

    Raises:
        CommandError: neither.
    """
    key = _from_hex(text)
    if key is None and Path(text).is_file():
        with Path(text).open("rb") as file:
            key = _from_hex(file.read(_KEY_FILE_BYTES_MAX).decode("ascii", "replace"))
    if key is None:
        raise CommandError(
            f"{text[:80]!r} is neither a site's key of 64 hex digits nor a file that holds one; "
            "`fieldlog prove site-key` shows it at the site"
        )
    return key


def _from_hex(text: str) -> bytes | None:
    try:
        found = bytes.fromhex("".join(text.split()).replace(":", ""))
    except ValueError:
        return None
    return found if len(found) == AUTHOR_BYTES else None
