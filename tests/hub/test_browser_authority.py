"""The hub's own authority: a browser that installed its root trusts the hub, and nothing else."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from hub.browser_authority import (
    LEAF_DAYS,
    LEAF_FILE_NAME,
    RENEW_BEFORE_DAYS,
    ROOT_FILE_NAME,
    AuthorityError,
    BrowserAuthority,
    MalformedServerName,
    NameOutsideRoot,
    read_server_names,
    serve_replicas_too,
)
from replica.clock import SystemClock
from replica.listener import Listener
from replica.transport_security import (
    PEER_SERVER_NAME,
    BrokenKeyFile,
    client_pin,
    open_transport_identity,
    read_fingerprint,
    read_key_file,
    write_key_file,
)

DAY_MS = 24 * 60 * 60 * 1_000
NAMES = ("hub.local", "depot-pc", "127.0.0.1", "::1")


class Clock:
    """A clock that a test moves; it starts at the true time, which the TLS library goes by."""

    def __init__(self) -> None:
        self.ms = SystemClock().now_ms() // 1_000 * 1_000

    def __call__(self) -> int:
        return self.ms


@asynccontextmanager
async def listening(context: ssl.SSLContext) -> AsyncIterator[int]:
    """A real TLS listener on loopback that answers `here`; gives its port."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await Listener(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def browser_with(authority: BrowserAuthority) -> ssl.SSLContext:
    """What a browser trusts after its owner installed the hub's root, checked strictly."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.root_der)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


async def visit(port: int, name: str, context: ssl.SSLContext) -> bytes:
    """Connect to loopback as if to `name`; returns the certificate shown, in DER."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return shown


@pytest.mark.parametrize("name", NAMES)
async def test_a_browser_that_installed_the_root_trusts_the_hub_by_each_of_its_names(
    tmp_path: Path, name: str
) -> None:
    authority = BrowserAuthority(tmp_path, "Depot North", NAMES, Clock())
    async with listening(authority.server_context()) as port:
        await visit(port, name, browser_with(authority))


async def test_a_page_loads_over_it(tmp_path: Path) -> None:
    authority = BrowserAuthority(tmp_path, "Depot North", NAMES, Clock())
    async with (
        listening(authority.server_context()) as port,
        aiohttp.ClientSession() as client,
        client.get(f"https://127.0.0.1:{port}/", ssl=browser_with(authority)) as answer,
    ):
        assert await answer.text() == "here"


async def test_a_browser_without_the_root_or_by_another_name_does_not(tmp_path: Path) -> None:
    authority = BrowserAuthority(tmp_path / "one", "Depot North", NAMES, Clock())
    stranger = BrowserAuthority(tmp_path / "two", "Depot North", NAMES, Clock())
    async with listening(authority.server_context()) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await visit(port, "hub.local", browser_with(stranger))
        with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
            await visit(port, "other.local", browser_with(authority))


@pytest.mark.parametrize(
    ("name", "trusted"),
    [("bank.example", False), ("8.8.8.8", False), ("hub.local.example", False),
     ("another.local", True), ("10.9.8.7", True)],
)  # fmt: skip
async def test_the_roots_stolen_key_opens_nothing_outside_its_network(
    tmp_path: Path, name: str, trusted: bool
) -> None:
    authority = BrowserAuthority(tmp_path, "Depot North", NAMES, Clock())
    root = read_key_file(tmp_path / ROOT_FILE_NAME)
    thief_key = ec.generate_private_key(ec.SECP256R1())
    names, addresses = read_server_names([name])
    now = datetime.datetime.fromtimestamp(Clock().ms / 1_000, tz=datetime.UTC)
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(root.certificate.subject)
        .public_key(thief_key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [*map(x509.DNSName, names), *map(x509.IPAddress, addresses)]
            ),
            critical=True,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.private_key.public_key()),
            critical=False,
        )
        .sign(root.private_key, hashes.SHA256())
    )
    write_key_file(tmp_path / "forged.pem", thief_key, forged)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "forged.pem")
    async with listening(context) as port:
        if trusted:
            await visit(port, name, browser_with(authority))
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
                await visit(port, name, browser_with(authority))


async def test_a_renewal_is_shown_to_the_next_browser_without_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    authority = BrowserAuthority(tmp_path, "Depot North", NAMES, clock)
    async with listening(authority.server_context()) as port:
        before = await visit(port, "hub.local", browser_with(authority))
        clock.ms += (LEAF_DAYS - 2 - RENEW_BEFORE_DAYS) * DAY_MS
        assert not authority.renew_if_due()
        clock.ms += DAY_MS
        assert authority.renew_if_due()
        assert not authority.renew_if_due()
        # The new certificate begins in what is the future for the TLS library: look, don't judge.
        looking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        looking.check_hostname, looking.verify_mode = False, ssl.CERT_NONE
        after = x509.load_der_x509_certificate(await visit(port, "hub.local", looking))
    assert after != x509.load_der_x509_certificate(before)
    after.verify_directly_issued_by(read_key_file(tmp_path / ROOT_FILE_NAME).certificate)
    assert authority.leaf_valid_until_ms > clock.ms + 390 * DAY_MS


