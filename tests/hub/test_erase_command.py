"""`fieldlog erase`, as people type it on a hub that stands still."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from hub.commands.erase import configure
from replica.replica import Replica
from tests.build import Site, hold, streams_of
from tests.commands import refused, run

NEEDLE = "Novakova, third floor, bell out of order"


def town(site: Site) -> tuple[Replica, bytes, list[bytes]]:
    """A hub with a customer who has two closed jobs, and a job of nobody's."""
    hub = site.hub()
    customer, jobs = site.new_id(Kind.CUSTOMER), []
    hub.write(acts.edit_customer(customer, {"name": NEEDLE}))
    for number in range(2):
        job = site.new_id(Kind.JOB)
        hub.write(acts.create_job(job, {"title": f"{NEEDLE} {number}", "customer": customer}))
        hub.write(acts.cancel_job(job, "no need"))
        jobs.append(job)
    site.job(hub, "Kept")
    return hub, customer, jobs


def test_a_customer_is_erased_with_the_jobs_and_what_is_out_of_reach_is_named(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    hub, customer, jobs = town(site)
    folder = hub.store.path.parent
    (folder / "damaged-20260101T000000Z").mkdir()
    assert run(configure, NEEDLE, "--data", folder, "--along", "--yes") == 0
    said = capsys.readouterr().out
    assert "3 streams" in said
    assert "backups" in said
    assert "damaged-20260101T000000Z" in said
    hub = site.reopen(hub)
    assert streams_of(hub).isdisjoint({customer, *jobs})
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert NEEDLE.encode() not in stored
    assert b"Kept" in stored


def test_nothing_goes_without_a_yes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, customer, jobs = town(site)
    folder = hub.store.path.parent
    monkeypatch.setattr("sys.stdin", io.StringIO("er\n"))
    assert "nothing was erased" in refused(configure, NEEDLE, "--data", folder)
    assert streams_of(site.reopen(hub)) >= {customer, *jobs}


def test_what_was_typed_wrongly_is_answered_in_words(site: Site, tmp_path: Path) -> None:
    hub, *_ = town(site)
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    hold(phone, hub)
    site.worker(hub, "Ana")
    folder = hub.store.path.parent
    assert "nothing here is called 'Boiler'" in refused(configure, "Boiler", "--data", folder)
    assert "several things are called 'ana'" in refused(configure, "ana", "--data", folder)
    words = refused(configure, ana.hex(), "--data", folder, "--yes")
    assert "shut it out first" in words
    assert "only a hub" in refused(configure, "Ana", "--data", phone.store.path.parent)
    assert "no store" in refused(configure, "Ana", "--data", tmp_path)
