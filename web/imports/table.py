"""A table out of bytes that somebody's spreadsheet wrote: encoding, separator, rows.

Both are guessed, and what was guessed is part of the answer, so that a person can say otherwise.
A cell is the text that it is: what begins with `=`, `+`, `-` or `@` is no formula here. Holds no
meaning of columns. Invariant: what is too large is refused by its count, before it is read as a
table.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from core.sentence import say

ROWS_MAX: Final = 5_000
"""One import is one transaction, and other people wait for it: 5,000 streams take some seconds."""
LINES_MAX: Final = 100_000
"""More line ends than rows with long texts in quotation marks could have."""
TABLE_BYTES_MAX: Final = 8_000_000
"""5,000 rows of 1,600 bytes; what is kept for a preview."""
COLUMNS_MAX: Final = 80
CELL_CHARACTERS_MAX: Final = 10_000
_CHUNK_BYTES: Final = 1 << 20
_LOOKED_AT_BYTES: Final = 200_000
_LOOKED_AT_LINES: Final = 40

WORDS_BY_ENCODING: Final = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": say("UTF-16, big end first"),
    "cp1252": say("Windows-1252 (Western Europe)"),
    "cp1250": say("Windows-1250 (Central Europe)"),
}
WORDS_BY_SEPARATOR: Final = {
    "tab": say("tab"),
    "semicolon": say("semicolon ;"),
    "comma": say("comma ,"),
}
_LETTER_BY_SEPARATOR: Final = {"tab": "\t", "semicolon": ";", "comma": ","}

# What a byte says about the two Windows encodings, in which it is another letter: ě or ì, à or ŕ.
_CENTRAL: Final = {
    0x8A: 2, 0x8C: 2, 0x8D: 5, 0x8E: 2, 0x8F: 3, 0x9A: 2, 0x9C: 1, 0x9D: 5, 0x9E: 2, 0x9F: 4,
    0xA3: 2, 0xA5: 2, 0xAF: 4, 0xB3: 3, 0xB9: 3, 0xBE: 5, 0xBF: 3, 0xC8: 1, 0xCC: 3, 0xD2: 2,
    0xD8: 1, 0xD9: 2, 0xE8: 1, 0xEC: 3, 0xEF: 1, 0xF2: 2, 0xF8: 1, 0xF9: 2,
}  # fmt: skip
_WESTERN: Final = {
    0xC0: 3, 0xC5: 2, 0xC6: 2, 0xD1: 1, 0xE0: 4, 0xE3: 2, 0xE5: 3, 0xE6: 2, 0xE8: 1, 0xEA: 1,
    0xF1: 1, 0xFB: 1,
}  # fmt: skip


class TableError(ValueError):
    """What was given is no table, or too large a one; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line of the file that it begins at, from 1, and its cells, stripped."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`head` names the columns, "" where nothing does; `encoding` and `separator` as it was read.

    `unreadable` counts the characters that the encoding has no letter for.
    """

    head: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str
    separator: str
    has_head: bool
    unreadable: int


def take(file: BinaryIO) -> bytes:
    """The bytes of an uploaded file, read in pieces and only where they can be a table.

    Raises:
        TableError: it has more lines or bytes than an import takes; it says how many.
    """
    lines = size = 0
    while chunk := file.read(_CHUNK_BYTES):
        lines += chunk.count(b"\n")
        size += len(chunk)
    if lines > LINES_MAX:
        raise _too_many(lines)
    if size > TABLE_BYTES_MAX:
        raise TableError(
            say(
                "the file has {size:,.0f} MB; at most {most:,.0f} MB are taken at once. Leave out "
                "columns that are not needed, or split it",
                size=size / 1e6, most=TABLE_BYTES_MAX / 1e6,
            )
        )  # fmt: skip
    file.seek(0)
    data = file.read(TABLE_BYTES_MAX + 1)
    if not data.strip():
        raise TableError(say("there is nothing in it; choose a file with rows, or paste some"))
    return data


def _too_many(count: int) -> TableError:
    return TableError(
        say(
            "the table has {count:,} rows; at most {most:,} are imported at once, so that all of "
            "them are written or none. Split it into files of {most:,} rows",
            count=count, most=ROWS_MAX,
        )
    )  # fmt: skip


def guess_encoding(data: bytes) -> str:
    """What the bytes are most likely written in: a key of `WORDS_BY_ENCODING`."""
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if data.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    sample = data[:_LOOKED_AT_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 8:
        return "utf-16-le" if odd >= even else "utf-16-be"
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        central = sum(weight * data.count(byte) for byte, weight in _CENTRAL.items())
        western = sum(weight * data.count(byte) for byte, weight in _WESTERN.items())
        return "cp1250" if central > western else "cp1252"


def read_table(
    data: bytes, encoding: str = "", separator: str = "", head: bool | None = None
) -> Table:
    """The table in `data`; what is "" or None is guessed.

    Raises:
        TableError: too many rows or columns, or quotation marks that do not close.
    """
    encoding = encoding if encoding in WORDS_BY_ENCODING else guess_encoding(data)
    text = data.decode(encoding, "replace").removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if (lines := text.count("\n")) > LINES_MAX:
        raise _too_many(lines)
    if separator not in _LETTER_BY_SEPARATOR:
        separator = _guess_separator(text)
    rows = _rows(text, _LETTER_BY_SEPARATOR[separator])
    if not rows:
        raise TableError(say("there is nothing in it; choose a file with rows, or paste some"))
    has_head = _looks_like_a_head(rows) if head is None else head
    if len(rows) - has_head > ROWS_MAX:
        raise _too_many(len(rows) - has_head)
    width = max(len(row.cells) for row in rows)
    if width > COLUMNS_MAX:
        raise TableError(
            say(
                "a row has {width} columns; at most {most} are read. Choose another separator, or "
                "leave some columns out",
                width=width, most=COLUMNS_MAX,
            )
        )  # fmt: skip
    names = rows[0].cells if has_head else ()
    names += ("",) * (width - len(names))
    return Table(names, tuple(rows[has_head:]), encoding, separator, has_head, text.count("\ufffd"))


def _guess_separator(text: str) -> str:
    """The separator that cuts the first lines into the most columns of the same number."""
    lines = [line for line in text.split("\n", _LOOKED_AT_LINES)[:_LOOKED_AT_LINES] if line.strip()]
    scores = {}
    for name, letter in _LETTER_BY_SEPARATOR.items():
        widths = [line.count(letter) for line in lines]
        usual = sorted(widths)[len(widths) // 2] if widths else 0
        alike = sum(width == usual for width in widths)
        scores[name] = usual * alike / (len(lines) or 1)
    # On a tie the first: a tab is typed by nobody.
    return max(scores, key=lambda name: scores[name])


def _rows(text: str, separator: str) -> list[Row]:
    try:
        return list(_parsed(text, separator, csv.QUOTE_MINIMAL))
    except csv.Error as error:
        if separator == "\t":
            # A spreadsheet's clipboard has quotation marks that mean nothing.
            return list(_parsed(text, separator, csv.QUOTE_NONE))
        raise TableError(
            say(
                "the quotation marks do not fit together ({error}). Close each one that is opened, "
                "or save the table from the spreadsheet once more",
                error=error,
            )
        ) from error


def _parsed(text: str, separator: str, quoting: Literal[0, 3]) -> Iterator[Row]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        quoting=quoting,
        strict=quoting == csv.QUOTE_MINIMAL,
    )
    count, line = 0, 1
    for cells in reader:
        if any(map(str.strip, cells)):
            count += 1
            for cell in cells:
                if len(cell) > CELL_CHARACTERS_MAX:
                    raise TableError(
                        say(
                            "line {line} has a cell of {letters:,} letters; shorten it, or look "
                            "for a quotation mark that is opened and not closed",
                            line=line, letters=len(cell),
                        )
                    )  # fmt: skip
            yield Row(line, tuple(cell.strip() for cell in cells))
        line = reader.line_num + 1


def _looks_like_a_head(rows: list[Row]) -> bool:
    """Names have no digits, and what stands below them mostly has some, or is longer."""
    first = rows[0].cells
    if any(any(map(str.isdigit, cell)) or len(cell) > 40 for cell in first):
        return False
    if len(rows) == 1:
        return False
    below = [cell for row in rows[1:50] for cell in row.cells if cell]
    return any(any(map(str.isdigit, cell)) for cell in below) or len(set(first)) == len(first) > 1
