"""Real hubs and devices as processes, and a browser's side of HTTP.

Nothing is imported of the programs under test: they are started by their command, asked over their
sockets and killed by their pid; where a start is to cost little, by a process that waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import signal
import socket
import sys
from pathlib import Path

import aiohttp

from tests.journey.warm import Forked, Warm

FIELDLOG = [sys.executable, "-c", "from replica.commandline import main; raise SystemExit(main())"]
ROOT = Path(__file__).parents[2]
START_S_MAX = 60.0
PORTS = range(16_000, 32_000)


def free_port() -> int:
    """A port that nothing listens on, and that no connection gets by itself.

    Those that a system hands out lie higher: one of these, while the hub that has it is killed and
    begun again, may become the other end of a connection somewhere else on the machine.
    """
    while True:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Process:
    """A `fieldlog` command that runs until it is stopped or killed."""

    def __init__(
        self, log: Path, *words: object, offset_file: Path | None = None, warm: Warm | None = None
    ) -> None:
        self._log = log
        self._offset_file = offset_file
        self._warm = warm
        self._words = [str(word) for word in words]
        self._process: asyncio.subprocess.Process | Forked | None = None

    async def start(self, ready: str) -> str:
        """Start it and wait until its output holds `ready`; returns the output of this start."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_bytes(b"")
        self._process = await self._begin()
        for _ in range(int(START_S_MAX / 0.05)):
            text = self._log.read_text()
            if ready in text:
                return text
            if self._process.returncode is not None:
                break
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self._words[0]} did not start:\n{self._log.read_text()}")

    async def _begin(self) -> asyncio.subprocess.Process | Forked:
        if self._warm is not None:
            return await self._warm.begin(self._log, self._words, self._offset_file)
        command = FIELDLOG
        if self._offset_file is not None:
            command = [sys.executable, "-m", "tests.journey.shifted", str(self._offset_file)]
        with self._log.open("wb") as output:
            return await asyncio.create_subprocess_exec(
                *command, *self._words, stdout=output, stderr=output, cwd=ROOT
            )

    @property
    def has_ended(self) -> bool:
        """Whether it was started and runs no more."""
        return self._process is not None and self._process.returncode is not None

    async def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        await self._end(signal.SIGINT)

    async def kill(self) -> None:
        """Kill it with SIGKILL."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        await asyncio.wait_for(process.wait(), 30)


class Browser:
    """What a browser does over HTTP: keeps cookies, follows redirects, posts forms with tokens."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.at = ""
        self._client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def get(self, path: str) -> str:
        """A page's text."""
        url = path if path.startswith("http") else self.base + path
        async with self._client.get(url, headers={"Accept": "text/html"}) as answer:
            text = await answer.text()
            assert answer.status < 400, f"GET {path}: {answer.status}\n{text[:2000]}"
            return text

    async def post(self, path: str, page: str, *, follow: bool = True, **fields: str) -> str:
        """Post a form that stood on `page`, with the page's form token.

        Without `follow` the page that the answer leads to is not loaded, and there must be one.
        """
        url = path if path.startswith("http") else self.base + path
        token = re.search(r'name="form_token" value="([^"]+)"', page)
        if token is not None:
            fields["form_token"] = token.group(1)
        headers = {"Origin": self.base, "Accept": "text/html"}
        async with self._client.post(
            url, data=fields, headers=headers, allow_redirects=follow
        ) as answer:
            text = await answer.text()
            self.at = str(answer.url)
            assert answer.status < 400, f"POST {path}: {answer.status}\n{text[:2000]}"
            assert follow or answer.status == 303, f"POST {path}: {answer.status}\n{text[:2000]}"
            return text

    async def json(self, path: str) -> object:
        """A JSON answer."""
        async with self._client.get(self.base + path) as answer:
            assert answer.status == 200, f"GET {path}: {answer.status}"
            return await answer.json()

    async def until(self, path: str, pattern: str, seconds: float = 40.0) -> re.Match[str]:
        """Load a page again and again until it holds `pattern`."""
        text = ""
        for _ in range(int(seconds / 0.2)):
            text = await self.get(path)
            found = re.search(pattern, text)
            if found is not None:
                return found
            await asyncio.sleep(0.2)
        raise AssertionError(f"{path} never showed {pattern!r}:\n{text[:3000]}")


