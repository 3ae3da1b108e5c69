"""`fieldlog phone-wheels`: gathers what phones install, for a hub to serve.

Holds the command's words. Invariant: whatever goes wrong is said with what to do about it, and what
was gathered before stays.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from hub.phone.gathering import GatheringFailed, gather
from hub.phone.lacking import FROM_TERMUX
from hub.phone.wheelhouse import FOLDER, KeptFile, newest
from replica.commandline import CommandError


def configure(parser: argparse.ArgumentParser) -> None:
    """Gather the program and its parts for phones, which the hub then serves without the internet.

    The hub may be running.
    """
    parser.description = (
        "Gather Fieldlog and its parts for phones: needs the internet once, or a folder that was "
        "filled elsewhere. The hub may be running; phones get what is new when their script is run "
        "again."
    )
    parser.add_argument(
        "--data", type=Path, default=Path("fieldlog-hub"), help="the folder that the hub keeps"
    )
    parser.add_argument(
        "--from", type=Path, dest="source", metavar="FOLDER",
        help="take the parts from here instead of the internet, such as another hub's phone/",
    )  # fmt: skip
    parser.add_argument(
        "--wheel", type=Path, metavar="FILE",
        help="Fieldlog's own wheel; without it one is made of the Fieldlog that runs here",
    )  # fmt: skip
    parser.add_argument(
        "--beside", type=Path, action="append", default=[], metavar="FILE",
        help="an app (.apk) or a package of Termux (.deb) for phones without the internet; may be "
        "repeated, and a folder gives all of its files",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Gather, and say what there is; raises CommandError with what is wrong."""
    data: Path = arguments.data
    if not data.is_dir():
        raise CommandError(f"{data} is not there; start the hub once, or name its folder by --data")
    beside = [each for path in arguments.beside for each in _files_at(path)]
    with tempfile.TemporaryDirectory(prefix="fieldlog-phone-") as workshop:
        try:
            kept = gather(
                data / FOLDER,
                Path(workshop),
                own=arguments.wheel,
                source=arguments.source,
                beside=beside,
                tell=lambda line: print(line, file=sys.stderr, flush=True),
            )
        except GatheringFailed as error:
            raise CommandError(str(error)) from error
    _say_what_there_is(kept)
    return 0


def _files_at(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(each for each in path.iterdir() if each.is_file())
    if not path.is_file():
        raise CommandError(f"{path} is not there")
    return [path]


def _say_what_there_is(kept: tuple[KeptFile, ...]) -> None:
    for each in kept:
        print(f"{each.size / 1024:8.0f} kB  {each.name}")
    own = newest(kept, "fieldlog")
    assert own is not None
    total = sum(each.size for each in kept) / 1_000_000
    print(f"Phones get Fieldlog {own.version}: {len(kept)} files, {total:.1f} MB.")
    print(f"{', '.join(sorted(FROM_TERMUX))} comes from Termux itself.")
