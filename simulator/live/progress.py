"""How a live run stands while it goes on: a line a second, and a page that draws itself anew.

The page is for this machine alone. Holds no figures of its own. Invariant: it changes nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from html import escape
from typing import Final

from aiohttp import web

from simulator.live.run import LiveRun
from simulator.live.tally import percentile_ms

PIPE_EVERY_S: Final = 5


async def show_progress(run: LiveRun, port: int, say: Callable[[str], None]) -> None:
    """Show how it stands until it is cancelled; `port` 0 is no page."""
    runner = None
    if port:
        app = web.Application()
        app.router.add_get("/", lambda _: _page(run))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            say(f"A page of it: http://127.0.0.1:{port}/")
        except OSError as error:
            say(f"No page of it: port {port} can't be listened on ({error.strerror})")
    try:
        ticks = 0
        while True:
            await asyncio.sleep(1.0)
            ticks += 1
            if sys.stdout.isatty():
                sys.stdout.write(f"\r{line_of(run)}\x1b[K")
                sys.stdout.flush()
            elif ticks % PIPE_EVERY_S == 0:
                say(line_of(run))
    finally:
        if sys.stdout.isatty():
            sys.stdout.write("\n")
        if runner is not None:
            await runner.cleanup()


def line_of(run: LiveRun) -> str:
    """How it stands in a line."""
    course = run.course
    samples = course.samples
    failures = course.tally.failures.total()
    failed = f" · {failures} FAILURES" if failures else ""
    if not samples.seconds:
        return f"{course.stage}: {course.joined} joined, {course.settled} met{failed}"
    last = [samples.seconds[at] for at in sorted(samples.seconds)[-6:-1]]
    seconds = max(len(last), 1)
    now = samples.seconds[max(samples.seconds)]
    waits = sum((each.waits for each in last), start=type(now.waits)())
    hub = f" · hub {100 * samples.hub[-1].processor_share:.0f} %" if samples.hub else ""
    return (
        f"{samples.now_s:4.0f} s · {now.on} on, {now.live} agree, {now.cut_off} cut off · "
        f"{sum(each.taps for each in last) / seconds:.0f} taps/s, "
        f"{sum(each.confirmed for each in last) / seconds:.0f} entries/s confirmed · "
        f"p50 {percentile_ms(waits, 0.5):.0f} ms, p99 {percentile_ms(waits, 0.99):.0f} ms"
        f"{hub}{failed}"
    )


async def _page(run: LiveRun) -> web.Response:
    course = run.course
    rows = [
        ("Stage", course.stage),
        ("Now", line_of(run)),
        ("Best ten seconds", f"{course.samples.best_rate():.0f} entries/s confirmed"),
    ]
    rows += [
        (name, f"{count:,}")
        for name, count in sorted(course.tally.counts.items())
        if not name.startswith("cut off ")
    ]
    rows += [(f"Failed: {words}", f"{count:,}") for words, count in course.tally.failures.items()]
    again = "" if course.is_over else '<meta http-equiv="refresh" content="2">'
    table = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in rows
    )
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">{again}'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
        f'content="light dark"><title>{escape(run.plan.scenario.name)}: {escape(course.stage)}'
        "</title><style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 "
        "1rem}th{text-align:left;font-weight:500;padding-right:2rem;vertical-align:top}"
        "td{font-variant-numeric:tabular-nums}</style>"
        f"<h1>{escape(run.plan.scenario.name)}</h1><table>{table}</table></html>"
    )
    return web.Response(text=text, content_type="text/html")
