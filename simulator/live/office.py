"""A person in the office, as a browser would be: signs in, imports, lets phones join, dispatches.

Goes through the hub's own pages and forms over HTTPS. Holds no plan of what to do.
Invariant: what a page refuses is an error in the page's own words.
"""

from __future__ import annotations

import asyncio
import csv
import html
import io
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from simulator.live.tally import Tally
from simulator.live.target import Target, TargetError

PAGE_S_MAX = 60.0
IMPORT_ROWS_MAX = 2_000
IMPORT_S_MAX = 600.0
# What a page says when it refuses: the notice in it, or its heading.
_NOTICE = re.compile(r'<div class="notice" data-tone="bad".*?</div>', re.S)
_HEADING = re.compile(r"<h1>.*?</h1>", re.S)


class PageError(Exception):
    """A page answered with an error; the sentence is the page's own, with its address."""


class NoAnswer(PageError):
    """Nobody answered: the hub, or the way to it, was not there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page answered: status, text, and the path where it ended."""

    status: int
    text: str
    path: str


class OfficePerson:
    """Somebody who is signed in: `async with OfficePerson(target, account, password, tally)`."""

    def __init__(self, target: Target, account: str, password: str, tally: Tally) -> None:
        self._target = target
        self._account = account
        self._password = password
        self.tally = tally
        self._token = ""
        pin = aiohttp.TCPConnector(ssl=False, limit=8)
        # The browser's certificate is the site's own authority's; phones alone pin fingerprints.
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            connector=pin,
            timeout=aiohttp.ClientTimeout(total=PAGE_S_MAX),
        )

    async def __aenter__(self) -> OfficePerson:
        try:
            await self.sign_in()
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def sign_in(self) -> None:
        """Sign in.

        Raises:
            TargetError: the hub refuses the account, or is not set up.
        """
        form = {"name": self._account, "password": self._password, "onward": "/"}
        answer = await self._ask("POST", "/sign-in", form)
        if answer.path.startswith(("/sign-in", "/set-up")) or answer.status >= 400:
            raise TargetError(
                f"{self._target.address} does not let {self._account!r} sign in: "
                f"{_words_of(answer.text)}"
            )
        self._token = self._token or _token_in(answer.text)

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Open a page. Raises PageError for an error's answer."""
        return self._checked(await self._ask("GET", path, None, headers))

    async def get_json(self, path: str) -> Any:
        """What a script of a page gets. Raises PageError."""
        try:
            async with self._session.get(self._target.origin + path) as answer:
                if answer.status != 200:
                    raise PageError(f"{path}: {answer.status}")
                return await answer.json(content_type=None)
        except (aiohttp.ClientError, OSError) as error:
            raise self._no_answer(path, error) from error

    def _no_answer(self, path: str, error: Exception) -> NoAnswer:
        return NoAnswer(
            f"{self._target.address} does not answer at {path} ({type(error).__name__}); is the "
            "hub running?"
        )

    async def post(self, path: str, form: Mapping[str, str] | Sequence[tuple[str, str]]) -> Answer:
        """Send a form. Raises PageError."""
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        return self._checked(await self._ask("POST", path, [("form_token", self._token), *pairs]))

    def _checked(self, answer: Answer) -> Answer:
        if answer.status >= 400:
            raise PageError(f"{answer.path}: {answer.status} {_words_of(answer.text)}")
        return answer

    async def _ask(
        self, method: str, path: str, form: Any, headers: Mapping[str, str] | None = None
    ) -> Answer:
        sent = {"Accept": "text/html", "Origin": self._target.origin, **(headers or {})}
        data = aiohttp.FormData(form) if form is not None else None
        began_s = time.perf_counter()
        try:
            async with self._session.request(
                method, self._target.origin + path, data=data, headers=sent
            ) as answer:
                text = await answer.text(errors="replace")
                found = Answer(answer.status, text, answer.url.path_qs)
        except (aiohttp.ClientError, OSError) as error:
            self.tally.failed(f"a page did not answer: {type(error).__name__}")
            raise self._no_answer(path, error) from error
        self.tally.took("page", 1_000 * (time.perf_counter() - began_s))
        if found.status >= 500:
            self.tally.failed(f"a page answered {found.status}")
        self._token = _token_in(found.text) or self._token
        return found

    # --- what a run needs

    async def import_rows(self, kind: str, rows: Sequence[Mapping[str, str]]) -> int:
        """Import rows of a kind by the import's pages; how many the hub took.

        Raises:
            PageError: it refused them, or some.
        """
        for at in range(0, len(rows), IMPORT_ROWS_MAX):
            await self._import(kind, rows[at : at + IMPORT_ROWS_MAX])
        return len(rows)

    async def _import(self, kind: str, rows: Sequence[Mapping[str, str]]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), delimiter=";", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        shown = await self.post("/import", {"kind": kind, "pasted": text.getvalue()})
        path = shown.path.partition("?")[0]
        await self._until(path, lambda state: state["state"] != "working")
        preview = await self.get(path)
        form = re.search(rf'<form method="post" action="{path}">.*?</form>', preview.text, re.S)
        if form is None or 'name="mark"' not in form[0]:
            raise PageError(f"the import of {kind} was not taken: {_words_of(preview.text)}")
        fields = [
            (html.unescape(name), html.unescape(value))
            for name, value in re.findall(r'name="([^"]*)" value="([^"]*)"', form[0])
            if name != "form_token"
        ]
        await self.post(path, fields)
        await self._until(path, lambda state: state["state"] == "done")
        result = await self.get(path)
        if 'class="faulty"' in result.text:
            raise PageError(f"some rows of {kind} were not taken: {_words_of(result.text)}")

    async def _until(self, path: str, is_so: Callable[[Any], bool]) -> None:
        until_s = time.monotonic() + IMPORT_S_MAX
        while not is_so(await self.get_json(f"{path}/progress.json")):
            if time.monotonic() > until_s:
                raise PageError(f"{path}: the import does not come to an end")
            await asyncio.sleep(0.2)

    async def workers(self) -> dict[str, str]:
        """The workers (hex ids) by their names, as the board's filter lists them."""
        page = await self.get("/")
        return {
            html.unescape(name): worker
            for worker, name in re.findall(
                r'name="worker" value="([0-9a-f]{24})"[^>]*><span>(.*?)</span>', page.text
            )
        }

    async def enrolment_link(self, worker: str) -> str:
        """The link by which a phone of this worker joins. Raises PageError."""
        page = await self.post(f"/workers/{worker}/enrol", {})
        found = re.search(r'data-copy="([^"]+)"', page.text)
        if found is None:
            raise PageError(f"no phone can join: {_words_of(page.text)}")
        return html.unescape(found[1])

    async def hub_figures(self, *, settings: bool = False) -> dict[str, Any] | None:
        """What the hub tells of itself; None from one of a version that tells nothing."""
        asked = {"settings": "1"} if settings else {}
        async with self._session.get(f"{self._target.origin}/hub.json", params=asked) as answer:
            if answer.status != 200:
                return None
            found: dict[str, Any] = await answer.json()
            return found

    async def listen(self) -> aiohttp.ClientWebSocketResponse:
        """The board's live connection. Raises aiohttp.ClientError."""
        return await self._session.ws_connect(
            f"{self._target.origin}/live", headers={"Origin": self._target.origin}
        )


def _token_in(text: str) -> str:
    found = re.search(r'<meta name="csrf" content="([^"]+)"', text)
    return html.unescape(found[1]) if found else ""


def _words_of(text: str) -> str:
    """What a page that refuses says, without tags, in at most 300 letters."""
    told = " ".join(_NOTICE.findall(text) or _HEADING.findall(text)) or text
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", told))).strip()[:300]
