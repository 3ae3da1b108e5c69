"""History in words: told of one stream, from its entries, with what does not stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import TITLE, Phase
from core.log.frontier import read_token
from replica.history import history_of, history_since
from replica.reader import Reader
from replica.replica import Replica
from tests.build import Site, clock_of, force, hold


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    yield found
    found.close()


def fields_of(replica: Replica, job: bytes) -> list[str]:
    return [row.field for row in history_of(replica.state(job))]


def test_a_late_entry_stands_where_its_clock_puts_it(site: Site) -> None:
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    job, (turn,) = site.job(hub, "Boiler", ana)
    began = fields_of(hub, job)
    clock_of(hub).pass_ms(60_000)
    hub.write(acts.set_phase(job, ana, turn, Phase.ACCEPTED))
    assert fields_of(hub, job) == [*began, "phase"]
    clock_of(hub).pass_ms(-30_000)
    hub.write(acts.add_note(job, "Made before, written after"))
    assert fields_of(hub, job) == [*began, "note", "phase"]


async def test_a_reader_tells_what_the_writer_would_and_marks_what_does_not_stand(
    site: Site,
) -> None:
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    clock_of(phone).pass_ms(60_000)
    phone.write(acts.set_phase(job, ana, turn, Phase.ACCEPTED))
    # No phone may name a job anew, so the hub keeps it and does not follow it.
    force(phone, job, [acts.Change(job, (TITLE,), "Mine")])
    hold(phone, hub)
    async with Reader(hub.store.path) as reader:
        told = await reader.history(job.hex())
        assert told == history_of(hub.state(job))
        assert [row.value for row in told if row.inert] == ["Mine"]
        accepted = next(row for row in told if row.field == "phase")
        assert (accepted.value, accepted.author) == ("accepted", phone.author.hex())
        assert accepted.actor == ana.hex()
        assert await reader.history("00" * 12) == []


async def test_what_a_frontier_covers_is_no_news(site: Site) -> None:
    hub = site.hub()
    job, _ = site.job(hub, "Boiler")
    tips = read_token(hub.state(job).token())
    hub.write(acts.add_note(job, "Key under the mat"))
    assert [row.value for row in history_since(hub.state(job), tips)] == ["Key under the mat"]
    async with Reader(hub.store.path) as reader:
        assert await reader.history_since(job.hex(), tips) == history_since(hub.state(job), tips)
        assert await reader.history_since(job.hex(), []) == await reader.history(job.hex())
