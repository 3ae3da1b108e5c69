"""The command `fieldlog demo`: a live site on this machine, ready in a browser."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path

from replica.commandline import CommandError, port
from replica.occupied import FolderInUse
from simulator.fleet.demo import ACCOUNT, PASSWORD, Demo, Plan
from simulator.scenario.shipped import shipped


def configure(parser: argparse.ArgumentParser) -> None:
    """Show a live site on this machine: a hub, phones on real roads, a day of work."""
    parser.add_argument(
        "--data", type=Path, default=Path(".fieldlog/demo"), help="where the site keeps its files"
    )
    site = shipped("demo").site
    jobs = site.phones * site.jobs_per_phone
    parser.add_argument("--phones", type=int, default=site.phones, help="how many workers")
    parser.add_argument("--jobs", type=int, default=jobs, help="how many jobs a day")
    parser.add_argument(
        "--speed", type=float, default=2.0, help="how many times as fast as the clock"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another site")
    parser.add_argument("--port", type=port, default=8443, help="where the phones sync (TLS)")
    parser.add_argument("--local-port", type=port, default=8080, help="where the pages are")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C."""
    if not 1 <= arguments.phones <= 200:
        raise CommandError("--phones lies between 1 and 200")
    if not 1 <= arguments.jobs <= 2_000:
        raise CommandError("--jobs lies between 1 and 2000")
    if not 0.1 <= arguments.speed <= 60:
        raise CommandError("--speed lies between 0.1 and 60")
    plan = Plan(
        arguments.data,
        arguments.port,
        arguments.local_port,
        arguments.phones,
        arguments.jobs,
        arguments.speed,
        arguments.seed,
    )
    return asyncio.run(_run(plan))


async def _run(plan: Plan) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    try:
        async with Demo(plan, _say) as demo:
            running = loop.create_task(demo.run())
            stopping = loop.create_task(stop.wait())
            _say("")
            _say(f"  Board:    http://127.0.0.1:{plan.local_port}/")
            _say(f"  Sign in:  {ACCOUNT}   password: {PASSWORD}")
            _say("  Ctrl-C stops it; the next start goes on from there.")
            _say("")
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in (running, stopping):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            _say("Stopping.")
    except FolderInUse as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"a port can't be listened on ({error.strerror}); is another demo or hub running? "
            "Choose others with --port and --local-port"
        ) from error
    return 0


def _say(line: str) -> None:
    print(line, flush=True)
