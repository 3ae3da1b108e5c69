"""The command `fieldlog backup`: one file that a hub or phone can be restored from.

Holds what is printed. Invariant: the folder's own files stay as they are, and whoever is at work on
them goes on.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from replica.backup import LEFT_OUT, BackupError, make_backup
from replica.clock import SystemClock
from replica.commandline import CommandError
from replica.identity import SITE_KEY_FILE, IdentityError
from replica.store import StoreError


def configure(parser: argparse.ArgumentParser) -> None:
    """Back up a hub or phone into one checked file, also while it runs."""
    parser.add_argument("--data", type=Path, required=True, help="the hub's or phone's folder")
    parser.add_argument(
        "--to", type=Path, required=True, help="the backup's file, or a folder to put it in"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the backup and say what it holds."""
    folder: Path = arguments.data
    try:
        path, manifest = make_backup(folder, arguments.to, SystemClock(), os.urandom)
    except (BackupError, IdentityError, StoreError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        name = error.filename or arguments.to
        raise CommandError(f"{name} cannot be used: {error.strerror or error}") from error
    size_kb = path.stat().st_size // 1000 + 1
    print(f"Backup of the {manifest.role}: {path} ({size_kb:,} kB), checked.")
    print(f"In it: {manifest.entries:,} entries in {manifest.streams:,} streams, and what belongs")
    print(f"to them: {', '.join(manifest.files)}.")
    for name, why in LEFT_OUT.items():
        if (folder / name).exists():
            print(f"Not in it: {name}, {why}.")
    if SITE_KEY_FILE in manifest.files:
        print("Whoever has this file can act as the site: keep it as you keep the site's key.")
    return 0
