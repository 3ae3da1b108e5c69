"""Which bytes are a picture that a browser may draw within a page: told by themselves alone.

A file's name says nothing of its bytes, and a browser that guesses may take them for a page of the
hub. Only pictures made of points count; SVG is a document that may hold scripts. Decodes nothing.
Invariant: what has no known beginning is no picture.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from core.dispatch.acts import ActError
from core.sentence import say

HEAD_BYTES: Final = 32
"""So many bytes from the beginning are enough to tell."""

_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".gif", ".webp")


def picture_type(head: bytes) -> str:
    """The media type of a picture that begins with `head`, "" where it is none."""
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and head[12:15] == b"VP8":
        return "image/webp"
    return ""


def headers_of_file(name: str, head: bytes) -> dict[str, str]:
    """With what a browser is given a file that begins with `head`, wherever it came from.

    Its type is pinned, a page in it could run nothing, and what is no picture is saved, not shown.
    A browser keeps it for some minutes: lists are drawn anew with each change of their job.
    """
    kind = picture_type(head)
    shown = "inline" if kind else "attachment"
    return {
        "Content-Type": kind or "application/octet-stream",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, max-age=600",
    }


def check_named_truly(name: str, data: bytes) -> None:
    """See that a file that is called a picture is one.

    Raises:
        ActError: it is none, so nobody could look at it.
    """
    if name.lower().endswith(_ENDINGS) and not picture_type(data[:HEAD_BYTES]):
        raise ActError(
            say(
                "“{name}” is called a picture and is none; open it to see what it is, and add it "
                "under a name that says so",
                name=name,
            )
        )
