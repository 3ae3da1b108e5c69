"""The parts that messages are made of: bytes of a length, counts and texts, each checked.

Holds no message. Invariant: what is returned is what was given, or a named error says why not.
"""

from __future__ import annotations

from typing import Any

from core.log.errors import Malformed, OverLimit


def bytes_of(value: Any, *lengths: int) -> bytes:
    """Bytes, of one of `lengths` where any are given. Raises Malformed."""
    if not isinstance(value, bytes) or (lengths and len(value) not in lengths):
        raise Malformed("a message's bytes have another length")
    return value


def count_of(value: Any) -> int:
    """A whole number from 0. Raises Malformed."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise Malformed("a message's number is out of range")
    return value


def text_of(value: Any) -> str:
    """A text of at most 1,000 letters. Raises Malformed, OverLimit."""
    if not isinstance(value, str):
        raise Malformed("a message's text is no text")
    if len(value) > 1_000:
        raise OverLimit("a message's text is longer than 1,000 letters")
    return value
