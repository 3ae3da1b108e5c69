"""Somebody who asks a hub for pages from a process of their own, so that only the hub is timed.

A process that both asks and answers would count its own asking. Holds no questions.
Invariant: the time is from the first byte that is sent to the last one that came, and an answer
that is not whole, or not of status 200, ends the measurement.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_LINE_BYTES_MAX = 64 * 1024 * 1024


class Asker:
    """`async with Asker(origin, cookies) as asker`; one connection, kept open."""

    def __init__(self, origin: str, cookies: Mapping[str, str]) -> None:
        self._host = urlsplit(origin).netloc
        self._origin = origin
        self._cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.board.asking", self._host,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE_BYTES_MAX,
        )  # fmt: skip
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def get(self, path: str, headers: Mapping[str, str]) -> tuple[float, str]:
        """Seconds until the whole answer was there, and its text.

        Raises:
            ConnectionError: no whole answer of status 200 came.
        """
        lines = [f"GET {path} HTTP/1.1", f"Host: {self._host}", f"Cookie: {self._cookie}"]
        lines += ["Accept: text/html", f"Origin: {self._origin}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps("\r\n".join([*lines, "", ""])).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise ConnectionError(f"no whole answer of status 200 to {path}")
        seconds, text = json.loads(line)
        return seconds, text


def main() -> int:
    """Ask for what each line of the input says; answer each with seconds and text."""
    host, _, port = sys.argv[1].rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = bytearray(4 * 1024 * 1024)
        for line in sys.stdin:
            asked = json.loads(line).encode()
            began_s = time.perf_counter()
            connection.sendall(asked)
            head, size, whole = b"", 0, sys.maxsize
            while size < whole:
                came = connection.recv_into(memoryview(buffer)[size:])
                if not came:
                    return 1
                size += came
                if not head and (end := buffer.find(b"\r\n\r\n", 0, size)) >= 0:
                    head = bytes(buffer[: end + 4])
                    length = _LENGTH.search(head)
                    if length is None or not head.startswith(b"HTTP/1.1 200 "):
                        return 1
                    whole = end + 4 + int(length[1])
            taken_s = time.perf_counter() - began_s
            sys.stdout.write(json.dumps([taken_s, buffer[len(head) : whole].decode()]) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
