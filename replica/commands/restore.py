"""The command `fieldlog restore`: makes a hub's or phone's folder of a backup.

Holds what is printed. Invariant: a folder that holds anything stays as it is.
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from replica.backup import BackupError, Manifest
from replica.clock import SystemClock
from replica.commandline import CommandError
from replica.identity import SITE_KEY_FILE
from replica.occupied import FolderInUse
from replica.restoring import restore_backup


def configure(parser: argparse.ArgumentParser) -> None:
    """Make a hub's or phone's folder of a backup, once all of it was checked."""
    parser.add_argument("--data", type=Path, required=True, help="a new or empty folder")
    parser.add_argument("--from", dest="backup", type=Path, required=True, help="the backup's file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Restore, and say what comes next."""
    try:
        manifest = restore_backup(arguments.backup, arguments.data, SystemClock(), os.urandom)
    except (BackupError, FolderInUse) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        name = error.filename or arguments.data
        raise CommandError(f"{name} cannot be used: {error.strerror or error}") from error
    made = datetime.fromtimestamp(manifest.made_at_ms / 1000, UTC)
    print(
        f"Restored to {arguments.data}: the {manifest.role} as it was on {made:%Y-%m-%d at %H:%M} "
        f"UTC, {manifest.entries:,} entries in {manifest.streams:,} streams, all checked."
    )
    for line in _what_next(arguments.data, manifest):
        print(line)
    return 0


def _what_next(folder: Path, manifest: Manifest) -> list[str]:
    if manifest.role != "hub":
        return [
            f"Start it with `fieldlog device --data {folder}` and let it join again with a code",
            "from the office; what this phone had not sent goes to the hub then.",
        ]
    lines = [
        f"Start it with `fieldlog hub --data {folder}`. It makes itself a new key; what was",
        "written since the backup comes back from phones and other hubs when they meet it.",
        "Should the old hub still run anywhere, stop it there. Everybody signs in again, and a map",
        "is imported again.",
    ]
    if SITE_KEY_FILE not in manifest.files:
        lines.insert(0, f"The site's key is not in this backup: put {SITE_KEY_FILE} there first.")
    return lines
