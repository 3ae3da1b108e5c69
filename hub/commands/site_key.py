"""The command `fieldlog site-key`: puts the site's private key under a passphrase.

Holds what is asked and printed. Invariant: the recovery code is printed once and kept nowhere.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from hub.site_key import is_locked, lock_site_key, open_site_key
from replica.commandline import CommandError
from replica.identity import SITE_KEY_FILE, IdentityError, public_bytes

# A passphrase of the longest sort, and an end of line.
_SECRET_BYTES_MAX = 2_048


def configure(parser: argparse.ArgumentParser) -> None:
    """Put the site's private key under a passphrase, with a recovery code to print."""
    ways = parser.add_subparsers(title="what to do", metavar="lock|check")
    locking = ways.add_parser("lock", help="give it a passphrase, or another one")
    locking.set_defaults(run=lock)
    checking = ways.add_parser("check", help="see whether a passphrase or code opens it")
    checking.set_defaults(run=check)
    for way in (locking, checking):
        way.add_argument("--data", type=Path, required=True, help="the folder of the first hub")
        add_secret(way)


def add_secret(parser: argparse.ArgumentParser) -> None:
    """Let a command be given the secret of the site's key in a file."""
    parser.add_argument(
        "--secret-file",
        type=Path,
        default=None,
        help="a file with the passphrase or recovery code; left out, it is asked for",
    )


def lock(arguments: argparse.Namespace) -> int:
    """Ask for a passphrase twice, lock the key, print the code."""
    folder = _folder(arguments)
    secret = secret_of(arguments, folder) if is_locked(folder) else ""
    passphrase = _asked("New passphrase: ")
    if sys.stdin.isatty() and _asked("The same again: ") != passphrase:
        raise CommandError("the two are not the same; nothing was changed")
    try:
        code = lock_site_key(folder, passphrase, os.urandom, secret)
    except IdentityError as error:
        raise CommandError(str(error)) from error
    print("The site's key is under the passphrase now. Should it be forgotten, this code opens it:")
    print(f"  {code}")
    print("Print it and lock it away: it is shown this once and kept nowhere. Make a new backup,")
    print("and destroy older ones, which hold the key as it was.")
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Say whether the secret opens the key."""
    folder = _folder(arguments)
    if not is_locked(folder):
        print("The site's key is under no passphrase; `fieldlog site-key lock` gives it one.")
        return 1
    try:
        key = open_site_key(folder, secret_of(arguments, folder))
    except IdentityError as error:
        raise CommandError(str(error)) from error
    print(f"It opens the key of site {public_bytes(key).hex()[:12]}.")
    return 0


def secret_of(arguments: argparse.Namespace, folder: Path) -> str:
    """The secret of the site's key in `folder`, '' where it needs none."""
    path: Path | None = arguments.secret_file
    if not is_locked(folder):
        if path is not None and (folder / SITE_KEY_FILE).exists():
            raise CommandError("the site's key has no passphrase; leave --secret-file out")
        return ""
    if path is None:
        return _asked("Passphrase or recovery code of the site's key: ")
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_SECRET_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error


def _asked(words: str) -> str:
    """What a person types unseen, or the next line of a pipe."""
    if sys.stdin.isatty():
        return getpass.getpass(words)
    return sys.stdin.readline(_SECRET_BYTES_MAX).rstrip("\r\n")


def _folder(arguments: argparse.Namespace) -> Path:
    folder: Path = arguments.data
    if not (folder / SITE_KEY_FILE).exists():
        raise CommandError(f"there is no key of a site in {folder}; it lies with the first hub")
    return folder
