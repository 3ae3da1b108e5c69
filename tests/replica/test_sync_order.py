"""In what order entries travel: a seal with the logs that it covers, frames that are full."""

from __future__ import annotations

from itertools import groupby

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Kind
from core.log.messages import Ack, Runs
from core.log.packing import GOES_ON, IN_COLUMNS, MARK, MORE_COME
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


def test_a_leaf_that_a_newer_seal_overtook_travels_as_a_place_in_its_run(
    hub: Replica, phone: Replica, second: Replica
) -> None:
    frames = runs_sent(hold(second, hub), 1)
    leaves = [leaf for frame in frames for seal in frame.seals for leaf in seal.leaves]
    assert any(isinstance(leaf, tuple) for leaf in leaves)
    assert not any(isinstance(leaf, bytes) for leaf in leaves)
    kept = "SELECT number, leaves, signature FROM seal WHERE author = ? ORDER BY signature"
    first, other = (
        replica.store.db.execute(kept, (phone.author,)).fetchall() for replica in (hub, second)
    )
    assert len(first) == 3
    assert other == first


def test_a_run_that_is_refused_keeps_no_run_under_another_seal_back(
    hub: Replica, phone: Replica, second: Replica
) -> None:
    seal_of = dict(
        hub.store.db.execute("SELECT stream, seal FROM log WHERE author = ?", (phone.author,))
    )
    newest = max(seal_of.values())
    spoilt = min(stream for stream, seal in seal_of.items() if seal == newest)
    # A bit flips in the sender's file: in an entry that an older seal names, under a newer one.
    (log,) = hub.store.db.execute(
        "SELECT log FROM log WHERE stream = ? AND author = ?", (spoilt, phone.author)
    ).fetchone()
    (body,) = hub.store.db.execute(
        "SELECT body FROM entry WHERE log = ? AND seq = 1", (log,)
    ).fetchone()
    with hub.store.transaction() as db:
        db.execute(
            "UPDATE entry SET body = ? WHERE log = ? AND seq = 1",
            (body.replace(bytes([body[-1]]), bytes([body[-1] ^ 1])), log),
        )
    meeting = hold(second, hub)
    refused = [m for m in meeting.read(0) if isinstance(m, Ack) and m.refused]
    assert refused
    arrived = {
        row[0]
        for row in second.store.db.execute(
            "SELECT stream FROM log WHERE author = ?", (phone.author,)
        )
    }
    under_others = {stream for stream, seal in seal_of.items() if seal != newest}
    assert under_others
    assert under_others <= arrived
    assert spoilt not in arrived


def test_what_a_sender_wrote_goes_under_a_seal_for_each_64_logs(
    hub: Replica, second: Replica
) -> None:
    hold(second, hub)
    for index in range(150):
        hub.write(acts.edit_customer(site_stream(index), {"name": f"Customer {index}"}))
    meeting = hold(second, hub)
    (frame,) = runs_sent(meeting, 1)
    assert len(frame.runs) == 150
    assert [(seal.author, seal.leaves) for seal in frame.seals] == [(0, ())] * 3
    assert meeting.live
    assert agree(second, hub)
    sizes = second.store.db.execute(
        "SELECT length(leaves) / 32 FROM seal JOIN log USING (seal) WHERE log.author = ? "
        "AND stream >= ? GROUP BY seal",
        (hub.author, site_stream(0)),
    )
    assert sorted(size for (size,) in sizes) == [22, 64, 64]


def site_stream(index: int) -> bytes:
    """A customer's stream of a day when nothing else was made."""
    return acts.new_stream_id(Kind.CUSTOMER, 4_000_000_000_000, index.to_bytes(7, "big"))


def test_the_site_goes_first_and_what_the_sender_wrote_before_what_others_did(
    hub: Replica, second: Replica
) -> None:
    runs = [run for frame in runs_sent(hold(second, hub), 1) for run in frame.runs]
    site = [run.stream == SITE_STREAM for run in runs]
    others = [run.author > 0 for run in runs if run.stream != SITE_STREAM]
    assert site == sorted(site, reverse=True)
    assert others == sorted(others)
    assert {True, False} <= set(others)


def test_what_is_sent_at_once_is_packed_as_one_series_that_ends(
    hub: Replica, second: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.log.parcel.FRAME_BYTES_TARGET", 800)
    meeting = hold(second, hub)
    flags = [frame[1] ^ IN_COLUMNS for frame in meeting.sent[1] if frame[:1] == MARK]
    assert len(flags) > 3
    assert flags == [MORE_COME, *[MORE_COME | GOES_ON] * (len(flags) - 2), GOES_ON]
    # Live, each frame stands alone: nobody keeps anything for it.
    hub.write(acts.edit_customer(site_stream(1), {"name": "Boiler works, Mannerheimintie " * 6}))
    meeting.tell()
    meeting.run()
    assert meeting.sent[1][-1][:2] == MARK + bytes([IN_COLUMNS])
    assert meeting.live
    assert agree(second, hub)


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
