"""The libraries that the build fetched work in a real browser under the pages' strict policy."""

from __future__ import annotations

from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Response

from tests.test_architecture import ROOT
from web.assets import Assets, attach_assets

POLICY: Final = (
    "default-src 'self'; img-src 'self' data: blob:; worker-src 'self'; object-src 'none'; "
    "base-uri 'none'"
)
PAGE: Final = """<!doctype html><title>starting</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{at}/maplibre-gl-6.17.0/maplibre-gl.css">
<link rel="stylesheet" href="{at}/leaflet-1.9.4/leaflet.css">
<script src="{at}/htmx-4.0.1/htmx.min.js"></script>
<script src="{at}/leaflet-1.9.4/leaflet.js"></script>
<script src="{at}/protomaps-leaflet-5.1.0/protomaps-leaflet.js"></script>
<svg width="24" height="24"><use href="{at}/icons.svg#map-pin"></use></svg>
<div id="map"></div>
<script type="module" src="/try.js"></script>"""
SCRIPT: Final = """
import {{ Map }} from "{at}/maplibre-gl-6.17.0/maplibre-gl.mjs";
import pmtiles from "{at}/pmtiles-4.5.0/pmtiles.mjs";
const tried = [
  typeof pmtiles.Protocol, typeof L.map, typeof protomapsL.leafletLayer, typeof htmx.process,
];
const world = await (await fetch("{at}/world-atlas-2.0.2/countries-110m.json")).json();
tried.push(world.type);
const place = document.getElementById("map");
place.style.cssText = "width: 400px; height: 300px";
const point = {{ type: "Point", coordinates: [9.5, 47.1] }};
const map = new Map({{ container: place, center: [9.5, 47.1], zoom: 3, style: {{
  version: 8, sources: {{ jobs: {{ type: "geojson", data: point }} }},
  layers: [{{ id: "jobs", type: "circle", source: "jobs" }}],
}} }});
map.once("idle", () => {{
  tried.push(document.querySelector("use").getBoundingClientRect().width > 0 ? "icon" : "no icon");
  tried.push(map.queryRenderedFeatures({{ layers: ["jobs"] }}).length + " job drawn");
  document.title = tried.join(", ");
}});
"""
SLOW = "GPU stall due to ReadPixels"


@pytest.mark.browser
async def test_the_libraries_load_and_a_map_is_drawn_under_the_strict_policy(
    chromium: Browser,
) -> None:
    assets = Assets.read(ROOT / "web/static")
    at = f"/static/{assets.version}/vendor"
    app = web.Application()
    attach_assets(app, assets)

    async def page_with_policy(request: web.Request) -> web.Response:
        return web.Response(
            text=PAGE.format(at=at),
            content_type="text/html",
            headers={"Content-Security-Policy": POLICY},
        )

    async def script(request: web.Request) -> web.Response:
        return web.Response(text=SCRIPT.format(at=at), content_type="text/javascript")

    app.router.add_get("/", page_with_policy)
    app.router.add_get("/try.js", script)
    async with TestServer(app) as server:
        page = await chromium.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # Without a card the browser reads drawn maps back, and says each time that this is slow.
        page.on(
            "console",
            lambda said: None if SLOW in said.text else complaints.append(said.text),
        )
        packed: list[str] = []

        def note(answer: Response) -> None:
            if "content-encoding" in answer.headers:
                packed.append(answer.url)

        page.on("response", note)
        await page.goto(str(server.make_url("/")))
        for _ in range(300):
            if (title := await page.title()) != "starting":
                break
            await page.wait_for_timeout(100)
        await page.close()
    drawn = "function, function, function, function, Topology, icon, 1 job drawn"
    assert (title, complaints) == (drawn, [])
    assert any(url.endswith("/maplibre-gl.mjs") for url in packed)
