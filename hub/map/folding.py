"""How a text is made comparable: what people type against what stands on the sign.

Holds pure functions on texts: folding of letters and abbreviations, house numbers, and how far two
words are apart. It holds no database.

Invariant: folding is idempotent, and gives words of a-z, 0-9 and the letters of other scripts,
separated by single spaces.

Source: Unicode NFKD for what decomposes; the table below for letters that do not.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_LETTERS: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i"}
)
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_STREET_WORD: Final = re.compile(r"(\w*)(strasse|straße|str)\.?(?=\W|\Z)")
_SEPARATORS: Final = re.compile(r"[\W_]+")
_NUMBER: Final = re.compile(r"(\d{1,5})\s*([^\W\d_])?(?=\W|_|\Z)")

ABBREVIATIONS: Final[dict[str, tuple[str, ...]]] = {
    "rd": ("road",),
    "blvd": ("boulevard",),
    "ln": ("lane",),
    "hwy": ("highway",),
    "ct": ("court",),
    "pkwy": ("parkway",),
    "dr": ("doktor", "doctor"),
    "st": ("saint", "sankt"),
}
"""What a word may stand for when it is typed, besides the words that begin with it."""


def fold(text: str) -> str:
    """Return the text in lower case without accents, with -str. and -straße written out."""
    lowered = _STREET_WORD.sub(r"\1strasse", text.lower().translate(_LETTERS))
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", lowered)
        if not unicodedata.combining(letter)
    )
    return _SEPARATORS.sub(" ", plain.lower()).strip()


def spellings(text: str) -> list[str]:
    """Return the folded text, and how it is typed where umlauts are written as two letters."""
    plain = fold(text)
    spread = fold(unicodedata.normalize("NFC", text.lower()).translate(_UMLAUTS))
    return [plain] if spread == plain else [plain, spread]


@dataclass(frozen=True, slots=True)
class HouseNumber:
    """A house number as it can be compared: `12-14b` is low 12, high 14, letter b."""

    low: int
    high: int
    letter: str

    def covers(self, other: HouseNumber) -> bool:
        """Return whether this number, or range of numbers on one side, includes another."""
        if not self.low <= other.low <= self.high:
            return False
        return (other.low - self.low) % 2 == 0 or self.high - self.low == 1


def house_number(text: str) -> HouseNumber | None:
    """Read a house number or a range such as `3`, `3 A`, `3-7`; None if there is no number."""
    found = list(_NUMBER.finditer(text.lower()))
    if not found:
        return None
    low = int(found[0][1])
    high = low
    if len(found) > 1 and re.search(r"[-–]", text[found[0].end() - 1 : found[1].start() + 1]):
        high = max(low, int(found[1][1]))
    letter = (found[0][2] or found[-1][2] or "") if len(found) <= 2 else ""
    return HouseNumber(low, high, letter)


def word_distance(typed: str, word: str, distance_max: int) -> int | None:
    """Return how many edits make `typed` the beginning of `word`, or None if more than the bound.

    An edit is a letter too many, too few, another one, or two that changed places. The end of the
    word is free, because people see the answer before they have typed it out.
    """
    before: list[int] = []
    row = list(range(len(word) + 1))
    for place, letter in enumerate(typed, 1):
        last = row
        row = [place]
        for column, other in enumerate(word, 1):
            cost = min(last[column] + 1, row[-1] + 1, last[column - 1] + (letter != other))
            if (
                place > 1
                and column > 1
                and letter == word[column - 2]
                and other == typed[place - 2]
            ):
                cost = min(cost, before[column - 2] + 1)
            row.append(cost)
        if min(row) > distance_max:
            return None
        before = last
    nearest = min(row)
    return nearest if nearest <= distance_max else None


def edits_allowed(word: str) -> int:
    """Return how many typing errors a word of this length may have and still be meant."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2
