"""What the script for phones says where something is missing or wrong; nothing is left half-done.

A real hub over TLS, under the certificate that browsers see; the script is run by `sh`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from hub.app import make_app
from hub.browser_authority import BrowserAuthority
from hub.listening import listen
from hub.phone.script import install_line, script_of
from hub.phone.wheelhouse import FOLDER, keep
from replica.clock import SystemClock
from tests.build import SettableClock
from tests.running import HubAtWork, running_hub
from tests.termux import Termux
from tests.wheels import small_wheel


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Termux]:
    found = Termux(tmp_path / "phone")
    yield found
    found.switch_off()


@asynccontextmanager
async def hub_for_phones(
    folder: Path, seed: str = "hub", port: int = 0
) -> AsyncIterator[HubAtWork]:
    """A hub that shows browsers and phones a certificate of its own authority."""
    clock = SettableClock(wall_ms=SystemClock().now_ms())
    async with running_hub(folder, clock, seed=seed) as found, AsyncExitStack() as stack:
        hub = found.hub
        hub.browser_authority = BrowserAuthority(folder, "hub", ["127.0.0.1"], clock.now_ms)
        tls = hub.browser_authority.server_context()
        at = await listen(stack, make_app(hub, secure=True), "127.0.0.1", port, tls)
        hub.addresses = (f"127.0.0.1:{at}",)
        yield found


async def test_a_script_that_is_not_the_one_of_the_page_is_not_run(
    tmp_path: Path, phone: Termux
) -> None:
    async with hub_for_phones(tmp_path / "hub") as hub:
        line = install_line(hub.hub)
        # As somebody on the network would who changes what comes by.
        hub.hub.addresses = (*hub.hub.addresses, "10.6.6.6:8443")
        said = await phone.type(line)
    assert said.code != 0
    assert "FAILED" in said.text
    assert not (phone.home / ".fieldlog").exists()


async def test_another_machine_at_the_hub_s_address_gives_a_phone_nothing(
    tmp_path: Path, phone: Termux
) -> None:
    async with hub_for_phones(tmp_path / "hub") as hub:
        (phone.home / "fieldlog.sh").write_text(script_of(hub.hub))
        port = int(hub.hub.addresses[0].rpartition(":")[2])
    async with hub_for_phones(tmp_path / "other", "other", port) as other:
        keep(other.hub.folder / FOLDER, [small_wheel(tmp_path, "fieldlog")])
        said = await phone.type("sh fieldlog.sh")
    assert said.code == 1
    assert "is another machine, or this phone's clock is wrong" in said.text
    assert list((phone.home / ".fieldlog" / "versions").iterdir()) == []


async def test_with_no_hub_in_reach_it_says_where_it_looked(tmp_path: Path, phone: Termux) -> None:
    async with hub_for_phones(tmp_path / "hub") as hub:
        (phone.home / "fieldlog.sh").write_text(script_of(hub.hub))
    said = await phone.type("sh fieldlog.sh")
    assert said.code == 1
    assert f"No hub gives Fieldlog at: {hub.hub.addresses[0]}" in said.text
    assert "Wi-Fi" in said.text


async def test_without_python_it_says_what_to_type(tmp_path: Path, phone: Termux) -> None:
    async with hub_for_phones(tmp_path / "hub") as hub:
        keep(hub.hub.folder / FOLDER, [small_wheel(tmp_path, "fieldlog")])
        (phone.programs / "python").unlink()
        said = await phone.type(install_line(hub.hub))
    assert said.code == 1
    assert "Python is not here yet." in said.text
    assert "pkg install -y python python-pip python-cryptography" in said.text


@pytest.mark.parametrize("program", [each for each in ("dpkg-deb",) if shutil.which(each)])
async def test_what_termux_lacks_comes_from_the_hub_where_there_is_no_internet(
    tmp_path: Path, phone: Termux, program: str
) -> None:
    missing = [each for each in phone.packages.iterdir() if "crypto" in each.name]
    deb = packed(program, tmp_path, phone, missing)
    for each in missing:
        each.unlink()
    use_dpkg(phone)
    assert (await phone.type("python -c 'import cryptography'")).code != 0
    async with hub_for_phones(tmp_path / "hub") as hub:
        other = deb.with_name("python-cryptography_50.0.0_riscv64.deb")
        other.write_bytes(b"for another processor")
        keep(hub.hub.folder / FOLDER, [small_wheel(tmp_path, "fieldlog"), deb, other])
        said = await phone.type(install_line(hub.hub))
    assert "Installing 1 packages of Termux that the hub has." in said.text
    assert (await phone.type("python -c 'import cryptography'")).code == 0, said.text
    # A Fieldlog of this name has no program in it, so the way ends here, and in words.
    assert said.code == 1
    assert "The program does not run on this phone" in said.text


def packed(program: str, folder: Path, phone: Termux, files: list[Path]) -> Path:
    """A package of Termux with these files of the phone's Python."""
    tree = folder / "tree"
    goal = tree / files[0].parent.relative_to(phone.prefix.parent)
    goal.mkdir(parents=True)
    for each in files:
        (goal / each.name).symlink_to(each.readlink())
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(
        "Package: python-cryptography\nVersion: 50.0.0\nArchitecture: all\n"
        "Maintainer: a test\nDescription: cryptography\n"
    )
    deb = folder / "python-cryptography_50.0.0_all.deb"
    subprocess.run([program, "--build", tree, deb], check=True, stdout=subprocess.DEVNULL)
    return deb


def use_dpkg(phone: Termux) -> None:
    """Give the phone a dpkg that knows of no package yet and installs below the phone's folder."""
    state = phone.prefix / "var" / "lib" / "dpkg"
    for each in ("info", "updates", "triggers"):
        (state / each).mkdir(parents=True)
    (state / "status").touch()
    own = phone.programs / "dpkg"
    own.write_text(
        "#!/bin/sh\nPATH=$PATH:/usr/sbin:/sbin exec /usr/bin/dpkg --force-not-root "
        f'--root="{phone.prefix.parent}" --admindir="{state}" "$@"\n'
    )
    own.chmod(0o755)


@pytest.mark.parametrize("word", ["start", "status", "remove", "link", "open", "dance"])
async def test_a_phone_without_fieldlog_says_so(tmp_path: Path, phone: Termux, word: str) -> None:
    async with hub_for_phones(tmp_path / "hub") as hub:
        (phone.home / "fieldlog.sh").write_text(script_of(hub.hub))
    said = await phone.type(f"sh fieldlog.sh {word}")
    assert said.code != 0
    assert "not installed on this phone" in said.text or "there is no 'dance'" in said.text
