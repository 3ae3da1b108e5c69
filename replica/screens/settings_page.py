"""Menu > Settings: Jobs (on/off, auto logging, its minimum time), display, language, this phone.

Invariant: a setting shown is one that is committed; turning auto logging or jobs off ends what was
logged by itself at its last evidence, in the same act.
"""

from __future__ import annotations

from aiohttp import web

from core.dispatch import acts
from core.dispatch.acts import THRESHOLD_MIN_MAX, ActError
from core.sentence import say, small
from replica.screens.here import SCREENS, Here, form_of, goto, message_of
from replica.screens.map_settings_page import map_words
from replica.screens.marks import AS_THE_PHONE, DISPLAY_CHOICES
from replica.screens.progress import end_automatic

MODES = (
    ("suggest", say("Suggest"), say("Asks you; logs nothing before you say OK")),
    ("timed", say("Timed"), say("Asks you; logs it after 60 seconds unless you say no")),
    ("automatic", say("Automatic"), say("Logs it at once and tells you; you can take it back")),
)
_MODE_WORDS: dict[str, str] = {mode: words for mode, words, _ in MODES}
MINUTES_OFFERED = (0, 1, 3, 5, 10, 15, 30, 60)


async def settings(request: web.Request) -> web.Response:
    """Settings: the list of its pages."""
    screens = request.app[SCREENS]
    here = await screens.here()
    words = map_words(screens.device.map.state)
    return screens.page(
        here, "settings.html", title=say("Settings"), message=message_of(request), map_words=words
    )


async def jobs_settings(request: web.Request) -> web.Response:
    """Settings > Jobs: the three toggles."""
    screens = request.app[SCREENS]
    here = await screens.here()
    return screens.page(
        here,
        "settings_jobs.html",
        title=say("Jobs settings"),
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
            words = say("Jobs on") if choice == "on" else say("Jobs off")
            stopping = choice == "off"
        case {"auto": "on" | "off" as choice}:
            changes = acts.set_app(worker, auto_on=choice == "on")
            if choice == "on" and here.app.auto_mode == "off":
                changes += acts.set_app(worker, auto_mode="suggest")
            words = say("Auto logging on") if choice == "on" else say("Auto logging off")
            stopping = choice == "off"
        case {"mode": mode}:
            changes = acts.set_app(worker, auto_mode=mode)
            words = say("Auto logging: {mode}", mode=small(_MODE_WORDS.get(mode, mode)))
            stopping = mode == "off"
        case {"minutes": text}:
            minutes = _minutes(text)
            changes = acts.set_app(worker, threshold_min=minutes)
            shown = here.app.site_threshold_min if minutes is None else minutes
            words = say("Minimum auto-logging time: {minutes} min", minutes=shown)
            stopping = False
        case _:
            raise ActError(say("nothing was chosen; go back and choose"))
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
        raise ActError(
            say("the minimum is a whole number of minutes from 0 to {most}", most=THRESHOLD_MIN_MAX)
        )
    return int(text)


BATTERY = (
    (
        "normal",
        say("Normal"),
        say("A position every 10 s on the way, every 2 min where you stay"),
    ),
    (
        "saving",
        say("Save the battery"),
        say("Every minute on the way, every 5 min otherwise; less exact"),
    ),
)
MEDIA = (
    (
        "always",
        say("By any network"),
        say("Photos and files go and come as soon as there is a network"),
    ),
    (
        "wi-fi",
        say("Not by mobile data"),
        say("They wait for Wi-Fi; everything else goes at once"),
    ),
)


_NETWORKS = {True: say("Mobile data"), False: say("Wi-Fi"), None: ""}


_DISPLAY_WORDS = {
    AS_THE_PHONE: say("As the phone has it"),
    "light": say("Light"),
    "dark": say("Dark"),
    "normal": say("Normal"),
    "large": say("Large"),
    "largest": say("Largest"),
}


async def phone_settings(request: web.Request) -> web.Response:
    """Settings > Battery and data."""
    screens = request.app[SCREENS]
    device = screens.device
    return screens.page(
        await screens.here(),
        "settings_phone.html",
        title=say("Battery and data"),
        back="/settings",
        message=message_of(request),
        groups=(
            ("battery", say("Position"), BATTERY, device.choices["battery"]),
            ("media", say("Photos and files"), MEDIA, device.choices["media"]),
        ),
        network=_NETWORKS[device.choices.on_mobile_data],
        files_wait=device.choices.files_wait,
    )


async def set_phone(request: web.Request) -> web.Response:
    """Change what holds for this phone alone."""
    screens = request.app[SCREENS]
    for name, choice in (await form_of(request)).items():
        if not await screens.device.choices.prefer(name, choice):
            raise ActError(say("there is no such choice; go back and choose"))
    return goto("/settings/phone", screens.messages.say("Chosen for this phone"))


async def display(request: web.Request) -> web.Response:
    """Settings > Display: light or dark, size of the text."""
    screens = request.app[SCREENS]
    here = await screens.here()
    return screens.page(
        here,
        "settings_display.html",
        title=say("Display"),
        back="/settings",
        message=message_of(request),
        choices=DISPLAY_CHOICES,
        words=_DISPLAY_WORDS,
    )


async def set_display(request: web.Request) -> web.Response:
    """Change how pages look."""
    await _set(request, "theme", "text")
    return goto("/settings/display")


async def language(request: web.Request) -> web.Response:
    """Settings > Language: what pages are read in."""
    screens = request.app[SCREENS]
    if not screens.device.worker:
        return goto("/enrol")
    return screens.page(
        await screens.here(),
        "settings_language.html",
        title=say("Language"),
        back="/settings",
        message=message_of(request),
        choices=DISPLAY_CHOICES["language"],
        current=screens.marks.display("language"),
    )


async def set_language(request: web.Request) -> web.Response:
    """Choose what pages are read in; also from the page to join with, which is shown again."""
    await _set(request, "language")
    joined = bool(request.app[SCREENS].device.worker)
    return goto("/settings/language" if joined else "/enrol")


async def _set(request: web.Request, *names: str) -> None:
    marks, form = request.app[SCREENS].marks, await form_of(request)
    for name in names:
        if name in form:
            marks.set_display(name, form[name])
