"""Every page of the office, found by asking the program for its addresses, looked at in a browser.

In light and dark, from a phone's width to a wide desk's, and on paper: no barrier, nothing wider
than its screen or cut, nothing asked of anybody else, no fault in a script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from playwright.async_api import Browser, Page, Request

from tests.web.board.desk import Desk
from tests.web.board.lived_in import DAY, LivedIn
from tests.web.browsing import barriers, cut_buttons, sit_down, without_map
from tests.web.office import Office, Person

pytestmark = pytest.mark.browser

# What is no page to look at: the line that stays open, a link that only its holder has, a choice,
# what phones fetch.
NO_SCREEN = ("/live", "/sync", "/static/", "/set-up/", "/map/", "/language/", "/phone/")
NOTHING_THERE = r"/reset/|/install/|/history/track|/board/"
WIDTHS = (1024, 2560, 360)
PARTS = 3
"""Each looks at a third of the pages: a test that takes minutes is put off."""
PAPER_WIDTH = 720
"""About what is left of A4 between its margins."""

_WIDER = """() => {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return '';
    const within = (node) => {
        for (let at = node.parentElement; at; at = at.parentElement) {
            if (getComputedStyle(at).overflowX !== 'visible' && at !== document.body) return true;
        }
        return false;
    };
    const wide = [...document.body.querySelectorAll('*')].filter(
        (node) => node.getBoundingClientRect().right > root.clientWidth + 1 && !within(node));
    return wide.slice(0, 3).map((node) => node.outerHTML.slice(0, 120)).join(' | ') || 'something';
}"""


HEADING_LETTERS = 25
"""More than a heading alone has on paper."""
# A board whose table or map is shown, and no pane: a map's jobs come on paper as a table.
OF_JOBS = ".board:not([data-pane]):is([data-sights~='table'], [data-sights='map'])"


def addresses(office: Office, parameters: dict[str, str]) -> Iterable[str]:
    """Every address that can be opened, filled in; one that can't be is an error here."""
    for resource in office.app.router.resources():
        if not any(route.method == "GET" for route in resource):
            continue
        path = resource.canonical
        if not path.startswith(NO_SCREEN):
            yield re.sub(r"{(\w+)}", lambda name: parameters[name[1]], path)


async def screens(person: Person, lived: LivedIn) -> list[str]:
    """The addresses that answer with a whole page, and the faces that some of them have besides."""
    known = lived.parameters
    job, worker, customer = known["job"], known["worker"], known["customer"]
    board = "/?view=all"
    more = [
        f"{board}&show=table&group=worker", f"{board}&show=planner",
        f"{board}&show=planner&span=week", f"{board}&show=map", "/?show=inbox",
        f"{board}&job={job}", "/?do=new",
        f"{board}&job={job}&do=edit", "/?do=near", "/search?q=boiler", "/reports?chart=plan",
        f"/history?worker={worker}&day={DAY}", f"/erased?find={customer}",
        f"/recurring/new?job={job}", f"/workers/day?date={DAY}&all=yes",
        "/workers/day?date=2026-11-29", f"/proposal?day={DAY}",
    ]  # fmt: skip
    found: dict[str, None] = {"/no-such-page": None}
    missing = []
    for path in [*addresses(lived.desk.town.office, known), *more]:
        seen = await person.get(path)
        if seen.text.lstrip().lower().startswith("<!doctype html"):
            if seen.status == 200:
                found.setdefault(seen.path)
            else:
                missing.append(path)
    # What answers that there is nothing must be known to do so: else a page goes unseen.
    assert all(re.match(NOTHING_THERE, path) for path in missing), missing
    return list(found)


async def faults_of(page: Page, path: str) -> list[str]:
    """What is wrong with a page in both themes, at all widths and on paper."""
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.emulate_media(media="screen", color_scheme="light", reduced_motion="reduce")
    await page.goto(path)
    found = await barriers(page, f"{path} light 1440")
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        if wider := await page.evaluate(_WIDER):
            found.append(f"{path} is wider than {width}: {wider}")
        if cut := await cut_buttons(page):
            found.append(f"{path} has cut buttons at {width}: {cut}")
    await page.emulate_media(media="screen", color_scheme="dark", reduced_motion="reduce")
    # What hangs on the theme and on the width; the rest is as in light.
    found += await barriers(page, f"{path} dark 360", only=("color-contrast", "target-size"))
    await page.set_viewport_size({"width": PAPER_WIDTH, "height": 1000})
    await page.emulate_media(media="print", color_scheme="dark", reduced_motion="reduce")
    if wider := await page.evaluate(_WIDER):
        found.append(f"{path} is wider than its paper: {wider}")
    if len((await page.locator("main").inner_text()).strip()) < HEADING_LETTERS:
        found.append(f"{path} has nothing but a heading on paper")
    if await page.locator(OF_JOBS).count() and not await page.locator("tr.job:visible").count():
        found.append(f"{path} has no job on paper")
    if await page.locator("nav:visible, .button:visible, .bar:visible").count():
        found.append(f"{path} has buttons on paper")
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
async def test_every_page_of_the_office_has_no_barrier_fits_every_screen_and_prints(
    desk: Desk, chromium: Browser, part: int
) -> None:
    lived = await LivedIn(desk).fill()
    office = desk.town.office
    eva = await office.person()
    await eva.sign_in("Eva")
    paths = await screens(eva, lived)
    assert len(paths) > 45, paths
    elsewhere: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((office.origin, "data:", "blob:", "ws:")):
            elsewhere.append(request.url)

    page = await sit_down(chromium, office, desk.faults, expected=("ERR_BLOCKED",))
    page.on("request", asked)
    # It has tests of its own.
    await without_map(page)
    found = []
    for path in paths[part::PARTS]:
        found += await faults_of(page, path)
    await page.context.close()
    if part == 0:
        stranger = await (await chromium.new_context(base_url=office.origin)).new_page()
        for path in ("/sign-in", "/install", "/set-up/none"):
            found += await faults_of(stranger, path)
        await stranger.context.close()
    assert found == []
    assert elsewhere == []
