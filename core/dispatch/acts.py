"""Acts: what people do, as changes to streams.

Each function checks what it is given and returns the changes of one act; nothing is written here.
`MINT` in a path stands for an id that the entry mints. Ids are bytes. A name that is not given is
not changed; None clears. Invariant: what these functions return, `permits` lets the right role
write and the projections can show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from core.dispatch import fields
from core.dispatch.fields import Kind, Phase
from core.dispatch.geometry import RADIUS_M_MAX, RADIUS_M_MIN, PlaceError
from core.dispatch.outline import checked_outline
from core.log.chain import SHORT_BYTES, STREAM_BYTES, derived_unique, stream_id
from core.log.chunk_list import ADDRESS_BYTES
from core.log.entry import MINT, Path
from core.sentence import marked, say

NAME_LETTERS_MAX = 200
TEXT_LETTERS_MAX = 2_000
PLANNED_MINUTES_MAX = 7 * 24 * 60
THRESHOLD_MIN_MAX = 60
CHECK_ITEMS_MAX = 100
ORDER_MAX = 1_000_000


class ActError(ValueError):
    """What was asked for cannot be done; the sentence says why and what to do."""


class Change(NamedTuple):
    """One value for one path of one stream."""

    stream: bytes
    path: Path
    value: Any


Act = list[Change]


def new_stream_id(kind: Kind, at_ms: int, unique: bytes) -> bytes:
    """The id of a new stream, from seven random bytes."""
    return stream_id(kind, at_ms // 1000, unique)


def own_job_stream(worker: bytes, at_ms: int, entropy: bytes) -> bytes:
    """The id of a new job that a worker's phone makes, from three random bytes.

    It names the worker, so that `permits` can tell it from the jobs of others by itself.
    """
    return new_stream_id(Kind.JOB, at_ms, derived_unique(worker)[:4] + entropy)


SITE_STREAM = b"\0" * 4 + bytes([Kind.SITE]) + b"\0" * 7
OFFICE_STREAM = b"\0" * 4 + bytes([Kind.OFFICE]) + b"\0" * 7


def day_stream(worker: bytes, day: str) -> bytes:
    """The stream of a worker's local day, given as 'YYYY-MM-DD'."""
    return _dated(Kind.DAY, worker, day)


def track_stream(worker: bytes, day: str) -> bytes:
    """The stream of where a worker was on a local day: apart, since it is forgotten sooner."""
    return _dated(Kind.TRACK, worker, day)


@lru_cache(maxsize=4096)
def _dated(kind: Kind, worker: bytes, day: str) -> bytes:
    try:
        ordinal = date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError as error:
        raise ActError(say("'{day}' is no day; write it as 2026-11-23", day=day)) from error
    return stream_id(kind, ordinal * 86_400, derived_unique(worker))


# --- checks


def text_of(what: str, value: object, letters_max: int, *, needed: bool = False) -> str | None:
    """A typed text without the space round it, None for none; `what` names it in an ActError."""
    if value is None or value == "":
        if needed:
            raise ActError(say("{what} is missing; give one", what=what))
        return None
    if not isinstance(value, str):
        raise ActError(say("{what} is no text", what=what))
    text = value.strip()
    if needed and not text:
        raise ActError(say("{what} is missing; give one", what=what))
    if len(text) > letters_max:
        raise ActError(
            say("{what} is longer than {most:,} letters; shorten it", what=what, most=letters_max)
        )
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
        raise ActError(say("{what} holds control characters; type it again", what=what))
    return text


def _number(what: str, value: object, low: int, high: int) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        raise ActError(
            say("{what} is a whole number from {low:,} to {high:,}", what=what, low=low, high=high)
        )
    return value


def _point(value: object) -> list[int] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ActError(say("a position is a latitude and a longitude"))
    lat, lon = value
    if type(lat) is not int or type(lon) is not int:
        raise ActError(say("a position is given in whole 1e-7 degrees"))
    if abs(lat) > 900_000_000 or abs(lon) > 1_800_000_000:
        raise ActError(say("the position lies outside the world: latitude 90, longitude 180"))
    return [lat, lon]


