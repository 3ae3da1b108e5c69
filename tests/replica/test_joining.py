"""The phone's side of joining, against machines that are no hub or a broken one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from core.log.canonical import pack
from replica import pairing
from replica.identity import IDENTITY_FILE, IdentityError, write_private
from replica.joining import (
    HUB_FILE,
    HubAddress,
    join_by_code,
    load_hub_address,
    save_hub_address,
)
from replica.listener import Listener
from replica.screens.port import EnrolmentRefused
from replica.transport_security import open_transport_identity
from tests.build import Entropy

CODE = pairing.code_from_entropy(bytes(range(10)))
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def machine(folder: Path, answer: Answer) -> AsyncIterator[str]:
    """Something that speaks TLS and HTTP and answers every path alike; its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    folder.mkdir(exist_ok=True)
    tls = open_transport_identity(folder).server_context()
    await Listener(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def always(body: bytes, status: int = 200) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, body=body)

    return answer


async def refused(folder: Path, address: str) -> str:
    """The words of a refusal; the phone's folder knows no site."""
    folder.mkdir(exist_ok=True)
    with pytest.raises(EnrolmentRefused) as refusal:
        await join_by_code(folder, CODE, address, Entropy("phone"))
    assert not (folder / IDENTITY_FILE).exists()
    assert not (folder / HUB_FILE).exists()
    return str(refusal.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>Welcome to the printer</html>", "no hub of Fieldlog"),
        (b"", "no hub of Fieldlog"),
        (b"\xdd\xff\xff\xff\xff", "no hub of Fieldlog"),
        (bytes(10_000), "no hub of Fieldlog"),
        (pack([1, 2, 3]), "no hub of Fieldlog"),
        (pack([b"", b"", b""]), "no hub of Fieldlog"),
        (pack([bytes(32)] * 5), "another version"),
        (pack([bytes(32)] * 3), "did not prove that it knows the code"),
    ],
)
async def test_what_is_no_hub_is_said(tmp_path: Path, body: bytes, words: str) -> None:
    async with machine(tmp_path / "machine", always(body)) as address:
        assert words in await refused(tmp_path / "phone", address)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, b"not here, and why", "not here, and why"),
        (429, b"too many codes; wait", "too many codes; wait"),
        (507, b"the hub's disk is full", "the hub's disk is full"),
        (403, b"x" * 3_000, "x" * 300),
        (404, b"", "said 404"),
        (500, b"", "said 500"),
    ],
)
async def test_a_refusal_is_passed_on_in_its_words(
    tmp_path: Path, status: int, body: bytes, words: str
) -> None:
    async with machine(tmp_path / "machine", always(body, status)) as address:
        found = await refused(tmp_path / "phone", address)
        assert words in found
        assert len(found) < 400


async def test_a_hub_that_begins_well_and_ends_in_noise_gets_nothing_kept(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        begun = request.path.endswith("begin")
        return web.Response(body=pack([bytes(32)] * 3) if begun else b"\xc1")

    async with machine(tmp_path / "machine", answer) as address:
        assert "no hub of Fieldlog" in await refused(tmp_path / "phone", address)


async def test_what_speaks_no_tls_is_no_hub(tmp_path: Path) -> None:
    runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await Listener(runner, "127.0.0.1", 0).start()
    address = f"127.0.0.1:{runner.addresses[0][1]}"
    assert "no hub answers" in await refused(tmp_path / "phone", address)
    await runner.cleanup()


def test_where_the_hub_is_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    assert load_hub_address(tmp_path) is None
    hub = HubAddress(("10.0.0.5:8443", "[fd00::1]:8443"), bytes(range(32)))
    save_hub_address(tmp_path, hub)
    assert load_hub_address(tmp_path) == hub


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff", pack([]), pack(5), b"\x91", pack(bytes(32)), pack(["f" * 32, "10.0.0.5:1"]),
        pack([bytes(31), "10.0.0.5:1"]), pack([bytes(32)]), pack([bytes(32), b"10.0.0.5:1"]),
    ],
)  # fmt: skip
def test_a_damaged_address_file_is_said(tmp_path: Path, data: bytes) -> None:
    write_private(tmp_path / HUB_FILE, data)
    with pytest.raises(IdentityError, match="damaged"):
        load_hub_address(tmp_path)
