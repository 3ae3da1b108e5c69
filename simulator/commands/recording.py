"""Where a run leaves its report: a folder with `report.json`, and the page where it can be drawn.

Holds no record (see `simulator.report`). Invariant: a file is there whole or as it was before.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from replica.commandline import CommandError
from simulator.report.record import Record, to_json

JSON: Final = "report.json"
HTML: Final = "report.html"
_PAGE: Final = "simulator.report.page"


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


def write_report(folder: Path, record: Record) -> list[Path]:
    """Write a run's report; the files that were written.

    Raises:
        CommandError: they can't be written.
    """
    texts = {folder / JSON: to_json(record)}
    if find_spec(_PAGE) is not None:
        texts[folder / HTML] = import_module(_PAGE).draw(record)
    try:
        for path, text in texts.items():
            draft = path.with_name(f".{path.name}.draft")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
    except OSError as error:
        raise CommandError(f"the report can't be written to {folder}: {error.strerror}") from error
    return list(texts)
