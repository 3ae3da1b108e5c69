"""The vocabulary of a site: kinds of stream, field codes, phases and statuses.

A path in an entry is `(code, *ids)`; this module says what each code means, in which kind of stream
it stands, which roles may write it and which rule decides what a register shows when several writes
stand in it. It holds no bytes and no state. Invariant: a code, once released, never changes meaning
and is never used again.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from core.sentence import marked, say


class Kind(enum.IntEnum):
    """The kind of a stream: the fifth byte of its id."""

    SITE = 0
    OFFICE = 1
    CUSTOMER = 2
    WORKER = 3
    JOB = 4
    DAY = 5
    TRACK = 6
    SUMMARY = 7
    RECURRENCE = 8


class Role(enum.IntEnum):
    """What a certificate lets its key do; the lower of two contradicting ones counts."""

    WORKER = 1
    DISPATCHER = 2
    HUB = 3


class Phase(enum.IntEnum):
    """How far a worker is with an assignment; *sent* is derived from acks and has no code."""

    ASSIGNED = 0
    RECEIVED = 1
    OPENED = 2
    ACCEPTED = 3
    TRAVELLING = 4
    ON_SITE = 5
    PAUSED = 6
    FINISHED = 7
    REJECTED = 8


PHASES = frozenset(int(phase) for phase in Phase)
ROLES = frozenset(int(role) for role in Role)


class LogKind(enum.IntEnum):
    """What a time log's minutes were spent on."""

    TRAVEL = 1
    ON_SITE = 2
    BREAK = 3
    WAITING = 4
    OTHER = 5


class Source(enum.IntEnum):
    """Where a time log came from."""

    MANUAL = 1
    AUTO = 2
    DISPATCHER = 3
    CORRECTION = 4


class AbsenceKind(enum.IntEnum):
    """Why a worker is absent, as far as the office needs to know."""

    HOLIDAY = 1
    SICK = 2
    OTHER = 3


