"""The commands `fieldlog simulate compare` and `fieldlog simulate report`: reports of past runs.

Holds no drawing. Invariant: a report that was named is only read; what is written is the page that
was asked for.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from replica.commandline import CommandError
from simulator.report.compare import compare
from simulator.report.contents import scenario_name, verdict
from simulator.report.record import Record, RecordError
from simulator.report.writing import (
    JSON,
    ReportUnwrittenError,
    draw_anew,
    json_of,
    page_of,
    read,
    write_page,
)

COMPARISON: Final = Path("comparison.html")


def configure_compare(parser: argparse.ArgumentParser) -> None:
    """Set two reports of simulated runs side by side in one page."""
    what = f"a folder, or its {JSON}"
    parser.add_argument("one", type=Path, metavar="A", help=f"the run to compare with: {what}")
    parser.add_argument("other", type=Path, metavar="B", help=f"the run to look at: {what}")
    parser.add_argument("--out", type=Path, default=COMPARISON, help="the page to write")
    parser.set_defaults(run=run_compare)


def configure_report(parser: argparse.ArgumentParser) -> None:
    """Draw the page of a report anew from what the run wrote down."""
    parser.add_argument("folder", type=Path, help=f"the folder of the report, or its {JSON}")
    parser.set_defaults(run=run_report)


def run_compare(arguments: argparse.Namespace) -> int:
    """Write the comparison of two reports."""
    out: Path = arguments.out
    if out.is_dir():
        raise CommandError(f"{out} is a folder; name a file, as --out {out / COMPARISON}")
    for place in (arguments.one, arguments.other):
        source = json_of(place)
        if out.resolve() in (source.resolve(), page_of(source).resolve()):
            raise CommandError(f"--out {out} would replace a report; name another file")
    records = [_read(place) for place in (arguments.one, arguments.other)]
    try:
        write_page(compare(*records), out)
    except ReportUnwrittenError as error:
        raise CommandError(str(error)) from error
    for letter, record in zip("AB", records, strict=True):
        print(f"{letter}: {_said(record)}")
    print(f"written to {out}")
    return 0


def run_report(arguments: argparse.Namespace) -> int:
    """Draw the page of a report anew."""
    try:
        record, page = draw_anew(arguments.folder)
    except (RecordError, ReportUnwrittenError) as error:
        raise CommandError(str(error)) from error
    print(_said(record))
    print(f"written to {page}")
    return 0


def _read(place: Path) -> Record:
    try:
        return read(place)
    except RecordError as error:
        raise CommandError(str(error)) from error


def _said(record: Record) -> str:
    word, because = verdict(record)
    return f"{scenario_name(record)}: {word}. {because}"


WAYS: Final = (("compare", configure_compare), ("report", configure_report))
"""The ways of `fieldlog simulate` that are here."""
