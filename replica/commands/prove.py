"""The command `fieldlog prove`: writes a bundle that anybody can check who has the site's key.

Holds the command's words. Reads the store beside the program that may be running on it.
Invariant: a bundle that was written holds; where none can be made, no file is.
"""

from __future__ import annotations

import argparse
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

from core.dispatch.acts import SITE_STREAM
from replica.clock import SystemClock
from replica.commandline import CommandError
from replica.identity import Identity, IdentityError, load_identity, write_private
from replica.proving import (
    ProvingError,
    days_with,
    find_day,
    find_job,
    find_worker,
    make_bundle,
    reading,
    tracks_beside,
    workers_in,
)
from replica.store import STORE_FILE

_BESIDE = "A hub or phone that runs on the folder need not be stopped."

Choose = Callable[[sqlite3.Connection, argparse.Namespace], list[bytes]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Write the provable history of a job or of a worker's day, for `fieldlog verify`."""
    commands = parser.add_subparsers(title="what to prove", metavar="{job,worker-day,site-key}")
    job = commands.add_parser(
        "job",
        help="a job's history",
        description=f"Write a job's whole history with its proofs. {_BESIDE}",
    )
    job.add_argument("job", metavar="JOB", help="its number, such as A-17, or its id")
    job.add_argument(
        "--with-days", action="store_true", help="add the workers' days with time on this job"
    )
    _add_common(job, _choose_job)
    day = commands.add_parser(
        "worker-day",
        help="a worker's day: time logs, duty, track",
        description=f"Write a worker's whole day with its proofs. {_BESIDE}",
    )
    day.add_argument("worker", metavar="WORKER", help="the worker's name or id")
    day.add_argument("date", metavar="DATE", help="the local day, such as 2026-11-23")
    _add_common(day, _choose_day)
    key = commands.add_parser(
        "site-key",
        help="show the site's public key, by which bundles are checked",
        description=(
            "Show the site's public key. Whoever checks a bundle needs it, and must get it from "
            "you, not with the bundle: read it out, print it, or put it on your web site."
        ),
    )
    _add_folder(key)
    key.set_defaults(run=run_site_key)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FOLDER", help="the hub's or phone's folder"
    )


def _add_common(parser: argparse.ArgumentParser, choose: Choose) -> None:
    _add_folder(parser)
    parser.add_argument(
        "--to", type=Path, required=True, metavar="FILE", help="where to write the bundle"
    )
    parser.add_argument(
        "--with-names",
        action="store_true",
        help="add who the workers are: their names, and their phones and notes with them",
    )
    parser.add_argument(
        "--with-site",
        action="store_true",
        help="add the site's own history, which proves revocations and names every phone",
    )
    parser.set_defaults(run=run, choose=choose)


def _choose_job(db: sqlite3.Connection, arguments: argparse.Namespace) -> list[bytes]:
    job = find_job(db, arguments.job)
    days = days_with(db, job) if arguments.with_days else []
    return [job, *days, *tracks_beside(db, days)]


def _choose_day(db: sqlite3.Connection, arguments: argparse.Namespace) -> list[bytes]:
    worker = find_worker(db, arguments.worker)
    day = find_day(db, worker, arguments.date)
    return [day, *tracks_beside(db, [day])]


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle and say what it holds."""
    identity = _identity(arguments.data)
    target: Path = arguments.to
    store = arguments.data / STORE_FILE
    if not store.is_file():
        raise CommandError(f"there is no store in {arguments.data}; give a hub's or phone's folder")
    if target.exists():
        raise CommandError(f"{target} is there already; choose another file with --to")
    try:
        with reading(store) as db:
            streams = arguments.choose(db, arguments)
            if arguments.with_names:
                streams += workers_in(db, streams)
            if arguments.with_site:
                streams.append(SITE_STREAM)
            data, proven = make_bundle(db, identity, streams, SystemClock().now_ms())
    except ProvingError as error:
        raise CommandError(str(error)) from error
    except sqlite3.Error as error:
        raise CommandError(f"the store in {arguments.data} cannot be read: {error}") from error
    try:
        write_private(target, data)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror or error}") from error
    count = sum(len(stream.entries) for stream in proven.streams)
    streams_count = len(proven.streams)
    print(f"{target}: entries {count:,}, streams {streams_count:,}, bytes {len(data):,}")
    for doubt in proven.doubts:
        print(f"In doubt: {doubt.kind}: {doubt.words}")
    print(f"Check it:  fieldlog verify {shlex.quote(str(target))} --site {identity.site.hex()}")
    return 0


def run_site_key(arguments: argparse.Namespace) -> int:
    """Show the key on one line, so that it can be put into a file as it is."""
    print(_identity(arguments.data).site.hex())
    return 0


def _identity(folder: Path) -> Identity:
    try:
        identity = load_identity(folder)
    except IdentityError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{folder} cannot be read: {error.strerror or error}") from error
    if identity is None:
        raise CommandError(f"{folder} is no folder of a hub or phone that joined a site")
    return identity
