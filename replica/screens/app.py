"""The screens as one web application: routes, checks, errors.

The device runs it on loopback. Invariant: every route stands behind the guard.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from core.dispatch.acts import ActError
from core.sentence import capital, say
from replica.language import accepted_language
from replica.screens import (
    carry_page,
    colleagues_page,
    enrol_page,
    files_page,
    health_page,
    job_acts,
    job_page,
    jobs_page,
    live,
    location_page,
    logs_page,
    map_page,
    map_settings_page,
    map_tiles,
    new_job_page,
    people_page,
    settings_page,
    sync_page,
    web_app,
    week_page,
)
from replica.screens.changed_by import CHANGED_BY, ChangedBy
from replica.screens.guard import BODY_BYTES_MAX, FILE_PATH, Guard, Refused, load_secret
from replica.screens.here import SCREENS, Screens, goto
from replica.screens.map_libraries import PREFIX, installed_libraries
from replica.screens.port import Device
from replica.store import StoreError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_JOB = "/jobs/{job:[0-9a-f]{24}}"
_FILE = "/files/{file:[0-9a-f]{1,128}}"
_LOG = "/logs/{day:[0-9]{4}-[0-9]{2}-[0-9]{2}}/{log:[0-9a-f]{16}}"


def make_screens(
    device: Device, *, open_paths: tuple[str, ...] = ("/location/",)
) -> web.Application:
    """The application to be served at 127.0.0.1.

    `open_paths` are the beginnings of paths that programs on the phone ask without the cookie;
    whoever adds routes there checks a secret of its own.
    """
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app[SCREENS] = Screens(device)
    app[live.OPEN] = live.OpenPages()
    app[CHANGED_BY] = ChangedBy()
    secret = load_secret(device.phone_folder, device.entropy)
    Guard(secret, open_paths, _draw_refusal).install(app)
    app.middlewares.append(_hearing(open_paths))
    app.middlewares.append(_refuse_in_words)
    enrol_page.require_enrolment(app)
    _add_routes(app)
    _add_more_routes(app)
    app.on_shutdown.append(live.close_all)
    return app


def _add_routes(app: web.Application) -> None:
    """Jobs, logs and the worker's time."""
    app.router.add_routes(
        [
            web.get("/", _first),
            web.get("/menu", jobs_page.menu),
            web.get("/jobs", jobs_page.jobs),
            web.get("/jobs/map", map_page.jobs_map),
            web.get("/jobs/new", new_job_page.new_job),
            web.post("/jobs/new", new_job_page.make),
            web.post("/duty", jobs_page.set_duty),
            web.post("/notices/{notice}", jobs_page.answer_notice),
            web.get(_JOB, job_page.job),
            web.get(_JOB + "/reject", job_page.reject),
            web.get(_JOB + "/problem", job_page.problem),
            web.get(_JOB + "/state", job_page.state),
            web.get(_JOB + "/logs", logs_page.job_logs),
            web.post(_JOB + "/phase", job_acts.set_phase),
            web.post(_JOB + "/reject", job_acts.reject),
            web.post(_JOB + "/problem", job_acts.problem),
            web.post(_JOB + "/undo", job_acts.undo),
            web.post(_JOB + "/notes", job_acts.add_note),
            web.post(_JOB + "/tick", job_acts.tick),
            web.post(_JOB + "/seen", job_acts.acknowledge),
            web.get(_JOB + "/hand", colleagues_page.hand_form),
            web.post(_JOB + "/hand", colleagues_page.hand),
            web.get(_JOB + "/hand/code", carry_page.hand_code),
            web.get(_JOB + "/hand/file", carry_page.hand_file),
            web.get(_JOB + "/sign", job_page.sign),
            web.post(_JOB + "/files", files_page.add),
            web.get(_JOB + _FILE, files_page.show),
            web.post(_JOB + _FILE, files_page.fetch),
            web.get("/day", logs_page.my_day),
            web.get("/week", week_page.my_week),
            web.get("/logs/new", logs_page.add_form),
            web.post("/logs/new", logs_page.add),
            web.get(_LOG, logs_page.edit_form),
            web.post(_LOG, logs_page.correct),
            web.post(_LOG + "/remove", logs_page.remove),
            web.post(_LOG + "/stop", logs_page.stop),
        ]
    )


