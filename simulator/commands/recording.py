"""Where a run leaves its report: a folder with `report.json`, and the page drawn of it.

Holds no record (see `simulator.report`). Invariant: a file is there whole or as it was before.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from replica.commandline import CommandError
from simulator.report.record import Record
from simulator.report.writing import JSON, ReportUnwrittenError, write


def make_folder(folder: Path) -> None:
    """Make the folder of a report before the run, so that no run is lost for want of one.

    Raises:
        CommandError: it can't be made or written to.
    """
    trial = folder / f".{JSON}.trial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        raise CommandError(
            f"--report {folder}: no report can be written there ({error.strerror})"
        ) from error


def leave_folder(folder: Path) -> None:
    """Take away the folder of a run that left nothing in it."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def write_report(folder: Path, record: Record) -> list[Path]:
    """Write a run's report; the files that were written.

    Raises:
        CommandError: they can't be written.
    """
    try:
        return [folder / JSON, write(record, folder)]
    except ReportUnwrittenError as error:
        raise CommandError(str(error)) from error