def _outline(value: object) -> list[int] | None:
    try:
        return checked_outline(value)
    except PlaceError as error:
        raise ActError(*error.args) from error


def _window(value: object) -> list[int] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ActError(say("a window has a start and an end"))
    start, end = value
    if type(start) is not int or type(end) is not int or not 0 <= start <= end:
        raise ActError(say("the window ends before it starts; put the end after the start"))
    if end - start > 366 * 86_400_000:
        raise ActError(say("the window is longer than a year; shorten it"))
    return [start, end]


def _identity(what: str, value: object, length: int) -> bytes | None:
    if value is None or value == b"":
        return None
    if not isinstance(value, bytes) or len(value) != length:
        raise ActError(say("{what} is not one that is known; choose one from the list", what=what))
    return value


def _identities(what: str, value: object) -> list[bytes] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        raise ActError(say("{what} is a list", what=what))
    found = [_identity(what, item, SHORT_BYTES) for item in value]
    return sorted({item for item in found if item is not None}) or None


def job_field(name: str, value: object) -> tuple[int, Any]:
    """The code of a job's field by its name, and its value as it is kept; None clears."""
    match name:
        case "title":
            return fields.TITLE, text_of(say("The title"), value, NAME_LETTERS_MAX, needed=True)
        case "description":
            return fields.DESCRIPTION, text_of(say("The instructions"), value, TEXT_LETTERS_MAX)
        case "customer":
            return fields.CUSTOMER, _identity(say("The customer"), value, STREAM_BYTES)
        case "place":
            return fields.PLACE, _identity(say("The place"), value, SHORT_BYTES)
        case "address":
            return fields.ADDRESS, text_of(say("The address"), value, NAME_LETTERS_MAX)
        case "point":
            return fields.POINT, _point(value)
        case "radius":
            return fields.RADIUS, _number(say("The radius (m)"), value, RADIUS_M_MIN, RADIUS_M_MAX)
        case "outline":
            return fields.OUTLINE, _outline(value)
        case "contact":
            return fields.CONTACT, text_of(say("The contact"), value, NAME_LETTERS_MAX)
        case "contact_phone":
            return fields.CONTACT_CALL, text_of(say("The contact's phone"), value, 40)
        case "priority":
            return fields.PRIORITY, _number(say("The priority"), value, 0, 3)
        case "window":
            return fields.WINDOW, _window(value)
        case "planned_minutes":
            return fields.PLANNED_MINUTES, _number(
                say("The duration (minutes)"), value, 1, PLANNED_MINUTES_MAX
            )
        case "skills":
            return fields.NEEDED_SKILLS, _identities(say("A skill"), value)
    raise ActError(say("a job has no field '{name}'", name=name))


# --- jobs


def create_job(job: bytes, values: Mapping[str, object]) -> Act:
    """A new job in the new stream `job`, with fields by name and `check_items`, a list of texts."""
    if "title" not in values:
        raise ActError(say("{what} is missing; give one", what=say("The title")))
    changes = [Change(job, (fields.CREATED,), True)]
    for name, value in values.items():
        if name == "check_items":
            changes += _check_items(job, value)
            continue
        code, checked = job_field(name, value)
        if checked is not None:
            changes.append(Change(job, (code,), checked))
    return changes


def _check_items(job: bytes, value: object) -> Act:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > CHECK_ITEMS_MAX:
        raise ActError(say("a checklist has at most {most} items", most=CHECK_ITEMS_MAX))
    texts = [text_of(say("A check item"), item, NAME_LETTERS_MAX) for item in value]
    return [Change(job, (fields.CHECK_ITEM, index), text) for index, text in enumerate(texts)]


def edit_job(job: bytes, values: Mapping[str, object]) -> Act:
    """Change the given fields of a job; None clears one. The title can't be cleared."""
    changes: Act = []
    for name, value in values.items():
        if name == "check_items":
            changes += _check_items(job, value)
        else:
            code, checked = job_field(name, value)
            changes.append(Change(job, (code,), checked))
    if not changes:
        raise ActError(say("nothing was changed"))
    return changes


