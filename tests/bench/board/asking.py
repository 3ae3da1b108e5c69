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
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_LINE_BYTES_MAX = 64 * 1024 * 1024


Ask = Callable[[str, Mapping[str, str]], Awaitable[tuple[float, str]]]


@asynccontextmanager
async def asking(origin: str, cookies: Mapping[str, str]) -> AsyncIterator[Ask]:
    """`async with asking(origin, cookies) as ask`; one connection, kept open.

    `ask(path, headers)` says the seconds until the whole answer was there, and its text. It raises
    ConnectionError where no whole answer of status 200 came.
    """
    host = urlsplit(origin).netloc
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.board.asking", host,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE_BYTES_MAX,
    )  # fmt: skip
    told, said = process.stdin, process.stdout
    assert told is not None
    assert said is not None

    async def ask(path: str, headers: Mapping[str, str]) -> tuple[float, str]:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Cookie: {cookie}"]
        lines += ["Accept: text/html", f"Origin: {origin}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        told.write(json.dumps("\r\n".join([*lines, "", ""])).encode() + b"\n")
        line = await said.readline()
        if not line:
            raise ConnectionError(f"no whole answer of status 200 to {path}")
        seconds, text = json.loads(line)
        return seconds, text

    try:
        yield ask
    finally:
        told.close()
        await process.wait()


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
