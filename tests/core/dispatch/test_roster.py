"""Absences and vehicles by day: what can be said, what is refused, and what a day finds."""

from __future__ import annotations

import pytest

from core.dispatch import fields
from core.dispatch.acts import Act, ActError
from core.dispatch.fields import AbsenceKind, Kind
from core.dispatch.roster import (
    Absence,
    absence_on,
    clear_absence,
    set_absence,
    set_vehicle_on,
)
from core.dispatch.shapes import well_formed
from replica.checking import check_store
from tests.build import Site, hold

WORKER, ID = b"\0" * 4 + bytes([Kind.WORKER]) + b"w" * 7, b"absence1"
HOLIDAY = Absence("2026-11-23", "2026-12-03", 1, "")


@pytest.mark.parametrize(
    ("first", "last", "is_absent"),
    [
        ("2026-11-22", "", False),
        ("2026-11-23", "", True),
        ("2026-12-03", "", True),
        ("2026-12-04", "", False),
        ("2026-11-20", "2026-11-23", True),
        ("2026-11-25", "2026-11-26", True),
        ("2026-12-04", "2026-12-09", False),
    ],
)
def test_an_absence_covers_its_first_and_its_last_day(
    first: str, last: str, is_absent: bool
) -> None:
    assert (absence_on([HOLIDAY], first, last) is HOLIDAY) is is_absent


def test_of_two_absences_the_one_that_ends_last_says_until_when() -> None:
    longer = Absence("2026-12-01", "2026-12-24", 2, "flu")
    assert absence_on([longer, HOLIDAY], "2026-12-02") is longer
    assert longer.words == "sick"
    assert Absence("2026-12-01", "2026-12-24", 99, "").words == "absent"


@pytest.mark.parametrize(
    ("first", "last", "kind", "note", "words"),
    [
        ("", "2026-12-03", 1, "", "first day is missing"),
        ("2026-11-23", "", 1, "", "last day is missing"),
        ("23.11.2026", "2026-12-03", 1, "", "write it as 2026-11-23"),
        ("2026-12-03", "2026-11-23", 1, "", "ends before it begins"),
        ("2026-11-23", "2036-11-23", 1, "", "three years at most"),
        ("0202-11-23", "0202-11-24", 1, "", "check the year"),
        ("2026-11-23", "2026-11-23", 9, "", "a holiday, sickness or another one"),
        ("2026-11-23", "2026-11-23", 1, "x" * 300, "longer than 200"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused_in_words(
    first: str, last: str, kind: int, note: str, words: str
) -> None:
    with pytest.raises(ActError, match=words):
        set_absence(WORKER, ID, first, last, kind, note)


def test_a_vehicle_is_known_by_eight_bytes_or_none() -> None:
    with pytest.raises(ActError, match="choose one from the list"):
        set_vehicle_on(WORKER, "2026-11-23", b"short")
    assert set_vehicle_on(WORKER, "2026-11-23", b"")[0].value == b""


@pytest.mark.parametrize(
    ("code", "identity", "value"),
    [
        (fields.WORKER_ABSENT, ID, ["2026-11-23", "2026-12-03", 1]),
        (fields.WORKER_ABSENT, ID, ["2026-11-23", "2026-13-03", 1, ""]),
        (fields.WORKER_ABSENT, ID, ["2026-11-23", "2026-12-03", "holiday", ""]),
        (fields.WORKER_ABSENT, b"x", ["2026-11-23", "2026-12-03", 1, ""]),
        (fields.WORKER_VEHICLE_ON, "2026-11-23", "Transit"),
        (fields.WORKER_VEHICLE_ON, "23 November", b"vehicle1"),
    ],
)
def test_another_shape_stands_for_nothing(code: int, identity: object, value: object) -> None:
    assert not well_formed((code, identity), value)


def test_absences_and_vehicles_show_on_the_hub_and_on_the_worker_s_own_phone(site: Site) -> None:
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    vehicle = b"transit1"
    written: Act = [
        *set_absence(ana, ID, "2026-11-23", "2026-12-03", AbsenceKind.SICK, "flu"),
        *set_absence(ana, b"absence2", "2027-01-01", "2027-01-01", AbsenceKind.OTHER),
        *set_vehicle_on(ana, "2026-11-20", vehicle),
        *set_vehicle_on(ana, "2026-11-21", b""),
        *set_vehicle_on(ana, "2026-11-22", vehicle),
    ]
    hub.write(written)
    hub.write(clear_absence(ana, b"absence2") + set_vehicle_on(ana, "2026-11-22", None))
    hold(phone, hub)
    for replica in (hub, phone):
        db = replica.store.db
        assert db.execute("SELECT * FROM absence").fetchall() == [
            (ana.hex(), ID.hex(), "2026-11-23", "2026-12-03", 2, "flu")
        ]
        assert db.execute("SELECT * FROM vehicle_day ORDER BY day").fetchall() == [
            (ana.hex(), "2026-11-20", vehicle.hex()),
            (ana.hex(), "2026-11-21", ""),
        ]
        assert check_store(replica) == []


def test_two_dispatchers_who_move_one_absence_are_both_kept(site: Site) -> None:
    hub = site.hub()
    second = site.hub("B")
    ana = site.worker(hub, "Ana")
    hub.write(set_absence(ana, ID, "2026-11-23", "2026-12-03", 1))
    hold(second, hub)
    hub.write(set_absence(ana, ID, "2026-11-23", "2026-12-10", 1))
    second.write(set_absence(ana, ID, "2026-11-23", "2026-11-27", 1))
    hold(second, hub)
    shown = [
        replica.store.db.execute("SELECT last FROM absence").fetchall() for replica in (hub, second)
    ]
    assert shown[0] == shown[1]
    for replica in (hub, second):
        (row,) = replica.store.db.execute("SELECT field FROM conflict").fetchall()
        assert row[0] == "absent"