def number_job(job: bytes, number: str) -> Act:
    """Give a job its human number; a hub's act."""
    return [Change(job, (fields.NUMBER,), text_of(say("The number"), number, 20, needed=True))]


def assign(job: bytes, worker: bytes, turn: bytes, position: int = 0) -> Act:
    """Assign a job to a worker for a new turn (8 random bytes)."""
    if _identity(say("The worker"), worker, STREAM_BYTES) is None:
        raise ActError(say("choose a worker"))
    changes = [Change(job, (fields.ASSIGNED, worker, turn), True)]
    if position:
        changes.append(Change(job, (fields.ORDER, worker, turn), position))
    return changes


def set_order(job: bytes, worker: bytes, turn: bytes, position: int) -> Act:
    """Give a turn its planned place in the worker's day, from 1; 0 leaves it to its window."""
    place = _number(say("The place in the order"), position, 0, ORDER_MAX)
    return [Change(job, (fields.ORDER, worker, turn), place or None)]


def withdraw(job: bytes, worker: bytes, turn: bytes, reason: str = "") -> Act:
    """Take a turn back; what the worker did in it stays."""
    words = text_of(say("The reason"), reason, NAME_LETTERS_MAX) or True
    return [Change(job, (fields.WITHDRAWN, worker, turn), words)]


def hand_over(job: bytes, worker: bytes, turn: bytes, colleague: bytes) -> Act:
    """Hand an own turn on to a colleague; the fold derives the colleague's assignment."""
    if colleague == worker or _identity(say("The colleague"), colleague, STREAM_BYTES) is None:
        raise ActError(say("choose a colleague to hand the job to"))
    return [Change(job, (fields.HANDED_TO, worker, turn, colleague), True)]


def set_phase(job: bytes, worker: bytes, turn: bytes, phase: Phase, reason: str = "") -> Act:
    """Move an assignment to a phase; a rejection needs a reason."""
    changes = [Change(job, (fields.PHASE, worker, turn), int(phase))]
    if (is_needed := phase is Phase.REJECTED) or reason:
        words = text_of(say("The reason"), reason, NAME_LETTERS_MAX, needed=is_needed)
        changes.append(Change(job, (fields.REASON, worker, turn), words))
    return changes


def cancel_job(job: bytes, reason: str) -> Act:
    """Cancel a job; time that was logged stays."""
    words = text_of(say("The reason"), reason, NAME_LETTERS_MAX, needed=True)
    return [Change(job, (fields.CANCELLED,), words)]


def reopen_job(job: bytes) -> Act:
    """Take back a cancellation and a status set by the office."""
    return [Change(job, (fields.CANCELLED,), None), Change(job, (fields.OVERRIDE,), None)]


def override_status(job: bytes, status: str | None, reason: str = "") -> Act:
    """Set a job's status by the office, or with None let the assignments decide again."""
    if status is None:
        return [Change(job, (fields.OVERRIDE,), None)]
    if status not in ("open", "done", "rejected"):
        raise ActError(say("the office can set a job to open, done or rejected"))
    words = text_of(say("The reason"), reason, NAME_LETTERS_MAX, needed=True)
    return [Change(job, (fields.OVERRIDE,), [status, words])]


def add_note(job: bytes, text: str) -> Act:
    """Add a note."""
    words = text_of(say("The note"), text, TEXT_LETTERS_MAX, needed=True)
    return [Change(job, (fields.NOTE, MINT), words)]


PROBLEM, QUESTION = "Problem: ", "Question: "
"""How a note begins that a worker reports a problem with, and one that the office asks by."""


def report_problem(job: bytes, text: str) -> Act:
    """Tell the office of a problem, as a note that it finds again."""
    return add_note(job, PROBLEM + (text_of(say("The problem"), text, 400, needed=True) or ""))


def ask_worker(job: bytes, text: str) -> Act:
    """Ask whoever has the job, as a note that their phones point out."""
    return add_note(job, QUESTION + (text_of(say("The question"), text, 400, needed=True) or ""))


