"""A real hub on a real port, and people with browsers at it, for the tests of pages.

`Office` opens a hub in a folder with the pages attached; a `Person` keeps cookies, sends the
headers that browsers send, and finds the form token where a page puts it. Holds no test.
"""

from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from core.dispatch.acts import Act, set_account, set_setting
from hub.app import make_app
from hub.hub import Hub
from hub.keys import Account
from hub.one_time_links import set_up_token
from hub.passwords import Cost, hash_password
from replica.history import HistoryRow
from replica.listener import Listener
from web.routes import attach

PASSWORD = "three words together"
NOON_MS = 1_795_431_600_000  # Monday 23 November 2026, 12:00 in Prague


class TownClock:
    """A clock that a test sets; it stands still otherwise."""

    def __init__(self) -> None:
        self.at_ms = NOON_MS

    def now_ms(self) -> int:
        return self.at_ms

    def uptime_ms(self) -> int:
        return self.at_ms - NOON_MS + 1_000_000

    def boot(self) -> int:
        return 1


class Entropy:
    """Bytes that differ each time and are the same in each run."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, count: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(4, "big").rjust(count, b"\x5a")[-count:]


@dataclass(frozen=True)
class Seen:
    """What a browser got: status, text, where it ended, headers."""

    status: int
    text: str
    path: str
    headers: Mapping[str, str]

    @property
    def words(self) -> str:
        """The page's words as a person reads them, without tags."""
        text = re.sub(r"<(script|template|datalist)\b.*?</\1>", " ", self.text, flags=re.S)
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text))).strip()

    def value(self, name: str) -> str:
        """The value of the first input of this name."""
        for tag in re.findall(r"<input[^>]*>", self.text):
            if f'name="{name}"' in tag:
                found = re.search(r'value="([^"]*)"', tag)
                return html.unescape(found[1]) if found else ""
        raise AssertionError(f"the page has no input {name!r}")

    def form(self) -> dict[str, str]:
        """Texts of all inputs and areas, as a browser would send them back unchanged."""
        fields: dict[str, str] = {}
        body = re.sub(r"<template\b.*?</template>", "", self.text, flags=re.S)
        body = body[body.index("<main") :]
        for tag in re.findall(r"<input[^>]*>", body):
            name = re.search(r'name="([^"]*)"', tag)
            value = re.search(r'value="([^"]*)"', tag)
            choice = 'type="checkbox"' in tag or 'type="radio"' in tag
            if name and (not choice or "checked" in tag):
                fields[name[1]] = html.unescape(value[1]) if value else ""
        areas = re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', body, re.S)
        fields |= {name: html.unescape(text) for name, text in areas}
        selects = re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', body, re.S)
        for name, options in selects:
            chosen = re.search(r'value="([^"]*)" selected', options)
            fields[name] = chosen[1] if chosen else ""
        return fields


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, office: Office) -> None:
        self.origin = office.origin
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), connector=aiohttp.TCPConnector(ssl=False)
        )
        self._token = ""

    async def close(self) -> None:
        await self._session.close()

    @property
    def cookies(self) -> dict[str, str]:
        """What the browser keeps for the hub, by name."""
        return {cookie.key: cookie.value for cookie in self._session.cookie_jar}

    async def get(self, path: str) -> Seen:
        """Open a page, following where it leads."""
        return await self._ask("GET", path, None)

    async def get_part(self, path: str, list_had: str = "") -> Seen:
        """What a script of a page asks for of an address; the page has that list of workers."""
        more = {"X-Board-Part": "1", "X-Board-List": list_had}
        return await self._ask("GET", path, None, more)

    async def download(self, path: str) -> tuple[str, bytes]:
        """How the browser is told to name a file, and its bytes."""
        async with self._session.get(self.origin + path) as answer:
            assert answer.status == 200, await answer.text()
            return answer.headers["Content-Disposition"], await answer.read()

    async def post(self, path: str, fields: Mapping[str, Any], token: bool = True) -> Seen:
        """Send a form from a page of the hub, with the token of the page last seen."""
        given = {**({"form_token": self._token} if token else {}), **fields}
        pairs = [
            (name, text)
            for name, value in given.items()
            for text in (value if isinstance(value, list) else [value])
        ]
        return await self._ask("POST", path, aiohttp.FormData(pairs))

    async def _ask(
        self,
        method: str,
        path: str,
        form: aiohttp.FormData | None,
        more: Mapping[str, str] | None = None,
    ) -> Seen:
        headers = {"Accept": "text/html", "Origin": self.origin, **(more or {})}
        async with self._session.request(
            method, self.origin + path, data=form, headers=headers
        ) as answer:
            text = await answer.text(errors="replace")
            found = re.search(r'<meta name="csrf" content="([^"]+)"', text)
            if found:
                self._token = found[1]
            return Seen(answer.status, text, answer.url.path_qs, answer.headers)

    async def sign_in(self, name: str, password: str = PASSWORD) -> Seen:
        fields = {"name": name, "password": password, "onward": "/customers"}
        return await self.post("/sign-in", fields, token=False)


