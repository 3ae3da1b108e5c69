"""Two replicas on real files meet: what they say, in how many bytes, and what they then hold."""

from __future__ import annotations

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import SETTING, Kind, Phase
from core.log import messages
from core.log.messages import Ack, Agreed, Check, Compare, Hello, Proof, Run, Runs, State
from core.log.session import Differing, Live, Met, Stage
from replica.logs import held_hashes
from replica.reach import unsent_entries
from replica.replica import Replica
from replica.shelf import ReplicaShelf
from tests.build import Meeting, Site, agree, hold, interrupted, rows_of, streams_of
from tests.reference_day import eight_jobs, worker_day

DAY = "2026-03-02"


def kinds(meeting: Meeting, side: int) -> list[type]:
    return [type(message) for message in meeting.read(side)]


def runs_of(meeting: Meeting, side: int) -> list[Run]:
    return [
        run for message in meeting.read(side) if isinstance(message, Runs) for run in message.runs
    ]


def test_first_contact_brings_the_phone_all_of_its_scope(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    meeting = hold(phone, hub)
    assert meeting.live
    assert streams_of(phone) == {SITE_STREAM, ana, job}
    assert agree(phone, hub)
    assert meeting.effects[0] == [Met(hub.identity.own), Live()]
    assert meeting.effects[1] == [Met(phone.identity.own), Live()]


def test_when_nothing_changed_one_round_trip_of_less_than_100_bytes_suffices(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    site.job(hub, "Boiler", ana)
    hold(phone, hub)
    again = hold(phone, hub)
    assert again.live
    assert kinds(again, 0) == [Hello, Proof, State]
    assert kinds(again, 1) == [Hello, Proof, State]
    assert len(again.sent[0][2]) <= 100
    assert len(again.sent[1][2]) <= 100


def test_what_changed_on_both_sides_goes_at_once_and_one_check_ends_it(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.ACCEPTED))
    hub.write(acts.edit_job(job, {"title": "Boiler, upstairs"}))
    meeting = hold(phone, hub)
    assert kinds(meeting, 0) == [Hello, Proof, State, Runs, Ack, Check]
    assert kinds(meeting, 1) == [Hello, Proof, State, Runs, Ack, Agreed]
    assert meeting.live
    assert agree(phone, hub)


def test_live_changes_are_pushed_both_ways(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    meeting = hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
    new, _ = site.job(hub, "Gutter", ana)
    meeting.run()
    assert meeting.live
    assert new in streams_of(phone)
    assert hub.store.db.execute(
        "SELECT phase FROM assignment WHERE job = ?", (job.hex(),)
    ).fetchone() == ("on site",)
    assert unsent_entries(phone.store.db, phone.author) == []


def test_two_hubs_hold_the_whole_site_each(site: Site, hub: Replica, ana: bytes) -> None:
    other = site.hub("B")
    job, _ = site.job(hub, "Boiler", ana)
    hold(other, hub)
    far, _ = site.job(other, "Gutter", ana)
    meeting = hold(hub, other)
    assert meeting.live
    assert streams_of(hub) == streams_of(other) >= {SITE_STREAM, ana, job, far}
    assert agree(hub, other)


def test_a_phone_learns_of_a_hub_that_it_never_met_from_the_site_stream(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    other = site.hub("B")
    hold(other, hub)
    job, _ = site.job(other, "Gutter", ana)
    hold(other, hub)
    meeting = hold(phone, hub)
    assert meeting.live
    assert Compare not in kinds(meeting, 0) + kinds(meeting, 1)
    assert job in streams_of(phone)
    assert agree(phone, other)


def test_a_phone_takes_a_colleagues_work_by_the_certificate_that_comes_with_it(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    colleague = site.phone(hub, bo)
    job, _ = site.job(hub, "Ours", ana, bo)
    hold(colleague, hub)
    colleague.write(acts.add_note(job, "from Bo"))
    hold(colleague, hub)
    meeting = hold(phone, hub)
    assert meeting.live
    # Certificate and note came in one frame; nothing was refused, nothing was asked again.
    assert len([message for message in meeting.read(1) if isinstance(message, Runs)]) == 1
    assert Compare not in kinds(meeting, 0) + kinds(meeting, 1)
    assert phone.store.db.execute("SELECT count(*) FROM refused").fetchone() == (0,)
    assert phone.store.db.execute("SELECT text FROM note").fetchone() == ("from Bo",)


def test_a_phone_that_met_one_hub_goes_on_with_another(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    other = site.hub("B")
    hold(other, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    assert hold(phone, other).live
    assert hold(hub, other).live
    assert agree(phone, hub, other)
    assert len(hub.state(job).registers) == len(phone.state(job).registers)


# --- the worker's day


def test_a_workers_day_of_120_edits_uploads_in_one_frame_of_2400_bytes(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    jobs = eight_jobs(site, hub, ana)
    hold(phone, hub)
    assert worker_day(hub, phone, ana, jobs) == 120
    meeting = hold(phone, hub)
    uploads = [f for f in meeting.plain(0) if isinstance(messages.read(f), Runs)]
    assert len(uploads) == 1
    # Not a wish but what is: notes (480 B) and hashes of files (256 B) are a third of it.
    assert len(uploads[0]) <= 2_400
    (sent,) = (
        sent
        for sent, plain in zip(meeting.sent[0], meeting.plain(0), strict=True)
        if plain == uploads[0]
    )
    assert len(sent) <= 1_100
    assert meeting.live
    assert agree(phone, hub)


# --- cuts, lost acks, duplicates


def lively(site: Site, hub: Replica, ana: bytes, phone: Replica) -> None:
    """A site in which both sides have something that the other lacks."""
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.TRAVELLING))
    phone.write(acts.add_note(job, "gate code 4711"))
    hub.write(acts.edit_job(job, {"title": "Boiler, upstairs"}))
    site.job(hub, "Gutter", ana)


@pytest.mark.parametrize("deliveries", range(13))
def test_a_session_cut_after_any_frame_is_taken_up_by_the_next(
    site: Site, hub: Replica, ana: bytes, phone: Replica, deliveries: int
) -> None:
    lively(site, hub, ana, phone)
    interrupted(phone, hub, deliveries)
    phone, hub = site.reopen(phone), site.reopen(hub)
    assert hold(phone, hub).live
    assert agree(phone, hub)
    assert len(streams_of(phone)) == 4
    # Nobody waits for an ack that went down with the link.
    assert unsent_entries(phone.store.db, phone.author) == []
    assert kinds(hold(phone, hub), 0) == [Hello, Proof, State]


def test_thirteen_deliveries_are_all_there_are(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    lively(site, hub, ana, phone)
    meeting = hold(phone, hub)
    assert sum(map(len, meeting.sent)) == 12


@pytest.mark.parametrize("index", range(6))
@pytest.mark.parametrize("side", [0, 1])
def test_a_frame_that_comes_twice_changes_nothing(
    site: Site, hub: Replica, ana: bytes, phone: Replica, side: int, index: int
) -> None:
    lively(site, hub, ana, phone)
    meeting = Meeting(phone, hub).start()
    while meeting.deliver(1) | meeting.deliver(0):
        waiting = meeting.waiting[1 - side]
        if len(meeting.sent[side]) == index + 1 and waiting:
            waiting.append(waiting[-1])
            break
    meeting.run()
    # At worst the session ends by name; the next one finds nothing lost and nothing doubled.
    assert hold(phone, hub).live
    assert agree(phone, hub)
    (count,) = hub.store.db.execute("SELECT count(*) FROM entry").fetchone()
    assert count == len(held_hashes(hub.store.db))


def test_nothing_is_acked_that_a_kill_could_take_back(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    lively(site, hub, ana, phone)
    meeting = Meeting(phone, hub).start()
    while not any(isinstance(message, Ack) for message in meeting.read(1)):
        assert meeting.deliver(1) | meeting.deliver(0)
    # The hub has acked the phone's frame; it is killed before the ack leaves.
    held = held_hashes(phone.store.db)
    hub = site.reopen(hub)
    kept = held_hashes(hub.store.db)
    assert held_hashes(phone.store.db, phone.author) <= kept
    assert held & kept


def test_an_ack_that_was_lost_leaves_nobody_waiting(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    meeting = Meeting(phone, hub).start()
    while Ack not in kinds(meeting, 1):
        assert meeting.deliver(1) | meeting.deliver(0)
    assert len(unsent_entries(phone.store.db, phone.author)) == 1
    again = hold(phone, hub)
    assert kinds(again, 0) == [Hello, Proof, State]
    assert unsent_entries(phone.store.db, phone.author) == []


# --- lost marks, restored stores


@pytest.mark.parametrize("who", ["phone", "hub", "both"])
def test_a_lost_mark_is_mended_by_comparing_frontiers(
    site: Site, hub: Replica, ana: bytes, phone: Replica, who: str
) -> None:
    lively(site, hub, ana, phone)
    hold(phone, hub)
    job, (turn,) = site.job(hub, "Fence", ana)
    hub.write(acts.set_setting("threshold_min", 5))
    for name, replica in (("phone", phone), ("hub", hub)):
        if who in (name, "both"):
            with replica.store.transaction() as db:
                for table in ("peer", "peer_stream", "reach"):
                    db.execute(f"DELETE FROM {table}")
    meeting = hold(phone, hub)
    assert meeting.live
    assert job in streams_of(phone)
    assert agree(phone, hub)
    assert len(kinds(meeting, 0)) <= 8
    again = hold(phone, hub)
    assert kinds(again, 0) == [Hello, Proof, State]


@pytest.mark.parametrize("new_generation", [True, False])
def test_a_hub_restored_from_an_old_copy_is_healed_by_its_phones(
    site: Site, hub: Replica, ana: bytes, phone: Replica, new_generation: bool
) -> None:
    bo = site.worker(hub, "Bo")
    other = site.phone(hub, bo)
    hold(phone, hub)
    hold(other, hub)
    old = site.copy(hub)
    job, turns = site.job(hub, "Boiler", ana, bo)
    hold(phone, hub)
    hold(other, hub)
    phone.write(acts.set_phase(job, ana, turns[0], Phase.FINISHED))
    other.write(acts.add_note(job, "wrong part"))
    hold(phone, hub)
    hold(other, hub)
    expected = hub.state(job).fingerprint()
    hub = site.restore(hub, old, new_generation=new_generation)
    assert job not in streams_of(hub)
    assert hold(phone, hub).live
    assert hold(other, hub).live
    assert hub.state(job).fingerprint() == expected
    assert hold(phone, hub).live
    assert agree(phone, other, hub, streams={job, SITE_STREAM})


def test_reach_of_an_earlier_store_is_void(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    lively(site, hub, ana, phone)
    old = site.copy(hub)
    hold(phone, hub)
    assert unsent_entries(phone.store.db, phone.author) == []
    hub = site.restore(hub, old, new_generation=True)
    # It learns of the new generation by the hub's state, before anything was sent again.
    interrupted(phone, hub, 6)
    assert len(unsent_entries(phone.store.db, phone.author)) == 2
    hold(phone, hub)
    assert unsent_entries(phone.store.db, phone.author) == []


# --- large runs


def test_a_colleagues_long_log_goes_over_frames_and_is_staged_until_its_seal(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    other = site.hub("B")
    hold(other, hub)
    job, _ = site.job(other, "Boiler", ana)
    for index in range(40):
        other.write(acts.edit_job(job, {"description": f"{index:03} " + "x" * 1_990}))
        other.write(acts.add_note(job, f"{index:03} " + "y" * 1_990))
    hold(other, hub)
    meeting = Meeting(phone, hub).start()
    staged = 0
    while meeting.deliver(1) | meeting.deliver(0):
        (count,) = phone.store.db.execute("SELECT count(*) FROM staged").fetchone()
        if count:
            staged += 1
            assert job not in streams_of(phone)
    runs = [frame for frame in meeting.plain(1) if isinstance(messages.read(frame), Runs)]
    assert sum(map(len, runs)) > 150_000
    assert len(runs) >= 4
    assert max(map(len, runs)) < 70_000
    assert staged >= 3
    parts = [run for run in runs_of(meeting, 1) if run.stream == job and run.author]
    # What goes on from another frame says from what, so that nothing staged can be mistaken.
    assert [bool(run.previous) for run in parts] == [run.first > 1 for run in parts]
    assert meeting.live
    assert phone.store.db.execute("SELECT count(*) FROM staged").fetchone() == (0,)
    assert agree(phone, hub, other)


@pytest.mark.parametrize("deliveries", [7, 9, 11])
def test_a_long_log_that_was_cut_goes_on_after_a_kill(
    site: Site, hub: Replica, ana: bytes, phone: Replica, deliveries: int
) -> None:
    other = site.hub("B")
    hold(other, hub)
    job, _ = site.job(other, "Boiler", ana)
    for index in range(80):
        other.write(acts.edit_job(job, {"description": f"{index:03} " + "x" * 1_990}))
    hold(other, hub)
    interrupted(phone, hub, deliveries)
    phone, hub = site.reopen(phone), site.reopen(hub)
    assert hold(phone, hub).live
    assert phone.store.db.execute("SELECT count(*) FROM staged").fetchone() == (0,)
    assert agree(phone, hub, other)


def test_an_own_long_log_goes_over_frames_each_under_its_own_seal(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    for index in range(80):
        phone.write(acts.add_note(job, f"{index:03} " + "y" * 1_990))
    meeting = hold(phone, hub)
    runs = [message for message in meeting.read(0) if isinstance(message, Runs)]
    assert len(runs) >= 4
    assert all(len(message.seals) == 1 for message in runs if message.runs)
    assert meeting.live
    assert hub.store.db.execute("SELECT count(*) FROM staged").fetchone() == (0,)
    assert agree(phone, hub)


def test_many_small_logs_under_large_seals_stay_within_every_limit_of_a_frame(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    other = site.hub("B")
    hold(other, hub)
    bo = site.worker(other, "Bo")
    # Each frame of the other hub carries 64 heads of which only two are within Ana's scope.
    for _ in range(28):
        changes = []
        for index in range(64):
            job = site.new_id(Kind.JOB)
            changes += acts.create_job(job, {"title": f"{index}"})
            changes += acts.assign(job, bo if index % 32 else ana, site.entropy(8))
        other.write(changes)
        hold(other, hub)
    meeting = hold(phone, hub)
    assert meeting.live
    assert sum(map(len, meeting.plain(1))) > 65_536
    assert max(map(len, meeting.plain(1))) < 65_536
    assert len(streams_of(phone)) == 2 + 56
    assert agree(phone, hub)


# --- several sessions at once, races


def test_two_phones_in_session_at_once_see_each_others_work(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    other = site.phone(hub, bo)
    job, turns = site.job(hub, "Boiler", ana, bo)
    first, second = hold(phone, hub), hold(other, hub)
    phone.write(acts.add_note(job, "from Ana"))
    other.write(acts.add_note(job, "from Bo"))
    for _ in range(6):
        for meeting in (first, second):
            for side in (0, 1):
                streams = streams_of(meeting.replicas[side])
                meeting.carry(side, meeting.sessions[side].changed(streams))
            meeting.deliver(1)
            meeting.deliver(0)
    first.run()
    second.run()
    assert first.live
    assert second.live
    assert agree(phone, other, hub, streams={job, SITE_STREAM})
    assert phone.store.db.execute("SELECT count(*) FROM note").fetchone() == (2,)


@pytest.mark.parametrize("after", range(12))
def test_what_is_written_in_the_middle_of_a_session_goes_with_it(
    site: Site, hub: Replica, ana: bytes, phone: Replica, after: int
) -> None:
    lively(site, hub, ana, phone)
    if after % 2:
        hold(phone, hub)
    phone.take_changed(), hub.take_changed()
    job = next(stream for stream in streams_of(phone) if stream[4] == Kind.JOB)
    meeting = Meeting(phone, hub).start()
    for turn in range(after // 2 + 1):
        meeting.deliver(1 - turn % 2)
    phone.write(acts.add_note(job, "just now"))
    hub.write([Change(job, (77,), "Mrs Novak")])
    meeting.tell()
    meeting.run()
    assert meeting.live
    assert agree(phone, hub)
    assert unsent_entries(phone.store.db, phone.author) == []


def test_a_difference_that_repair_cannot_mend_is_said_and_not_repeated_for_ever(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    # A bit of the hub's digest is wrong: a broken row of its store.
    with hub.store.transaction() as db:
        db.execute("UPDATE stream SET leaf = zeroblob(32) WHERE stream = ?", (job,))
    meeting = hold(phone, hub)
    assert Differing() in meeting.effects[1]
    assert meeting.live
    assert sum(map(len, meeting.sent)) < 60


def test_a_session_changes_nothing_where_all_is_the_same(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    lively(site, hub, ana, phone)
    hold(phone, hub)
    before = rows_of(phone), rows_of(hub)
    hold(phone, hub)
    assert (rows_of(phone), rows_of(hub)) == before


@pytest.mark.parametrize(
    "rot",
    [
        "mark = -32767",
        "mark = CAST(mark AS TEXT) || 'x'",
        "generation = CAST(x'ff00aa8001020304' AS TEXT)",
        "generation = zeroblob(7)",
    ],
)
def test_what_rotted_of_a_peers_mark_ends_no_session(
    site: Site, hub: Replica, ana: bytes, phone: Replica, rot: str
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    for each in (phone, hub):
        each.store.db.execute(f"UPDATE peer SET {rot}")
        each.write(acts.add_note(job, "not sent yet"))
        assert hold(phone, hub).live
        assert agree(phone, hub)


def test_the_other_sides_settings_are_named_by_its_frames_alone(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    hub.write([Change(SITE_STREAM, (SETTING, "x"), 1)])
    meeting = Meeting(phone, hub).start()
    assert meeting.stages == (Stage.HELLO, Stage.HELLO)
    meeting.run()
    assert meeting.live


def test_a_frame_is_taken_with_its_mark_in_one_commit(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    jobs = [site.job(hub, f"Boiler {number}", ana) for number in range(3)]
    meeting = hold(phone, hub)
    before = len(meeting.sent[0])
    for job, (turn,) in jobs:
        phone.write(acts.set_phase(job, ana, turn, Phase.TRAVELLING))
    meeting.tell()
    asked: list[str] = []
    hub.store.db.set_trace_callback(asked.append)
    assert meeting.deliver(1)
    hub.store.db.set_trace_callback(None)
    (frame,) = meeting.read(0)[before:]
    assert isinstance(frame, Runs)
    assert len(frame.runs) == 3
    assert asked.count("COMMIT") == 1


def test_what_a_peer_lacks_is_the_same_looked_for_by_its_streams_as_by_what_changed(
    site: Site, hub: Replica, ana: bytes, phone: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.job(hub, "Boiler", ana)
    other = site.worker(hub, "Bo")
    hold(phone, hub)
    since = hub.position()
    hub.write(acts.edit_worker(ana, {"name": "Anna"}))
    job, _ = site.job(hub, "Pump", ana)
    site.job(hub, "Nobody else's", other)
    peer, shelf = phone.identity.own, ReplicaShelf(hub)
    scope = shelf.shared(peer)
    by_streams = shelf.unconfirmed(peer, scope, since)
    monkeypatch.setattr("replica.shelf.STREAMS_FEW", 0)
    assert shelf.unconfirmed(peer, scope, since) == by_streams
    assert {stream for stream, _, _ in by_streams} == {ana, job}
