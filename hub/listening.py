"""How a hub listens: one port, and how long a connection may be silent.

Holds no pages and no certificates. Invariant: a connection whose next request has not begun is hung
up on. Whoever sends the head of a request and then nothing is not (`web.AppRunner` has no limit).
"""

from __future__ import annotations

import contextlib
import resource
import ssl

from aiohttp import web

from replica.commandline import CommandError
from replica.listener import Listener

IDLE_S_MAX = 30.0
"""A connection that has not sent a request's head for so long is closed; browsers open it anew."""


def runner_of(app: web.Application, idle_s_max: float = IDLE_S_MAX) -> web.AppRunner:
    """What carries an application's connections, wherever they come from."""
    return web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=2,
        keepalive_timeout=idle_s_max,
    )


async def listen(
    stack: contextlib.AsyncExitStack,
    app: web.Application,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    *,
    idle_s_max: float = IDLE_S_MAX,
) -> int:
    """Answer on a port until `stack` closes; returns the port, the system's choice for 0.

    Raises:
        CommandError: the port is not to be had.
    """
    runner = runner_of(app, idle_s_max)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await Listener(runner, host, port, ssl_context=tls).start()
    except OSError as error:
        raise CommandError(
            f"port {port} on {host} can't be listened on ({error.strerror}); is another hub "
            "running, or choose another with --port or --local-port"
        ) from error
    return int(runner.addresses[0][1])


def allow_many_connections() -> None:
    """Raise the limit of open files as far as the system lets a process do it by itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
