"""A replica's TLS identity over real sockets and real files."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from replica.listener import Listener
from replica.transport_security import (
    TRANSPORT_FILE_NAME,
    BrokenKeyFile,
    ExposedKeyFile,
    MalformedFingerprint,
    TransportIdentity,
    client_pin,
    open_transport_identity,
    read_fingerprint,
    show_fingerprint,
    write_key_file,
)


@asynccontextmanager
async def listening(identity: TransportIdentity) -> AsyncIterator[str]:
    """A real TLS listener on loopback that answers `here`; gives its URL."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = Listener(runner, "127.0.0.1", 0, ssl_context=identity.server_context())
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"https://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


async def test_a_peer_that_pins_the_right_certificate_is_answered(tmp_path: Path) -> None:
    identity = open_transport_identity(tmp_path)
    async with (
        listening(identity) as url,
        aiohttp.ClientSession() as client,
        client.get(url, ssl=client_pin(identity.fingerprint)) as response,
    ):
        assert await response.text() == "here"


async def test_a_peer_that_pins_another_certificate_does_not_talk(tmp_path: Path) -> None:
    identity = open_transport_identity(tmp_path / "hub")
    other = open_transport_identity(tmp_path / "other")
    async with listening(identity) as url, aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await client.get(url, ssl=client_pin(other.fingerprint))


async def test_an_old_protocol_is_not_spoken(tmp_path: Path) -> None:
    identity = open_transport_identity(tmp_path)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with listening(identity) as url, aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(url, ssl=old)


def test_the_identity_survives_a_restart(tmp_path: Path) -> None:
    first = open_transport_identity(tmp_path)
    assert open_transport_identity(tmp_path).fingerprint == first.fingerprint


def test_the_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    open_transport_identity(tmp_path / "keys")
    file = tmp_path / "keys" / TRANSPORT_FILE_NAME
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == [TRANSPORT_FILE_NAME]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    open_transport_identity(tmp_path)
    file = tmp_path / TRANSPORT_FILE_NAME
    file.chmod(0o640)
    with pytest.raises(ExposedKeyFile, match="chmod 600"):
        open_transport_identity(tmp_path)


@pytest.mark.parametrize(
    "wrecked",
    [
        b"",
        b"\x00" * 300,
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"x" * 70_000,
    ],
    ids=["empty", "zeros", "half", "huge"],
)
def test_a_wrecked_key_file_is_refused_in_words_and_left_alone(
    tmp_path: Path, wrecked: bytes
) -> None:
    file = tmp_path / TRANSPORT_FILE_NAME
    file.write_bytes(wrecked)
    file.chmod(0o600)
    with pytest.raises(BrokenKeyFile, match="move it away"):
        open_transport_identity(tmp_path)
    assert file.read_bytes() == wrecked


def test_a_certificate_for_another_key_is_refused(tmp_path: Path) -> None:
    identity = open_transport_identity(tmp_path)
    stranger = ec.generate_private_key(ec.SECP256R1())
    write_key_file(tmp_path / TRANSPORT_FILE_NAME, stranger, identity.key_file.certificate)
    with pytest.raises(BrokenKeyFile, match="another key"):
        open_transport_identity(tmp_path)


def test_a_failed_write_leaves_the_old_key(tmp_path: Path) -> None:
    identity = open_transport_identity(tmp_path)
    # A folder in the way of the rename: the new file cannot take its place.
    blocked = tmp_path / "blocked"
    (blocked / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="irectory"):
        write_key_file(blocked, identity.key_file.private_key, identity.key_file.certificate)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["blocked", TRANSPORT_FILE_NAME]
    assert [each.name for each in blocked.iterdir()] == ["inside"]


def test_a_fingerprint_reads_back_as_people_write_it(tmp_path: Path) -> None:
    fingerprint = open_transport_identity(tmp_path).fingerprint
    shown = show_fingerprint(fingerprint)
    assert read_fingerprint(shown) == fingerprint
    assert read_fingerprint(shown.lower().replace(":", " ")) == fingerprint
    assert read_fingerprint(fingerprint.hex()) == fingerprint


@pytest.mark.parametrize("text", ["", "AB", "G" * 64, "00" * 31, "00" * 33, " " * 10_000])
def test_half_a_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(MalformedFingerprint, match="64 hex digits"):
        read_fingerprint(text)


def test_a_short_pin_is_refused() -> None:
    with pytest.raises(MalformedFingerprint, match="32 bytes"):
        client_pin(b"\x00" * 20)


def test_the_key_never_shows_in_a_log_line(tmp_path: Path) -> None:
    assert "private" not in repr(open_transport_identity(tmp_path)).lower()
