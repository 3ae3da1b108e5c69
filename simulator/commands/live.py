"""The command `fieldlog simulate live`: many phones and dispatchers against a running hub."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path

from replica.clock import SystemClock
from replica.commandline import CommandError
from simulator.commands.recording import leave_folder, make_folder, write_report
from simulator.live.fleets import FleetError
from simulator.live.judging import record_of
from simulator.live.office import PageError
from simulator.live.progress import show_progress
from simulator.live.run import LiveRun, Plan, usual_processes
from simulator.live.target import TargetError
from simulator.report.record import Record
from simulator.scenario.reading import ScenarioError
from simulator.scenario.scenario import Scenario
from simulator.scenario.shipped import scenario_of

USUAL = "quiet day"
PHONES_MAX = 20_000
HOLD_S_MAX = 86_400.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Drive real phones and dispatchers against a running hub, and report how it held."""
    parser.add_argument("hub", help="the hub's address for phones: HOST:PORT, TLS")
    parser.add_argument("scenario", nargs="?", default="", help="a shipped scenario, or a file")
    parser.add_argument(
        "--account", required=True, help="who signs in there: an administrator or a dispatcher"
    )
    parser.add_argument(
        "--password-file", type=Path, help="where the password stands; else it is asked for"
    )
    parser.add_argument("--fingerprint", default="", help="of the hub's certificate, if known")
    parser.add_argument("--phones", type=int, help="how many, in place of the scenario's")
    parser.add_argument("--hold", type=float, help="seconds at work, in place of the scenario's")
    parser.add_argument("--taps", type=float, help="taps a minute of a worker")
    parser.add_argument(
        "--processes", type=int, default=usual_processes(), help="that hold the phones"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another day")
    parser.add_argument("--page", type=int, default=0, help="show a page of it on this port")
    parser.add_argument("--report", type=Path, help="a folder for report.html and report.json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run; 1 if the verdict is failed."""
    scenario = _scenario(arguments)
    plan = Plan(
        arguments.hub,
        arguments.account,
        _password(arguments.password_file),
        scenario,
        arguments.processes,
        arguments.seed,
        arguments.fingerprint,
    )
    if arguments.report is not None:
        make_folder(arguments.report)
    try:
        record = asyncio.run(_live(plan, arguments.page))
    except (TargetError, PageError, FleetError) as error:
        if arguments.report is not None:
            leave_folder(arguments.report)
        raise CommandError(str(error)) from error
    _tell(record)
    if arguments.report is not None:
        for path in write_report(arguments.report, record):
            print(f"report: {path}")
    return 0 if record.passed else 1


def _scenario(arguments: argparse.Namespace) -> Scenario:
    try:
        scenario = scenario_of(arguments.scenario or USUAL)
    except ScenarioError as error:
        raise CommandError(str(error)) from error
    live = scenario.live
    if arguments.phones is not None:
        if not 1 <= arguments.phones <= PHONES_MAX:
            raise CommandError(f"--phones lies between 1 and {PHONES_MAX:,}")
        live = replace(live, phones=arguments.phones)
    if arguments.hold is not None:
        if not 1 <= arguments.hold <= HOLD_S_MAX:
            raise CommandError(f"--hold lies between 1 and {HOLD_S_MAX:.0f} seconds")
        live = replace(live, hold_s=arguments.hold)
    if arguments.taps is not None:
        if not 0 <= arguments.taps <= 600:
            raise CommandError("--taps lies between 0 and 600 a minute")
        live = replace(live, taps_per_min=arguments.taps)
    if not 1 <= arguments.processes <= 64:
        raise CommandError("--processes lies between 1 and 64")
    return replace(scenario, live=live)


def _password(path: Path | None) -> str:
    if path is None:
        if not sys.stdin.isatty():
            raise CommandError("nobody is here to type the password; give --password-file")
        return getpass("Password: ")
    try:
        return path.read_text("utf-8").strip("\n")
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}") from error


async def _live(plan: Plan, page_port: int) -> Record:
    """Run to the end, or until Ctrl-C, which ends it in good order and reports what there was."""
    loop, began_ms = asyncio.get_running_loop(), SystemClock().now_ms()
    began_s = loop.time()
    live = LiveRun(plan, _say)
    running = loop.create_task(live.run())
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, running.cancel)
    showing = loop.create_task(show_progress(live, page_port, _say))
    try:
        await running
    except asyncio.CancelledError:
        _say("Broken off: the report says what there was until then.")
    finally:
        showing.cancel()
        await asyncio.wait([showing])
    began = datetime.fromtimestamp(began_ms / 1_000, UTC).isoformat(timespec="seconds")
    return record_of(live, began, loop.time() - began_s, shlex.join(["fieldlog", *sys.argv[1:]]))


def _say(words: str) -> None:
    # The line of progress is overwritten, not gone on with.
    print(f"\r\x1b[K{words}" if sys.stdout.isatty() else words, flush=True)


def _tell(record: Record) -> None:
    for figure in record.figures:
        goal = "" if not figure.goal else f"  ({figure.goal}: {'yes' if figure.reached else 'NO'})"
        print(f"simulate_live_{figure.name} {figure.value:g} {figure.unit}{goal}")
    for finding in record.findings:
        print(f"{finding.level}: {finding.words}")
        if finding.cause and finding.level == "failed":
            print(f"  {finding.cause}")
    print("passed" if record.passed else "FAILED", flush=True)