def add_file(job: bytes, address: bytes, file: bytes = b"", name: str = "") -> Act:
    """Name a file (a photo, a signature) by its address, 32 bytes (`core.log.chunk_list`).

    What people call it needs `file`, 8 random bytes; without them the entry mints an id.
    """
    if len(address) != ADDRESS_BYTES:
        raise ActError(say("a file is named by an address of 32 bytes"))
    if not file:
        return [Change(job, (fields.FILE, MINT), address)]
    named = text_of(say("The file's name"), name, NAME_LETTERS_MAX)
    changes = [Change(job, (fields.FILE, file), address)]
    return changes + ([Change(job, (fields.FILE_NAME, file), named)] if named else [])


def remove_file(job: bytes, file: bytes) -> Act:
    """Take a file out of what a job shows. Its bytes stay until the job is erased."""
    return [Change(job, (fields.FILE_REMOVED, file), True)]


def set_tick(job: bytes, item: int, ticked: bool) -> Act:
    """Tick or untick a check item."""
    return [Change(job, (fields.TICK, item), bool(ticked))]


def decide(stream: bytes, conflict: bytes, choice: str) -> Act:
    """Clear a conflict that is no field's; a field's clears by writing the field again."""
    words = text_of(say("The choice"), choice, 200) or "seen"
    return [Change(stream, (fields.DECISION, conflict), words)]


# --- customers, workers, groups, settings

_CALLED = {"name": say("Name"), "number": say("Number"), "note": say("Note")}
_CALLED |= {"phone": say("Phone"), "email": say("Email")}


def _field_acts(
    stream: bytes, table: Mapping[str, tuple[int, int]], values: Mapping[str, object]
) -> Act:
    """Plain texts and marks of a customer or worker, by name → (code, letters at most)."""
    changes: Act = []
    for name, value in values.items():
        if name not in table:
            raise ActError(say("there is no field '{name}' here", name=name))
        code, letters = table[name]
        if letters == 0:
            changes.append(Change(stream, (code,), bool(value) or None))
        else:
            words = text_of(_CALLED[name], value, letters, needed=name == "name")
            changes.append(Change(stream, (code,), words))
    if not changes:
        raise ActError(say("nothing was changed"))
    return changes


_CUSTOMER = {
    "name": (fields.CUSTOMER_NAME, NAME_LETTERS_MAX),
    "number": (fields.CUSTOMER_NUMBER, 40),
    "note": (fields.CUSTOMER_NOTE, TEXT_LETTERS_MAX),
    "archived": (fields.CUSTOMER_ARCHIVED, 0),
}


def edit_customer(customer: bytes, values: Mapping[str, object]) -> Act:
    """Create a customer in a new stream, or change one: name, number, note, archived."""
    return _field_acts(customer, _CUSTOMER, values)


def edit_place(customer: bytes, place: bytes, values: Mapping[str, object]) -> Act:
    """Add a place (8 random bytes), or change it: all that a place has, by name."""
    changes: Act = []
    for name, value in values.items():
        checked: Any
        match name:
            case "name":
                checked = text_of(say("The place"), value, NAME_LETTERS_MAX)
                code = fields.PLACE_NAME
            case "address":
                checked = text_of(say("The address"), value, NAME_LETTERS_MAX)
                code = fields.PLACE_ADDRESS
            case "point":
                code, checked = fields.PLACE_POINT, _point(value)
            case "radius":
                checked = _number(say("The radius (m)"), value, RADIUS_M_MIN, RADIUS_M_MAX)
                code = fields.PLACE_RADIUS
            case "outline":
                code, checked = fields.PLACE_OUTLINE, _outline(value)
            case "archived":
                code, checked = fields.PLACE_ARCHIVED, bool(value) or None
            case _:
                raise ActError(say("a place has no field '{name}'", name=name))
        changes.append(Change(customer, (code, place), checked))
    return changes