class Rule(enum.Enum):
    """What a register shows first while several writes stand in it; all of them are kept."""

    ONE_WRITER = "one writer at a time: the furthest along its clock is shown"
    LATEST = "the write with the latest corrected time is shown, a person's before a rule's"
    OFFICE_FIRST = "an office write is shown before a worker's, then the latest"
    FURTHEST = "the largest value is shown: what happened in the world is not undone"
    TRUE_FIRST = "a set mark is shown before a cleared one"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one kind of stream.

    `ids` names the ids that follow the code in a path. `roles` may write it (a worker only in its
    own streams, see `permits`). `label` is None where two writes are no matter for people.
    """

    code: int
    name: str
    kind: Kind | None
    ids: tuple[str, ...]
    roles: frozenset[Role]
    rule: Rule
    label: str | None = None

    @property
    def called(self) -> str:
        """What people call it, also where it has no label."""
        return self.label or say(self.name.capitalize())


_HUB = frozenset({Role.HUB})
_OFFICE = frozenset({Role.HUB, Role.DISPATCHER})
_ALL = frozenset({Role.HUB, Role.DISPATCHER, Role.WORKER})

# --- every stream
CUT, ADMITTED, SNOOZED = 1, 19, 21
# --- site
CERTIFICATE, REVOKED, ERASED, SITE_NAME, SETTING = 2, 3, 4, 5, 6
TEAM_NAME, VEHICLE_NAME, VEHICLE_PLATE, SKILL_NAME, GROUP_ARCHIVED = 7, 8, 9, 10, 11
HUB_ADDRESSES, CLOSED, ERASED_BEFORE = 17, 18, 20
# --- office
ACCOUNT_NAME, ACCOUNT_PASSWORD, ACCOUNT_ROLE, ACCOUNT_DISABLED, SAVED_VIEW = 12, 13, 14, 15, 16
VIEW_NAME, VIEW_OWNER, VIEW_POSITION = 22, 23, 24
# --- customer (30..49) and worker (50..69)
CUSTOMER_NAME, CUSTOMER_NUMBER, CUSTOMER_NOTE, CUSTOMER_ARCHIVED = 30, 31, 32, 33
PLACE_NAME, PLACE_ADDRESS, PLACE_POINT, PLACE_RADIUS, PLACE_ARCHIVED = 34, 35, 36, 37, 38
CONTACT_NAME, CONTACT_PHONE, CONTACT_EMAIL, CONTACT_ARCHIVED = 39, 40, 41, 42
PLACE_OUTLINE = 43
WORKER_NAME, WORKER_PHONE, WORKER_TEAM, WORKER_VEHICLE, WORKER_SKILLS = 50, 51, 52, 53, 54
WORKER_SHIFT, WORKER_ARCHIVED, WORKER_NOTE = 55, 56, 57
KEY_ASKED, NEXT_KEY = 58, 59
APP_JOBS_ON, APP_AUTO_ON, APP_AUTO_MODE, APP_THRESHOLD_MIN = 60, 61, 62, 63
WORKER_ABSENT, WORKER_VEHICLE_ON = 64, 65
# --- job (70..109)
TITLE, DESCRIPTION, CUSTOMER, PLACE, ADDRESS, POINT, RADIUS = 70, 71, 72, 73, 74, 75, 76
CONTACT, CONTACT_CALL, PRIORITY, WINDOW, PLANNED_MINUTES, NUMBER = 77, 78, 79, 80, 81, 82
CANCELLED, OVERRIDE, CHECK_ITEM, NEEDED_SKILLS, CREATED = 83, 84, 85, 86, 87
ASSIGNED, WITHDRAWN, HANDED_TO, ORDER = 90, 91, 92, 93
PHASE, REASON, TICK, NOTE, FILE, DECISION = 94, 95, 96, 97, 98, 99
FILE_NAME, FILE_REMOVED, ACTING_NAME, OUTLINE = 100, 101, 102, 103
# --- worker-day (110..127)
LOG_START, LOG_STOP, LOG_SUPERSEDES, LOG_REMOVED = 110, 111, 112, 113
DUTY_START, DUTY_STOP, FIXES = 114, 115, 116
# --- track of a worker's day (128..): what was in the day itself at first, as FIXES
TRACK_FIXES = 128
# --- summary of what was erased (130..): hubs only
DAY_SUMMARY, JOB_SUMMARY = 130, 131
# --- recurrence (140..): how often, and what each job of it begins with; hubs only
REPEATS, STARTS, ENDS, HOURS, ZONE, HORIZON, SKIPPED = 140, 141, 142, 143, 144, 145, 146
RECURRENCE_NUMBER = 147
EACH_TITLE, EACH_DESCRIPTION, EACH_CUSTOMER, EACH_PLACE, EACH_ADDRESS = 150, 151, 152, 153, 154
EACH_POINT, EACH_RADIUS, EACH_CONTACT, EACH_CONTACT_CALL = 155, 156, 157, 158
EACH_PRIORITY, EACH_PLANNED_MINUTES, EACH_SKILLS, EACH_WORKER = 159, 160, 161, 162
EACH_OUTLINE = 163


def _site_and_office() -> tuple[Field, ...]:
    site, office, group, view = Kind.SITE, Kind.OFFICE, ("group",), ("view",)
    latest, one, further, true = Rule.LATEST, Rule.ONE_WRITER, Rule.FURTHEST, Rule.TRUE_FIRST
    account = ("account",)
    return (
        Field(CUT, "cut", None, ("author",), _HUB, further),
        Field(ADMITTED, "admitted", None, ("entry",), _OFFICE, true),
        Field(SNOOZED, "snoozed", None, ("alert",), _OFFICE, latest),
        Field(CERTIFICATE, "certificate", site, ("author", "certificate"), _HUB, one),
        Field(REVOKED, "revoked", site, ("author",), _HUB, true),
        Field(CLOSED, "closed", site, ("author",), _HUB, one),
        Field(HUB_ADDRESSES, "hub addresses", site, ("author",), _HUB, latest),
        Field(ERASED, "erased", site, ("stream",), _HUB, true),
        Field(ERASED_BEFORE, "erased before", site, ("kind",), _HUB, further),
        Field(SITE_NAME, "site name", site, (), _OFFICE, latest, say("Name of the site")),
        Field(SETTING, "setting", site, ("setting",), _OFFICE, latest, say("Setting")),
        Field(TEAM_NAME, "team", site, group, _OFFICE, latest, say("Team")),
        Field(VEHICLE_NAME, "vehicle", site, group, _OFFICE, latest, say("Vehicle")),
        Field(VEHICLE_PLATE, "vehicle plate", site, group, _OFFICE, latest, say("Number plate")),
        Field(SKILL_NAME, "skill", site, group, _OFFICE, latest, say("Skill")),
        Field(GROUP_ARCHIVED, "archived", site, group, _OFFICE, latest, say("Archived")),
        Field(ACCOUNT_NAME, "account", office, account, _HUB, latest, say("Account")),
        Field(ACCOUNT_PASSWORD, "password", office, account, _HUB, latest),
        Field(ACCOUNT_ROLE, "account role", office, account, _HUB, latest, say("Account role")),
        Field(ACCOUNT_DISABLED, "account disabled", office, account, _HUB, true),
        Field(SAVED_VIEW, "saved view", office, view, _HUB, latest),
        Field(VIEW_NAME, "saved view's name", office, view, _HUB, latest),
        Field(VIEW_OWNER, "saved view's owner", office, view, _HUB, latest),
        Field(VIEW_POSITION, "saved view's position", office, view, _HUB, latest),
    )


def _customer_and_worker() -> tuple[Field, ...]:
    customer, worker, latest = Kind.CUSTOMER, Kind.WORKER, Rule.LATEST
    place, contact = ("place",), ("contact",)
    return (
        Field(CUSTOMER_NAME, "name", customer, (), _OFFICE, latest, say("Customer's name")),
        Field(CUSTOMER_NUMBER, "number", customer, (), _OFFICE, latest, say("Customer's number")),
        Field(CUSTOMER_NOTE, "note", customer, (), _OFFICE, latest, say("Note on the customer")),
        Field(CUSTOMER_ARCHIVED, "archived", customer, (), _OFFICE, latest, say("Archived")),
        Field(PLACE_NAME, "place name", customer, place, _OFFICE, latest, say("Place's name")),
        Field(PLACE_ADDRESS, "place address", customer, place, _OFFICE, latest, say("Address")),
        Field(PLACE_POINT, "place point", customer, place, _OFFICE, latest, say("Position")),
        Field(PLACE_RADIUS, "place radius", customer, place, _OFFICE, latest, say("Radius")),
        Field(PLACE_OUTLINE, "place outline", customer, place, _OFFICE, latest, say("Outline")),
        Field(PLACE_ARCHIVED, "place archived", customer, place, _OFFICE, latest),
        Field(CONTACT_NAME, "contact", customer, contact, _OFFICE, latest, say("Contact")),
        Field(CONTACT_PHONE, "contact phone", customer, contact, _OFFICE, latest, say("Phone")),
        Field(CONTACT_EMAIL, "contact e-mail", customer, contact, _OFFICE, latest, say("E-mail")),
        Field(CONTACT_ARCHIVED, "contact archived", customer, contact, _OFFICE, latest),
        Field(WORKER_NAME, "name", worker, (), _OFFICE, latest, say("Worker's name")),
        Field(WORKER_PHONE, "phone", worker, (), _OFFICE, latest, say("Phone")),
        Field(WORKER_TEAM, "team", worker, (), _OFFICE, latest, say("Team")),
        Field(WORKER_VEHICLE, "vehicle", worker, (), _OFFICE, latest, say("Vehicle")),
        Field(WORKER_SKILLS, "skills", worker, (), _OFFICE, latest, say("Skills")),
        Field(WORKER_SHIFT, "shift", worker, (), _OFFICE, latest, say("Shift")),
        Field(WORKER_ARCHIVED, "archived", worker, (), _OFFICE, latest, say("Archived")),
        Field(WORKER_NOTE, "note", worker, (), _OFFICE, latest, say("Note on the worker")),
        Field(WORKER_ABSENT, "absent", worker, ("absence",), _OFFICE, latest, say("Absence")),
        Field(WORKER_VEHICLE_ON, "vehicle on", worker, ("date",), _OFFICE, latest, say("Vehicle")),
        Field(KEY_ASKED, "new key asked", worker, ("author",), _OFFICE, Rule.TRUE_FIRST),
        Field(NEXT_KEY, "next key", worker, ("author",), _ALL, latest),
        Field(APP_JOBS_ON, "jobs on", worker, (), _ALL, latest),
        Field(APP_AUTO_ON, "auto logging on", worker, (), _ALL, latest),
        Field(APP_AUTO_MODE, "auto logging mode", worker, (), _ALL, latest),
        Field(APP_THRESHOLD_MIN, "minimum auto-logging time", worker, (), _ALL, latest),
    )


def _job_and_day() -> tuple[Field, ...]:
    job, day = Kind.JOB, Kind.DAY
    latest, one, further, true = Rule.LATEST, Rule.ONE_WRITER, Rule.FURTHEST, Rule.TRUE_FIRST
    office_first = Rule.OFFICE_FIRST
    turn, log = ("worker", "turn"), ("job", "log")
    return (
        Field(TITLE, "title", job, (), _ALL, office_first, say("Title")),
        Field(DESCRIPTION, "description", job, (), _ALL, office_first, say("Instructions")),
        Field(CUSTOMER, "customer", job, (), _ALL, office_first, say("Customer")),
        Field(PLACE, "place", job, (), _ALL, office_first, say("Place")),
        Field(ADDRESS, "address", job, (), _ALL, office_first, say("Address")),
        Field(POINT, "point", job, (), _ALL, office_first, say("Position")),
        Field(RADIUS, "radius", job, (), _ALL, office_first, say("Radius")),
        Field(OUTLINE, "outline", job, (), _ALL, office_first, say("Outline")),
        Field(CONTACT, "contact", job, (), _ALL, office_first, say("Contact")),
        Field(CONTACT_CALL, "contact phone", job, (), _ALL, office_first, say("Contact's phone")),
        Field(PRIORITY, "priority", job, (), _ALL, office_first, say("Priority")),
        Field(WINDOW, "window", job, (), _ALL, office_first, say("Window")),
        Field(PLANNED_MINUTES, "planned minutes", job, (), _ALL, office_first, say("Duration")),
        Field(NUMBER, "number", job, (), _HUB, latest, say("Number")),
        Field(CANCELLED, "cancelled", job, (), _OFFICE, Rule.TRUE_FIRST, say("Cancelled")),
        Field(OVERRIDE, "override", job, (), _OFFICE, latest, say("Status set by the office")),
        Field(CHECK_ITEM, "check item", job, ("item",), _ALL, office_first, say("Check item")),
        Field(NEEDED_SKILLS, "skills", job, (), _OFFICE, latest, say("Skills")),
        Field(CREATED, "created", job, (), _ALL, one),
        Field(ASSIGNED, "assigned", job, turn, _ALL, true),
        Field(WITHDRAWN, "withdrawn", job, turn, _OFFICE, true),
        Field(HANDED_TO, "handed to", job, (*turn, "colleague"), _ALL, true),
        Field(ORDER, "order", job, turn, _OFFICE, latest),
        Field(PHASE, "phase", job, turn, _ALL, further, say("Phase")),
        Field(REASON, "reason", job, turn, _ALL, latest, say("Reason")),
        Field(TICK, "tick", job, ("item",), _ALL, true),
        Field(NOTE, "note", job, ("note",), _ALL, one),
        Field(FILE, "file", job, ("file",), _ALL, one),
        Field(FILE_NAME, "file name", job, ("file",), _ALL, one),
        Field(FILE_REMOVED, "file removed", job, ("file",), _OFFICE, true),
        Field(ACTING_NAME, "acting name", job, ("account",), _HUB, latest),
        Field(DECISION, "decision", job, ("conflict",), _OFFICE, latest),
        Field(LOG_START, "log start", day, log, _ALL, one),
        Field(LOG_STOP, "log stop", day, log, _ALL, one),
        Field(LOG_SUPERSEDES, "log supersedes", day, log, _ALL, one),
        Field(LOG_REMOVED, "log removed", day, log, _ALL, true),
        Field(DUTY_START, "duty start", day, ("duty",), _ALL, one),
        Field(DUTY_STOP, "duty stop", day, ("duty",), _ALL, one),
        Field(FIXES, "fixes", day, ("track",), _ALL, one),
        Field(TRACK_FIXES, "fixes", Kind.TRACK, ("track",), _ALL, one),
        Field(DAY_SUMMARY, "erased day", Kind.SUMMARY, ("worker", "date"), _HUB, latest),
        Field(JOB_SUMMARY, "erased job", Kind.SUMMARY, ("stream",), _HUB, latest),
    )


def _recurrence() -> tuple[Field, ...]:
    kind, latest, call = Kind.RECURRENCE, Rule.LATEST, say("Contact's phone")
    return (
        Field(REPEATS, "repeats", kind, (), _OFFICE, latest, say("Repeats")),
        Field(STARTS, "starts", kind, (), _OFFICE, latest, say("First day")),
        Field(ENDS, "ends", kind, (), _OFFICE, latest, say("Last day")),
        Field(HOURS, "hours", kind, (), _OFFICE, latest, say("Hours")),
        Field(ZONE, "zone", kind, (), _OFFICE, latest, say("Time zone")),
        Field(HORIZON, "horizon", kind, (), _OFFICE, latest, say("Days ahead")),
        Field(SKIPPED, "skipped", kind, ("date",), _OFFICE, Rule.TRUE_FIRST),
        Field(RECURRENCE_NUMBER, "number", kind, (), _HUB, latest, say("Number")),
        Field(EACH_TITLE, "title", kind, (), _OFFICE, latest, say("Title")),
        Field(EACH_DESCRIPTION, "description", kind, (), _OFFICE, latest, say("Instructions")),
        Field(EACH_CUSTOMER, "customer", kind, (), _OFFICE, latest, say("Customer")),
        Field(EACH_PLACE, "place", kind, (), _OFFICE, latest, say("Place")),
        Field(EACH_ADDRESS, "address", kind, (), _OFFICE, latest, say("Address")),
        Field(EACH_POINT, "point", kind, (), _OFFICE, latest, say("Position")),
        Field(EACH_RADIUS, "radius", kind, (), _OFFICE, latest, say("Radius")),
        Field(EACH_OUTLINE, "outline", kind, (), _OFFICE, latest, say("Outline")),
        Field(EACH_CONTACT, "contact", kind, (), _OFFICE, latest, say("Contact")),
        Field(EACH_CONTACT_CALL, "contact phone", kind, (), _OFFICE, latest, call),
        Field(EACH_PRIORITY, "priority", kind, (), _OFFICE, latest, say("Priority")),
        Field(EACH_PLANNED_MINUTES, "planned minutes", kind, (), _OFFICE, latest, say("Duration")),
        Field(EACH_SKILLS, "skills", kind, (), _OFFICE, latest, say("Skills")),
        Field(EACH_WORKER, "worker", kind, (), _OFFICE, latest, say("Worker")),
    )


FIELDS = {
    field.code: field
    for field in (
        *_site_and_office(),
        *_customer_and_worker(),
        *_job_and_day(),
        *_recurrence(),
    )
}

# What `Field.called` says where there is no label.
_CALLED = (
    *(marked("Account disabled"), marked("Acting name"), marked("Admitted"), marked("Assigned")),
    *(marked("Auto logging mode"), marked("Auto logging on"), marked("Certificate")),
    *(marked("Closed"), marked("Contact archived"), marked("Created"), marked("Cut")),
    *(marked("Decision"), marked("Duty start"), marked("Duty stop"), marked("Erased")),
    *(marked("Erased before"), marked("Erased day"), marked("Erased job"), marked("File")),
    *(marked("File name"), marked("File removed"), marked("Fixes"), marked("Handed to")),
    *(marked("Hub addresses"), marked("Jobs on"), marked("Log removed"), marked("Log start")),
    *(marked("Log stop"), marked("Log supersedes"), marked("Minimum auto-logging time")),
    *(marked("New key asked"), marked("Next key"), marked("Note"), marked("Order")),
    *(marked("Password"), marked("Place archived"), marked("Revoked"), marked("Saved view")),
    *(marked("Saved view's name"), marked("Saved view's owner")),
    *(marked("Saved view's position"), marked("Skipped"), marked("Snoozed"), marked("Tick")),
    *(marked("Withdrawn")),
)