def _add_more_routes(app: web.Application) -> None:
    """People, settings, sync and what is no page."""
    assets = app[SCREENS].assets
    app.router.add_routes(
        [
            web.get("/people", people_page.people),
            web.post("/people/in", people_page.let_in),
            web.post("/people/new", people_page.let_somebody_new_in),
            web.post("/people/out", people_page.log_out),
            web.get("/colleagues", colleagues_page.colleagues),
            web.get("/colleagues/add", colleagues_page.add_form),
            web.post("/colleagues/add", colleagues_page.add),
            web.post("/colleagues/forget", colleagues_page.forget),
            web.get("/settings", settings_page.settings),
            web.get("/settings/jobs", settings_page.jobs_settings),
            web.post("/settings/jobs", settings_page.set_jobs),
            web.get("/settings/display", settings_page.display),
            web.post("/settings/display", settings_page.set_display),
            web.get("/settings/language", settings_page.language),
            web.post("/settings/language", settings_page.set_language),
            web.get("/settings/location", location_page.location_app),
            web.get("/settings/phone", settings_page.phone_settings),
            web.post("/settings/phone", settings_page.set_phone),
            web.get("/settings/map", map_settings_page.map_settings),
            web.post("/settings/map", map_settings_page.set_map),
            web.get("/settings/health", health_page.health),
            web.get("/settings/privacy", health_page.privacy),
            web.get("/sync", sync_page.sync),
            web.post("/sync", sync_page.sync_now),
            web.post("/sync/erased", sync_page.delete_erased),
            web.get(FILE_PATH, carry_page.save),
            web.post(FILE_PATH, carry_page.take_in),
            web.get("/sync/code", carry_page.read_code),
            web.post("/sync/code", carry_page.take_code),
            web.post("/sync/carried", carry_page.put_away),
            web.get("/enrol", enrol_page.enrol_form),
            web.post("/enrol", enrol_page.enrol),
            web.get("/live", live.live),
            web.get("/static/{version:[0-9a-f]{16}}/{name}", assets.serve),
            web.get(PREFIX + "/{package}/{name}", installed_libraries().serve),
            web.get("/map/style.json", map_tiles.style),
            web.get("/map/{file}", map_tiles.tiles),
            web.get("/icon/{name}", assets.serve_icon),
            web.get("/worker.js", web_app.worker),
            web.get("/manifest.webmanifest", web_app.manifest),
            web.get("/asleep", web_app.asleep),
        ]
    )


async def _first(request: web.Request) -> web.Response:
    return goto("/jobs")


def _hearing(open_paths: tuple[str, ...]) -> Middleware:
    @web.middleware
    async def hear(request: web.Request, handler: Handler) -> web.StreamResponse:
        """What a browser of this phone likes to read is its language, where none is chosen."""
        accepted = request.headers.get("Accept-Language", "")
        # What a browser fetches by itself, such as a service worker's script, may name another
        # language than its pages are read in.
        is_page = request.headers.get("Sec-Fetch-Dest", "document") == "document"
        if accepted and is_page and not request.path.startswith(open_paths):
            request.app[SCREENS].marks.hear(accepted_language(accepted))
        return await handler(request)

    return hear


@web.middleware
async def _refuse_in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """An act that cannot be done is told in its own words; nothing was written."""
    try:
        return await handler(request)
    except ActError as error:
        what_to_do = say("Nothing was changed. Go back and try again.")
        raise Refused(400, capital(str(error)), what_to_do) from error
    except StoreError as error:
        what_to_do = say(
            "Nothing was changed. Free some space on this phone and try again. ({why})",
            why=str(error),
        )
        raise Refused(507, say("This phone could not save that"), what_to_do) from error


async def _draw_refusal(request: web.Request, refused: Refused) -> web.Response:
    if request.path == "/live" or request.path.startswith("/static/"):
        return web.Response(status=refused.status, text=f"{refused.title}. {refused.what_to_do}\n")
    screens = request.app[SCREENS]
    language = screens.language_of_stranger(request.headers.get("Accept-Language", ""))
    return screens.bare_page(
        "refusal.html", status=refused.status, language=language, refused=refused
    )
