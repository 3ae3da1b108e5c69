"""The board in a real Chromium: live, by keyboard, under the strict CSP, wide, narrow and dark."""

from __future__ import annotations

import asyncio
import contextlib
import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route, WebSocketRoute, expect

from core.dispatch import acts
from core.dispatch.fields import Kind
from tests.web.board.desk import Desk, assign, row, shown
from tests.web.browsing import barriers

pytestmark = pytest.mark.browser


class Cable:
    """The line between a browser and the hub, which can be cut and mended."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self._to = (parts.hostname or "", parts.port or 0)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._whole = True

    async def __aenter__(self) -> Cable:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.origin = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.close()
            return
        hub_reader, hub_writer = await asyncio.open_connection(*self._to)
        self._open |= {writer, hub_writer}
        for source, target in ((reader, hub_writer), (hub_reader, writer)):
            task = asyncio.get_running_loop().create_task(self._copy(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        target.close()

    def cut(self) -> None:
        """Break every connection; new ones are refused."""
        self._whole = False
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self._whole = True


@pytest.mark.parametrize(
    ("width", "height", "scheme"), [(1440, 900, "light"), (820, 1100, "light"), (360, 740, "dark")]
)
async def test_the_board_has_no_barrier_and_fits_its_screen(
    desk: Desk, chromium: Browser, width: int, height: int, scheme: str
) -> None:
    job = desk.jobs[1]
    await assign(desk, job, desk.workers[0])
    page = await desk.sit(
        chromium, viewport={"width": width, "height": height}, color_scheme=scheme
    )
    found = []
    layouts = ("/?view=all&show=table", f"/?show=table&job={job}", "/?view=all&show=map")
    plans = ("/?view=all&show=planner", f"/?show=planner&span=week&job={job}")
    for path in ("/", f"/?job={job}", "/?do=new", *layouts, *plans, "/?view=done&q=nothing"):
        await page.goto(path)
        await expect(page.locator("#board[data-ready]")).to_be_attached()
        if path == layouts[0]:
            await expect(row(page, job)).to_be_visible()
        found += await barriers(page, path)
    assert found == []
    await page.context.close()


async def test_what_another_does_shows_without_a_refresh(desk: Desk, chromium: Browser) -> None:
    page = await desk.sit(chromium, "/?view=open", with_map=False)
    unassigned = page.locator('[data-view="unassigned"] .count')
    await expect(unassigned).to_have_text("4")
    await assign(desk, desk.jobs[0], desk.workers[1])
    await expect(row(page, desk.jobs[0])).to_contain_text("Ben")
    await expect(unassigned).to_have_text("3")
    job, _ = await desk.town.job("Echo", starts_in=200)
    await expect(row(page, job)).to_be_visible()
    assert await shown(page) == ["Alpha", "Bravo", "Echo", "Charlie", "Delta"]
    await page.context.close()


async def test_a_board_whose_browser_was_signed_out_asks_to_sign_in(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=open", with_map=False)
    (account,) = await desk.town.office.rows("SELECT account FROM account WHERE name = 'Eva'")
    desk.town.office.hub.sessions.end_all(account["account"])
    desk.town.office.hub.feed.publish("sync", ())
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await page.context.close()


async def test_rows_do_not_jump_under_the_pointer(desk: Desk, chromium: Browser) -> None:
    page = await desk.sit(chromium, "/?view=unassigned&sort=title", with_map=False)
    await row(page, desk.jobs[2]).hover()
    await assign(desk, desk.jobs[0], desk.workers[0])
    await desk.town.job("Able", starts_in=60)
    await expect(page.locator("#pending")).to_contain_text("2 rows changed")
    assert await shown(page) == ["Alpha", "Bravo", "Charlie", "Delta"]
    await expect(row(page, desk.jobs[0])).to_contain_text("Ana")
    await page.get_by_role("button", name="Apply").click()
    assert await shown(page) == ["Able", "Bravo", "Charlie", "Delta"]
    await expect(page.locator("#pending")).to_be_hidden()

    await row(page, desk.jobs[2]).hover()
    await assign(desk, desk.jobs[1], desk.workers[0])
    await expect(page.locator("#pending")).to_contain_text("1 row changed")
    await page.get_by_role("heading", name="Unassigned").hover()
    await expect(row(page, desk.jobs[1])).to_have_count(0)
    await page.context.close()


async def test_the_whole_loop_by_keyboard(desk: Desk, chromium: Browser) -> None:
    page = await desk.sit(chromium, "/?view=unassigned", with_map=False)
    keys = page.keyboard
    await keys.press("j")
    await expect(row(page, desk.jobs[0])).to_be_focused()
    await keys.press("j")
    await keys.press("k")
    await keys.press("j")
    await expect(row(page, desk.jobs[1])).to_be_focused()
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Bravo")).to_be_visible()
    assert f"job={desk.jobs[1]}" in page.url
    await keys.press("a")
    await expect(page.locator(".candidate")).to_have_count(3)
    await keys.type("cyr")
    await expect(page.locator(".candidate")).to_have_count(1)
    await keys.press("Enter")
    await expect(page.locator("#pane")).to_contain_text("Not on the phone")
    assert (await desk.town.row(desk.jobs[1]))["worker"] == desk.workers[2].id
    await row(page, desk.jobs[0]).focus()
    await keys.press("c")
    await expect(page.get_by_role("heading", name="Alpha")).to_be_visible()
    await expect(page.locator("#note-text")).to_be_focused()
    await keys.type("gate code 4711")
    await expect(page.locator("#note-text")).to_have_value("gate code 4711")
    await page.locator("#note-text").clear()
    await keys.press("Escape")
    await expect(page.locator("#pane")).to_be_hidden()
    assert "job=" not in page.url
    await keys.press("?")
    await expect(page.get_by_role("heading", name="Keys of the board")).to_be_visible()
    await keys.press("Escape")
    await keys.press("/")
    await expect(page.get_by_label("Filter by text")).to_be_focused()
    await keys.type("char")
    await expect(row(page, desk.jobs[3])).to_have_count(0)
    assert await shown(page) == ["Charlie"]
    await page.context.close()


async def test_a_job_is_made_from_a_customer_in_a_few_keys(desk: Desk, chromium: Browser) -> None:
    page = await desk.sit(chromium, "/?view=unassigned", with_map=False)
    await page.keyboard.press("n")
    await expect(page.get_by_label("Title")).to_be_focused()
    await page.keyboard.type("Radiator")
    await page.get_by_role("combobox", name="Customer").fill("letn")
    await expect(page.get_by_role("option", name="Letná")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Position")).to_have_value("50.0995, 14.425")
    await expect(page.get_by_role("textbox", name="Contact")).to_have_value("Pavel")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("heading", name="Radiator")).to_be_visible()
    await expect(page.locator("tr.job", has_text="Radiator")).to_have_attribute(
        "aria-current", "true"
    )
    await page.context.close()


async def test_a_refused_form_shows_what_is_wrong_and_no_message_covers_its_button(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=unassigned", with_map=False)
    await page.keyboard.press("n")
    await page.get_by_label("Title").fill("Radiator")
    day = page.locator("#f-day")
    await page.get_by_label("From", exact=True).fill("14:00")
    # A time is meant for today, until one says otherwise.
    await expect(day).to_have_value("2026-11-23")
    await day.fill("")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Give the day of the window")).to_be_in_viewport()
    await expect(day).to_be_focused()
    await expect(day).to_be_in_viewport()
    await expect(page.get_by_label("From", exact=True)).to_have_value("14:00")
    await day.fill("2026-11-23")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".toast")).to_contain_text("is made")
    for width, height in ((1440, 900), (390, 844)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.keyboard.press("n")
        await page.get_by_role("button", name="Create the job").click(trial=True, timeout=2_000)
        await expect(page.locator(".toast")).to_be_visible()
    await page.context.close()


async def test_a_message_stays_while_the_pointer_is_on_it_and_goes_afterwards(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=unassigned", with_map=False)
    await page.keyboard.press("e")
    shown_words = page.get_by_text("No job is chosen.")
    await shown_words.hover()
    await page.wait_for_timeout(4_500)
    await expect(shown_words).to_be_visible()
    await page.mouse.move(10, 10)
    await expect(shown_words).to_be_hidden(timeout=10_000)
    await page.context.close()


async def test_a_count_that_grows_from_nothing_gets_its_colour_at_once(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=open", with_map=False)
    late = page.locator('[data-view="delayed"] .count')
    await expect(late).to_have_text("0")
    await desk.town.job("Echo", starts_in=-200)
    await expect(late).to_have_text("1")
    await expect(late).to_have_attribute("data-tone", "bad")
    await page.context.close()


async def test_two_people_at_one_job_see_both_values_in_the_form(
    desk: Desk, chromium: Browser
) -> None:
    job = desk.jobs[0]
    page = await desk.sit(chromium, f"/?view=all&job={job}&do=edit", with_map=False)
    await page.get_by_label("Title").fill("Alpha, mine")
    await desk.town.office.act(acts.edit_job(bytes.fromhex(job), {"title": "Alpha, theirs"}))
    await expect(page.locator(".pane-note")).to_contain_text("changed while you edit")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Changed while you were")).to_be_visible()
    await expect(page.locator("legend", has_text="Title")).to_contain_text("the hub changed it")
    assert (await desk.town.row(job))["title"] == "Alpha, theirs"
    await page.get_by_label("Keep mine").check()
    await page.get_by_role("button", name="Save with these choices").click()
    await expect(page.get_by_role("heading", name="Alpha, mine")).to_be_visible()
    assert (await desk.town.row(job))["title"] == "Alpha, mine"
    await page.context.close()


async def test_back_and_forward_walk_through_questions_and_selections(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=open", with_map=False)
    await row(page, desk.jobs[2]).click()
    await expect(page.get_by_role("heading", name="Charlie")).to_be_visible()
    await page.locator('[data-view="done"]').click()
    await expect(page.get_by_role("heading", name="Done", exact=True)).to_be_visible()
    assert await shown(page) == []
    await page.go_back()
    await expect(row(page, desk.jobs[2])).to_have_attribute("aria-current", "true")
    await page.go_back()
    await expect(page.locator("#pane")).to_be_hidden()
    assert page.url.endswith("/?view=open")
    await page.go_forward()
    await expect(page.get_by_role("heading", name="Charlie")).to_be_visible()
    await page.locator('[data-sort="title"]').click()
    await page.locator('[data-sort="window"]').click(modifiers=["Shift"])
    await page.wait_for_url(re.compile(r"sort=title(%2C|,)window"))
    await expect(page.locator('th.c-window[aria-sort="ascending"] .order')).to_have_text("2")
    await page.context.close()


async def test_a_second_click_on_a_head_waits_for_what_the_first_asked_for(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=open", with_map=False)

    async def late(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.continue_()

    await page.route("**/?view=open&sort=title", late)
    await page.locator('[data-sort="title"]').click()
    await page.locator('[data-sort="window"]').click(modifiers=["Shift"])
    await page.wait_for_url(re.compile(r"sort=title(%2C|,)window"))
    await expect(page.locator('th.c-window[aria-sort="ascending"] .order')).to_have_text("2")
    await page.context.close()


async def test_a_cut_line_is_said_and_what_was_missed_comes_when_it_is_mended(
    desk: Desk, chromium: Browser
) -> None:
    async with Cable(desk.town.office.origin) as cable:
        page = await desk.sit(chromium, "/?view=unassigned", cable.origin)
        await expect(page.locator("#map[data-ready]")).to_be_attached(timeout=30_000)
        await expect(page.locator("#live")).to_be_hidden()
        cable.cut()
        await expect(page.locator("#live")).to_have_text(
            re.compile(r"No connection since \d\d:\d\d")
        )
        job, _ = await desk.town.job("Made meanwhile", starts_in=30)
        cable.mend()
        await expect(row(page, job)).to_be_visible(timeout=20_000)
        await expect(page.locator("#live")).to_be_hidden()
        await page.context.close()


async def test_what_changes_while_a_page_is_on_its_way_is_shown(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=all", with_map=False)
    lines: list[WebSocketRoute] = []

    def keep(line: WebSocketRoute) -> None:
        lines.append(line)

    await page.route_web_socket("**/live?*", keep)
    await page.goto("/?view=open")
    await expect(row(page, desk.jobs[0])).to_be_visible()
    changes = acts.edit_job(bytes.fromhex(desk.jobs[0]), {"title": "Alpha meanwhile"})
    await desk.town.office.act(changes)
    # Only now its line to the hub is there.
    server = lines[0].connect_to_server()
    lines[0].on_message(lambda message: server.send(message))
    server.on_message(lambda message: lines[0].send(message))
    await expect(row(page, desk.jobs[0])).to_contain_text("Alpha meanwhile")
    await page.context.close()


async def test_in_a_storm_of_changes_none_is_left_out(desk: Desk, chromium: Browser) -> None:
    page = await desk.sit(chromium, "/?view=all", with_map=False)
    feed, first = desk.town.office.hub.feed, asyncio.Event()
    held: list[Route] = []

    async def hold_the_first(route: Route) -> None:
        held.append(route)
        if len(held) == 1:
            # Asked and answered now, and not brought before the change after it.
            answer = await route.fetch()
            await first.wait()
            await route.fulfill(response=answer)
        else:
            await route.continue_()

    await page.route("**/board/changed*", hold_the_first)
    async with page.expect_request("**/board/changed*"):
        feed.publish("streams", (desk.jobs[0],))
    for part in range(3):
        strangers = (f"{300 * part + index:08x}04{'00' * 7}" for index in range(300))
        feed.publish("streams", strangers)
    changes = acts.edit_job(bytes.fromhex(desk.jobs[1]), {"title": "Bravo in the storm"})
    await desk.town.office.act(changes)
    changes = acts.edit_job(bytes.fromhex(desk.jobs[0]), {"title": "Alpha after it"})
    await desk.town.office.act(changes)
    first.set()
    await expect(row(page, desk.jobs[1])).to_contain_text("Bravo in the storm")
    await expect(row(page, desk.jobs[0])).to_contain_text("Alpha after it")
    await page.context.close()


async def test_many_rows_come_as_one_scrolls_and_far_ones_are_folded(
    desk: Desk, chromium: Browser
) -> None:
    office, far = desk.town.office, desk.jobs[0]
    changes = []
    for index in range(330):
        job = acts.new_stream_id(Kind.JOB, desk.town.clock.now_ms(), office.entropy(7))
        changes += acts.create_job(job, {"title": f"Row {index:03d}", "customer": desk.letna})
        far = job.hex() if index == 30 else far
    await office.act(changes)
    page = await desk.sit(chromium, "/?view=all&sort=title", with_map=False)
    await expect(page.locator("tr.job")).to_have_count(50)
    bottom = "sheet => { sheet.scrollTop = sheet.scrollHeight }"
    for _ in range(100):
        await page.locator("#sheet").evaluate(bottom)
        if await page.locator("#more").is_hidden():
            break
        await page.wait_for_timeout(100)
    await page.locator("#sheet").evaluate(bottom)
    await expect(page.locator("tr.job", has_text="Row 329")).to_be_visible()
    second = page.locator("#table tbody").nth(1)
    await expect(second).to_have_class("folded")
    await expect(page.locator('tr.job[tabindex="0"]')).to_be_attached()  # Where Tab enters.
    # What changes there is new when it is seen, and has nothing unfolded before.
    await office.act(acts.edit_job(bytes.fromhex(far), {"priority": 3}))
    await office.act(acts.edit_customer(desk.letna, {"name": "Bubeneč"}))
    await desk.town.job("Row 330", starts_in=None)
    await expect(page.locator("tr.job", has_text="Row 330")).to_be_attached()
    await expect(page.locator("tr.job", has_text="Row 329")).to_contain_text("Bubeneč")
    await expect(second).to_have_class("folded")
    await row(page, desk.jobs[0]).scroll_into_view_if_needed()
    await expect(row(page, far)).to_contain_text("Urgent")
    await expect(row(page, far)).to_contain_text("Bubeneč")
    # On paper nothing is folded away.
    assert await page.locator("tbody.folded").count()
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert not await page.locator("tbody.folded").count()
    await page.context.close()


async def test_a_hidden_map_is_begun_when_it_is_first_to_be_seen(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=unassigned&show=table")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    await page.reload()
    await expect(page.locator("#board[data-ready]")).to_be_attached()
    await page.wait_for_load_state("networkidle")
    assert any(path.endswith("/board.js") for path in asked)
    assert not any("map" in path for path in asked), asked
    await page.locator(".layout-menu > summary").click()
    await page.get_by_role("link", name="Table and map").click()
    await expect(page.locator("#map[data-ready]")).to_be_attached(timeout=30_000)
    await expect(page.locator("#map canvas").first).to_be_visible()
    await page.context.close()


async def test_a_click_on_the_maps_pin_selects_the_job(desk: Desk, chromium: Browser) -> None:
    alone = desk.jobs[3]
    await desk.town.office.act(
        acts.edit_job(bytes.fromhex(alone), {"point": (501_100_000, 144_900_000)})
    )
    page = await desk.sit(chromium, f"/?view=unassigned&show=map&q=delta&job={alone}")
    await expect(page.locator("#map[data-ready=gl]")).to_be_attached(timeout=30_000)
    await page.keyboard.press("m")
    await page.keyboard.press("Escape")
    await expect(page.locator("#pane")).to_be_hidden()
    box = await page.locator("#map").bounding_box()
    assert box
    for _ in range(10):
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if f"job={alone}" in page.url:
            break
        await page.wait_for_timeout(500)
    await expect(page.get_by_role("heading", name="Delta")).to_be_visible()
    await page.context.close()


async def test_a_position_is_picked_on_the_map(desk: Desk, chromium: Browser) -> None:
    page = await desk.sit(chromium, "/?do=new")
    await expect(page.locator("#map[data-ready=gl]")).to_be_attached(timeout=30_000)
    await page.get_by_label("Title").fill("Picked")
    await page.get_by_role("button", name="Pick on map").click()
    await expect(page.locator("#map-words")).to_contain_text("Click where the job is")
    box = await page.locator("#map").bounding_box()
    assert box
    await page.mouse.click(box["x"] + 40, box["y"] + 60)
    await expect(page.get_by_label("Position")).to_have_value(re.compile(r"^5\d\.\d+, 14\.\d+$"))
    await page.get_by_role("button", name="Create the job").click()
    await expect(page.get_by_role("heading", name="Picked")).to_be_visible()
    (row,) = await desk.town.office.rows("SELECT lat_e7 FROM job WHERE title = 'Picked'")
    assert row["lat_e7"] is not None
    await page.context.close()


async def test_a_position_is_picked_on_a_narrow_screen_too(desk: Desk, chromium: Browser) -> None:
    page = await desk.sit(chromium, "/?do=new", viewport={"width": 360, "height": 740})
    await expect(page.locator("#map")).to_be_hidden()
    button = page.get_by_role("button", name="Pick on map")
    # The map is begun by the click; who thinks better of it before it is there is heard too.
    await button.click()
    await expect(page.locator("#map")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#map")).to_be_hidden()
    await expect(page.locator("#map[data-ready=gl]")).to_be_attached(timeout=30_000)
    await expect(page.locator("#map")).to_be_hidden()
    await expect(button).to_have_attribute("aria-pressed", "false")
    await button.click()
    await expect(page.locator("#map")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#map")).to_be_hidden()
    await expect(page.get_by_label("Title")).to_be_visible()
    await button.click()
    await page.evaluate("history.pushState(null, '', '/?view=open'); history.back()")
    await expect(page.locator("#map")).to_be_hidden()
    await button.click()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("#map")).to_be_hidden()
    await expect(button).to_have_attribute("aria-pressed", "false")
    await button.click()
    box = await page.locator("#map").bounding_box()
    assert box
    assert box["height"] > 300
    await page.mouse.click(box["x"] + 150, box["y"] + 200)
    await expect(page.get_by_label("Position")).to_have_value(re.compile(r"^5\d\.\d+, 14\.\d+$"))
    await page.context.close()


async def test_without_webgl_another_map_is_drawn(desk: Desk, without_webgl: Browser) -> None:
    page = await desk.sit(without_webgl, "/?view=unassigned")
    await expect(page.locator("#map[data-ready=flat]")).to_be_attached(timeout=30_000)
    pins = page.locator("#map img.leaflet-marker-icon")
    await expect(pins).to_have_count(4 + 3)
    # From afar the four jobs of one house stand under one ring, and three workers beside it.
    for _ in range(2):
        await page.get_by_role("button", name="Zoom out").click()
    await expect(page.get_by_alt_text("4 jobs: 4 open")).to_be_visible()
    await expect(pins).to_have_count(1 + 3)
    await assign(desk, desk.jobs[0], desk.workers[0])
    ring = page.get_by_alt_text("3 jobs: 3 open")
    await expect(ring).to_be_visible()
    # Ana stands at the house too, with her mark on top: the list has her and the three jobs.
    await ring.click(force=True)
    await expect(page.get_by_role("group", name="4 here")).to_be_visible()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(
        page.get_by_role("heading", name=re.compile("Bravo|Charlie|Delta"))
    ).to_be_visible()
