"""The commands of a hub and a phone answer wrong use in one line, and change nothing."""

from __future__ import annotations

import argparse
import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

import hub.commandline
import hub.map.commandline
import replica.commands.check
import replica.commands.device
from hub.founding import open_hub_replica
from replica.identity import KEY_FILE
from replica.occupied import occupied
from replica.store import Store
from tests.build import Entropy, SettableClock, Site
from tests.commands import Configure, refused, run
from tests.journey.processes import Browser, Process, free_port
from tests.journey.processes import Site as RealSite
from tests.running import until

HUB, DEVICE = hub.commandline.configure, replica.commands.device.configure
CHECK, MAP = replica.commands.check.configure, hub.map.commandline.configure


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The folders of a hub (`hub-A`) and of a phone (`phone`) of one site."""
    site = Site(tmp_path)
    first = site.hub()
    phone = site.phone(first, site.worker(first, "Aino"))
    folder = phone.store.path.parent
    site.close()
    folder.rename(tmp_path / "phone")
    open_hub_replica(
        tmp_path / "hub", SettableClock(), Entropy("hub"), tls_fingerprint=bytes(32)
    ).close()
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "in-use"
    }


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize("option", ["--port", "--local-port"])
def test_a_hub_names_a_port_that_is_taken(folders: Path, taken_port: int, option: str) -> None:
    other = "--local-port" if option == "--port" else "--port"
    words = refused(
        HUB, "--data", folders / "hub", "--host", "127.0.0.1", "--no-announce",
        option, taken_port, other, free_port(),
    )  # fmt: skip
    assert f"port {taken_port}" in words
    assert "--port or --local-port" in words


def test_a_device_names_a_port_that_is_taken(folders: Path, taken_port: int) -> None:
    words = refused(DEVICE, "--data", folders / "phone", "--port", taken_port)
    assert f"port {taken_port}" in words
    assert "--port" in words


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eighty", "8443x", "٣", "9" * 400])
@pytest.mark.parametrize("configure", [HUB, DEVICE])
def test_what_is_no_port_is_refused(configure: Configure, port: str) -> None:
    with pytest.raises(argparse.ArgumentError, match="no port"):
        run(configure, "--port", port)


@pytest.mark.parametrize("letter", ["", "AB", "a", "é", "1"])
def test_a_hubs_letter_is_one_letter(letter: str) -> None:
    with pytest.raises(argparse.ArgumentError, match="one of A to Z"):
        run(HUB, "--letter", letter)


def test_each_program_refuses_the_others_folder(folders: Path) -> None:
    before = contents(folders / "phone")
    words = refused(HUB, "--data", folders / "phone", "--no-announce")
    assert "start it with 'fieldlog device'" in words
    after = contents(folders / "phone")
    assert {name: after[name] for name in before} == before
    words = refused(DEVICE, "--data", folders / "hub", "--port", free_port())
    assert "start it with 'fieldlog hub'" in words


@pytest.mark.parametrize(("configure", "name"), [(HUB, "hub"), (DEVICE, "phone"), (CHECK, "hub")])
def test_a_folder_in_use_is_left_to_who_uses_it(
    folders: Path, configure: Configure, name: str
) -> None:
    before = contents(folders / name)
    with occupied(folders / name):
        assert "is in use by another" in refused(configure, "--data", folders / name)
    assert contents(folders / name) == before
    with occupied(folders / name):
        pass  # Whoever comes next finds it free.


@pytest.mark.parametrize("configure", [HUB, DEVICE])
def test_a_path_that_can_be_no_folder_is_said(tmp_path: Path, configure: Configure) -> None:
    (tmp_path / "file").write_text("a letter")
    assert "cannot be used" in refused(configure, "--data", tmp_path / "file")
    assert "cannot be used" in refused(configure, "--data", tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "a letter"


@pytest.mark.parametrize(("configure", "name"), [(HUB, "hub"), (DEVICE, "phone"), (CHECK, "hub")])
def test_a_store_of_a_newer_version_is_said_and_left(
    folders: Path, configure: Configure, name: str
) -> None:
    store = Store(folders / name / "store.sqlite")
    store.db.execute("PRAGMA user_version = 999")
    store.close()
    before = (folders / name / "store.sqlite").read_bytes()
    assert "newer version" in refused(configure, "--data", folders / name)
    assert (folders / name / "store.sqlite").read_bytes() == before


@pytest.mark.parametrize(("configure", "name"), [(HUB, "hub"), (DEVICE, "phone"), (CHECK, "hub")])
def test_a_file_that_is_no_store_is_said_and_left(
    folders: Path, configure: Configure, name: str
) -> None:
    path = folders / name / "store.sqlite"
    path.write_bytes(b"Dear diary, " * 500)
    assert "no store" in refused(configure, "--data", folders / name)
    assert path.read_bytes() == b"Dear diary, " * 500


def test_broken_keys_are_said(folders: Path) -> None:
    (folders / "hub" / KEY_FILE).write_bytes(b"short")
    assert "restore it" in refused(HUB, "--data", folders / "hub")


def test_browser_sessions_that_are_damaged_are_said(folders: Path) -> None:
    (folders / "hub" / "browsers.sqlite").write_bytes(b"not a database" * 500)
    assert "browsers.sqlite is damaged" in refused(HUB, "--data", folders / "hub")


def test_check_wants_a_folder_with_a_store(
    tmp_path: Path, folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no store" in refused(CHECK, "--data", tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    assert run(CHECK, "--data", folders / "hub") == 0
    assert "All is well" in capsys.readouterr().out
    store = Store(folders / "hub" / "store.sqlite")
    store.db.execute("UPDATE stream SET leaf = zeroblob(32)")
    store.close()
    assert run(CHECK, "--data", folders / "hub") == 1
    assert "digest's leaf" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["map.osm.pbf", "map.pmtiles", "map.mbtiles", "map.txt"])
def test_garbage_is_no_map(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"\x00\x01garbage" * 400)
    assert refused(MAP, "import", file, "--data", tmp_path / "hub")
    assert run(MAP, "show", "--data", tmp_path / "hub") == 0, "no region was installed"
    missing = refused(MAP, "import", tmp_path / f"no-{name}", "--data", tmp_path / "hub")
    assert f"no-{name}" in missing


def test_a_device_that_may_not_join_says_why_and_stops(tmp_path: Path) -> None:
    words = refused(
        DEVICE, "--data", tmp_path / "phone", "--port", free_port(),
        "--code", "0000-0000-0000-0000", "--hub", "127.0.0.1:1",
    )  # fmt: skip
    assert "no hub answers at 127.0.0.1:1" in words
    words = refused(DEVICE, "--data", tmp_path / "phone", "--link", "https://example.org/")
    assert "no Fieldlog enrolment code" in words


async def test_a_hub_stops_at_ctrl_c_with_phones_connected_and_starts_again(
    tmp_path: Path,
) -> None:
    """Started by its command, on TLS and plain HTTP, with a phone in session."""
    site = RealSite(tmp_path)
    try:
        await site.set_up()
        await site.enrol(await site.add_worker("Aino"))
        await site.phone.until("/sync", "127.0.0.1")
        loop = asyncio.get_running_loop()
        before = loop.time()
        await site.hub.stop()
        assert loop.time() - before < 25, "it hung up on its phone and waited for nobody"
        text = (tmp_path / "hub.log").read_text()
        assert "Stopping." in text
        assert "Traceback" not in text
        await site.start_hub()
        async with aiohttp.ClientSession() as client:
            for base in (f"https://127.0.0.1:{site.sync_port}", site.office.base):
                async with client.get(f"{base}/health", ssl=False) as answer:
                    assert (await answer.json())["ok"] is True
        second = Process(
            tmp_path / "second.log", "hub", "--data", tmp_path / "hub", "--no-announce",
            "--port", free_port(), "--local-port", free_port(),
        )  # fmt: skip
        with pytest.raises(AssertionError, match="is in use by another hub or device"):
            await second.start("Ctrl-C stops it")
    finally:
        await site.close()


async def test_a_browser_that_is_not_signed_in_is_led_to_the_sign_in(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    process = Process(
        tmp_path / "hub.log", "hub", "--data", tmp_path / "hub", "--host", "127.0.0.1",
        "--no-announce", "--port", ports[0], "--local-port", ports[1],
    )  # fmt: skip
    try:
        await process.start("Ctrl-C stops it")
        async with Browser(f"http://127.0.0.1:{ports[1]}") as browser:

            async def signed_out() -> bool:
                return "password" in (await browser.get("/")).lower()

            await until(signed_out, "the sign-in page is shown")
    finally:
        await process.stop()
