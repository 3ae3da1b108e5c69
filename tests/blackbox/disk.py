"""A small disk of its own for one run, so that it can be filled to the last byte.

An ext4 file system in a file, where the machine lets this process mount one, else one in memory in
a name space of its own; the system takes it away with the last process that sees it. Holds no
phone. Invariant: what `filled` wrote is all that `freed` takes away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

# The name under which a process knows that it has a name space of its own.
INSIDE = "BLACKBOX_INSIDE"
FILLER = "filler"


def enter(module: str, arguments: list[str]) -> None:
    """Run `module` again where it may mount; returns only where that can't be, or is so already."""
    if os.environ.get(INSIDE) or shutil.which("unshare") is None:
        return
    for how in (["unshare", "-m"], ["unshare", "-rm"]):
        if subprocess.run([*how, "true"], capture_output=True, check=False).returncode == 0:
            command = [*how, sys.executable, "-m", module, *arguments]
            os.execvpe(command[0], command, {**os.environ, INSIDE: "yes"})


def mounted(folder: Path, size: int, image: Path) -> str:
    """Mount a disk of `size` bytes at `folder`: 'ext4', 'tmpfs', or '' where neither can be."""
    if not os.environ.get(INSIDE):
        return ""
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    # No journal lies about room, and nothing is kept back for root.
    made = ["mkfs.ext4", "-q", "-m", "0", str(image)]
    ways = {
        "ext4": [made, ["mount", "-o", "loop", str(image), str(folder)]],
        "tmpfs": [["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]],
    }
    for name, commands in ways.items():
        try:
            done = [
                subprocess.run(each, capture_output=True, check=False).returncode
                for each in commands
            ]
        except FileNotFoundError:
            continue
        if not any(done):
            return name
    return ""


def unmounted(folder: Path) -> None:
    """Take the disk away again; what still lies on it goes with its image."""
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


def fill(folder: Path) -> None:
    """Leave no byte of the disk that `folder` lies on."""
    with (folder / FILLER).open("ab", buffering=0) as file:
        for size in (1 << 24, 1 << 20, 1 << 16, 1 << 12, 1 << 9):
            with contextlib.suppress(OSError):
                while True:
                    _write(file.fileno(), size)
        os.fsync(file.fileno())


def _write(descriptor: int, size: int) -> None:
    if os.write(descriptor, bytes(size)) < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def free(folder: Path) -> None:
    """Take away what filled it."""
    (folder / FILLER).unlink(missing_ok=True)