class Site:
    """A hub on an empty folder, set up over HTTP, with one worker's phone."""

    def __init__(self, folder: Path, warm: Warm | None = None, *, clocks_move: bool = True) -> None:
        self.folder = folder
        self.sync_port, self.local_port, self.phone_port = free_port(), free_port(), free_port()
        self._clocks = folder / "clock-offset-ms"
        self.set_clocks(0)
        offset_file = self._clocks if clocks_move else None
        self.hub = Process(
            folder / "hub.log",
            *("hub", "--data", folder / "hub", "--host", "127.0.0.1", "--no-announce"),
            *("--port", self.sync_port, "--local-port", self.local_port),
            offset_file=offset_file,
            warm=warm,
        )
        self.device = Process(
            folder / "device.log",
            *("device", "--data", folder / "device", "--port", self.phone_port),
            offset_file=offset_file,
            warm=warm,
        )
        self.office = Browser(f"http://127.0.0.1:{self.local_port}")
        self.phone = Browser(f"http://127.0.0.1:{self.phone_port}")
        self.location_url = self.phone_link = ""

    def set_clocks(self, offset_ms: int) -> None:
        """Let it be another time for hub and phone; neither ever reads half of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = self._clocks.with_suffix(".new")
        beside.write_text(str(offset_ms))
        beside.replace(self._clocks)

    async def close(self) -> None:
        """Stop what runs."""
        await self.device.kill()
        await self.hub.kill()
        await self.office.__aexit__()
        await self.phone.__aexit__()

    async def start_hub(self) -> str:
        """Start the hub; returns what it printed."""
        return await self.hub.start("Ctrl-C stops it")

    async def start_device(self) -> str:
        """Start the device and let its browser in."""
        text = await self.device.start("Ctrl-C stops it")
        found = re.search(r"OwnTracks: (\S+)", text)
        link = re.search(r"Screens: +(\S+)", text)
        assert found is not None
        assert link is not None
        self.location_url = found.group(1)
        self.phone_link = link.group(1)
        await self.phone.get(link.group(1))
        return text

    async def set_up(self) -> None:
        """Do what the first administrator does, up to a worker whose phone may join."""
        printed = await self.start_hub()
        link = re.search(r"http://\S+/set-up/\S+", printed)
        assert link is not None, printed
        page = await self.office.get(link.group(0))
        await self.office.post(
            link.group(0),
            page,
            site_name="Journey",
            time_zone="Europe/Helsinki",
            name="Eva",
            new="a long enough one",
            again="a long enough one",
        )
        page = await self.office.get("/extensions")
        assert "Turn on" in page, "Job Dispatch must be off at first"
        await self.office.post("/extensions/job-dispatch", page, on="yes")

    async def add_worker(self, name: str) -> str:
        """Make a worker; returns the worker's id."""
        page = await self.office.get("/workers/new")
        await self.office.post("/workers/new", page, name=name)
        found = await self.office.until("/workers", r"/workers/([0-9a-f]{24})")
        return found.group(1)

    async def enrol(self, worker: str) -> None:
        """Let the phone join by the typed code, on the phone's own screen."""
        code = await self.code_for(worker)
        await self.start_device()
        page = await self.phone.get("/")
        await self.phone.post("/enrol", page, code=code, address=f"127.0.0.1:{self.sync_port}")

    async def code_for(self, worker: str) -> str:
        """A code by which a phone of the worker joins, as the office's page shows it."""
        page = await self.office.get(f"/workers/{worker}")
        page = await self.office.post(f"/workers/{worker}/enrol", page)
        groups = re.findall(r"<span>([0-9A-Z]{4})</span>", page)
        assert len(groups) == 4, page
        return "-".join(groups)

    async def fix(self, at_s: int, lat: float, lon: float, speed_kmh: int) -> None:
        """What OwnTracks posts for one fix."""
        message = {
            "_type": "location",
            "tst": at_s,
            "lat": lat,
            "lon": lon,
            "acc": 8,
            "vel": speed_kmh,
            "batt": 80,
            "t": "p",
        }
        async with self.phone._client.post(self.location_url, json=message) as answer:
            assert answer.status == 200, await answer.text()
