"""Wheels for tests: the parts that phones install, gathered once, and versions of Fieldlog.

Gathering needs the internet the first time; `tests/.cache` keeps what came. Invariant: what is kept
is what the command itself gathered.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import tomllib
import zipfile
from pathlib import Path

from hub.phone.own_wheel import record_row
from tests.journey.processes import FIELDLOG, ROOT

CACHE = ROOT / "tests" / ".cache" / "phone"


async def fieldlog(*words: object) -> str:
    """Run a command of Fieldlog; what it printed."""
    process = await asyncio.create_subprocess_exec(
        *FIELDLOG,
        *map(str, words),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    text, _ = await process.communicate()
    assert process.returncode == 0, text.decode()
    return text.decode()


async def gathered_parts() -> Path:
    """A folder of wheels for phones, gathered by `fieldlog phone-wheels` where it is not there yet.

    Made anew when what Fieldlog asks for, or how it is gathered, has changed.
    """
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    how = (ROOT / "hub" / "phone" / "gathering.py").read_text()
    digest = hashlib.sha256("\n".join([*asked, how]).encode())
    folder = CACHE / digest.hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        # Another process of the tests may be gathering.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "phone" / "list.json").exists():
            folder.mkdir(exist_ok=True)
            await fieldlog("phone-wheels", "--data", folder)
    return folder / "phone"


def as_version(wheel: Path, version: str, folder: Path, *, broken: bool = False) -> Path:
    """The same program under another version; a broken one fails when a device is run."""
    old = wheel.name.split("-")[1]
    target = folder / wheel.name.replace(f"-{old}-", f"-{version}-")
    rows = []
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith(".dist-info/RECORD"):
                continue
            name = name.replace(f"fieldlog-{old}.dist-info", f"fieldlog-{version}.dist-info")
            if name.endswith(".dist-info/METADATA"):
                data = data.replace(
                    f"\nVersion: {old}\n".encode(), f"\nVersion: {version}\n".encode()
                )
            if broken and name == "replica/device.py":
                data = data.replace(b"async def _open(self)", b"async def _opens_no_more(self)")
            made.writestr(name, data)
            rows.append(record_row(name, data))
        record = f"fieldlog-{version}.dist-info/RECORD"
        made.writestr(record, "\n".join([*rows, f"{record},,"]) + "\n")
    return target


def small_wheel(
    folder: Path, name: str, version: str = "1.0", *needs: str, tag: str = "py3-none-any"
) -> Path:
    """A small wheel that pip would install."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    asked = "".join(f"Requires-Dist: {each}\n" for each in needs)
    files = {
        f"{name}/__init__.py": f'"""{name}, of a test."""\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{asked}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    with zipfile.ZipFile(path, "w") as made:
        for where, text in files.items():
            made.writestr(where, text)
        rows = [record_row(where, text.encode()) for where, text in files.items()]
        made.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,", ""]))
    return path
