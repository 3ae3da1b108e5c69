"""`make blackbox`: a month offline on a real phone's disk, and what its hub makes of it.

Prints a line `name value unit` for each figure, and what went wrong in sentences. Invariant: the
exit code is 0 only where nothing did.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.blackbox import disk
from tests.blackbox.month import Size
from tests.blackbox.run import Month

# Beside the photos a file may come in only where 64 MiB are left.
DISK_BYTES = 700_000_000


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="make blackbox", description=__doc__)
    usual = Size()
    for name, words in (
        ("days", "days offline"),
        ("jobs", "jobs in all"),
        ("photos", "photos in all"),
        ("kills", "SIGKILLs in all"),
        ("kills-at-contact", "of these at the contact"),
        ("full-disks", "times that the disk runs full"),
        ("side", "points of a photo's side"),
    ):
        default = getattr(usual, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=int, default=default, help=words)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--disk-bytes", type=int, default=DISK_BYTES)
    arguments = parser.parse_args()
    disk.enter("tests.blackbox", sys.argv[1:])
    size = Size(**{name: getattr(arguments, name) for name in Size.__slots__})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        phone = root / "disk"
        kind = disk.mounted(phone, arguments.disk_bytes, root / "image")
        if not kind:
            print("# this machine mounts no small disk: the disk is never full", flush=True)
        month = Month(
            size,
            arguments.seed,
            root,
            phone / "phone",
            partial(disk.fill, phone) if kind else None,
            partial(disk.free, phone) if kind else None,
        )
        try:
            outcome = asyncio.run(month.run())
        except BaseException:
            log = root / "phone.log"
            print(log.read_text()[-3000:] if log.exists() else "", file=sys.stderr)
            raise
        finally:
            if kind:
                disk.unmounted(phone)
        print(f"# the phone's disk was {kind or 'the machine'}'s")
    for name, value, unit in outcome.figures:
        print(f"{name} {value:g} {unit}")
    for words in outcome.wrong[:40]:
        print(f"# {words}")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    gc.freeze()
    raise SystemExit(main())