def edit_contact(customer: bytes, contact: bytes, values: Mapping[str, object]) -> Act:
    """Add a contact (8 random bytes) or change one: name, phone, email, archived."""
    table = {
        "name": (fields.CONTACT_NAME, NAME_LETTERS_MAX),
        "phone": (fields.CONTACT_PHONE, 40),
        "email": (fields.CONTACT_EMAIL, NAME_LETTERS_MAX),
        "archived": (fields.CONTACT_ARCHIVED, 0),
    }
    flat = _field_acts(customer, table, values)
    return [Change(customer, (change.path[0], contact), change.value) for change in flat]


_WORKER = {
    "name": (fields.WORKER_NAME, NAME_LETTERS_MAX),
    "phone": (fields.WORKER_PHONE, 40),
    "note": (fields.WORKER_NOTE, TEXT_LETTERS_MAX),
    "archived": (fields.WORKER_ARCHIVED, 0),
}


def edit_worker(worker: bytes, values: Mapping[str, object]) -> Act:
    """Create a worker in a new stream, or change one.

    Fields: name, phone, note, archived; team, vehicle (8-byte ids); skills (list of ids); shift
    (start and end minute of the local day).
    """
    plain = {name: value for name, value in values.items() if name in _WORKER}
    changes = _field_acts(worker, _WORKER, plain) if plain else []
    for name, value in values.items():
        if name in _WORKER:
            continue
        match name:
            case "team":
                team = _identity(say("The team"), value, SHORT_BYTES)
                changes.append(Change(worker, (fields.WORKER_TEAM,), team))
            case "vehicle":
                vehicle = _identity(say("The vehicle"), value, SHORT_BYTES)
                changes.append(Change(worker, (fields.WORKER_VEHICLE,), vehicle))
            case "skills":
                skills = _identities(say("A skill"), value)
                changes.append(Change(worker, (fields.WORKER_SKILLS,), skills))
            case "shift":
                changes.append(Change(worker, (fields.WORKER_SHIFT,), _shift(value)))
            case _:
                raise ActError(say("a worker has no field '{name}'", name=name))
    if not changes:
        raise ActError(say("nothing was changed"))
    return changes


def _shift(value: object) -> list[int] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ActError(say("a shift has a start and an end"))
    start = _number(say("The shift's start (minute of the day)"), value[0], 0, 24 * 60)
    end = _number(say("The shift's end (minute of the day)"), value[1], 0, 48 * 60)
    if start is None or end is None or end <= start:
        raise ActError(say("the shift ends before it starts; a night shift ends after 24:00"))
    return [start, end]


def set_app(worker: bytes, **settings: object) -> Act:
    """The phone's own settings: jobs_on, auto_on, auto_mode, threshold_min (None: the site's)."""
    changes: Act = []
    for name, value in settings.items():
        match name:
            case "jobs_on":
                changes.append(Change(worker, (fields.APP_JOBS_ON,), bool(value)))
            case "auto_on":
                changes.append(Change(worker, (fields.APP_AUTO_ON,), bool(value)))
            case "auto_mode":
                if value not in ("off", "suggest", "timed", "automatic"):
                    raise ActError(say("auto logging is off, suggest, timed or automatic"))
                changes.append(Change(worker, (fields.APP_AUTO_MODE,), value))
            case "threshold_min":
                minutes = _number(
                    say("The minimum auto-logging time (minutes)"), value, 0, THRESHOLD_MIN_MAX
                )
                changes.append(Change(worker, (fields.APP_THRESHOLD_MIN,), minutes))
            case _:
                raise ActError(say("the app has no setting '{name}'", name=name))
    return changes


def set_group(
    kind: str, group: bytes, name: str, *, plate: str | None = None, archived: bool = False
) -> Act:
    """Add or change a team, vehicle or skill."""
    codes = {
        "team": fields.TEAM_NAME,
        "vehicle": fields.VEHICLE_NAME,
        "skill": fields.SKILL_NAME,
    }
    if kind not in codes:
        raise ActError(say("a group is a team, a vehicle or a skill"))
    words = text_of(say("The name"), name, NAME_LETTERS_MAX, needed=True)
    changes = [
        Change(SITE_STREAM, (codes[kind], group), words),
        Change(SITE_STREAM, (fields.GROUP_ARCHIVED, group), archived or None),
    ]
    if plate is not None:
        plate_words = text_of(say("The number plate"), plate, 20)
        changes.append(Change(SITE_STREAM, (fields.VEHICLE_PLATE, group), plate_words))
    return changes


