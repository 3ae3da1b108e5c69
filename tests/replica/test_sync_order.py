"""In what order entries travel: a seal with the logs that it covers, frames that are full."""

from __future__ import annotations

from itertools import groupby

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Kind
from core.log.messages import Runs
from replica.replica import Replica
from tests.build import Meeting, Site, agree, hold
from tests.reference_day import eight_jobs, worker_day


def runs_sent(meeting: Meeting, side: int) -> list[Runs]:
    """Frames with entries, as one side sent them."""
    return [message for message in meeting.read(side) if isinstance(message, Runs) if message.runs]


@pytest.fixture
def second(site: Site, hub: Replica, ana: bytes, phone: Replica) -> Replica:
    """A hub that joins after a phone's day of work on eight jobs, which came in three uploads."""
    jobs = eight_jobs(site, hub, ana)
    hold(phone, hub)
    worker_day(hub, phone, ana, jobs)
    hold(phone, hub)
    for part in (jobs[::3], jobs[1::3]):
        for job, _ in part:
            phone.write(acts.add_note(job, "tidied up"))
        hold(phone, hub)
    return site.hub("B")


def test_logs_under_one_seal_travel_together(hub: Replica, phone: Replica, second: Replica) -> None:
    rows = hub.store.db.execute("SELECT stream, seal FROM log WHERE author = ?", (phone.author,))
    seal_by_stream = dict(rows.fetchall())
    runs = [run for frame in runs_sent(hold(second, hub), 1) for run in frame.runs if run.author]
    in_turn = [seal for seal, _ in groupby(seal_by_stream.get(run.stream) for run in runs)]
    assert len(in_turn) == len(set(in_turn)) == len({*seal_by_stream.values()})
    assert len(in_turn) > 2
    assert agree(second, hub)


def test_the_site_goes_first_and_what_the_sender_wrote_before_what_others_did(
    hub: Replica, second: Replica
) -> None:
    runs = [run for frame in runs_sent(hold(second, hub), 1) for run in frame.runs]
    site = [run.stream == SITE_STREAM for run in runs]
    others = [run.author > 0 for run in runs if run.stream != SITE_STREAM]
    assert site == sorted(site, reverse=True)
    assert others == sorted(others)
    assert {True, False} <= set(others)


def test_frames_of_a_long_upload_are_full(
    hub: Replica, second: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.log.parcel.FRAME_BYTES_TARGET", 40_000)
    for index in range(200):
        job = acts.new_stream_id(Kind.JOB, 0, bytes([index] * 7))
        hub.write(acts.add_note(job, f"{index:03} " + "y" * 1_500))
    meeting = hold(second, hub)
    sizes = [len(frame) for frame in meeting.plain(1) if len(frame) > 10_000]
    assert sum(sizes) > 250_000
    assert all(size > 30_000 for size in sizes[:-1])
    assert meeting.live
