"""Menu > Settings: Jobs (on/off, auto logging, its minimum time), display, this phone.

Invariant: a setting shown is one that is committed; turning auto logging or jobs off ends what was
logged by itself at its last evidence, in the same act.
"""

from __future__ import annotations

from aiohttp import web

from core.dispatch import acts
from core.dispatch.acts import THRESHOLD_MIN_MAX, ActError
from replica.screens.here import SCREENS, Here, form_of, goto, message_of
from replica.screens.map_settings_page import map_words
from replica.screens.marks import DISPLAY_CHOICES
from replica.screens.progress import end_automatic

MODES = (
    ("suggest", "Suggest", "Asks you; logs nothing before you say OK"),
    ("timed", "Timed", "Asks you; logs it after 60 seconds unless you say no"),
    ("automatic", "Automatic", "Logs it at once and tells you; you can take it back"),
)
MINUTES_OFFERED = (0, 1, 3, 5, 10, 15, 30, 60)


async def settings(request: web.Request) -> web.Response:
    """Settings: the list of its pages."""
    screens = request.app[SCREENS]
    here = await screens.here()
    words = map_words(screens.device.map.state)
    return screens.page(
        here, "settings.html", title="Settings", message=message_of(request), map_words=words
    )


async def jobs_settings(request: web.Request) -> web.Response:
    """Settings > Jobs: the three toggles."""
    screens = request.app[SCREENS]
    here = await screens.here()
    return screens.page(
        here,
        "settings_jobs.html",
        title="Jobs settings",
        back="/settings",
        message=message_of(request),
        modes=MODES,
        minutes_offered=MINUTES_OFFERED,
        minutes_max=THRESHOLD_MIN_MAX,
    )


async def set_jobs(request: web.Request) -> web.Response:
    """Change one of the three."""
    screens = request.app[SCREENS]
    here = await screens.here()
    form = await form_of(request)
    worker = bytes.fromhex(here.worker)
    match form:
        case {"jobs": "on" | "off" as choice}:
            changes = acts.set_app(worker, jobs_on=choice == "on")
            words = f"Jobs {choice}"
            stopping = choice == "off"
        case {"auto": "on" | "off" as choice}:
            changes = acts.set_app(worker, auto_on=choice == "on")
            if choice == "on" and here.app.auto_mode == "off":
                changes += acts.set_app(worker, auto_mode="suggest")
            words = f"Auto logging {choice}"
            stopping = choice == "off"
        case {"mode": mode}:
            changes = acts.set_app(worker, auto_mode=mode)
            words = f"Auto logging: {mode}"
            stopping = mode == "off"
        case {"minutes": text}:
            minutes = _minutes(text)
            changes = acts.set_app(worker, threshold_min=minutes)
            shown = here.app.site_threshold_min if minutes is None else minutes
            words = f"Minimum auto-logging time: {shown} min"
            stopping = False
        case _:
            raise ActError("nothing was chosen; go back and choose")
    if stopping:
        changes += end_automatic(worker, here.running, _last_evidence_ms(request, here))
    await screens.device.act(changes)
    return goto("/settings/jobs", screens.messages.say(words))


def _last_evidence_ms(request: web.Request, here: Here) -> int | None:
    """The newest own fix: until then an automatic log is known to have gone on."""
    fix = request.app[SCREENS].device.last_fix()
    return min(fix.time_ms, here.now_ms) if fix is not None else None


def _minutes(text: str) -> int | None:
    if text == "site":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise ActError(f"the minimum is a whole number of minutes from 0 to {THRESHOLD_MIN_MAX}")
    return int(text)


BATTERY = (
    ("normal", "Normal", "A position every 10 s on the way, every 2 min where you stay"),
    ("saving", "Save the battery", "Every minute on the way, every 5 min otherwise; less exact"),
)
MEDIA = (
    ("always", "By any network", "Photos and files go and come as soon as there is a network"),
    ("wi-fi", "Not by mobile data", "They wait for Wi-Fi; everything else goes at once"),
)


_NETWORKS = {True: "Mobile data", False: "Wi-Fi", None: ""}


async def phone_settings(request: web.Request) -> web.Response:
    """Settings > Battery and data."""
    screens = request.app[SCREENS]
    device = screens.device
    return screens.page(
        await screens.here(),
        "settings_phone.html",
        title="Battery and data",
        back="/settings",
        message=message_of(request),
        groups=(
            ("battery", "Position", BATTERY, device.choices["battery"]),
            ("media", "Photos and files", MEDIA, device.choices["media"]),
        ),
        network=_NETWORKS[device.choices.on_mobile_data],
        files_wait=device.choices.files_wait,
    )


async def set_phone(request: web.Request) -> web.Response:
    """Change what holds for this phone alone."""
    screens = request.app[SCREENS]
    for name, choice in (await form_of(request)).items():
        if not await screens.device.choices.prefer(name, choice):
            raise ActError("there is no such choice; go back and choose")
    return goto("/settings/phone", screens.messages.say("Chosen for this phone"))


async def display(request: web.Request) -> web.Response:
    """Settings > Display: light or dark, size of the text."""
    screens = request.app[SCREENS]
    here = await screens.here()
    return screens.page(
        here,
        "settings_display.html",
        title="Display",
        back="/settings",
        message=message_of(request),
        choices=DISPLAY_CHOICES,
    )


async def set_display(request: web.Request) -> web.Response:
    """Change how pages look."""
    screens = request.app[SCREENS]
    form = await form_of(request)
    for name in DISPLAY_CHOICES:
        if name in form:
            screens.marks.set_display(name, form[name])
    return goto("/settings/display")