_LETTERS = marked("{what} must be from {low:,} to {high:,} letters")
_MINUTES = marked("{what} must be from {low:,} to {high:,} minutes")
_METRES = marked("{what} must be from {low:,} to {high:,} metres")
_DAYS = marked("{what} must be from {low:,} to {high:,} days")
# Kind, lowest and highest (of a text its letters), what it is called, and how its range is said.
_SETTINGS: dict[str, tuple[type, int, int, str, str]] = {
    "site_name": (str, 1, NAME_LETTERS_MAX, say("the name of the site"), _LETTERS),
    "time_zone": (str, 1, 64, say("the time zone"), _LETTERS),
    "job_dispatch": (bool, 0, 1, say("Job Dispatch"), ""),
    "workers_create_jobs": (bool, 0, 1, say("new jobs by workers"), ""),
    "threshold_min": (int, 0, THRESHOLD_MIN_MAX, say("the minimum auto-logging time"), _MINUTES),
    "radius_m": (int, RADIUS_M_MIN, RADIUS_M_MAX, say("the radius of a new place"), _METRES),
    "retention_days": (int, 1, 3650, say("the time that closed jobs stay on a phone"), _DAYS),
    "keep_tracks_days": (int, 0, 3650, say("the time that tracks are kept"), _DAYS),
    "keep_days_days": (int, 0, 36_500, say("the time that worker-days are kept"), _DAYS),
    "keep_jobs_days": (int, 0, 36_500, say("the time that jobs are kept"), _DAYS),
}
_KIND_WORDS = {str: say("text"), bool: say("yes or no"), int: say("a whole number")}


def set_setting(name: str, value: object) -> Act:
    """Change a setting of the site: see `_SETTINGS` for names and ranges."""
    if name not in _SETTINGS:
        raise ActError(say("there is no setting '{name}'", name=name))
    kind, low, high, words, between = _SETTINGS[name]
    if type(value) is not kind:
        raise ActError(say("{what} must be {kind}", what=words, kind=_KIND_WORDS[kind]))
    size = len(value) if isinstance(value, str) else value
    if isinstance(size, int) and not low <= size <= high:
        raise ActError(say(between, what=words, low=low, high=high))
    return [Change(SITE_STREAM, (fields.SETTING, name), value)]


def certify(author: bytes, certificate: bytes) -> Act:
    """Make a certificate of a key known to the site; several may stand, each by its last bytes."""
    return [Change(SITE_STREAM, (fields.CERTIFICATE, author, certificate[-8:]), certificate)]


def set_hub_addresses(author: bytes, addresses: Sequence[str]) -> Act:
    """Where a hub listens for phones and other hubs: `host:port`, the best first."""
    return [Change(SITE_STREAM, (fields.HUB_ADDRESSES, author), list(addresses))]


# --- accounts (a hub's acts)


def set_account(
    account: bytes,
    *,
    name: str | None = None,
    password: str | None = None,
    role: str | None = None,
    disabled: bool | None = None,
) -> Act:
    """Add or change an account: name, encoded password, role, disabled."""
    changes: Act = []
    if name is not None:
        words = text_of(say("The account's name"), name, 64, needed=True)
        changes.append(Change(OFFICE_STREAM, (fields.ACCOUNT_NAME, account), words))
    if password is not None:
        changes.append(Change(OFFICE_STREAM, (fields.ACCOUNT_PASSWORD, account), password))
    if role is not None:
        if role not in ("admin", "dispatcher", "manager"):
            raise ActError(say("an account is an admin's, a dispatcher's or a manager's"))
        changes.append(Change(OFFICE_STREAM, (fields.ACCOUNT_ROLE, account), role))
    if disabled is not None:
        changes.append(Change(OFFICE_STREAM, (fields.ACCOUNT_DISABLED, account), disabled))
    return changes
