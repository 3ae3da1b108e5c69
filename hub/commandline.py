"""The command `fieldlog hub`: runs a hub until it is told to stop.

Holds the listeners and what is printed. Invariant: off the machine itself only TLS is spoken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hub.app import make_app
from hub.browser_authority import AuthorityError, BrowserAuthority, serve_replicas_too
from hub.browser_sessions import SessionFileError
from hub.commands.site_key import add_secret, secret_of
from hub.discovery import HubAnnouncement
from hub.hub import Hub
from hub.hub_sessions import HubSessions
from hub.listening import allow_many_connections, listen
from hub.map.region import open_region
from hub.one_time_links import set_up_token
from hub.site_key import SiteKeyLocked
from replica.clock import SystemClock
from replica.collecting import collecting_seldom
from replica.commandline import CommandError, port
from replica.identity import IdentityError
from replica.occupied import FolderInUse, occupied
from replica.store import StoreError
from replica.transport_security import TransportError, show_fingerprint


def configure(parser: argparse.ArgumentParser) -> None:
    """Run a hub: the dispatchers' pages, and sync for phones and other hubs."""
    parser.add_argument(
        "--data", type=Path, default=Path("fieldlog-hub"), help="where it keeps its files"
    )
    parser.add_argument("--host", default="0.0.0.0", help="address for phones and browsers (TLS)")
    parser.add_argument("--port", type=port, default=8443, help="port for phones and browsers")
    parser.add_argument("--local-port", type=port, default=8080, help="plain HTTP on this machine")
    parser.add_argument("--name", action="append", default=[], help="a name or address of the hub")
    parser.add_argument("--letter", type=letter, default="A", help="stands in its job numbers")
    parser.add_argument("--no-announce", action="store_true", help="stay silent on the network")
    add_secret(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        with occupied(arguments.data):
            asyncio.run(_serve(arguments))
    except (FolderInUse, IdentityError, SessionFileError, StoreError, TransportError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        if error.filename is None:
            raise
        raise CommandError(f"{error.filename} cannot be used: {error.strerror}") from error
    return 0


def letter(text: str) -> str:
    """A hub's letter, as an argument's type."""
    if len(text) != 1 or not ("A" <= text <= "Z"):
        raise argparse.ArgumentTypeError("the hub's letter is one of A to Z")
    return text


def own_addresses() -> list[str]:
    """The addresses of this machine that others may reach, the likeliest first."""
    found: list[str] = []
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: connecting a datagram socket only chooses the way out.
        probe.connect(("192.0.2.1", 9))
        found.append(probe.getsockname()[0])
    found.append("127.0.0.1")
    return list(dict.fromkeys(found))


async def _serve(arguments: argparse.Namespace) -> None:
    addresses = own_addresses() if arguments.host in ("0.0.0.0", "::") else [arguments.host]
    names = [*arguments.name, *addresses, "localhost", f"{socket.gethostname()}.local"]
    reachable = tuple(f"{name}:{arguments.port}" for name in [*arguments.name, *addresses])
    clock = SystemClock()
    allow_many_connections()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer") as executor:
        hub = _opened(arguments, clock, executor, reachable)
        async with hub, contextlib.AsyncExitStack() as stack:
            hub.region = open_region(arguments.data / "map")
            if hub.region is not None:
                stack.callback(hub.region.close)
            secure = _tls(hub, names)
            host_names = frozenset(name.lower() for name in names)
            await listen(
                stack, make_app(hub, secure=True, host_names=host_names), arguments.host,
                arguments.port, secure,
            )  # fmt: skip
            local = make_app(hub, secure=False, host_names=host_names)
            await listen(stack, local, "127.0.0.1", arguments.local_port, None)
            hub.hub_sessions = await stack.enter_async_context(_hub_sessions(hub, reachable))
            if not arguments.no_announce:
                await stack.enter_async_context(_announced(hub, addresses, arguments.port))
            await _say_hello(hub, arguments, reachable)
            with collecting_seldom():
                await _until_told()
            print("Stopping.", flush=True)


def _opened(
    arguments: argparse.Namespace,
    clock: SystemClock,
    executor: ThreadPoolExecutor,
    reachable: tuple[str, ...],
) -> Hub:
    """The hub; the site's key is asked for only where a copied hub needs it and it is locked."""
    letter = arguments.letter
    try:
        return Hub(arguments.data, clock, os.urandom, executor, reachable, letter)
    except SiteKeyLocked:
        secret = secret_of(arguments, arguments.data)
        return Hub(arguments.data, clock, os.urandom, executor, reachable, letter, secret)


def _tls(hub: Hub, names: list[str]) -> ssl.SSLContext:
    try:
        authority = BrowserAuthority(hub.folder, "Fieldlog hub", names, hub.clock.now_ms)
    except AuthorityError as error:
        raise CommandError(str(error)) from error
    hub.browser_authority = authority
    context = authority.server_context()
    serve_replicas_too(context, hub.transport.server_context())
    return context


def _hub_sessions(hub: Hub, reachable: tuple[str, ...]) -> HubSessions:
    return HubSessions(
        hub.writer,
        reachable,
        is_here=lambda author: author in hub.conversations,
        changed=lambda: hub.feed.publish("sync", ()),
    )


def _announced(hub: Hub, addresses: list[str], port: int) -> HubAnnouncement:
    return HubAnnouncement(
        f"Fieldlog {socket.gethostname()}",
        addresses,
        port,
        site=hub.replica.site,
        fingerprint=hub.transport.fingerprint,
    )


async def _say_hello(hub: Hub, arguments: argparse.Namespace, reachable: tuple[str, ...]) -> None:
    local = f"http://127.0.0.1:{arguments.local_port}"
    letter = hub.replica.subject.decode("ascii", "replace")
    print(f"Hub {letter} of site {hub.replica.site.hex()[:12]} in {hub.folder}")
    print(f"Pages on this machine:  {local}/")
    print(f"Phones and browsers:    {', '.join(f'https://{address}/' for address in reachable)}")
    if hub.browser_authority is not None:
        # What a browser's install page asks to be compared with.
        root = show_fingerprint(hub.browser_authority.root_fingerprint)
        print(f"Root certificate:       SHA-256 {root}")
    if await hub.reader.row("SELECT 1 FROM account LIMIT 1") is None:
        token = set_up_token(hub.sessions.form_secret, hub.clock.now_ms())
        print(f"Set this hub up:        {local}/set-up/{token}")
    print("Ctrl-C stops it.", flush=True)


async def _until_told() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()
