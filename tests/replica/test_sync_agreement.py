"""Sessions come to agree while both sides go on: schedules from seeds, under narrow limits."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from replica.replica import Replica
from replica.scope import scope_of
from tests.build import Meeting, Site, agree, hold, streams_of


# In the site of 373 a side once waited for ever for a position that the other no longer owed.
@pytest.mark.parametrize("seed", [373, *range(12)])
def test_an_office_that_never_rests_keeps_nobody_from_agreeing(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.log.session.FRAMES_IN_FLIGHT_MAX", 1)
    monkeypatch.setattr("core.log.parcel.FRAME_BYTES_TARGET", 100)
    chance = random.Random(seed)
    site = Site(tmp_path)
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    site.worker(hub, "Bo")
    phone = site.phone(hub, ana)
    turns: dict[bytes, bytes] = {}

    def new_job() -> None:
        job = site.new_id(Kind.JOB, hub.clock.now_ms() + chance.randrange(100) * 60_000)
        turn = site.entropy(8)
        title = "x" * chance.randrange(1, 150)
        hub.write(acts.create_job(job, {"title": title}) + acts.assign(job, ana, turn))
        turns[job] = turn

    for _ in range(3):
        new_job()
    if chance.random() < 0.7:
        hold(phone, hub)
    for job in list(turns):
        if chance.random() < 0.5:
            hub.write(acts.edit_job(job, {"title": "y" * 90}))
        if chance.random() < 0.3 and job in streams_of(phone):
            phone.write(acts.add_note(job, "z" * 90))
    hub.take_changed()
    phone.take_changed()
    meeting = Meeting(phone, hub).start()
    for _ in range(80):
        drawn = chance.random()
        if drawn < 0.8:
            meeting.deliver(int(drawn >= 0.4))
        elif drawn >= 0.9:
            meeting.tell()
        else:
            _office_goes_on(site, hub, ana, turns, chance, new_job)
    meeting.run()
    assert meeting.live
    scope = scope_of(hub.store.db, phone.identity.own, hub.clock.now_ms())
    assert agree(phone, hub, streams=set(scope) & streams_of(hub))
    site.close()


def _office_goes_on(
    site: Site,
    hub: Replica,
    ana: bytes,
    turns: dict[bytes, bytes],
    chance: random.Random,
    new_job: Callable[[], None],
) -> None:
    drawn = chance.random()
    if drawn < 0.4:
        new_job()
        return
    job = chance.choice(list(turns))
    if drawn < 0.7:
        hub.write(acts.withdraw(job, ana, turns[job]))
        return
    turns[job] = site.entropy(8)
    hub.write(acts.assign(job, ana, turns[job]))
