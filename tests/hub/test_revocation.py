"""A phone is shut out: what the hub held goes on counting, what comes later does not."""

from __future__ import annotations

from pathlib import Path

from core.dispatch import acts
from core.dispatch.fields import Phase
from hub.revocation import shut_out
from tests.build import Site, hold


def test_work_sent_before_a_revocation_counts_and_later_work_is_kept_inert(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    phone, courier = site.phone(hub, ana), site.phone(hub, bo)
    job, (turn, _) = site.job(hub, "Boiler", ana, bo)
    hold(phone, hub)
    hold(courier, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
    hold(phone, hub)
    shut_out(hub, phone.author)
    assert _phase(hub) == "on site"

    # Another phone carries what the lost one wrote afterwards.
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    hold(phone, courier)
    hold(courier, hub)
    assert _phase(hub) == "on site"
    (inert,) = hub.store.db.execute("SELECT sum(inert) FROM stream").fetchone()
    assert inert == 1
    assert hub.state(job).fingerprint() == courier.state(job).fingerprint()
    site.close()


def test_every_branch_of_a_cloned_phone_goes_on_counting(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    phone, courier = site.phone(hub, ana), site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    hold(courier, hub)
    hold(phone, hub)
    phone.write(acts.add_note(job, "before there was a clone"))
    hold(phone, hub)
    clone = site.clone(phone)
    phone.write(acts.add_note(job, "one"))
    clone.write(acts.add_note(job, "two"))
    clone.write(acts.add_note(job, "two again"))
    for each in (phone, clone):
        assert hold(each, hub).live
    notes = "SELECT count(*) FROM note"
    assert hub.store.db.execute(notes).fetchone() == (4,)
    shut_out(hub, phone.author)
    assert hub.store.db.execute(notes).fetchone() == (4,)
    phone.write(acts.add_note(job, "after it was shut out"))
    hold(phone, courier)
    hold(courier, hub)
    assert hub.store.db.execute(notes).fetchone() == (4,)
    assert hub.state(job).fingerprint() == courier.state(job).fingerprint()
    site.close()


def _phase(hub: object) -> str:
    (phase,) = hub.store.db.execute("SELECT max(phase) FROM assignment").fetchone()  # type: ignore[attr-defined]
    return str(phase)
