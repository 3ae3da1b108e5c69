"""What the columns of a table are taken for: the fields of each kind, and the guess.

A head is recognised by its words, in the spellings that spreadsheets and other programs use, and by
the names of this program's own exports; a column that no head names, by its content. Holds no
reading of cells. Invariant: no two columns are taken for one field by a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.sentence import say
from web.formats import folded
from web.imports.table import Table

LEAVE_OUT: Final = ""
_CONTENT_ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class Column:
    """A field that a column may be taken for: its key, its words, and the heads that name it."""

    key: str
    words: str
    heads: tuple[str, ...]


def _column(key: str, words: str, *heads: str) -> Column:
    return Column(key, words, (words.lower(), key.replace("_", " "), *heads))


_WHERE: Final = (
    _column(
        "address", say("Address"),
        "street address", "full address", "location", "street", "site address",
    ),
    _column("town", say("Town"), "city", "municipality", "place of address"),
    _column("postcode", say("Postcode"), "zip", "zip code", "postal code", "post code"),
    _column("point", say("Position"), "coordinates", "gps", "lat lon", "lat, lon", "geo"),
    _column("lat", say("Latitude"), "lat"),
    _column("lon", say("Longitude"), "lon", "lng", "long"),
    _column("radius", say("Radius (m)"), "radius", "radius m", "geofence", "geofence radius"),
)  # fmt: skip
_CONTACT: Final = (
    _column("contact", say("Contact"), "contact name", "contact person", "person", "attention"),
    _column(
        "phone", say("Contact’s phone"), "phone", "telephone", "tel", "mobile", "phone number",
        "contact phone", "contact's phone", "cell", "cell phone", "mobile phone",
    ),
)  # fmt: skip

CUSTOMER_COLUMNS: Final = (
    _column(
        "name", say("Name"), "customer", "customer name", "company", "company name", "client",
        "client name", "account", "account name", "organisation", "organization", "display name",
    ),
    _column(
        "number", say("Number"), "no", "no.", "customer no", "customer number", "customer id", "id",
        "code", "customer code", "account number", "external id", "client id",
    ),
    _column("place", say("Place"), "site", "site name", "place name", "branch", "location name"),
    *_WHERE,
    *_CONTACT,
    _column("email", say("Contact’s e-mail"), "email", "e-mail", "mail", "email address"),
    _column("note", say("Note"), "notes", "comment", "comments", "remark", "remarks"),
)  # fmt: skip

WORKER_COLUMNS: Final = (
    _column(
        "name", say("Name"), "worker", "worker name", "employee", "full name", "employee name",
        "driver", "technician", "user", "user name", "display name",
    ),
    _column("first_name", say("First name"), "given name", "forename", "firstname"),
    _column("last_name", say("Last name"), "surname", "family name", "lastname"),
    _column(
        "phone", say("Phone number"), "phone", "mobile", "telephone", "tel", "cell", "mobile phone",
        "phone no",
    ),
    _column("team", say("Team"), "group", "crew", "department", "depot"),
    _column("vehicle", say("Vehicle"), "car", "van", "truck", "vehicle name"),
    _column(
        "plate", say("Number plate"), "plate", "license plate", "licence plate", "registration"
    ),
    _column("skills", say("Skills"), "skill", "qualification", "qualifications", "certificates"),
    _column("shift", say("Shift"), "working hours", "hours", "working time"),
    _column("shift_start", say("Shift starts"), "start", "starts", "shift start", "work start"),
    _column("shift_end", say("Shift ends"), "end", "ends", "shift end", "work end"),
    _column("note", say("Note"), "notes", "comment", "comments", "remark"),
)  # fmt: skip

JOB_COLUMNS: Final = (
    _column(
        "title", say("Title"), "job", "job title", "subject", "task", "summary", "job name",
        "order", "work order", "what",
    ),
    _column(
        "number", say("Number"), "no", "no.", "job no", "job number", "id", "job id",
        "order number", "work order number", "reference",
    ),
    _column(
        "description", say("Instructions"), "description", "details", "notes", "note", "comment",
        "comments", "work to do",
    ),
    _column(
        "customer", say("Customer"), "customer name", "client", "client name", "company", "account",
        "account name",
    ),
    _column("customer_number", say("Customer’s number"), "customer no", "customer number",
            "customer id", "client id", "customer code"),
    _column("place", say("Place"), "site", "site name", "place name", "branch"),
    *_WHERE,
    *_CONTACT,
    _column("day", say("Day"), "date", "scheduled date", "start date", "due date", "due", "on",
            "when"),
    _column("start", say("From"), "start time", "time", "start", "window start", "scheduled start",
            "window start utc", "arrival time"),
    _column("end", say("Until"), "end time", "end", "finish", "to", "window end",
            "scheduled end", "window end utc"),
    _column("planned", say("Duration (min)"), "duration", "minutes", "planned min",
            "planned minutes", "estimated duration", "duration min"),
    _column("priority", say("Priority"), "urgency", "prio"),
    _column("skills", say("Skills"), "needed skills", "required skills", "skill"),
    _column("worker", say("Worker"), "worker(s)", "workers", "assigned to", "assignee",
            "technician", "driver", "employee", "whom"),
)  # fmt: skip

COLUMNS_BY_KIND: Final[Mapping[str, tuple[Column, ...]]] = {
    "customers": CUSTOMER_COLUMNS,
    "workers": WORKER_COLUMNS,
    "jobs": JOB_COLUMNS,
}
NEEDED_BY_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "customers": ("name",),
    "workers": ("name", "first_name", "last_name"),
    "jobs": ("title",),
}
"""One of these has to be among the columns."""
_MISSING_BY_KIND: Final = {
    "customers": say("Say which column is the name; without it no row can be imported."),
    "workers": say("Say which column is the name; without it no row can be imported."),
    "jobs": say("Say which column is the title; without it no row can be imported."),
}

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}\Z", re.I)
_PHONE: Final = re.compile(r"\+?[\d ()/.-]{7,20}\Z")
_POINT: Final = re.compile(r"-?\d{1,2}\.\d{3,}\s*[,; ]\s*-?\d{1,3}\.\d{3,}\Z")
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2}|\d{1,2}[./]\s?\d{1,2}[./]\s?\d{4})\b")
_ADDRESS: Final = re.compile(r"[^\W\d_]{3,}.*\s\d{1,4}[a-z]?\b|\d{1,4}[a-z]?\s+[^\W\d_]{3,}", re.I)


def guess_columns(kind: str, table: Table) -> tuple[str, ...]:
    """The field key of each column of the table; "" for one that is left out."""
    columns = COLUMNS_BY_KIND[kind]
    taken: list[str] = [LEAVE_OUT] * len(table.head)
    # The words of a field itself before its other spellings, so that "Name" beats "Company".
    for rank in range(max(len(column.heads) for column in columns)):
        for index, head in enumerate(table.head):
            plain = _plain(head)
            if taken[index] or not plain:
                continue
            for column in columns:
                is_free = column.key not in taken
                if is_free and rank < len(column.heads) and column.heads[rank] == plain:
                    taken[index] = column.key
    keys = {column.key for column in columns}
    for index in range(len(taken)):
        if not taken[index] and not _plain(table.head[index]):
            guessed = _by_content(kind, [row.cells[index] for row in table.rows[:_CONTENT_ROWS]
                                         if index < len(row.cells)])  # fmt: skip
            if guessed in keys and guessed not in taken:
                taken[index] = guessed
    if not table.has_head:
        _name_the_first(kind, table, taken)
    return tuple(taken)


def _plain(head: str) -> str:
    return re.sub(r"[\s_]+", " ", folded(head)).strip(" :*#.").replace("’", "'")


def _by_content(kind: str, cells: Sequence[str]) -> str:
    """What most of a column's cells look like; "" where nothing fits."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return LEAVE_OUT
    forms = [("email", _EMAIL), ("point", _POINT), ("phone", _PHONE), ("address", _ADDRESS)]
    if kind == "jobs":
        forms.insert(0, ("day", _DAY))
    for key, form in forms:
        if sum(form.match(cell) is not None for cell in filled) * 10 >= len(filled) * 7:
            return key
    return LEAVE_OUT


def _name_the_first(kind: str, table: Table, taken: list[str]) -> None:
    """Without a head, the first column of words that is nothing else is what each row is called."""
    name = NEEDED_BY_KIND[kind][0]
    if name in taken:
        return
    for index in range(len(taken)):
        cells = [row.cells[index] for row in table.rows[:_CONTENT_ROWS] if index < len(row.cells)]
        worded = sum(any(map(str.isalpha, cell)) for cell in cells)
        if not taken[index] and worded * 2 > len(cells):
            taken[index] = name
            return


def missing(kind: str, columns: Sequence[str]) -> str:
    """What has to be among the columns and is not, in words; "" where nothing is missing."""
    is_there = any(key in columns for key in NEEDED_BY_KIND[kind])
    return "" if is_there else _MISSING_BY_KIND[kind]


def twice(kind: str, columns: Sequence[str]) -> str:
    """A field that several columns are taken for, in words; "" where none is."""
    for column in COLUMNS_BY_KIND[kind]:
        if columns.count(column.key) > 1:
            return say(
                "Two columns are taken for “{column}”; choose one of them.", column=column.words
            )
    return ""
