"""A file's list: its size and the hash of each of its chunks, which its address is the hash of.

So the list proves itself by the address, and each chunk by the list, wherever they come from
(`docs/formats/wire.md`). Holds no files and no messages. Invariant: equal bytes have one list, one
address, and one way to be cut into chunks.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from core.log.canonical import pack, unpack
from core.log.errors import Malformed, OverLimit, Unauthentic
from core.log.limits import FILE_BYTES_MAX, FILE_CHUNK_BYTES
from core.sentence import say

ADDRESS_BYTES = 32
HASH_BYTES = 32
CHUNKS_MAX = FILE_BYTES_MAX // FILE_CHUNK_BYTES

# A list of all the chunks that a file may have, with its size and what msgpack says of both.
LIST_BYTES_MAX = CHUNKS_MAX * HASH_BYTES + 16


@dataclass(frozen=True, slots=True)
class ChunkList:
    """Size of a file in bytes and the hashes of its chunks (32 bytes each), in order.

    Chunks are counted from 1; all but the last have `FILE_CHUNK_BYTES`.
    """

    size: int
    hashes: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """The canonical bytes of which the address is the hash."""
        return pack([self.size, b"".join(self.hashes)])

    @property
    def address(self) -> bytes:
        """What entries name the file by: 32 bytes."""
        return address_of(self.to_bytes())

    @property
    def chunks(self) -> int:
        """How many chunks the file has."""
        return len(self.hashes)

    def length(self, number: int) -> int:
        """How many bytes a chunk has."""
        return min(FILE_CHUNK_BYTES, self.size - (number - 1) * FILE_CHUNK_BYTES)

    def holds(self, number: int, data: bytes) -> bool:
        """Whether `data` is the chunk of this number."""
        if not 1 <= number <= self.chunks or len(data) != self.length(number):
            # Whoever makes a list can hash whatever it likes: with chunks of other lengths it would
            # be a file of another size than all are told.
            return False
        return chunk_hash(data) == self.hashes[number - 1]


def is_address(value: object) -> bool:
    """Whether a value can be a file's address."""
    return isinstance(value, bytes) and len(value) == ADDRESS_BYTES


def address_of(list_bytes: bytes) -> bytes:
    """The address that bytes of a list prove."""
    return blake2b(list_bytes, digest_size=ADDRESS_BYTES, person=b"fieldlog.file").digest()


def chunk_hash(data: bytes) -> bytes:
    """What a list names a chunk by."""
    return blake2b(data, digest_size=HASH_BYTES, person=b"fieldlog.chunk").digest()


def chunks_of(data: bytes) -> list[bytes]:
    """A file cut into its chunks, in order."""
    return [data[at : at + FILE_CHUNK_BYTES] for at in range(0, len(data), FILE_CHUNK_BYTES)]


def list_of(data: bytes) -> ChunkList:
    """The list of a file's bytes.

    Raises:
        Malformed: there are none.
        OverLimit: more than `FILE_BYTES_MAX`.
    """
    _check_size(len(data))
    return ChunkList(len(data), tuple(chunk_hash(chunk) for chunk in chunks_of(data)))


def read_list(address: bytes, data: bytes) -> ChunkList:
    """The list whose bytes these are.

    Raises:
        Unauthentic: they are not those that the address names.
        Malformed, OverLimit: they are, and yet no list of a file.
    """
    if len(data) > LIST_BYTES_MAX:
        raise OverLimit(f"a file's list has at most {LIST_BYTES_MAX:,} bytes")
    if address_of(data) != address:
        raise Unauthentic("a file's list is not the one that its address names")
    parts = unpack(data)
    if not isinstance(parts, list) or list(map(type, parts)) != [int, bytes]:
        raise Malformed("a file's list is its size and the hashes of its chunks")
    size, hashes = parts
    _check_size(size)
    chunks = -(-size // FILE_CHUNK_BYTES)
    if len(hashes) != chunks * HASH_BYTES:
        raise Malformed(f"a file of {size:,} bytes has {chunks:,} chunks, and its list other ones")
    return ChunkList(size, tuple(hashes[at : at + 32] for at in range(0, len(hashes), HASH_BYTES)))


def _check_size(size: int) -> None:
    if size < 1:
        raise Malformed("a file has at least one byte")
    if size > FILE_BYTES_MAX:
        raise OverLimit(
            say(
                "a file of {size:,.1f} MB is too large; {most} MiB at most",
                size=size / 1_000_000,
                most=FILE_BYTES_MAX >> 20,
            )
        )
