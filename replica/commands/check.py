"""The command `fieldlog check`: proves a store's rows against its entries, and repairs it.

Holds what is printed. Invariant: without `--repair` nothing is changed, with it no good entry goes.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from replica.checking import UNREADABLE, check_store, replica_to_check
from replica.clock import SystemClock
from replica.commandline import CommandError
from replica.file_checking import check_files, repair_files
from replica.file_store import FILES_FILE
from replica.identity import KEY_FILE, IdentityError, load_certificates, load_identity
from replica.occupied import FolderInUse, occupied
from replica.repair import Repaired, free_name, repair_store
from replica.store import STORE_FILE, StoreError


def configure(parser: argparse.ArgumentParser) -> None:
    """Check a hub's or phone's store: every hash and seal, and every row against the log."""
    parser.add_argument("--data", type=Path, required=True, help="the hub's or phone's folder")
    parser.add_argument(
        "--repair", action="store_true", help="make a damaged store anew from what it proves"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what is wrong, and what was done about it; exit code 1 if anything is wrong now."""
    folder: Path = arguments.data
    if not (folder / STORE_FILE).exists():
        raise CommandError(f"there is no store in {folder}; give the folder of a hub or phone")
    try:
        with occupied(folder):
            return _repair(folder) if arguments.repair else _report(*_check(folder, folder))
    except (FolderInUse, IdentityError, StoreError) as error:
        raise CommandError(str(error)) from error
    except UNREADABLE as error:
        words = f"{folder / STORE_FILE} is damaged ({error}); run it again with --repair"
        raise CommandError(words) from error
    except OSError as error:
        raise CommandError(f"{folder} cannot be used: {error.strerror or error}") from error


def _report(findings: list[str], entries: int, streams: int) -> int:
    for finding in findings:
        print(finding)
    if findings:
        return 1
    print(f"All is well: {entries:,} entries in {streams:,} streams, every row follows from them.")
    return 0


def _check(store_in: Path, folder: Path) -> tuple[list[str], int, int]:
    """Findings, entries and streams of the store in `store_in`, which belongs in `folder`."""
    if (folder / KEY_FILE).exists():
        # Said before the store is looked at: a key of another identity explains much.
        load_identity(folder)
    certificates = load_certificates(folder)
    replica = replica_to_check(store_in / STORE_FILE, certificates, SystemClock(), os.urandom)
    try:
        findings = check_store(replica)
        if store_in == folder:
            findings += check_files(replica)
        (entries,) = replica.store.db.execute("SELECT count(*) FROM entry").fetchone()
        (streams,) = replica.store.db.execute("SELECT count(*) FROM stream").fetchone()
    finally:
        replica.close()
    return findings, entries, streams


def _repair(folder: Path) -> int:
    findings = _findings_of_a_copy(folder)
    if findings:
        for finding in findings:
            print(finding)
        for line in _words(repair_store(folder, SystemClock(), os.urandom)):
            print(line)
    if (folder / FILES_FILE).exists():
        _repair_files(folder)
    return _report(*_check(folder, folder))


def _repair_files(folder: Path) -> None:
    replica = replica_to_check(
        folder / STORE_FILE, load_certificates(folder), SystemClock(), os.urandom
    )
    try:
        for finding in check_files(replica):
            print(finding)
        done = repair_files(replica, free_name(folder, "damaged-files"))
    finally:
        replica.close()
    if done.damaged is not None:
        print(f"The files were made anew of what holds; the damaged ones are in {done.damaged}.")
    if done.mended:
        print(f"{done.mended:,} files are known again by what their chunks and jobs say of them.")
    if done.files:
        print(
            f"{done.files:,} files lack what was damaged; it comes back from phones and hubs that "
            "hold it."
        )


def _findings_of_a_copy(folder: Path) -> list[str]:
    """What is wrong, seen in a copy: opening a damaged file for writing may damage it further."""
    room = folder / ".checked"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(mode=0o700)
    try:
        for suffix in ("", "-wal"):
            part = folder / f"{STORE_FILE}{suffix}"
            if part.exists():
                shutil.copyfile(part, room / part.name)
        return _check(room, folder)[0]
    except UNREADABLE as error:
        return [str(error).replace(str(room), str(folder))]
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _words(done: Repaired) -> Iterator[str]:
    yield f"Repaired: {done.entries:,} entries hold; the damaged file is kept in {done.damaged}."
    if done.mended:
        yield f"{done.mended:,} entries were damaged and are whole again: their hashes told how."
    if done.lost:
        yield f"{done.lost:,} entries are lost here; they come back from whoever holds them."
    if done.set_aside:
        yield f"{done.set_aside:,} good entries wait for lost ones before them, and join then."
    if done.unsealed:
        yield (
            f"{done.unsealed:,} logs lost their seal: they count here, and are passed on once "
            "their author or another holder sends one."
        )
    if done.own_touched:
        yield "What was written here may be missing: the next start makes a new key; a phone joins"
        yield "again with a code from the office."
