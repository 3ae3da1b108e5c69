"""Menu > Jobs: the sections, the search, and going on and off duty.

Holds handlers and what they hand to their template. Invariant: however many jobs a phone holds, a
page draws a bounded number of cards, and says how many more there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from core.dispatch import day_acts
from core.sentence import say
from replica.screens import local_time
from replica.screens.changed_by import changed_by
from replica.screens.here import SCREENS, Here, form_of, goto, message_of
from replica.screens.joblist import (
    SECTIONS,
    Card,
    load_cards,
    matching,
    metres_to,
    news,
    sections_of,
)
from replica.screens.new_job_page import may_make_jobs

# How many cards a section shows before it offers the rest; what is today is shown whole.
CARDS_MAX = {"Now": 50, "Next": 1, "Today": 100, "Later": 30, "Done": 20, "Rejected": 20}
WHOLE_SECTION_MAX = 1_000
# Before a shift begins, duty is proposed this much early.
SHIFT_EARLY_MIN = 30


@dataclass(frozen=True, slots=True)
class CardShown:
    """A card with what depends on the moment: distance, news, what is still to send."""

    card: Card
    window: str
    distance_m: float | None
    news: str
    unsent: int
    running_since: int | None


@dataclass(frozen=True, slots=True)
class SectionShown:
    """A section's first cards; `count` is how many it has in all."""

    name: str
    cards: list[CardShown]
    count: int
    folded: bool


async def menu(request: web.Request) -> web.Response:
    """Menu: Jobs, My day, Settings, Sync."""
    screens = request.app[SCREENS]
    here = await screens.here()
    (to_do,) = await screens.device.reader.row(_TO_DO, (here.worker,)) or (0,)
    return screens.page(
        here, "menu.html", title=say("Menu"), message=message_of(request), to_do=to_do
    )


_TO_DO = """
SELECT count(DISTINCT turn.job) FROM assignment AS turn JOIN job ON job.job = turn.job
WHERE turn.worker = ? AND job.status <> 'cancelled'
AND turn.phase NOT IN ('finished', 'rejected', 'withdrawn', 'released')
"""


async def jobs(request: web.Request) -> web.Response:
    """The jobs by section; `q` searches, `section` shows one section whole."""
    screens = request.app[SCREENS]
    here = await screens.here()
    if not here.jobs_shown:
        return screens.page(here, "jobs_off.html", title=say("Jobs"), message=message_of(request))
    cards = await load_cards(screens.device.reader, here.worker)
    screens.marks.forget_others(cards)
    text = request.query.get("q", "").strip()
    only = request.query.get("section", "")
    found = matching(cards, text) if text else cards
    sections = []
    for name, members in sections_of(found, here.now_ms, here.zone).items():
        if only in SECTIONS and name != only:
            continue
        most = WHOLE_SECTION_MAX if name == only else CARDS_MAX[name]
        shown = [
            _shown(request, here, card, await changed_by(request, here, card))
            for card in members[:most]
        ]
        folded = name in ("Done", "Rejected") and not only and not text
        sections.append(SectionShown(name, shown, len(members), folded))
    return screens.page(
        here,
        "jobs.html",
        title=say("Jobs"),
        message=message_of(request),
        sections=sections,
        query=text,
        only=only if only in SECTIONS else "",
        total=len(cards),
        found=len(found),
        duty_words=duty_words(here),
        makes_jobs=await may_make_jobs(request),
    )


def _shown(request: web.Request, here: Here, card: Card, by: str) -> CardShown:
    screens = request.app[SCREENS]
    running = next((log for log in here.running if log.job == bytes.fromhex(card.job)), None)
    return CardShown(
        card=card,
        window=here.window(card.window_start, card.window_end),
        distance_m=metres_to(card, screens.device.last_fix(), here.now_ms),
        news=news(card, screens.marks, here.zone, here.now_ms, by),
        unsent=here.unsent_by_stream.get(card.job, 0),
        running_since=running.start_at if running is not None else None,
    )


def duty_words(here: Here) -> str:
    """What is said beside the duty button: since when, or what the shift proposes."""
    if here.duty is not None:
        return say("On duty since {moment}", moment=here.moment(here.duty.start_at))
    if here.shift is None:
        return say("Off duty")
    start, end = here.shift
    minute = local_time.minute_of_day(here.now_ms, here.zone)
    begins = f"{start // 60:02d}:{start % 60:02d}"
    if any(start - SHIFT_EARLY_MIN <= each < start for each in (minute, minute + 1440)):
        return say("Off duty. Your shift begins {clock}", clock=begins)
    if any(start <= each < end for each in (minute, minute + 1440)):
        return say("Off duty. Your shift began {clock}", clock=begins)
    return say("Off duty. Next shift {clock}", clock=begins)


async def set_duty(request: web.Request) -> web.Response:
    """Go on duty or off it; a second tap on the same button changes nothing."""
    screens = request.app[SCREENS]
    here = await screens.here()
    form = await form_of(request)
    worker = bytes.fromhex(here.worker)
    if form.get("duty") == "start" and here.duty is None:
        fresh = screens.device.entropy(8)
        await screens.device.act(day_acts.start_duty(worker, here.today, fresh))
        words = say("On duty. Your position is shared from now on")
    elif form.get("duty") == "stop" and here.duty is not None:
        duty = bytes.fromhex(here.duty.duty)
        await screens.device.act(day_acts.stop_duty(worker, here.duty.day, duty))
        words = say("Off duty. Nothing about where you are leaves this phone")
    else:
        words = say("That was so already")
    return goto("/jobs", screens.messages.say(words))


async def answer_notice(request: web.Request) -> web.Response:
    """Agree to what auto logging noticed, or say that it is wrong."""
    screens = request.app[SCREENS]
    form = await form_of(request)
    agreed = form.get("agreed") == "yes"
    await screens.device.answer_notice(request.match_info["notice"], agreed)
    words = say("Noted") if agreed else say("Noted: not so. Nothing of it is counted")
    back = form.get("back", "/jobs")
    # Only a path of ours, and never `//host`, which a browser takes for another host.
    safe = back.startswith("/") and not back.startswith(("//", "/\\"))
    return goto(back.split("?")[0] if safe else "/jobs", screens.messages.say(words))
