"""The guard before a real server: what reaches a handler, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from hub.guard import (
    TOKEN_FIELD,
    TOKEN_HEADER,
    ErrorPage,
    GuardRules,
    Refused,
    drop_session_cookie,
    form_token,
    install_guard,
    set_session_cookie,
)
from replica.listener import Listener
from replica.store import StoreError

RULES = GuardRules(
    host_names=frozenset({"hub.local"}),
    secure=False,
    form_secret=b"s" * 32,
    open_to_programs=frozenset({"/sync", "/api/"}),
    without_form_token=frozenset({"/sign-in"}),
    body_bytes_max_by_path=(("/files/", 3_000_000), ("/files/small/", 10), ("/api/", 100)),
)
SESSION = "q" * 43
TOKEN = form_token(RULES, SESSION)


@dataclass
class Server:
    """A guarded server on loopback, and which of its paths a handler was run for."""

    origin: str = ""
    reached: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    client: aiohttp.ClientSession = field(init=False)

    async def send(self, method: str, path: str, **options: object) -> tuple[int, str]:
        """Send a request; returns the answer's status and text."""
        async with self.client.request(method, self.origin + path, **options) as answer:  # type: ignore[arg-type]
            return answer.status, await answer.text()

    async def change(self, path: str, **headers: str) -> int:
        """Post nothing, signed in, with the headers (underscores for hyphens) given."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        status, _ = await self.send("POST", path, headers={"Cookie": f"fieldlog={SESSION}"} | named)
        return status


def application(server: Server, folder: Path) -> web.Application:
    app = web.Application(client_max_size=RULES.largest_body_bytes)

    async def reach(request: web.Request) -> web.StreamResponse:
        server.reached.append(request.path)
        if request.content_type.endswith(("urlencoded", "form-data")):
            server.forms.append({key: str(value) for key, value in (await request.post()).items()})
        else:
            await request.read()
        return web.Response(text="reached")

    async def crash(request: web.Request) -> web.StreamResponse:
        raise RuntimeError("the secret is 4711")

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise Refused(409, "Somebody else was first.", "Look and try again.", {"X-Why": "race"})

    async def move(request: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther("/page")

    async def sign_in(request: web.Request) -> web.StreamResponse:
        response = web.Response(text="welcome")
        set_session_cookie(response, RULES, SESSION)
        return response

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half of it")
        full = request.path == "/half-full"
        raise StoreError("the disk is full") if full else RuntimeError("the disk went away")

    async def live(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("live")
        await socket.close()
        return socket

    async def full(request: web.Request) -> web.StreamResponse:
        raise StoreError("the disk is full")

    async def small(request: web.Request) -> web.StreamResponse:
        with closing(sqlite3.connect(folder / "small.db")) as db:
            db.execute("PRAGMA max_page_count = 2")
            db.execute("CREATE TABLE t (x)")
            db.execute("INSERT INTO t VALUES (zeroblob(100000))")
        return web.Response()

    app.router.add_get("/full", full)
    app.router.add_get("/half-full", half)
    app.router.add_get("/small", small)
    app.router.add_get("/crash", crash)
    app.router.add_get("/refuse", refuse)
    app.router.add_get("/move", move)
    app.router.add_get("/half", half)
    app.router.add_get("/live", live)
    app.router.add_get("/sync", live)
    app.router.add_post("/sign-in", sign_in)
    app.router.add_static("/static", folder)
    inner = web.Application()
    inner.router.add_route("*", "/{rest:.*}", reach)
    app.add_subapp("/api", inner)
    for path in ("/page", "/files/photo", "/files/small/one"):
        app.router.add_route("*", path, reach)
    return app


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    served = Server()
    (tmp_path / "board.css").write_text("body { margin: 0 }")
    app = application(served, tmp_path)
    install_guard(app, RULES)
    async with Running(app, served):
        yield served


class Running:
    """Runs an application on loopback while it is entered."""

    def __init__(self, app: web.Application, server: Server) -> None:
        self._runner, self._server = web.AppRunner(app), server

    async def __aenter__(self) -> None:
        await self._runner.setup()
        await Listener(self._runner, "127.0.0.1", 0).start()
        self._server.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._server.client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def __aexit__(self, *exit_details: object) -> None:
        await self._server.client.close()
        await self._runner.cleanup()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/page", 200), ("/api/jobs", 200), ("/nowhere", 404), ("/crash", 500), ("/refuse", 409),
     ("/move", 303), ("/static/board.css", 200), ("/static/../guard.py", 404)],
)  # fmt: skip
async def test_every_answer_carries_the_headers(server: Server, path: str, status: int) -> None:
    async with server.client.get(server.origin + path, allow_redirects=False) as answer:
        assert answer.status == status
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert "default-src 'self'" in policy
        assert {"object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        kept = "no-cache" if path.endswith(".css") else "no-store"
        assert answer.headers["Cache-Control"] == kept
        assert "Server" not in answer.headers
        assert "Strict-Transport-Security" not in answer.headers


async def test_a_hub_behind_tls_asks_for_tls_and_compares_with_https(tmp_path: Path) -> None:
    served = Server()
    app = application(served, tmp_path)
    rules = GuardRules(frozenset(), secure=True, form_secret=b"s" * 32)
    install_guard(app, rules)
    assert rules.cookie_name == "__Host-fieldlog"
    async with Running(app, served):
        headers = {
            "Cookie": f"__Host-fieldlog={SESSION}",
            TOKEN_HEADER: form_token(rules, SESSION),
            "Origin": served.origin.replace("http:", "https:"),
        }
        url = served.origin + "/page"
        async with served.client.post(url, headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        async with served.client.post(url, headers=headers | {"Origin": served.origin}) as answer:
            assert answer.status == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [("hub.local", 200), ("HUB.local.:8443", 200), ("localhost:1", 200), ("10.1.2.3", 200),
     ("[::1]:8443", 200), ("evil.example", 421), ("hub.local.evil.example", 421),
     ("127.0.0.1.evil.example:80", 421), ("hub.local@evil.example", 400), ("[::1", 400),
     ("x" * 5_000, 400), ("", 400), ("1.2.3.4.5", 421), ("[evil]", 400)],
)  # fmt: skip
async def test_a_hub_answers_to_its_own_names_and_to_addresses(
    server: Server, host: str, status: int
) -> None:
    assert (await server.send("GET", "/page", headers={"Host": host}))[0] == status
    assert server.reached == (["/page"] if status == 200 else [])


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND"])
async def test_a_strange_method_is_refused(server: Server, method: str) -> None:
    async with server.client.request(method, server.origin + "/page") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "DELETE, GET, HEAD, PATCH, POST, PUT"
    assert server.reached == []


async def test_a_page_of_the_hub_may_change_things(server: Server) -> None:
    token = {"X_Fieldlog_Token": TOKEN}
    assert await server.change("/page", Origin=server.origin, **token) == 200
    assert await server.change("/page", Sec_Fetch_Site="same-origin", **token) == 200
    both = {"Origin": server.origin, "Sec_Fetch_Site": "same-origin"}
    assert await server.change("/page", **both, **token) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "OWN", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "same-origin"},
        {"Referer": "OWN"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_no_other_page_changes_things_even_with_the_token(
    server: Server, method: str, headers: dict[str, str]
) -> None:
    named = {
        key.replace("_", "-"): value.replace("OWN", server.origin) for key, value in headers.items()
    }
    named |= {"Cookie": f"fieldlog={SESSION}", TOKEN_HEADER: TOKEN}
    status, text = await server.send(method, "/page", headers=named)
    assert status == 403
    assert "did not come from a page of this hub" in text
    assert server.reached == []


@pytest.mark.parametrize("token", [None, "", "x", TOKEN[:-1], TOKEN + "A", "\u00e9"])
async def test_a_change_without_its_sessions_token_is_refused(
    server: Server, token: str | None
) -> None:
    headers = {"Origin": server.origin, "Cookie": f"fieldlog={SESSION}"}
    if token is not None:
        headers[TOKEN_HEADER] = token
    status, text = await server.send("POST", "/page", headers=headers)
    assert status == 403
    assert "open for too long" in text
    headers[TOKEN_HEADER] = form_token(RULES, "another id")
    assert (await server.send("POST", "/page", headers=headers))[0] == 403
    del headers["Cookie"]
    headers[TOKEN_HEADER] = TOKEN
    assert (await server.send("POST", "/page", headers=headers))[0] == 403
    assert server.reached == []


async def test_a_form_carries_its_token_in_a_field_and_arrives_whole(server: Server) -> None:
    headers = {"Origin": server.origin, "Cookie": f"fieldlog={SESSION}"}
    plain = {TOKEN_FIELD: TOKEN, "note": "gate code ümlaut"}
    assert (await server.send("POST", "/page", headers=headers, data=plain))[0] == 200
    parts = aiohttp.FormData(plain, default_to_multipart=True)
    assert (await server.send("POST", "/page", headers=headers, data=parts))[0] == 200
    assert server.forms == [plain, plain]
    plain[TOKEN_FIELD] = "x"
    assert (await server.send("POST", "/page", headers=headers, data=plain))[0] == 403
    file_as_token = aiohttp.FormData()
    file_as_token.add_field(TOKEN_FIELD, TOKEN.encode(), filename="token.txt")
    assert (await server.send("POST", "/page", headers=headers, data=file_as_token))[0] == 403


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--y\r\nnonsense"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n" + b"\xff" * 100 + b"\r\n--x--\r\n"),
        ("application/x-www-form-urlencoded; charset=martian", b"a=b"),
        ("application/x-www-form-urlencoded", b"a=\xff\xfe&&&=%ff"),
    ],
)
async def test_a_form_of_nonsense_is_refused_and_not_a_crash(
    server: Server, kind: str, body: bytes
) -> None:
    headers = {
        "Origin": server.origin, "Cookie": f"fieldlog={SESSION}", "Content-Type": kind,
    }  # fmt: skip
    assert (await server.send("POST", "/page", headers=headers, data=body))[0] in (400, 403)
    assert server.reached == []


@pytest.mark.parametrize("path", ["/sign-in", "/page"])
async def test_a_form_of_nonsense_is_refused_wherever_its_token_is(
    server: Server, path: str
) -> None:
    headers = {
        "Origin": server.origin, "Cookie": f"fieldlog={SESSION}", TOKEN_HEADER: TOKEN,
        "Content-Type": "application/x-www-form-urlencoded; charset=martian",
    }  # fmt: skip
    assert (await server.send("POST", path, headers=headers, data=b"a=b"))[0] == 400
    zipped = headers | {"Content-Type": "application/x-www-form-urlencoded"}
    zipped["Content-Encoding"] = "gzip"
    status, _ = await server.send("POST", path, headers=zipped, data=b"no gzip at all")
    assert status == 400
    assert server.reached == []


@pytest.mark.parametrize("path", ["/full", "/small"])
async def test_what_the_disk_refused_is_said_as_that(server: Server, path: str) -> None:
    status, words = await server.send("GET", path)
    assert status == 507
    assert "could not save" in words


async def test_signing_in_needs_no_token_but_an_own_page(server: Server) -> None:
    assert (await server.send("POST", "/sign-in", headers={"Origin": server.origin}))[0] == 200
    away = {"Origin": "https://evil.example"}
    assert (await server.send("POST", "/sign-in", headers=away))[0] == 403


async def test_a_program_without_a_page_uses_the_paths_that_are_open_to_it(
    server: Server,
) -> None:
    assert (await server.send("POST", "/api/jobs"))[0] == 200
    assert (await server.send("POST", "/apiary"))[0] == 403
    assert server.reached == ["/api/jobs"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_strange_page_does_not_use_the_paths_open_to_programs(
    server: Server, headers: dict[str, str]
) -> None:
    assert (await server.send("POST", "/api/jobs", headers=headers))[0] == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await server.client.ws_connect(server.origin + "/sync", headers=headers)
    assert server.reached == []


async def test_a_live_connection_needs_the_hubs_own_origin(server: Server) -> None:
    url = server.origin + "/live"
    async with server.client.ws_connect(url, headers={"Origin": server.origin}) as socket:
        assert await socket.receive_str() == "live"
    async with server.client.ws_connect(server.origin + "/sync") as socket:
        assert await socket.receive_str() == "live"
    for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-origin"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await server.client.ws_connect(url, headers=headers)
        assert refused.value.status == 403


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/page", 1_048_576, 200), ("/page", 1_048_577, 413), ("/files/photo", 3_000_000, 200),
     ("/files/photo", 3_000_001, 413), ("/files/small/one", 10, 200),
     ("/files/small/one", 11, 413), ("/api/jobs", 101, 413)],
)  # fmt: skip
async def test_each_path_has_its_greatest_body(
    server: Server, path: str, size: int, status: int
) -> None:
    headers = {"Cookie": f"fieldlog={SESSION}", TOKEN_HEADER: TOKEN}
    if not path.startswith("/api"):
        headers["Origin"] = server.origin
    # The length alone decides, so nothing of a body too large need be sent.
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(server.origin.rpartition(":")[2])
    )
    lines = [f"POST {path} HTTP/1.1", f"Host: {server.origin[7:]}", f"Content-Length: {size}"]
    lines += [f"{key}: {value}" for key, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    if status == 200:
        writer.write(b"x" * size)
    assert int((await reader.readline()).split()[1]) == status
    writer.close()
    await writer.wait_closed()


async def test_a_body_of_untold_length_is_refused(server: Server) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    headers = {"Origin": server.origin, "Cookie": f"fieldlog={SESSION}", TOKEN_HEADER: TOKEN}
    assert (await server.send("POST", "/page", headers=headers, data=pieces()))[0] == 411
    assert (await server.send("POST", "/api/jobs", data=pieces()))[0] == 200


async def test_a_crash_tells_the_person_a_reference_and_the_log_the_rest(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="hub.guard"):
        status, text = await server.send("GET", "/crash?q=private")
    assert status == 500
    assert "4711" not in text
    reference = text.split("reference ")[1][:6]
    assert reference in caplog.text
    assert "4711" in caplog.text
    assert "private" not in caplog.text


async def test_a_refusal_keeps_its_words_and_headers(server: Server) -> None:
    async with server.client.get(server.origin + "/refuse") as answer:
        assert answer.headers["X-Why"] == "race"
        assert await answer.text() == "Somebody else was first.\nLook and try again.\n"
    json_wanted = {"Accept": "application/json"}
    async with server.client.get(server.origin + "/nowhere", headers=json_wanted) as answer:
        assert (await answer.json())["error"] == "There is nothing at this address."


@pytest.mark.parametrize("path", ["/half", "/half-full"])
async def test_half_an_answer_is_never_followed_by_another(server: Server, path: str) -> None:
    with pytest.raises(aiohttp.ClientError):
        await server.send("GET", path)


async def test_errors_look_as_the_hub_decides_and_plain_when_that_breaks(tmp_path: Path) -> None:
    served = Server()
    app = application(served, tmp_path)

    async def render(request: web.Request, page: ErrorPage) -> web.StreamResponse:
        if page.status == 409:
            raise RuntimeError("the template is broken")
        return web.Response(status=page.status, text=f"<h1>{page.title}</h1>")

    install_guard(app, RULES, render)
    async with Running(app, served):
        missing = await served.send("GET", "/nowhere")
        assert missing == (404, "<h1>There is nothing at this address.</h1>")
        assert (await served.send("GET", "/refuse"))[1].startswith("Somebody else was first.")


async def test_the_login_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    server: Server,
) -> None:
    headers = {"Origin": server.origin}
    async with server.client.post(server.origin + "/sign-in", headers=headers) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("fieldlog=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_a_secure_cookie_binds_itself_to_its_host() -> None:
    rules = GuardRules(frozenset(), secure=True, form_secret=b"s" * 32)
    response = web.Response()
    set_session_cookie(response, rules, SESSION)
    morsel = response.cookies["__Host-fieldlog"]
    assert (morsel["secure"], morsel["path"], morsel["domain"]) == (True, "/", "")
    drop_session_cookie(response, rules)
    assert response.cookies["__Host-fieldlog"].value == ""
