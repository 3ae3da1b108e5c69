"""People at a real Chromium, for the tests of pages: signed in, watched, and the page looked at.

Signing in by the form is tested by itself; here the browser gets the session of somebody who has
signed in over HTTP. Holds no test. Invariant: whatever goes wrong in a page lands in `faults`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, expect

from tests.web.office import Office

# The machine may be busy with other tests: what is waited for may take a while, and no longer.
expect.set_options(timeout=20_000)

_VENDOR = Path(__file__).parent.parent / ".cache" / "vendor"
_AXE = "(rules) => axe.run({ runOnly: rules, resultTypes: ['violations'] })"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# That a form was answered with 409 or 422 is no fault of the page.
_ANSWERED: tuple[str, ...] = ("status of 4",)
CUT_LINE = ("WebSocket", "ERR_")
"""What a browser says of a line that a test cuts."""

_CUT = """() => [...document.querySelectorAll('.toolbar .button')].filter((each) => {
    const edge = each.closest('.toolbar').getBoundingClientRect().right;
    return each.offsetWidth && each.getBoundingClientRect().right > edge + 1;
}).map((each) => each.outerHTML.slice(0, 120)).join(' | ')"""


async def sit_down(
    chromium: Browser,
    office: Office,
    faults: list[str],
    *,
    name: str = "Eva",
    origin: str = "",
    expected: Sequence[str] = (),
    **options: Any,
) -> Page:
    """A blank page of a browser in which somebody with an account is signed in.

    `expected` are parts of console errors that are no faults here.
    """
    person = await office.person()
    seen = await person.sign_in(name)
    assert seen.status == 200, seen.words
    base = origin or office.origin
    context = await chromium.new_context(base_url=base, **options)
    await context.add_cookies(
        [{"name": key, "value": value, "url": base} for key, value in person.cookies.items()]
    )
    page = await context.new_page()

    def heard(line: ConsoleMessage) -> None:
        known = any(part in line.text for part in (*_ANSWERED, *expected))
        if line.type == "error" and not known:
            faults.append(line.text)

    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", heard)
    return page


async def without_map(page: Page) -> None:
    """Let a page come without its map, which draws for longer than all else without a card.

    By the browser's own list of what it does not ask for: a route of Playwright's would look at
    every request, and turn the browser's cache off.
    """
    line = await page.context.new_cdp_session(page)
    await line.send("Network.enable")
    await line.send("Network.setBlockedURLs", {"urls": ["*/board/map.js*"]})


async def cut_buttons(page: Page) -> str:
    """The buttons of the board's bar that stand beyond its edge, which does not scroll."""
    cut: str = await page.evaluate(_CUT)
    return cut


async def barriers(page: Page, where: str = "", *, only: Sequence[str] = ()) -> list[str]:
    """What keeps people out of the page that is open, and whether it is wider than its screen.

    `only` are rules of axe-core; without them all that WCAG 2.2 AA asks for.
    """
    if not await page.evaluate("'axe' in window"):
        (axe,) = _VENDOR.glob("axe-core-*/axe.min.js")
        await page.evaluate(axe.read_text("utf-8"))
    rules: object = {"type": "rule", "values": list(only)} if only else _RULES
    result = await page.evaluate(_AXE, rules)
    found = [
        f"{where}: {fault['id']}: {[node['html'] for node in fault['nodes']][:3]}"
        for fault in result["violations"]
    ]
    if await page.evaluate(_WIDER):
        found.append(f"{where} is wider than its screen")
    return found
