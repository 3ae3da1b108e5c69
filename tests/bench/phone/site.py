"""A phone that has been in use for two years: its store, as acts of worker and office made it.

Holds no measurement. Invariant: everything on the phone came in by its own acts or by sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.dispatch import acts, day_acts
from core.dispatch.fields import Kind, LogKind
from replica.joining import HubAddress, save_hub_address
from tests.build import SettableClock, Site, hold

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
WORKDAYS_A_YEAR = 230
LOGS_A_DAY = 8


@dataclass(frozen=True, slots=True)
class FilledPhone:
    """Where the phone lies, its worker's jobs (hex ids) in the order given, and its entries."""

    folder: Path
    jobs: tuple[str, ...]
    entries: int


def fill(folder: Path, jobs: int, years: float, now_ms: int) -> FilledPhone:
    """A phone with so many jobs to do, and so many years of days of its own up to now."""
    site = Site(folder)
    days = round(years * WORKDAYS_A_YEAR)
    clock = SettableClock(now_ms - days * DAY_MS)
    hub = site.hub(clock=clock)
    worker = site.worker(hub, "Aino Korhonen")
    hub.write(acts.set_setting("job_dispatch", True) + acts.set_setting("time_zone", "UTC"))
    phone = site.phone(hub, worker, clock=clock, session_until=now_ms + 3_650 * DAY_MS)
    hold(phone, hub)
    for _ in range(days):
        _work_a_day(site, phone, worker, clock)
    made = []
    customers = [site.new_id(Kind.CUSTOMER) for _ in range(max(jobs // 5, 1))]
    for number, customer in enumerate(customers):
        hub.write(acts.edit_customer(customer, {"name": f"Customer {number:03d}"}))
    for number in range(jobs):
        job = site.new_id(Kind.JOB, now_ms)
        start_ms = now_ms + (number // 8) * DAY_MS + (number % 8) * HOUR_MS
        values = {
            "title": f"Boiler service {number:03d}",
            "customer": customers[number % len(customers)],
            "address": f"Mannerheimintie {number}",
            "point": [601_700_000 + number * 1_000, 249_400_000],
            "contact": "Jana Kralova",
            "contact_phone": "+420 777 123 456",
            "description": "Ring at the gate.\nThe valve is behind the left panel.",
            "window": [start_ms, start_ms + HOUR_MS],
            "planned_minutes": 45,
            "check_items": ["Gas off", "Photo of the type plate"],
        }
        turn = site.entropy(8)
        hub.write(acts.create_job(job, values) + acts.assign(job, worker, turn, number))
        made.append(job.hex())
    hold(phone, hub)
    (entries,) = phone.store.db.execute("SELECT count(*) FROM entry").fetchone()
    place = phone.store.path.parent
    save_hub_address(place, HubAddress(("127.0.0.1:9",), bytes(32)))
    site.close()
    return FilledPhone(place, tuple(made), entries)


def _work_a_day(site: Site, phone: object, worker: bytes, clock: SettableClock) -> None:
    """Duty and the day's logs, each by an act of its own as taps make them."""
    write = phone.write  # type: ignore[attr-defined]
    day = datetime.fromtimestamp(clock.now_ms() / 1_000, UTC).date().isoformat()
    duty = site.entropy(8)
    write(day_acts.start_duty(worker, day, duty))
    for number in range(LOGS_A_DAY):
        log = site.entropy(8)
        kind = LogKind.TRAVEL if number % 2 else LogKind.ON_SITE
        write(day_acts.start_log(worker, day, None, log, kind))
        clock.pass_ms(50 * 60_000)
        write(day_acts.stop_log(worker, day, None, log))
        clock.pass_ms(5 * 60_000)
    write(day_acts.stop_duty(worker, day, duty))
    clock.pass_ms(DAY_MS - LOGS_A_DAY * 55 * 60_000)
