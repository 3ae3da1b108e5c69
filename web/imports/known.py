"""What the hub knows when an import is planned: customers, workers, groups and jobs, to compare.

Read once a plan, then only looked up. Names are compared without case and accents. Holds no
decision on what is the same. Invariant: it does not change; what somebody writes while it is read
shows at the next reading, which is compared before anything is written.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.dispatch.roster import Absence
from web.board.reader import Rows
from web.formats import folded
from web.imports.values import plain
from web.roster import absences


@dataclass(frozen=True, slots=True)
class Group:
    """A team, vehicle or skill: hex id, name, and a vehicle's number plate."""

    id: str
    name: str
    plate: str = ""


@dataclass(frozen=True)
class Known:
    """Rows of the store by hex id, and indexes from compared texts to ids."""

    customers: Mapping[str, Any]
    places: Mapping[str, Sequence[Any]]
    contacts: Mapping[str, Sequence[Any]]
    workers: Mapping[str, Any]
    teams: Mapping[str, Group]
    vehicles: Mapping[str, Group]
    skills: Mapping[str, Group]
    jobs: Mapping[str, Any]
    customers_by_number: Mapping[str, Sequence[str]]
    customers_by_name: Mapping[str, Sequence[str]]
    workers_by_name: Mapping[str, Sequence[str]]
    jobs_by_number: Mapping[str, str]
    jobs_by_text: Mapping[TextKey, str]
    absences: Mapping[str, Sequence[Absence]]


async def read_known(reader: Rows, kind: str) -> Known:
    """What a plan of this kind of import asks for; the other tables stay empty."""
    customers, places, contacts, jobs = {}, {}, {}, {}
    if kind in ("customers", "jobs"):
        customers = _by(
            "customer",
            await reader.rows(
                "SELECT customer, name, number, note, archived, frontier FROM customer"
            ),
        )
        places = _lists(await reader.rows("SELECT * FROM customer_place WHERE NOT archived"))
        contacts = _lists(await reader.rows("SELECT * FROM contact WHERE NOT archived"))
    if kind == "jobs":
        jobs = _by(
            "job",
            await reader.rows(
                "SELECT job, number, title, customer, place, address, lat_e7, lon_e7, contact,"
                " contact_phone, priority, window_start, window_end, planned_minutes, description,"
                " radius_m, outline, skills, status, worker, frontier FROM job"
            ),
        )
    workers = _by("worker", await reader.rows("SELECT * FROM worker"))
    groups = {}
    for name in ("team", "vehicle", "skill"):
        plate = "plate" if name == "vehicle" else "''"
        rows = await reader.rows(
            f"SELECT {name} AS id, name, {plate} AS plate FROM {name} WHERE NOT archived"
        )
        groups[name] = {plain(row["name"]): Group(row["id"], row["name"], row["plate"])
                        for row in rows}  # fmt: skip
    return Known(
        customers=customers,
        places=places,
        contacts=contacts,
        workers=workers,
        teams=groups["team"],
        vehicles=groups["vehicle"],
        skills=groups["skill"],
        jobs=jobs,
        customers_by_number=_index(customers, "number"),
        customers_by_name=_index(customers, "name"),
        workers_by_name=_index(workers, "name"),
        jobs_by_number={folded(row["number"]): job for job, row in jobs.items()},
        jobs_by_text={
            text_key(row["title"], row["customer"], row["window_start"], row["address"]): job
            for job, row in jobs.items()
        },
        absences=await absences(reader, "0001", "9999") if kind == "jobs" else {},
    )


TextKey = tuple[str, str, int | None, str]
"""What tells jobs without a number apart: title, customer, begin of the window, and the address."""


def text_key(title: str, customer: str, start_ms: int | None, address: object) -> TextKey:
    """The key of a job; of a customer's (hex id, '' for none) the address is the customer's."""
    return plain(title), customer, start_ms, "" if customer else plain(str(address or ""))


def skills_of(row: Any) -> list[str]:
    """The hex ids of a worker's skills."""
    return list(json.loads(row["skills"]))


def _by(column: str, rows: Sequence[Any]) -> dict[str, Any]:
    return {row[column]: row for row in rows}


def _lists(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row["customer"]].append(row)
    return found


def _index(rows: Mapping[str, Any], column: str) -> dict[str, list[str]]:
    """Ids by a compared text; those in use before those that are archived."""
    found: dict[str, list[str]] = defaultdict(list)
    for identity, row in sorted(rows.items(), key=lambda pair: (pair[1]["archived"], pair[0])):
        if text := plain(row[column]):
            found[text].append(identity)
    return found
