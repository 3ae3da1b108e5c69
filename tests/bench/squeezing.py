"""What a session's frames would take compressed, by each way that could be chosen.

How frames are packed is `core.log.packing`, and is counted where they are sent; these are the other
ways. A frame must be whole when it is sent, so every stream is flushed after each frame. Reads a
file of frames and prints JSON, so that it can run where zstd is at hand.
Invariant: every way counted here gives the frames back.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import msgpack

DICTIONARY_BYTES = 32_768
Way = Callable[[Sequence[bytes]], int]


def each_deflated(level: int, dictionary: bytes = b"") -> Way:
    """Every frame by itself."""

    def way(frames: Sequence[bytes]) -> int:
        total = 0
        for frame in frames:
            squeeze = zlib.compressobj(
                level, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, dictionary
            )
            total += len(squeeze.compress(frame)) + len(squeeze.flush())
        return total

    return way


def stream_deflated(level: int) -> Way:
    """One stream with a flush after each frame, as permessage-deflate has it."""

    def way(frames: Sequence[bytes]) -> int:
        squeeze = zlib.compressobj(level, zlib.DEFLATED, -15, 9)
        return sum(
            len(squeeze.compress(frame)) + len(squeeze.flush(zlib.Z_SYNC_FLUSH)) - 4
            for frame in frames
        )

    return way


def ways(dictionary: bytes, zstd: Any) -> dict[str, Way]:
    """All ways by name; `zstd` is the module, None where there is none."""
    found = {
        "none": lambda frames: sum(map(len, frames)),
        "deflate-6 each": each_deflated(6),
        "deflate-6 each, dictionary": each_deflated(6, dictionary),
        "deflate-6 stream": stream_deflated(6),
        "deflate-9 stream": stream_deflated(9),
    }
    if zstd is not None:
        trained = zstd.ZstdCompressionDict(dictionary)
        found["zstd-3 each"] = _each_zstd(zstd, 3, None)
        found["zstd-3 each, dictionary"] = _each_zstd(zstd, 3, trained)
        for level in (3, 9, 19):
            found[f"zstd-{level} stream"] = _stream_zstd(zstd, level)
    return found


def _each_zstd(zstd: Any, level: int, dictionary: Any) -> Way:
    def way(frames: Sequence[bytes]) -> int:
        squeeze = zstd.ZstdCompressor(
            level=level, dict_data=dictionary, write_content_size=False, write_dict_id=False
        )
        return sum(len(squeeze.compress(frame)) for frame in frames)

    return way


def _stream_zstd(zstd: Any, level: int) -> Way:
    def way(frames: Sequence[bytes]) -> int:
        squeeze = zstd.ZstdCompressor(level=level).compressobj()
        return sum(
            len(squeeze.compress(frame)) + len(squeeze.flush(zstd.COMPRESSOBJ_FLUSH_BLOCK))
            for frame in frames
        )

    return way


def zstd_module() -> Any:
    """The zstd at hand, None where there is none."""
    try:
        return import_module("zstandard")
    except ImportError:
        return None


def sizes(directions: Iterable[Sequence[bytes]], dictionary: bytes, zstd: Any) -> dict[str, int]:
    """Bytes by way, all directions together, each of them a stream of its own."""
    both = [list(frames) for frames in directions]
    return {
        name: sum(way(frames) for frames in both) for name, way in ways(dictionary, zstd).items()
    }


def main() -> int:
    """Read [directions, dictionary] from the file named and print the sizes."""
    directions, dictionary = msgpack.unpackb(Path(sys.argv[1]).read_bytes())
    sys.stdout.write(json.dumps(sizes(directions, dictionary, zstd_module())) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
