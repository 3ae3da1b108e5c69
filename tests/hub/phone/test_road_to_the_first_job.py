"""From an empty phone to the first job, with nothing but the hub: script, index, join, upgrade.

A real hub over TLS; the line of its own page is typed into a folder that a phone's Termux could be.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path

import pytest

from hub.phone.wheelhouse import FOLDER, keep, newest, path_of, read_list
from replica.store import STORE_FILE
from tests.journey.processes import Browser, Site
from tests.running import until
from tests.termux import Termux
from tests.wheels import as_version, fieldlog, gathered_parts

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    found = Site(tmp_path)
    try:
        await found.set_up()
        yield found
    finally:
        await found.close()


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Termux]:
    found = Termux(tmp_path / "phone")
    yield found
    found.switch_off()


async def line_of(site: Site, worker: str) -> str:
    """What the hub's page for a new phone says to paste."""
    page = await site.office.get(f"/workers/{worker}/phone")
    found = re.search(r'value="(curl [^"]+)"', page)
    assert found is not None, page
    return unescape(found[1])


async def join(site: Site, worker: str, screens: Browser, link: str) -> None:
    """Open the screens by the link that the script says, and join by the QR code's text."""
    offer = await site.office.post(
        f"/workers/{worker}/enrol", await site.office.get(f"/workers/{worker}")
    )
    found = re.search(r'value="(fieldlog://[^"]+)"', offer)
    assert found is not None, offer
    page = await screens.get(link)
    await screens.post("/enrol", page, link=unescape(found[1]))


async def give_job(site: Site, worker: str, title: str) -> None:
    """What a dispatcher does."""
    page = await site.office.get("/?new=1")
    await site.office.post("/board/new", page, title=title)
    job = site.office.at.partition("job=")[2][:24]
    page = await site.office.get(f"/?view=all&job={job}")
    await site.office.post(f"/board/job/{job}/assign", page, worker=worker)


def own_wheel_in(folder: Path, goal: Path) -> Path:
    """A copy of Fieldlog's wheel that a hub serves."""
    found = newest(read_list(folder), "fieldlog")
    assert found is not None
    return Path(shutil.copy(path_of(folder, found), goal))


def serve_another(folder: Path, wheel: Path) -> None:
    """Let a hub serve another Fieldlog with the same parts."""
    parts = [path_of(folder, each) for each in read_list(folder) if each.project != "fieldlog"]
    keep(folder, [*parts, wheel])


# Where Czech stands below the package that has it.
CZECH = "locale/cs/LC_MESSAGES/replica.mo"


def installed(phone: Termux) -> list[Path]:
    """The packages of the programs that are on the phone."""
    return sorted((phone.home / ".fieldlog" / "versions").glob("*/lib/python*/site-packages/*"))


async def test_a_phone_that_has_only_termux_gets_its_first_job_and_keeps_it_through_upgrades(
    site: Site, phone: Termux, tmp_path: Path
) -> None:
    data = site.folder / "hub"
    worker = await site.add_worker("Aino")
    assert "no program for phones yet" in await site.office.get(f"/workers/{worker}/phone")
    line = await line_of(site, worker)
    said = await phone.type(line)
    assert said.code != 0
    assert "The hub says: This hub has no program for phones yet." in said.text
    assert "Nothing was installed." in said.text
    assert "Wi-Fi" not in said.text, "one cause, the right one"

    parts = await gathered_parts()
    await fieldlog("phone-wheels", "--data", data, "--from", parts)
    assert "no program for phones" not in await site.office.get(f"/workers/{worker}/phone")
    assert await line_of(site, worker) == line, "a line that was shown stays good"

    said = await phone.type(line)
    assert said.code == 0, said.text
    assert "fieldlog.sh: OK" in said.text
    assert "Running: fieldlog 0.1.0." in said.text
    names = {path.name.split("-")[0].lower() for path in installed(phone)}
    assert {"fieldlog", "aiohttp", "msgpack", "markupsafe", "multidict"} <= names
    assert not names & {"cryptography", "numpy", "shapely"}
    assert not [path for folder in installed(phone) for path in folder.rglob("*.so")]
    assert [each for each in installed(phone) if (each / CZECH).is_file()]

    link = re.search(r"Screens: +(\S+)", said.text)
    assert link is not None, said.text
    called = phone.calls.read_text().splitlines()
    assert called == ["termux-wake-lock ", f"termux-open-url {link[1]}"]
    async with Browser(f"http://127.0.0.1:{phone.port}") as screens:
        await join(site, worker, screens, link[1])
        await give_job(site, worker, "Boiler service")
        await screens.until("/jobs", "Boiler service")

        again = await phone.type("sh fieldlog.sh")
        assert again.code == 0, again.text
        assert "This phone has what the hub gives: fieldlog 0.1.0." in again.text
        second = await phone.type(f"fieldlog device --port {phone.port + 1}")
        assert second.code == 2
        assert "is in use by another hub or device" in second.text

        own = own_wheel_in(data / FOLDER, tmp_path)
        serve_another(data / FOLDER, as_version(own, "0.1.1", tmp_path))
        said = await phone.type("fieldlog-phone upgrade")
        assert said.code == 0, said.text
        assert "Running: fieldlog 0.1.1." in said.text
        assert len(list((phone.home / ".fieldlog" / "versions").iterdir())) == 1
        await screens.until("/jobs", "Boiler service")

        serve_another(data / FOLDER, as_version(own, "0.1.2", tmp_path, broken=True))
        said = await phone.type("fieldlog-phone upgrade")
        assert said.code == 1
        assert "_open" in said.text
        assert "The new version did not start; the one before runs on." in said.text
        assert (await phone.type("fieldlog --version")).text == "fieldlog 0.1.1\n"
        await screens.until("/jobs", "Boiler service")

        phone.switch_off()
        assert phone.running() == []
        # What Termux:Boot does when the phone is on again.
        said = await phone.run(str(phone.home / ".termux" / "boot" / "fieldlog"))
        assert said.code == 0, said.text
        await screens.until("/jobs", "Boiler service")

    await told_stopped_and_removed(phone)


async def told_stopped_and_removed(phone: Termux) -> None:
    """What can be said to a phone's program later, each in its own words and no others."""
    said = await phone.type("fieldlog-phone status")
    assert re.search(
        r"^It runs on port \d+, since \d{4}-\d\d-\d\d \d\d:\d\d\.$", said.text, re.M
    ), said.text
    said = await phone.type("fieldlog-phone stop")
    assert said.text.splitlines() == [
        "Stopped. It starts again with the phone, or by:  fieldlog-phone start"
    ]
    assert phone.running() == []
    assert (await phone.type("fieldlog-phone start")).text == "Running.\n"
    assert "fieldlog-phone remove" in (await phone.type("fieldlog-phone --help")).text

    said = await phone.type("fieldlog-phone remove")
    assert said.code == 0, said.text
    assert "loop.pid" not in said.text
    await until(lambda: phone.running() == [], "nothing runs, not even what watched over it")
    assert not (phone.home / ".fieldlog").exists()
    assert (phone.home / "fieldlog-device" / STORE_FILE).exists()
