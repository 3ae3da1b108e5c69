"""Reads the hex examples of the pages in docs/formats.

An example is a fenced block ```hex name; each line begins with hex digits, words may follow. Holds
no expectations. Invariant: every block of a page has a name of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

FORMATS = Path(__file__).parents[3] / "docs" / "formats"


def hex_examples(page: str) -> dict[str, bytes]:
    """The bytes of each example of `docs/formats/<page>`, by its name."""
    text = (FORMATS / page).read_text("utf-8")
    found: dict[str, bytes] = {}
    for name, block in re.findall(r"^```hex (.+?)\n(.*?)^```", text, re.M | re.S):
        assert name not in found, f"{page} has two examples '{name}'"
        digits = [re.match(r"[0-9a-f]*", line) for line in block.splitlines()]
        found[name] = bytes.fromhex("".join(match[0] for match in digits if match))
    return found


def words_of(page: str) -> str:
    """The text of a page."""
    return (FORMATS / page).read_text("utf-8")
