"""A folder that a phone's Termux could be: a Python of its own under `$PREFIX`, and a `$HOME`.

The interpreter is a real one with its own library, whose packages are what Termux gives and nothing
else: pip, and `cryptography` with what that needs. Programs run as on the phone, by `sh`, and find
none of this machine's settings of pip. Holds no assertions. Invariant: nothing outside its folder
is written.

What is not so on a phone: the processor, the system's library and kernel, and Android above them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.journey.processes import free_port

GIVEN = ("pip", "cryptography", "cffi", "pycparser", "_cffi_backend")
SAID_S_MAX = 100.0


@dataclass(frozen=True)
class _Python:
    """An interpreter of this machine: its program, name, library, and packages beside it."""

    program: Path
    name: str
    library: Path
    packages: Path

    @classmethod
    def of(cls, path: str) -> _Python:
        asking = (
            "import os, sys, sysconfig; paths = sysconfig.get_paths(); "
            "print(os.path.realpath(sys._base_executable)); "
            "print('python%d.%d' % sys.version_info[:2]); "
            "print(paths['stdlib']); print(paths['purelib'])"
        )
        said = subprocess.run([path, "-c", asking], check=True, capture_output=True, text=True)
        program, name, library, packages = said.stdout.splitlines()
        return cls(Path(program), name, Path(library), Path(packages))


@dataclass(frozen=True)
class Said:
    """What a program said, and its exit code."""

    code: int
    text: str


ANOTHER_PYTHON = "FIELDLOG_PHONE_PYTHON"
"""Names the interpreter of an environment with `cryptography` that phones are to have instead."""

# What Termux has for Android alone: here it only notes that it was called, and with what.
CALLED = ("termux-wake-lock", "termux-wake-unlock", "termux-open-url")


class Termux:
    """An empty phone in `folder`, with the Python that runs the tests or `ANOTHER_PYTHON`."""

    def __init__(self, folder: Path) -> None:
        self.prefix, self.home = folder / "usr", folder / "home"
        self.calls = folder / "calls.txt"
        self.port = free_port()
        self.programs = self.prefix / "bin"
        for each in (self.programs, self.home, self.prefix / "tmp"):
            each.mkdir(parents=True)
        self._put_python()
        for name, path in (("sh", "/bin/sh"), ("curl", shutil.which("curl"))):
            assert path is not None, f"{name} is missing on this machine"
            (self.programs / name).symlink_to(path)
        for name in CALLED:
            program = self.programs / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.calls}"\n')
            program.chmod(0o755)

    def _put_python(self) -> None:
        python = _Python.of(os.environ.get(ANOTHER_PYTHON, sys.executable))
        # A copy: a link would lead the interpreter to the packages that lie beside the real one.
        shutil.copy(python.program, self.programs / python.name)
        (self.programs / "python").symlink_to(python.name)
        library = self.prefix / "lib" / python.name
        library.mkdir(parents=True)
        for each in python.library.iterdir():
            if each.name not in ("site-packages", "dist-packages"):
                (library / each.name).symlink_to(each)
        self.packages = library / "site-packages"
        self.packages.mkdir()
        for each in python.packages.iterdir():
            if each.name.split(".")[0].split("-")[0] in GIVEN:
                (self.packages / each.name).symlink_to(each)

    @property
    def environment(self) -> dict[str, str]:
        """What Termux sets, and settings of pip that would lead elsewhere if they were heeded."""
        return {
            "PREFIX": str(self.prefix),
            "HOME": str(self.home),
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "TMPDIR": str(self.prefix / "tmp"),
            "LANG": "C.UTF-8",
            "FIELDLOG_PORT": str(self.port),
            "PIP_INDEX_URL": "https://127.0.0.1:9/nowhere/",
            "PIP_EXTRA_INDEX_URL": "https://127.0.0.1:9/nowhere/",
        }

    async def run(self, *words: str) -> Said:
        """Run a program of the phone to its end."""
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=self.home,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        # A file, not a pipe, would be needed for what goes on in the background: that has its own.
        text, _ = await asyncio.wait_for(process.communicate(), SAID_S_MAX)
        assert process.returncode is not None
        return Said(process.returncode, text.decode())

    async def type(self, line: str) -> Said:
        """Type a line into Termux."""
        return await self.run(str(self.programs / "sh"), "-c", line)

    def running(self) -> list[int]:
        """The processes of this phone, by number."""
        found = []
        mark = f"HOME={self.home}".encode()
        for each in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (each / "environ").read_bytes().split(b"\0"):
                    found.append(int(each.name))
        return sorted(found)

    def switch_off(self) -> None:
        """End whatever runs, as a battery that is taken out does."""
        # What watches over the program may start it again in between.
        while found := self.running():
            for number in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
