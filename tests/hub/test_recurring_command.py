"""`fieldlog recurring`, as people type it on a hub that stands still."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from hub.commands.recurring import configure
from hub.recurring import recurrence_of, today_in
from replica.clock import SystemClock
from replica.replica import Replica
from tests.build import Site, hold
from tests.commands import refused, run


def town(site: Site) -> tuple[Replica, Path]:
    """A hub with a customer of one place, a worker and a skill; it has a time zone."""
    hub = site.hub()
    customer, place = site.new_id(Kind.CUSTOMER), b"place-01"
    hub.write(acts.edit_customer(customer, {"name": "Novak"}))
    where = {"name": "Works", "address": "Mill Lane 3", "point": [500_000_000, 140_000_000]}
    hub.write(acts.edit_place(customer, place, where))
    hub.write(acts.edit_contact(customer, b"contact1", {"name": "Eva", "phone": "+420 1"}))
    hub.write(acts.set_group("skill", b"skill-01", "Gas"))
    hub.write(acts.set_setting("time_zone", "Europe/Prague"))
    site.worker(hub, "Ana")
    return hub, hub.store.path.parent


def rows(site: Site, hub: Replica, sql: str) -> list[tuple[object, ...]]:
    return site.reopen(hub).store.db.execute(sql).fetchall()


def test_one_is_begun_with_names_and_its_first_jobs_are_made(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    hub, folder = town(site)
    words = (
        "add", "--data", folder, "--title", "Boiler check", "--daily", "--hours", "08:00-10:00",
        "--customer", "novak", "--worker", "ana", "--skill", "gas", "--minutes", 45, "--ahead", 3,
    )  # fmt: skip
    assert run(configure, *words) == 0
    said = capsys.readouterr().out
    assert "Recurring job A-1: daily, 08:00-10:00 (Europe/Prague), from" in said
    assert "4 jobs were made" in said
    hub = site.reopen(hub)
    found = hub.store.db.execute(
        "SELECT title, address, lat_e7, contact, contact_phone, planned_minutes, worker, skills "
        "FROM job"
    ).fetchall()
    (worker,) = hub.store.db.execute("SELECT worker FROM worker").fetchone()
    skills = json.dumps([b"skill-01".hex()])
    job = ("Boiler check", "Mill Lane 3", 500_000_000, "Eva", "+420 1", 45, worker, skills)
    assert found == [job] * 4
    assert run(configure, "list", "--data", folder) == 0
    assert "A-1  Boiler check: daily, 08:00-10:00" in capsys.readouterr().out


def test_one_is_changed_ended_and_a_day_of_it_skipped(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    hub, folder = town(site)
    data = ("--data", folder)
    run(configure, "add", *data, "--title", "Filters", "--daily", "--ahead", 2)
    hub = site.reopen(hub)
    (name,) = hub.store.db.execute("SELECT recurrence FROM recurrence").fetchone()
    stream = bytes.fromhex(name)
    recurrence = recurrence_of(hub, stream)
    assert recurrence is not None
    hub.close()
    tomorrow = recurrence.starts + timedelta(days=1)
    run(configure, "skip", tomorrow, "--number", "a-1", *data)
    assert "left out" in capsys.readouterr().out
    weekly = ("--weekly", "Tuesday,fri", "--every", 2, "--worker", "Ana", "--zone", "Asia/Tokyo")
    run(configure, "change", "--number", "A-1", *data, *weekly)
    assert "every 2 weeks on tue, fri (Asia/Tokyo)" in capsys.readouterr().out
    run(configure, "change", "--number", "A-1", *data, "--every", 3, "--until", tomorrow)
    assert f"every 3 weeks on tue, fri (Asia/Tokyo), from {recurrence.starts} until {tomorrow}" in (
        capsys.readouterr().out
    )
    monthly = ("--monthly", "15,last", "--until", "never", "--worker", "nobody")
    run(configure, "change", "--number", "A-1", *data, *monthly)
    assert "monthly on 15, last" in capsys.readouterr().out
    run(configure, "change", "--number", "A-1", *data, "--monthly", "last-Fri,2-tue")
    assert "monthly on last-fri, 2-tue" in capsys.readouterr().out
    # That day is none of the recurrence any more, yet it can be left out no more.
    run(configure, "skip", tomorrow, "--number", "A-1", "--undo", *data)
    changed = recurrence_of(site.reopen(hub), stream)
    assert changed is not None
    assert (changed.ends, changed.worker, changed.skipped) == (None, None, frozenset())


def test_a_window_past_midnight_ends_on_the_day_after(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    hub, folder = town(site)
    run(configure, "add", "--data", folder, "--title", "Night", "--daily", "--hours", "22:00-06:00")
    assert "22:00-06:00" in capsys.readouterr().out
    found = rows(site, hub, "SELECT window_end - window_start FROM job LIMIT 1")
    assert found == [(8 * 3_600_000,)]


def test_it_begins_today_by_the_sites_own_zone(site: Site) -> None:
    hub, folder = town(site)
    hub.write(acts.set_setting("time_zone", "Pacific/Kiritimati"))
    run(configure, "add", "--data", folder, "--title", "Filters", "--daily", "--ahead", 1)
    hub = site.reopen(hub)
    (name, starts) = hub.store.db.execute("SELECT recurrence, starts FROM recurrence").fetchone()
    recurrence = recurrence_of(hub, bytes.fromhex(name))
    assert recurrence is not None
    hub.clock = SystemClock()
    assert starts == today_in(ZoneInfo("Pacific/Kiritimati"), hub).isoformat()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--title", "Filters"], "say how often"),
        (["--daily"], "needs its title"),
        (["--title", "Filters", "--daily", "--worker", "Bo"], "no worker called 'Bo'"),
        (["--title", "Filters", "--daily", "--customer", "Bo"], "no customer called 'Bo'"),
        (["--title", "Filters", "--daily", "--place", "Works"], "--customer too"),
        (["--title", "F", "--daily", "--customer", "Novak", "--place", "Barn"], "which place"),
        (["--title", "Filters", "--every", "2"], "needs --daily"),
        (["--title", "Filters", "--daily", "--every", "0"], "interval"),
        (["--title", "Filters", "--monthly", "32"], "1 to 31"),
        (["--title", "Filters", "--daily", "--zone", "Prague"], "no time zone 'Prague'"),
        (["--title", "Filters", "--daily", "--ahead", "400"], "366 days"),
    ],
)
def test_what_cannot_be_is_answered_in_words_and_keeps_nothing(
    site: Site, words: list[str], said: str
) -> None:
    hub, folder = town(site)
    assert said in refused(configure, "add", "--data", folder, *words)
    assert rows(site, hub, "SELECT * FROM recurrence") == []


@pytest.mark.parametrize(
    "words",
    [
        ["--weekly", "someday"],
        ["--monthly", "first"],
        ["--monthly", "6-tue"],
        ["--monthly", "2-tue,15"],
        ["--hours", "8 to 10"],
        ["--hours", "08:00-10:75"],
        ["--from", "24.12.2026"],
        ["--until", "soon"],
    ],
)
def test_what_was_mistyped_is_said(site: Site, words: list[str]) -> None:
    _, folder = town(site)
    with pytest.raises((argparse.ArgumentError, SystemExit)):
        run(configure, "add", "--data", folder, "--title", "Filters", *words)


def test_only_what_is_there_is_changed(site: Site) -> None:
    hub, folder = town(site)
    assert "recurring list" in refused(
        configure, "change", "--number", "A-9", "--title", "X", "--data", folder
    )
    phone = site.phone(hub, site.worker(hub, "Bo"))
    hold(phone, hub)
    beside = phone.store.path.parent
    assert "only a hub" in refused(configure, "list", "--data", beside)
    run(configure, "add", "--data", folder, "--title", "Filters", "--daily")
    assert "nothing was changed" in refused(
        configure, "change", "--number", "A-1", "--data", folder
    )


def test_an_empty_list_says_how_to_begin(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    _, folder = town(site)
    assert run(configure, "list", "--data", folder) == 0
    assert "recurring add" in capsys.readouterr().out
