"""Rows of customers and workers."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from core.dispatch import fields
from core.dispatch.job import field_conflicts
from core.dispatch.show import value_at
from core.log.registers import Registers
from core.log.stream import StreamState
from replica.projection.conflict import conflict_rows, snooze_rows
from replica.projection.rows import rewrite

DEFAULT_RADIUS_M = 100


def project_customer(db: sqlite3.Connection, state: StreamState) -> None:
    """Write a customer's rows; those of before have been taken out."""
    registers = state.registers
    name = state.stream.hex()
    db.execute(
        "INSERT INTO customer VALUES (?, ?, ?, ?, ?, ?)",
        (
            name,
            text(registers, (fields.CUSTOMER_NAME,)),
            text(registers, (fields.CUSTOMER_NUMBER,)),
            text(registers, (fields.CUSTOMER_NOTE,)),
            int(bool(value_at(registers, (fields.CUSTOMER_ARCHIVED,)))),
            state.token(),
        ),
    )
    places = {
        path[1]
        for path in registers
        if fields.PLACE_NAME <= path[0] <= fields.PLACE_ARCHIVED or path[0] == fields.PLACE_OUTLINE
    }
    for place in sorted(places):
        lat, lon = point(value_at(registers, (fields.PLACE_POINT, place)))
        radius = value_at(registers, (fields.PLACE_RADIUS, place), DEFAULT_RADIUS_M)
        db.execute(
            "INSERT INTO customer_place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                place.hex(),
                text(registers, (fields.PLACE_NAME, place)),
                text(registers, (fields.PLACE_ADDRESS, place)),
                lat,
                lon,
                radius,
                int(bool(value_at(registers, (fields.PLACE_ARCHIVED, place)))),
                outline(value_at(registers, (fields.PLACE_OUTLINE, place))),
            ),
        )
    codes = range(fields.CONTACT_NAME, fields.CONTACT_ARCHIVED + 1)
    for contact in sorted({path[1] for path in registers if path[0] in codes}):
        db.execute(
            "INSERT INTO contact VALUES (?, ?, ?, ?, ?, ?)",
            (
                name,
                contact.hex(),
                text(registers, (fields.CONTACT_NAME, contact)),
                text(registers, (fields.CONTACT_PHONE, contact)),
                text(registers, (fields.CONTACT_EMAIL, contact)),
                int(bool(value_at(registers, (fields.CONTACT_ARCHIVED, contact)))),
            ),
        )
    rewrite(db, "conflict", {"stream": name}, conflict_rows(name, field_conflicts(registers)))


def project_worker(db: sqlite3.Connection, state: StreamState) -> None:
    """Write a worker's rows; those of before have been taken out."""
    registers = state.registers
    name = state.stream.hex()
    skills = value_at(registers, (fields.WORKER_SKILLS,), [])
    db.execute(
        "INSERT INTO worker VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name,
            text(registers, (fields.WORKER_NAME,)),
            text(registers, (fields.WORKER_PHONE,)),
            identity(value_at(registers, (fields.WORKER_TEAM,))),
            identity(value_at(registers, (fields.WORKER_VEHICLE,))),
            json.dumps([identity(skill) for skill in skills]),
            json.dumps(value_at(registers, (fields.WORKER_SHIFT,))),
            text(registers, (fields.WORKER_NOTE,)),
            int(bool(value_at(registers, (fields.WORKER_ARCHIVED,)))),
            int(bool(value_at(registers, (fields.APP_JOBS_ON,), True))),
            int(bool(value_at(registers, (fields.APP_AUTO_ON,), True))),
            str(value_at(registers, (fields.APP_AUTO_MODE,), "automatic")),
            value_at(registers, (fields.APP_THRESHOLD_MIN,)),
            state.token(),
        ),
    )
    for path, register in sorted(registers.items(), key=lambda pair: repr(pair[0])):
        if path[0] not in (fields.WORKER_ABSENT, fields.WORKER_VEHICLE_ON) or not register.writes:
            continue
        value = value_at(registers, path)
        if value is None:
            continue
        if path[0] == fields.WORKER_ABSENT:
            db.execute(
                "INSERT INTO absence VALUES (?, ?, ?, ?, ?, ?)", (name, path[1].hex(), *value)
            )
        else:
            db.execute("INSERT INTO vehicle_day VALUES (?, ?, ?)", (name, path[1], identity(value)))
    conflicts = conflict_rows(name, field_conflicts(registers))
    rewrite(db, "conflict", {"stream": name}, conflicts + snooze_rows(name, registers))


def text(registers: Registers, path: tuple[Any, ...]) -> str:
    """The text shown at a path, '' where there is none."""
    value = value_at(registers, path, "")
    return value if isinstance(value, str) else ""


def identity(value: object) -> str:
    """An id as hex, '' where there is none."""
    return value.hex() if isinstance(value, bytes) else ""


def point(value: object) -> tuple[int | None, int | None]:
    """Latitude and longitude of a stored position, None where it is none."""
    if isinstance(value, list) and len(value) == 2 and all(type(part) is int for part in value):
        return value[0], value[1]
    return None, None


def outline(value: object) -> str:
    """A stored outline as JSON, '' where there is none."""
    return json.dumps(value, separators=(",", ":")) if value else ""
