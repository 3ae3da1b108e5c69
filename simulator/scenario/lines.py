"""On which line of a TOML text each key stands, which the parser does not tell.

A scan of a text that the parser has taken already: it knows strings, comments, arrays and inline
tables well enough to pass them by, and checks nothing. Invariant: for a text that is TOML, every
table and key has the line on which its name first stands.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from itertools import accumulate
from typing import Final

Path = tuple[str, ...]

_SPACES: Final = " \t"
_BREAKS: Final = " \t\r\n"
_END_OF_BARE: Final = " \t.=]"
_END_OF_VALUE: Final = ",]}#\r\n"
_LONG_QUOTES: Final = ('"""', "'''")


def lines_of_keys(text: str) -> dict[Path, int]:
    """The line, from 1, of each table and key by its path; of a repeated one the first.

    `text` is TOML; what this says of any other text means nothing, but it ends.
    """
    return _Scan(text).keys()


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[Path, int] = {}
        self._ends = list(accumulate(len(line) + 1 for line in text.split("\n")))

    def keys(self) -> dict[Path, int]:
        table: Path = ()
        while True:
            self._pass_breaks_and_comments()
            if self._at >= len(self._text):
                return self._found
            if self._next() == "[":
                table = self._header()
            else:
                self._pair(table)

    # --- what stands on a line

    def _header(self) -> Path:
        while self._next() == "[":
            self._at += 1
        table = self._key((), "]")
        while self._next() == "]":
            self._at += 1
        return table

    def _pair(self, table: Path) -> None:
        path = self._key(table, "=")
        self._at += 1
        self._value(path)

    def _key(self, before: Path, end: str) -> Path:
        """A dotted key up to the sign that ends it; each part is written down."""
        path = before
        while self._at < len(self._text):
            self._pass(_SPACES)
            line = self._line()
            path = (*path, self._part())
            self._found.setdefault(path, line)
            self._pass(_SPACES)
            if self._next() != ".":
                break
            self._at += 1
        # Only in a text that is no TOML does anything else stand here.
        while self._at < len(self._text) and self._next() not in (end, "\n"):
            self._at += 1
        return path

    def _part(self) -> str:
        start = self._at
        if self._next() in ("'", '"'):
            self._string()
            # The parser itself says what a quoted name with escapes means.
            return next(iter(tomllib.loads(f"{self._text[start : self._at]} = 0")))
        while self._at < len(self._text) and self._next() not in _END_OF_BARE + "\n":
            self._at += 1
        return self._text[start : self._at]

    # --- what is passed by

    def _value(self, path: Path) -> None:
        self._pass(_SPACES)
        match self._next():
            case "'" | '"':
                self._string()
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case _:
                while self._at < len(self._text) and self._next() not in _END_OF_VALUE:
                    self._at += 1

    def _array(self, path: Path) -> None:
        self._at += 1
        while self._at < len(self._text):
            self._pass_breaks_and_comments()
            if self._next() == "]":
                self._at += 1
                return
            before = self._at
            if self._next() != ",":
                self._value(path)
            self._at += self._at == before

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._at < len(self._text):
            self._pass_breaks_and_comments()
            if self._next() == "}":
                self._at += 1
                return
            before = self._at
            if self._next() != ",":
                self._pair(path)
            self._at += self._at == before

    def _string(self) -> None:
        quote = self._text[self._at]
        long = self._text[self._at : self._at + 3]
        mark = long if long in _LONG_QUOTES else quote
        self._at += len(mark)
        while self._at < len(self._text) and not self._text.startswith(mark, self._at):
            self._at += 2 if quote == '"' and self._next() == "\\" else 1
        self._at += len(mark)
        # A long string may end with one or two of its quotes.
        while len(mark) == 3 and self._next() == quote:
            self._at += 1

    def _pass_breaks_and_comments(self) -> None:
        self._pass(_BREAKS)
        while self._next() == "#":
            while self._at < len(self._text) and self._next() != "\n":
                self._at += 1
            self._pass(_BREAKS)

    def _pass(self, letters: str) -> None:
        while self._at < len(self._text) and self._text[self._at] in letters:
            self._at += 1

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _line(self) -> int:
        return bisect_right(self._ends, self._at) + 1
