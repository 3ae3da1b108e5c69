"""What a simulated site does: its people, its customers at real addresses, and a day's jobs.

Made from a seed and the region's own addresses, and written as the office's acts. Holds no phones.
Invariant: the same seed and region make the same day.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from core.dispatch import acts
from core.dispatch.acts import Act
from core.dispatch.fields import Kind

HOUR_MS = 3_600_000

FIRST_NAMES = (
    "Aino", "Eero", "Helmi", "Juho", "Kaisa", "Lauri", "Maija", "Niko", "Oona", "Pekka", "Saara",
    "Timo", "Venla", "Ville", "Emil", "Liisa",
)  # fmt: skip
LAST_NAMES = (
    "Korhonen", "Virtanen", "Nieminen", "Laine", "Heikkinen", "Koskinen", "Salonen", "Lehtonen",
    "Ranta", "Harju", "Niemi", "Toivonen", "Ahonen", "Mattila", "Kallio", "Saari",
)  # fmt: skip
FIRMS = (
    "Bakery", "Dental Clinic", "Housing Co-op", "Hotel", "Book Shop", "Law Office", "Kindergarten",
    "Café", "Pharmacy", "Gallery", "Gym", "Restaurant", "School", "Print House", "Laundry",
)  # fmt: skip
TASKS = (
    ("Boiler service", 45), ("Replace radiator valve", 30), ("Lift inspection", 60),
    ("No hot water", 40), ("Fire alarm test", 25), ("Ventilation filter change", 30),
    ("Door lock jammed", 20), ("Water meter reading", 15), ("Leak under the sink", 50),
    ("Thermostat fitting", 35), ("Heat pump check", 55), ("Broken window", 45),
)  # fmt: skip
CHECKS = (
    "Power off and locked", "Photo before", "Work done as ordered", "Tested", "Site left clean",
)  # fmt: skip
TEAMS = ("North", "South", "On call")


@dataclass(frozen=True, slots=True)
class Address:
    """A real address of the region."""

    words: str
    lat_e7: int
    lon_e7: int


@dataclass(frozen=True, slots=True)
class Person:
    """A worker of the site."""

    worker: bytes
    name: str


@dataclass(slots=True)
class Site:
    """The people and customers that jobs are made for."""

    workers: list[Person]
    customers: list[tuple[bytes, str, bytes, Address, str, str]]


def found_site(
    rng: random.Random, addresses: Sequence[Address], workers: int, now_ms: int
) -> tuple[Site, list[Act]]:
    """The acts that set up teams, vehicles, workers and customers of a new site."""
    site = Site([], [])
    made: list[Act] = []
    groups = [rng.randbytes(8) for _ in TEAMS]
    made += [acts.set_group("team", group, name) for group, name in zip(groups, TEAMS, strict=True)]
    names = rng.sample([f"{a} {b}" for a in FIRST_NAMES for b in LAST_NAMES], workers)
    for index, name in enumerate(names):
        worker = acts.new_stream_id(Kind.WORKER, now_ms, rng.randbytes(7))
        vehicle = rng.randbytes(8)
        plate = f"{''.join(rng.choices('ABCFGHJKLMNRSTX', k=3))}-{rng.randrange(100, 999)}"
        made.append(acts.set_group("vehicle", vehicle, f"Van {index + 1}", plate=plate))
        made.append(
            acts.edit_worker(
                worker,
                {
                    "name": name,
                    "phone": f"+358 40 555 {rng.randrange(1000, 9999)}",
                    "team": groups[index % len(groups)],
                    "vehicle": vehicle,
                    # The demo begins whenever it is started, so its workers work round the clock.
                    "shift": [0, 24 * 60],
                },
            )
        )
        site.workers.append(Person(worker, name))
    for address in rng.sample(list(addresses), min(30, len(addresses))):
        made.append(_customer(rng, site, address, now_ms))
    return site, made


def _customer(rng: random.Random, site: Site, address: Address, now_ms: int) -> Act:
    customer = acts.new_stream_id(Kind.CUSTOMER, now_ms, rng.randbytes(7))
    place, contact = rng.randbytes(8), rng.randbytes(8)
    name = f"{address.words.split(' ')[0].split(',')[0]} {rng.choice(FIRMS)}"
    person = f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
    phone = f"+358 9 555 {rng.randrange(1000, 9999)}"
    site.customers.append((customer, name, place, address, person, phone))
    return [
        *acts.edit_customer(customer, {"name": name, "number": str(1000 + len(site.customers))}),
        *acts.edit_place(
            customer,
            place,
            {
                "name": "Main entrance",
                "address": address.words,
                "point": (address.lat_e7, address.lon_e7),
            },
        ),
        *acts.edit_contact(customer, contact, {"name": person, "phone": phone}),
    ]


def days_jobs(
    rng: random.Random,
    site: Site,
    addresses: Sequence[Address],
    begin_ms: int,
    jobs: int,
    hours: int = 12,
) -> list[Act]:
    """The acts that make and assign a day's jobs, windows from `begin_ms` on."""
    made: list[Act] = []
    slots = {person.worker: begin_ms + rng.randrange(6) * 10 * 60_000 for person in site.workers}
    for index in range(jobs):
        job = acts.new_stream_id(Kind.JOB, begin_ms - HOUR_MS + index * 1000, rng.randbytes(7))
        title, minutes = rng.choice(TASKS)
        worker = min(slots, key=lambda each: slots[each])
        start = slots[worker]
        slots[worker] += (minutes + rng.randrange(15, 45)) * 60_000
        start = min(start, begin_ms + (hours - 1) * HOUR_MS)
        values: dict[str, object] = {
            "title": title,
            "priority": rng.choices((0, 1, 2, 3), (1, 7, 3, 1))[0],
            "window": (start, start + rng.choice((60, 90, 120)) * 60_000),
            "planned_minutes": minutes,
            "check_items": list(CHECKS[: rng.randrange(0, 6)]),
        }
        values |= _where(rng, site, addresses)
        act = acts.create_job(job, values)
        # A few wait for a dispatcher, as on any morning.
        if index % 12 != 11:
            act += acts.assign(job, worker, rng.randbytes(8), position=index)
        made.append(act)
    return made


def _where(rng: random.Random, site: Site, addresses: Sequence[Address]) -> dict[str, object]:
    if rng.random() < 0.75 and site.customers:
        customer, _, place, address, person, phone = rng.choice(site.customers)
        found: dict[str, object] = {
            "customer": customer,
            "place": place,
            "contact": person,
            "contact_phone": phone,
        }
    else:
        address, found = rng.choice(list(addresses)), {}
    return found | {"address": address.words, "point": (address.lat_e7, address.lon_e7)}
