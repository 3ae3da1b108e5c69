"""What tests of files share: photos of drawn bytes, and meetings that are cut and counted.

Holds no assertions. Invariant: the same name gives the same photo.
"""

from __future__ import annotations

from random import Random

from core.log.errors import LogError
from core.log.file_messages import Chunk, Fetch
from core.log.limits import FILE_CHUNK_BYTES
from core.log.session import Close
from replica.filing import Whereabouts, where_is
from replica.replica import Replica
from tests.build import Meeting


def photo(name: str, chunks: float = 3.5) -> bytes:
    """Bytes that no compression shortens, so many chunks of them."""
    return Random(name).randbytes(int(chunks * FILE_CHUNK_BYTES))


def whereabouts(replica: Replica, address: bytes) -> Whereabouts:
    """Where a file is, as the replica's screens say."""
    return where_is(replica, address)


def chunks_sent(meeting: Meeting, side: int) -> list[tuple[bytes, int]]:
    """The chunks that a side sent, in order."""
    sent = meeting.read(side)
    return [(each.address, each.number) for each in sent if isinstance(each, Chunk)]


def fetched(meeting: Meeting, side: int) -> list[tuple[bytes, int]]:
    """The pieces that a side asked for, in order."""
    sent = meeting.read(side)
    return [(each.address, each.first) for each in sent if isinstance(each, Fetch)]


def error_of(meeting: Meeting, side: int) -> LogError | None:
    """Why a side ended the session, None where it did not."""
    ends = [each for each in meeting.effects[side] if isinstance(each, Close)]
    return ends[-1].error if ends else None
