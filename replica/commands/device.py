"""The command `fieldlog device`: runs a worker's phone until it is told to stop.

Holds the loopback listener and what is printed. Invariant: but for colleagues' phones, where that
is asked for and over TLS alone, nothing but loopback is listened on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from aiohttp import web

from replica.clock import SystemClock
from replica.collecting import collecting_seldom
from replica.commandline import CommandError, port
from replica.device import Device
from replica.identity import IdentityError
from replica.listener import Listener
from replica.location.intake import attach_intake, location_secret
from replica.location.owntracks import owntracks_url
from replica.location.report import Crossing, Located, Report
from replica.meeting import Meetings
from replica.notifying import TermuxNotifier
from replica.occupied import FolderInUse, occupied
from replica.pairing import PairingError, check_address
from replica.screens.app import make_screens
from replica.screens.guard import first_link, load_secret
from replica.screens.notifications import tell_in
from replica.screens.port import EnrolmentRefused
from replica.store import StoreError
from replica.transport_security import TransportError


def configure(parser: argparse.ArgumentParser) -> None:
    """Run a worker's phone: its store, sync, auto logging and screens on this machine."""
    parser.add_argument(
        "--data", type=Path, default=Path("fieldlog-device"), help="where it keeps its files"
    )
    parser.add_argument("--port", type=port, default=8765, help="port of the screens, on loopback")
    parser.add_argument("--link", default="", help="join a site by the QR code's text")
    parser.add_argument("--code", default="", help="join a site by a typed code; needs --hub")
    parser.add_argument("--hub", default="", help="the hub's address, host:port")
    parser.add_argument(
        "--links", action="store_true",
        help="only say the links of the screens and for a location app",
    )  # fmt: skip
    parser.add_argument(
        "--meet-port", type=port, help="let colleagues' phones reach this one there (TLS)"
    )
    parser.add_argument(
        "--meet", action="append", default=[], type=meeting_address, metavar="HOST:PORT",
        help="look for a colleague's phone there, also with no hub; may be repeated",
    )  # fmt: skip
    parser.set_defaults(run=run)


def meeting_address(text: str) -> str:
    """Where a colleague's phone listens, as an argument's type."""
    try:
        check_address(text)
    except PairingError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no address of a phone; it should look like 10.0.0.5:8766"
        ) from error
    return text


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        if arguments.links:
            _say_links(arguments)
            return 0
        with occupied(arguments.data):
            asyncio.run(_serve(arguments))
    except (FolderInUse, IdentityError, StoreError, TransportError, EnrolmentRefused) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        if error.filename is None:
            raise
        raise CommandError(f"{error.filename} cannot be used: {error.strerror}") from error
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    secret = load_secret(arguments.data, os.urandom)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer") as executor:
        listen = None if arguments.meet_port is None else ("0.0.0.0", arguments.meet_port)
        device = Device(
            arguments.data,
            SystemClock(),
            os.urandom,
            executor,
            meetings=Meetings(listen, tuple(arguments.meet)),
        )
        async with device, contextlib.AsyncExitStack() as stack:
            if not device.worker and (arguments.link or arguments.code):
                await device.enrol(link=arguments.link, code=arguments.code, address=arguments.hub)
            app = device_app(device, secret)
            tell_in(app, TermuxNotifier(), f"http://127.0.0.1:{arguments.port}")
            runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            try:
                await Listener(runner, "127.0.0.1", arguments.port).start()
            except OSError as error:
                raise CommandError(
                    f"port {arguments.port} can't be listened on ({error.strerror}); is the "
                    "device running already, or choose another with --port"
                ) from error
            _say_links(arguments)
            print("Ctrl-C stops it.", flush=True)
            with collecting_seldom():
                await _until_told()


def _say_links(arguments: argparse.Namespace) -> None:
    secret = load_secret(arguments.data, os.urandom)
    print(f"Screens:   {first_link(arguments.data, os.urandom, arguments.port)}")
    print(f"OwnTracks: {owntracks_url(arguments.port)}/{location_secret(secret)}")


def device_app(device: Device, secret: bytes) -> web.Application:
    """The loopback application of a device: its screens under `secret`, and location intake."""
    app = make_screens(device)
    keep = partial(keep_report, device)
    attach_intake(app, location_secret(secret), keep, device.owntracks_commands)
    return app


async def keep_report(device: Device, report: Report) -> None:
    """Give what a location app reported to the phone; durable on return."""
    match report:
        case Located():
            await device.choices.hear_network(report.on_mobile_data)
            device.hear_location_app(report.app_mode)
            await device.take_fix(report.fix, report.battery_percent)
        case Crossing():
            await device.take_fix(report.fix)


async def _until_told() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()
