"""What a hub keeps and serves for phones: the lists, what is lacking, its own wheel."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import Distribution
from pathlib import Path

import aiohttp
import pytest

from hub.phone.gathering import GatheringFailed, gather
from hub.phone.lacking import lacking
from hub.phone.own_wheel import put_together
from hub.phone.script import install_script
from hub.phone.wheelhouse import FOLDER, LIST_FILE, WheelhouseError, keep, path_of, read_list
from tests.build import SettableClock
from tests.running import running_hub
from tests.wheels import small_wheel

ROOT_PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@asynccontextmanager
async def asking(tmp_path: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, Path]]:
    """Whoever is on the network of a hub, and the hub's folder of files for phones."""
    connector = aiohttp.TCPConnector(ssl=False)
    async with (
        running_hub(tmp_path / "hub", SettableClock()) as hub,
        aiohttp.ClientSession(f"https://{hub.address}", connector=connector) as client,
    ):
        yield client, tmp_path / "hub" / FOLDER


async def test_the_list_names_each_wheel_by_its_hash_and_by_that_it_is_given(
    tmp_path: Path,
) -> None:
    async with asking(tmp_path) as (phone, folder):
        made = small_wheel(tmp_path / "made", "fieldlog")
        app = tmp_path / "an-app.apk"
        app.write_bytes(b"an app")
        keep(folder, [made, app])
        async with phone.get("/phone/wheels.txt") as answer:
            ((digest, name),) = [line.split() for line in (await answer.text()).splitlines()]
        assert name == made.name
        async with phone.get(f"/phone/files/{digest}/{name}") as answer:
            data = await answer.read()
        assert hashlib.sha256(data).hexdigest() == digest
        assert data == made.read_bytes()


async def test_nothing_is_given_but_what_is_on_the_list(tmp_path: Path) -> None:
    async with asking(tmp_path) as (phone, folder):
        (kept,) = keep(folder, [small_wheel(tmp_path / "made", "fieldlog")])
        beside = folder / ("ab" * 32) / "secret.whl"
        beside.parent.mkdir()
        beside.write_text("of the hub")
        for path in (
            f"/phone/files/{'ab' * 32}/secret.whl",
            f"/phone/files/{kept.sha256[:-1]}/{kept.name}",
            f"/phone/files/{kept.sha256}/../../list.json",
            f"/phone/files/..%2f..%2fidentity/{kept.name}",
            "/phone/files/list.json",
        ):
            async with phone.get(path) as answer:
                assert answer.status == 404, path
                assert b"of the hub" not in await answer.read()


async def test_a_hub_without_wheels_says_what_to_do(tmp_path: Path) -> None:
    async with asking(tmp_path) as (phone, folder), phone.get("/phone/wheels.txt") as answer:
        assert answer.status == 503
        assert "fieldlog phone-wheels" in await answer.text()
        folder.mkdir()
        (folder / LIST_FILE).write_text('[{"name": "../x.whl", "sha256": "", "size": 1}]')
        async with phone.get("/phone/wheels.txt") as damaged:
            assert damaged.status == 503
            assert "gather" in await damaged.text()


async def test_the_office_s_pages_stay_closed_beside_what_phones_fetch(tmp_path: Path) -> None:
    async with asking(tmp_path) as (phone, _):
        for path in ("/phones", "/phones/pill", "/phone"):
            async with phone.get(path) as answer:
                assert answer.status == 401, path


def test_what_is_kept_is_replaced_whole_and_removed_files_are_not_listed(tmp_path: Path) -> None:
    folder, made = tmp_path / "kept", tmp_path / "made"
    first = keep(folder, [small_wheel(made, "fieldlog"), small_wheel(made, "part")])
    assert read_list(folder) == first
    second = keep(
        folder, [small_wheel(made, "fieldlog", "2.0"), made / "part-1.0-py3-none-any.whl"]
    )
    assert read_list(folder) == second
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {
        each.sha256 for each in second
    }
    path_of(folder, second[1]).unlink()
    assert read_list(folder) == second[:1]