class Office:
    """A hub in `folder`, on ports of this machine: `async with Office(folder) as office`."""

    def __init__(self, folder: Path) -> None:
        self.clock = TownClock()
        self.entropy = Entropy()
        self._folder = folder
        self._stack = contextlib.AsyncExitStack()
        self.origin = ""

    async def __aenter__(self) -> Self:
        executor = self._stack.enter_context(ThreadPoolExecutor(max_workers=1))
        self.hub = await self._stack.enter_async_context(
            Hub(self._folder, self.clock, self.entropy, executor, ("10.0.0.5:8443",))
        )
        self.origin = f"http://{await self._listen(secure=False)}"
        return self

    async def listen_for_phones(self) -> None:
        """Listen with TLS too, under the address that offers to phones name."""
        self.hub.addresses = (await self._listen(secure=True),)

    async def listen_again(self) -> str:
        """Answer browsers at another port too; returns its origin."""
        return f"http://{await self._listen(secure=False)}"

    async def _listen(self, *, secure: bool) -> str:
        """Listen for browsers, or with TLS for phones; returns `host:port`."""
        app = self.app = make_app(self.hub, secure=secure)
        if not any(route.get_info().get("path") == "/sign-in" for route in app.router.resources()):
            # In a checkout that is not installed there is no entry point to find the pages by.
            attach(app)
        self.app = app
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        tls = self.hub.transport.server_context() if secure else None
        await Listener(runner, "127.0.0.1", 0, ssl_context=tls).start()
        host, port = runner.addresses[0][:2]
        return f"{host}:{port}"

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def person(self) -> Person:
        """Somebody with a fresh browser, not signed in."""
        person = Person(self)
        self._stack.push_async_callback(person.close)
        return person

    async def signed_in(self, name: str, role: str = "dispatcher") -> Person:
        """Somebody with an account of this name and role, signed in."""
        await self.add_account(name, role)
        person = await self.person()
        seen = await person.sign_in(name)
        assert seen.status == 200, seen.words
        await person.get("/password")
        return person

    async def add_account(self, name: str, role: str) -> Account:
        """An account with `PASSWORD`, hashed at a small cost."""
        identity = self.entropy(8)
        account = Account(identity.hex(), name, "admin")
        encoded = hash_password(PASSWORD, self.entropy(16), Cost(memory_kib=64, passes=1, lanes=1))
        changes = set_account(identity, name=name, password=encoded, role=role)
        await self.hub.act(account, changes)
        return account

    async def act(self, changes: Act) -> None:
        """Write changes as an administrator who stands outside the test."""
        await self.hub.act(Account("00" * 8, "the office", "admin"), changes)

    async def set_up_done(self) -> None:
        """Name the site and set its zone, as the set-up page does."""
        await self.act(
            set_setting("site_name", "Stavservis") + set_setting("time_zone", "Europe/Prague")
        )

    def set_up_path(self) -> str:
        """The path that the hub prints while it has no account."""
        secret = self.hub.sessions.form_secret
        return f"/set-up/{set_up_token(secret, self.clock.now_ms())}"

    async def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """What the store holds."""
        return [dict(row) for row in await self.hub.reader.rows(sql, parameters)]

    async def history(self, stream: str) -> list[HistoryRow]:
        """The changes of a stream, the oldest first."""
        return await self.hub.reader.history(stream)

    async def setting(self, name: str) -> object:
        """A setting as it stands; None where it was never set."""
        found = await self.rows("SELECT value FROM setting WHERE name = ?", (name,))
        return json.loads(found[0]["value"]) if found else None


async def open_office(folder: Path) -> AsyncIterator[Office]:
    """A hub that is set up, for a fixture."""
    async with Office(folder) as office:
        await office.set_up_done()
        yield office