def test_the_root_survives_a_restart_and_the_leaf_too(tmp_path: Path) -> None:
    clock = Clock()
    first = BrowserAuthority(tmp_path, "Depot North", NAMES, clock)
    leaf = (tmp_path / LEAF_FILE_NAME).read_bytes()
    second = BrowserAuthority(tmp_path, "Depot North", NAMES, clock)
    assert second.root_der == first.root_der
    assert (tmp_path / LEAF_FILE_NAME).read_bytes() == leaf
    for name in (ROOT_FILE_NAME, LEAF_FILE_NAME):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", ["names", "time", "root"])
def test_a_leaf_that_no_longer_fits_is_made_anew_under_the_same_root(
    tmp_path: Path, change: str
) -> None:
    clock = Clock()
    first = BrowserAuthority(tmp_path, "Depot North", NAMES, clock)
    leaf = (tmp_path / LEAF_FILE_NAME).read_bytes()
    if change == "time":
        clock.ms += LEAF_DAYS * DAY_MS
    if change == "root":
        (tmp_path / ROOT_FILE_NAME).unlink()
    names = (*NAMES, "192.168.7.7") if change == "names" else NAMES
    second = BrowserAuthority(tmp_path, "Depot North", names, clock)
    assert (tmp_path / LEAF_FILE_NAME).read_bytes() != leaf
    assert (second.root_der == first.root_der) == (change != "root")


def test_no_leaf_outlives_its_root(tmp_path: Path) -> None:
    clock = Clock()
    BrowserAuthority(tmp_path, "Depot North", NAMES, clock)
    root = read_key_file(tmp_path / ROOT_FILE_NAME).certificate
    clock.ms = int(root.not_valid_after_utc.timestamp() - 100 * 24 * 3600) * 1_000
    authority = BrowserAuthority(tmp_path, "Depot North", NAMES, clock)
    assert authority.leaf_valid_until_ms <= root.not_valid_after_utc.timestamp() * 1_000
    clock.ms += 101 * DAY_MS
    with pytest.raises(AuthorityError, match="run out"):
        BrowserAuthority(tmp_path, "Depot North", NAMES, clock)


@pytest.mark.parametrize("name", ["dispatch.example.org", "203.0.113.9", "2001:db8::1", "other-pc"])
def test_a_name_that_the_installed_root_forbids_is_refused_in_words(
    tmp_path: Path, name: str
) -> None:
    clock = Clock()
    BrowserAuthority(tmp_path, "Depot North", NAMES, clock)
    leaf = (tmp_path / LEAF_FILE_NAME).read_bytes()
    with pytest.raises(NameOutsideRoot, match=name):
        BrowserAuthority(tmp_path, "Depot North", [*NAMES, name], clock)
    assert (tmp_path / LEAF_FILE_NAME).read_bytes() == leaf
    BrowserAuthority(tmp_path / "new root", "Depot North", [*NAMES, name], clock)


@pytest.mark.parametrize(
    "name",
    ["", "two words", "-x", "a..b", "*.local", "256.1.1.1", "x" * 300, "hub:8443", "http://x"],
)
def test_a_name_that_no_browser_could_use_is_refused(name: str) -> None:
    with pytest.raises(MalformedServerName, match="neither"):
        read_server_names([name])


def test_a_hub_without_names_or_with_a_phone_book_of_them_is_refused() -> None:
    with pytest.raises(MalformedServerName, match="1 to 64"):
        read_server_names([])
    with pytest.raises(MalformedServerName, match="1 to 64"):
        read_server_names(f"h{number}.local" for number in range(65))


def test_names_are_read_as_people_write_them() -> None:
    names, addresses = read_server_names(
        ["HUB.local.", "hub.local", "[fe80::1%eth0]", " 10.0.0.1 "]
    )
    assert names == ("hub.local",)
    assert [str(each) for each in addresses] == ["fe80::1", "10.0.0.1"]


def test_a_wrecked_root_is_refused_and_not_replaced(tmp_path: Path) -> None:
    BrowserAuthority(tmp_path, "Depot North", NAMES, Clock())
    path = tmp_path / ROOT_FILE_NAME
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BrokenKeyFile, match="move it away"):
        BrowserAuthority(tmp_path, "Depot North", NAMES, Clock())


def test_the_notice_lets_people_compare_what_they_install(tmp_path: Path) -> None:
    authority = BrowserAuthority(tmp_path, "Depot North", NAMES, Clock())
    shown = authority.root_notice.split("fingerprint is ")[1].split(".")[0]
    installed = x509.load_pem_x509_certificate(authority.root_pem)
    assert installed == x509.load_der_x509_certificate(authority.root_der)
    assert read_fingerprint(shown) == installed.fingerprint(hashes.SHA256())


async def test_one_port_serves_browsers_by_the_root_and_replicas_by_the_pin(
    tmp_path: Path,
) -> None:
    authority = BrowserAuthority(tmp_path, "Depot North", NAMES, Clock())
    identity = open_transport_identity(tmp_path)
    context = authority.server_context()
    serve_replicas_too(context, identity.server_context())
    async with listening(context) as port, aiohttp.ClientSession() as client:
        url = f"https://127.0.0.1:{port}/"
        async with client.get(url, ssl=browser_with(authority)) as answer:
            assert answer.status == 200
        pin = client_pin(identity.fingerprint)
        async with client.get(url, ssl=pin, server_hostname=PEER_SERVER_NAME) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await client.get(url, ssl=pin, server_hostname="hub.local")