@pytest.mark.parametrize("name", ["notes.txt", "..whl", "a b.whl", "run.sh"])
def test_what_is_nothing_for_a_phone_is_not_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("something")
    with pytest.raises(WheelhouseError, match="nothing for a phone"):
        keep(tmp_path / "kept", [tmp_path / name])
    assert read_list(tmp_path / "kept") == ()


def test_what_is_lacking_is_found_from_part_to_part(tmp_path: Path) -> None:
    own = small_wheel(tmp_path, "fieldlog", "1.0", "middle>=2", "cryptography>=44")
    middle = small_wheel(tmp_path, "middle", "2.1", "last<2")
    assert [str(each) for each in lacking([], "3.14")] == ["fieldlog (for the phone)"]
    assert [str(each) for each in lacking([own], "3.14")] == ["middle>=2 (for fieldlog)"]
    older = small_wheel(tmp_path, "middle", "1.9")
    assert [str(each) for each in lacking([own, older], "3.14")] == ["middle>=2 (for fieldlog)"]
    last = small_wheel(tmp_path, "last", "1.0", tag="cp311-cp311-manylinux_2_28_x86_64")
    asked = [str(each) for each in lacking([own, middle, last], "3.14")]
    assert asked == ["last<2 (for middle)"], "a wheel for this machine is none for a phone"


def test_parts_for_some_pythons_alone_are_asked_for_there_alone(tmp_path: Path) -> None:
    own = small_wheel(tmp_path, "fieldlog", "1.0", 'older; python_version < "3.13"')
    assert lacking([own], "3.14") == ()
    assert [str(each) for each in lacking([own], "3.12")] == ["older (for fieldlog)"]


def test_parts_come_from_a_folder_without_the_internet_or_nothing_changes(tmp_path: Path) -> None:
    own = small_wheel(tmp_path / "own", "fieldlog", "1.0", "part>=2")
    source, folder = tmp_path / "stick", tmp_path / "hub"
    app = source / "org.owntracks.android.apk"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    small_wheel(source, "part", "1.0")
    with pytest.raises(GatheringFailed, match=r"part>=2 \(for fieldlog\)"):
        gather(folder, tmp_path / "one", own=own, source=source)
    assert read_list(folder) == ()
    small_wheel(source, "part", "2.0")
    app.write_bytes(b"an app")
    gather(folder, tmp_path / "two", own=own, source=source)
    names = [each.name for each in read_list(folder)]
    assert names == ["fieldlog-1.0-py3-none-any.whl", app.name, "part-2.0-py3-none-any.whl"]


def test_an_installed_program_is_put_together_to_the_wheel_that_it_came_from(
    tmp_path: Path,
) -> None:
    origin = small_wheel(tmp_path / "made", "fieldlog", "1.0", "part")
    place = tmp_path / "site-packages"
    with zipfile.ZipFile(origin) as source:
        source.extractall(place)
    info = place / "fieldlog-1.0.dist-info"
    # What pip adds about this one installation.
    (info / "INSTALLER").write_text("pip\n")
    with (info / "RECORD").open("a") as record:
        record.write("fieldlog-1.0.dist-info/INSTALLER,,\n../../../bin/fieldlog,,\n")
    (tmp_path / "again").mkdir()
    made = put_together(Distribution.at(info), tmp_path / "again")
    with zipfile.ZipFile(origin) as one, zipfile.ZipFile(made) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
        for name in one.namelist():
            if not name.endswith("/RECORD"):
                assert one.read(name) == other.read(name)
        assert sorted(one.read("fieldlog-1.0.dist-info/RECORD").split()) == sorted(
            other.read("fieldlog-1.0.dist-info/RECORD").split()
        )


def test_the_script_names_the_hub_and_nothing_in_it_is_left_open() -> None:
    text = install_script(("10.0.0.5:8443", "hub.lan:8443"), ROOT_PEM)
    assert "HUBS='10.0.0.5:8443 hub.lan:8443'" in text
    assert ROOT_PEM in text
    assert "@" not in re.sub(r'"\$@"|\$[#@]', "", text)
