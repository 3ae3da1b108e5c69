"""The command `fieldlog check`: proves a store's rows against its entries."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from replica.checking import check_store, replica_to_check
from replica.clock import SystemClock
from replica.commandline import CommandError
from replica.identity import KEY_FILE, IdentityError, load_certificates, load_identity
from replica.occupied import FolderInUse, occupied
from replica.store import STORE_FILE, StoreError


def configure(parser: argparse.ArgumentParser) -> None:
    """Check a hub's or phone's store: every hash and seal, and every row against the log."""
    parser.add_argument("--data", type=Path, required=True, help="the hub's or phone's folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what is wrong; exit code 1 if anything is."""
    folder: Path = arguments.data
    if not (folder / STORE_FILE).exists():
        raise CommandError(f"there is no store in {folder}; give the folder of a hub or phone")
    try:
        with occupied(folder):
            findings, entries, streams = _check(folder)
    except (FolderInUse, IdentityError, StoreError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{folder} cannot be read: {error.strerror or error}") from error
    for finding in findings:
        print(finding)
    if findings:
        return 1
    print(f"All is well: {entries:,} entries in {streams:,} streams, every row follows from them.")
    return 0


def _check(folder: Path) -> tuple[list[str], int, int]:
    """Findings, entries and streams of the store in `folder`."""
    if (folder / KEY_FILE).exists():
        # Said before the store is looked at: a key of another identity explains much.
        load_identity(folder)
    certificates = load_certificates(folder)
    replica = replica_to_check(folder / STORE_FILE, certificates, SystemClock(), os.urandom)
    try:
        findings = check_store(replica)
        (entries,) = replica.store.db.execute("SELECT count(*) FROM entry").fetchone()
        (streams,) = replica.store.db.execute("SELECT count(*) FROM stream").fetchone()
    finally:
        replica.close()
    return findings, entries, streams
