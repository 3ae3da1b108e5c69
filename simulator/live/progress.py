"""How a live run stands while it goes on: a line a second, and a page that draws itself anew.

The page is for this machine alone. Holds no figures of its own. Invariant: it changes nothing.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from replica.listener import Listener
from simulator.live.judging import record_of
from simulator.live.run import LiveRun
from simulator.live.samples import Second
from simulator.live.tally import percentile_ms
from simulator.report import contents
from simulator.report.amounts import number
from simulator.report.page import environment, style

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
            await Listener(runner, "127.0.0.1", port).start()
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


@dataclass(frozen=True, slots=True)
class Now:
    """How the last whole seconds were; rates a second, latencies in ms, the hub's share of 1."""

    second: Second
    taps: float
    confirmed: float
    p50_ms: float
    p99_ms: float
    processor: float | None


def is_away(run: LiveRun) -> bool:
    """Whether the hub does not answer now."""
    return run.watch is not None and run.watch.is_away


def now_of(run: LiveRun) -> Now | None:
    """How it stands; None before the first phone has come on."""
    samples = run.course.samples
    if not samples.seconds:
        return None
    # The second that goes on is not over yet.
    last = [samples.seconds[at] for at in sorted(samples.seconds)[-6:-1]]
    waits = sum((each.waits for each in last), Counter[int]())
    return Now(
        samples.seconds[max(samples.seconds)],
        sum(each.taps for each in last) / max(len(last), 1),
        sum(each.confirmed for each in last) / max(len(last), 1),
        percentile_ms(waits, 0.5),
        percentile_ms(waits, 0.99),
        samples.hub[-1].processor_share if samples.hub and not is_away(run) else None,
    )


def line_of(run: LiveRun) -> str:
    """How it stands in a line."""
    course, now = run.course, now_of(run)
    failures = course.tally.failures.total()
    failed = f" · {failures} FAILURES" if failures else ""
    away = " · THE HUB DOES NOT ANSWER" if is_away(run) else ""
    if now is None:
        return f"{course.stage}: {course.joined} joined, {course.settled} met{away}{failed}"
    hub = "" if now.processor is None else f" · hub {100 * now.processor:.0f} %"
    return (
        f"{course.samples.now_s:4.0f} s · {now.second.on} on, {now.second.live} agree, "
        f"{now.second.cut_off} cut off · "
        f"{now.taps:.0f} taps/s, {now.confirmed:.0f} entries/s confirmed · "
        f"p50 {now.p50_ms:.0f} ms, p99 {now.p99_ms:.0f} ms{hub}{away}{failed}"
    )


def page_of(run: LiveRun) -> str:
    """How it stands as a page: now, over time, and what failed; it asks for itself anew."""
    course, now = run.course, now_of(run)
    phones = run.plan.scenario.live.phones
    tiles = [("Phones joined", f"{number(course.joined)} of {number(phones)}")]
    if now is None:
        tiles.append(("Phones that met the hub", number(course.settled)))
    else:
        tiles += [
            ("Phones connected", number(now.second.on)),
            ("Phones that agree with the hub", number(now.second.live)),
            ("Phones without network", number(now.second.cut_off)),
            ("Taps", f"{now.taps:.0f} a second"),
            ("Entries confirmed", f"{now.confirmed:.0f} a second"),
            ("In the best ten seconds", f"{course.samples.best_rate():.0f} a second"),
            ("Acknowledgement, half", f"{now.p50_ms:.0f} ms"),
            ("Acknowledgement, 99 in 100", f"{now.p99_ms:.0f} ms"),
        ]
        pages = percentile_ms(course.tally.buckets.get("page", {}), 0.99)
        tiles.append(("Dispatchers’ pages, 99 in 100", f"{pages:.0f} ms"))
        if now.processor is not None:
            tiles.append(("The hub's processor", f"{100 * now.processor:.0f} %"))
    tiles.append(("Since the run began", f"{time.monotonic() - course.began_s:.0f} s"))
    record = record_of(run, "", time.monotonic() - course.began_s, "")
    template = environment().get_template("progress.html")
    return template.render(
        name=run.plan.scenario.name,
        address=run.plan.address,
        stage=course.stage,
        is_over=course.is_over,
        tiles=tiles,
        is_away=is_away(run),
        failures=course.tally.failures.most_common(),
        plots=[each for plots in contents.plots_over_time(record).values() for each in plots],
        counts=contents.listed(record.counts),
        style=style(),
    )


async def _page(run: LiveRun) -> web.Response:
    return web.Response(text=page_of(run), content_type="text/html")
