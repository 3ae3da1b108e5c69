"""A phone runs on what `pip install fieldlog` brings, with no compiled part but `cryptography`.

The device runs as its own process in which every package of the other profiles, and every compiled
part of its own dependencies, cannot be imported: as on a phone for which there is no wheel of them.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.dispatch import acts
from replica.clock import SystemClock
from tests.build import SettableClock
from tests.journey.processes import FIELDLOG, Browser, Process, free_port
from tests.running import HubAtWork, running_hub, until

ROOT = Path(__file__).parents[2]

# What stands in no phone's environment: the extras, and the compiled parts that have fallbacks.
OTHER_PROFILES = {
    "apsw", "dateutil", "hypothesis", "numpy", "osmium", "packaging", "playwright", "pmtiles",
    "pytest", "shapely", "zeroconf",
}  # fmt: skip
COMPILED = {
    "aiohttp._http_parser", "aiohttp._http_writer", "aiohttp._websocket.mask",
    "aiohttp._websocket.reader_c", "frozenlist._frozenlist", "markupsafe._speedups",
    "msgpack._cmsgpack", "multidict._multidict", "propcache._helpers_c", "yarl._quoting_c",
}  # fmt: skip

PHONE = '''
import atexit, json, sys

class _NotHere:
    """Answers for what is not installed on a phone."""
    def find_spec(self, name, path=None, target=None):
        if name in BLOCKED or name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, _NotHere())

def _tell():
    found = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    with open(TOLD, "w") as file:
        json.dump(found, file)

atexit.register(_tell)
'''


@pytest.fixture
def phone_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let programs that are started find what a phone finds; where they tell their modules."""
    told = tmp_path / "modules.json"
    folder = tmp_path / "environment"
    folder.mkdir()
    blocked = sorted(OTHER_PROFILES | COMPILED)
    text = f"BLOCKED = frozenset({blocked!r})\nTOLD = {str(told)!r}\n{PHONE}"
    (folder / "sitecustomize.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{ROOT}")
    monkeypatch.setenv("MSGPACK_PUREPYTHON", "1")
    return told


def test_the_packages_that_are_kept_away_are_those_of_the_other_profiles() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[<>=;, ]", each)[0].lower() for each in requirements}

    imported_as = {"python-dateutil": "dateutil"}
    extras = names(project["optional-dependencies"]["hub"])
    assert {imported_as.get(name, name) for name in extras} <= OTHER_PROFILES
    phone = {imported_as.get(name, name) for name in names(project["dependencies"])}
    assert not phone & OTHER_PROFILES


async def _output(*words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    text, _ = await process.communicate()
    return process.returncode, text.decode()


async def test_the_keeping_away_works(phone_environment: Path) -> None:
    """Else what follows would prove nothing."""
    program = (
        "import importlib\n"
        f"for name in {sorted(OTHER_PROFILES | COMPILED)!r}:\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except ImportError:\n"
        "        continue\n"
        "    raise SystemExit(name)\n"
    )
    assert await _output(sys.executable, "-c", program) == (0, "")


async def test_a_phone_says_what_a_hub_needs_besides(phone_environment: Path) -> None:
    code, text = await _output(*FIELDLOG)
    assert code == 0
    assert re.search(r"device +Run a worker's phone", text)
    assert "pip install 'fieldlog[hub]'" in text
    code, text = await _output(*FIELDLOG, "hub", "--data", "nowhere")
    assert code == 2
    assert "pip install 'fieldlog[hub]'" in text
    assert "Traceback" not in text


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubAtWork]:
    clock = SettableClock(wall_ms=SystemClock().now_ms())
    async with running_hub(tmp_path / "hub", clock) as found:
        yield found


async def test_a_phone_joins_syncs_and_finishes_a_job(
    tmp_path: Path, hub: HubAtWork, phone_environment: Path
) -> None:
    await hub.act(acts.set_setting("job_dispatch", True))
    worker = await hub.worker("Aino")
    job, _ = await hub.job("Boiler service", worker)
    offer = await hub.offer(worker)
    port = free_port()
    device = Process(
        tmp_path / "device.log", "device", "--data", tmp_path / "device", "--port", port
    )
    try:
        printed = await device.start("Ctrl-C stops it")
        link = re.search(r"Screens: +(\S+)", printed)
        assert link is not None
        async with Browser(f"http://127.0.0.1:{port}") as screens:
            page = await screens.get(link.group(1))
            await screens.post("/enrol", page, code=offer.code, address=hub.address)
            await screens.until("/jobs", "Boiler service")
            page = await screens.get(f"/jobs/{job.hex()}")
            await screens.post(f"/jobs/{job.hex()}/phase", page, to="finished")
            location = re.search(r"OwnTracks: (\S+)", printed)
            assert location is not None
            fix = {"_type": "location", "tst": hub.clock.now_ms() // 1_000, "lat": 60.1,
                   "lon": 24.9, "acc": 8}  # fmt: skip
            async with screens._client.post(location.group(1), json=fix) as answer:
                assert answer.status == 200

            async def finished() -> bool:
                return await hub.rows("SELECT status FROM job") == [("done",)]

            await until(finished, "the hub shows the job done")
    finally:
        await device.stop()
    assert "Traceback" not in (tmp_path / "device.log").read_text()
    modules = json.loads(phone_environment.read_text())
    assert "msgpack.fallback" in modules
    own = {name.partition(".")[0] for name in modules}
    assert own & {"core", "replica"} == {"core", "replica"}
    assert not own & {"hub", "web", "simulator", *OTHER_PROFILES}
    compiled = {
        name.partition(".")[0]
        for name, file in modules.items()
        if "site-packages" in file and file.endswith((".so", ".pyd"))
    }
    assert compiled <= {"cryptography", "_cffi_backend"}, compiled
