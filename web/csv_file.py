"""CSV files as RFC 4180 has them, harmless in a spreadsheet, and sent in portions.

Comma, quotes where needed, CRLF; a person may have another separator, and the mark that some
spreadsheets know UTF-8 by. A text that a spreadsheet would run as a formula gets an apostrophe
before it. Holds no question. Invariant: every cell comes back as it was, but for that apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from core.sentence import say
from hub.guard import Refused
from web import formats

SEPARATORS: Final = {"comma": ",", "semicolon": ";", "tab": "\t"}
BYTE_ORDER_MARK: Final = "\ufeff"
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written: what separates its cells, and whether it begins with the mark."""

    separator: str = ","
    marked: bool = False


def read_style(query: Mapping[str, str]) -> Style:
    """The style that a URL asks for, `separator=semicolon&bom=1`.

    Raises:
        Refused: there is no such separator.
    """
    name = query.get("separator", "comma")
    if name not in SEPARATORS:
        raise Refused(
            400,
            say("There is no separator {name!r}.", name=name[:20]),
            say("Ask for comma, semicolon or tab."),
        )
    return Style(SEPARATORS[name], query.get("bom") == "1")


def csv_text(rows: Iterable[Iterable[object]], separator: str = ",") -> str:
    """Rows as lines of a CSV file; None is an empty cell, a formula loses its power."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
    return out.getvalue()


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet runs: texts that begin like a formula get an apostrophe.

    Numbers are left: -3 is a number, and a program that reads the file wants it so.
    """
    if isinstance(value, str) and value.startswith(_RISKY):
        return f"'{value}"
    return "" if value is None else value


def utc(at_ms: int | None) -> str:
    """`2026-11-23T20:10:00Z`, or nothing."""
    if at_ms is None:
        return ""
    return formats.local_time(at_ms, ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


def local(at_ms: int | None, zone: ZoneInfo) -> str:
    """`2026-11-23T21:10:00+01:00`, or nothing."""
    return "" if at_ms is None else formats.local_time(at_ms, zone).isoformat(timespec="seconds")


Portions = AsyncIterator[Sequence[Sequence[object]]]
"""Rows of a file, some at a time, so that no portion holds the hub's loop for long."""


async def send_csv(
    request: web.Request,
    name: str,
    columns: Sequence[str],
    portions: Portions,
    style: Style | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    """Answer with a file `name`: its columns' names, then portion after portion."""
    style = style or Style()
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8; header=present",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            **(headers or {}),
        }
    )
    response.enable_chunked_encoding()
    await response.prepare(request)
    mark = BYTE_ORDER_MARK if style.marked else ""
    await response.write((mark + csv_text([columns], style.separator)).encode())
    async for rows in portions:
        text = csv_text(rows, style.separator)
        if text:
            await response.write(text.encode())
    await response.write_eof()
    return response
