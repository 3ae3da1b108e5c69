"""Files of a posted form, read in pieces: what comes is as large as a phone can bear, and no more.

Holds no use of them. Invariant: of no file more than its limit and one byte stands in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from core.sentence import say
from replica.screens.guard import Refused

PIECE_BYTES = 65_536


async def files_in_form(
    request: web.Request, bytes_max: int, *, files_max: int
) -> AsyncIterator[tuple[str, bytes]]:
    """Name and bytes of each file that was chosen, one after another.

    One that is longer than `bytes_max` comes with one byte more than that, and is the last.

    Raises:
        Refused: it is no form that can be read.
    """
    if request.content_type != "multipart/form-data":
        return
    count = 0
    try:
        # Not `request.multipart()`, which is bound to what a form may have.
        async for part in aiohttp.MultipartReader(request.headers, request.content):
            if not isinstance(part, aiohttp.BodyPartReader) or part.name != "file":
                continue
            data = bytearray()
            while len(data) <= bytes_max and (piece := await part.read_chunk(PIECE_BYTES)):
                data += piece
            if part.filename or data:
                yield part.filename or "", bytes(data[: bytes_max + 1])
            count += 1
            if len(data) > bytes_max or count == files_max:
                return
    except ValueError as error:
        raise Refused(
            400, say("That form cannot be read"), say("Go back and try again.")
        ) from error
