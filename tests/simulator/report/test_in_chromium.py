"""Reports in a real browser: they fit a telephone, keep nobody out, and fetch nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser

from simulator.report.compare import compare
from simulator.report.page import draw
from simulator.report.record import Figure, Finding
from tests.simulator.report.records import live_run, mended_run, seeded_run, thinned
from tests.web.browsing import barriers

pytestmark = pytest.mark.browser

_LITTLE = ("duplicate-id",)
# Text that stands beyond the page, in drawings too; what scrolls by itself is looked at there.
_BEYOND = """() => [...document.querySelectorAll('svg text, h1, h2, h3, p, dd, li')]
  .filter((each) => !each.closest('.scroll, .unseen, details:not([open])'))
  .map((each) => [each.getBoundingClientRect(), each.textContent])
  .filter(([box]) => box.width && (box.right > innerWidth + 0.5 || box.left < -0.5))
  .map(([box, words]) => `${words} ${box.left} ${box.right}`)"""


async def test_reports_fit_a_telephone_and_keep_nobody_out_light_and_dark(
    chromium: Browser, tmp_path: Path
) -> None:
    live, mended = thinned(live_run()), thinned(mended_run())
    pages = {"live": draw(live), "seeded": draw(seeded_run()), "both": compare(live, mended)}
    # One word without end may not make the page wider, wherever it stands.
    endless = "x" * 200
    spoilt = replace(
        live,
        scenario={"name": endless, endless: endless},
        command=endless,
        findings=(Finding("failed", endless, endless),),
        figures=(Figure(endless, 1, endless, endless, reached=True),),
        latencies=tuple(replace(each, name=endless) for each in live.latencies),
        counts={endless: 1},
    )
    pages["endless"] = draw(spoilt)
    found: list[str] = []
    asked: list[str] = []
    wanted: list[str] = []
    for name, html in pages.items():
        path = tmp_path / f"{name}.html"
        path.write_text(html, "utf-8")
        wanted.append(path.as_uri())
        page = await chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda line: found.append(line.text))
        await page.goto(path.as_uri())
        found.extend(await page.evaluate(_BEYOND))
        found.extend(await barriers(page, name, only=_LITTLE if name == "endless" else ()))
        await page.emulate_media(color_scheme="dark")
        found.extend(await barriers(page, f"{name}, dark", only=["color-contrast"]))
        await page.close()
    assert found == []
    assert asked == wanted
