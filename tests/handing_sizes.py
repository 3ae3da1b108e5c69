"""How large a job is that one phone hands another in a file, and how many QR codes that takes.

Holds no assertions. Invariant: the files are real ones, which the colleague's phone takes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.dispatch import acts
from core.dispatch.fields import Kind, Phase
from replica.carrying import file_of_job, take_file
from tests.build import Site, hold

# What a QR code of the largest kind holds, in bytes (ISO/IEC 18004, version 40-L).
QR_BYTES = 2_953


def handed_sizes(folder: Path) -> Iterator[tuple[str, int]]:
    """What a job takes, in bytes: a bare one, and one of a customer's on which much was done."""
    site = Site(folder)
    hub = site.hub()
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    giver, taker = site.phone(hub, ana), site.phone(hub, bo)
    bare, (bare_turn,) = site.job(hub, "Boiler", ana)
    full, (full_turn,) = site.job(hub, "Boiler service with inspection", ana)
    customer = site.new_id(Kind.CUSTOMER)
    hub.write(acts.edit_customer(customer, {"name": "Novak & Sons", "note": "Ring twice. " * 8}))
    place = {"name": "Works", "address": "Mannerheimintie 5, Helsinki", "point": [1, 2]}
    hub.write(acts.edit_place(customer, b"place001", place))
    contact = {"name": "Eva Novak", "phone": "+358 40 123 4567"}
    hub.write(acts.edit_contact(customer, b"contact1", contact))
    values = {"customer": customer, "description": "All valves. " * 25, "priority": 2}
    hub.write(acts.edit_job(full, {**values, "check_items": ["Valve", "Filter", "Pressure"]}))
    for phone in (giver, taker):
        assert hold(phone, hub).live
    giver.write(acts.set_phase(full, ana, full_turn, Phase.ON_SITE))
    for number in range(6):
        giver.write(acts.add_note(full, f"{number}: the pressure falls after ten minutes"))
    for name, job, turn in (("bare", bare, bare_turn), ("full", full, full_turn)):
        giver.write(acts.hand_over(job, ana, turn, bo))
        _, made = file_of_job(giver, job, bo)
        assert not take_file(taker, made.data).refused
        yield name, len(made.data)
    site.close()
