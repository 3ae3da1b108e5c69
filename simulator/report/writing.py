"""Reports as files: `report.json`, which says everything, and `report.html`, which is drawn of it.

Invariant: a file of a report is there whole or as it was before; what can't be written is said in
words, and leaves nothing half done behind.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from simulator.report.page import draw
from simulator.report.record import Record, RecordError, from_json, to_json

JSON: Final = "report.json"
HTML: Final = "report.html"
REPORT_BYTES_MAX: Final = 256 * 1024 * 1024
"""What is read at most: a report of a day of seconds has some 50 MB, and a film is none."""


class ReportUnwrittenError(Exception):
    """A report can't be written; the sentence says why and what to do."""


def write(record: Record, folder: Path) -> Path:
    """Write a record and its page into a folder, made where there is none; the page's path.

    Raises:
        ReportUnwrittenError: it can't be written; what was there is as before.
    """
    # Drawn before anything is touched: a page that can't be drawn changes nothing.
    texts = {JSON: to_json(record), HTML: draw(record)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritten(folder, error) from error
    _write_all({folder / name: text for name, text in texts.items()})
    return folder / HTML


def draw_anew(place: Path) -> tuple[Record, Path]:
    """Draw the page of a report from its JSON again; the record and the page's path.

    Raises:
        RecordError: there is no report, or it can't be read.
        ReportUnwrittenError: the page can't be written; it is as before.
    """
    record = read(place)
    source = json_of(place)
    page = page_of(source)
    if page == source:
        raise RecordError(f"{source}: give what a run wrote down the name {JSON}, not a page's")
    write_page(draw(record), page)
    return record, page


def write_page(text: str, path: Path) -> None:
    """Write one page, whole or not at all.

    Raises:
        ReportUnwrittenError: it can't be written; what was there is as before.
    """
    _write_all({path: text})


def json_of(place: Path) -> Path:
    """The JSON of a report: `place` itself, or the one in it where it is a folder."""
    return place / JSON if place.is_dir() else place


def page_of(source: Path) -> Path:
    """The page beside the JSON of a report: `report.html` for `report.json`."""
    return source.with_suffix(".html")


def read(place: Path) -> Record:
    """The record of a folder or of a `report.json`.

    Raises:
        RecordError: there is none, or it can't be read; the sentence names the file.
    """
    path = json_of(place)
    try:
        size = path.stat().st_size
        if size > REPORT_BYTES_MAX:
            limit = REPORT_BYTES_MAX // 1024 // 1024
            raise RecordError(f"{path}: too large for a report, which has at most {limit} MiB")
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        words = f"there is no {JSON} in {place}" if place.is_dir() else f"there is no {path}"
        raise RecordError(
            f"{words}; name the folder that a simulation wrote with --report"
        ) from error
    except OSError as error:
        raise RecordError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: this file is no text, and so no report") from error
    try:
        return from_json(text)
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error


def _write_all(text_by_path: Mapping[Path, str]) -> None:
    """Write drafts of all files first, and give them their names only when all are there."""
    drafts: dict[Path, Path] = {}
    path = next(iter(text_by_path))
    try:
        for path, text in text_by_path.items():
            if path.exists() and not path.is_file():
                # A name that is given to a draft would take the place of a device as well.
                raise OSError(errno.EINVAL, "what is there is no file")
            drafts[path] = draft = path.with_name(f".{path.name}.{os.getpid()}.new")
            # A name of a file may hold what is no text; it is shown as far as it is.
            with draft.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError as error:
        for draft in drafts.values():
            _remove(draft)
        raise _unwritten(path, error) from error


def _remove(draft: Path) -> None:
    """Take a draft away, where it can be; that it can't is no news beside what went wrong."""
    try:
        draft.unlink(missing_ok=True)
    except OSError:
        return


def _unwritten(place: Path, error: OSError) -> ReportUnwrittenError:
    return ReportUnwrittenError(
        f"the report can't be written to {place}: {error.strerror or error}; "
        "name another place, or make room and rights there"
    )
