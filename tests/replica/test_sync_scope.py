"""What a phone may hold: scope is enforced by the sender, and what leaves it is dropped safely."""

from __future__ import annotations

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import Kind, Phase, Role
from core.dispatch.permits import CREATE_JOBS
from core.log.errors import Malformed
from core.log.messages import Leave, Left, Runs, read, write
from core.log.session import Close
from replica import logs
from replica.reach import unsent_entries
from replica.replica import Replica
from replica.scope import RETENTION_DAYS, scope_of
from tests.build import (
    MINUTE_MS,
    Meeting,
    Site,
    agree,
    clock_of,
    hold,
    interrupted,
    publish,
    rows_of,
    streams_of,
)

DAY = "2026-03-02"


@pytest.fixture
def bo(site: Site, hub: Replica) -> bytes:
    return site.worker(hub, "Bo")


def reassign(site: Site, hub: Replica, job: bytes, turn: bytes, giver: bytes, taker: bytes) -> None:
    hub.write(acts.withdraw(job, giver, turn) + acts.assign(job, taker, site.entropy(8)))


def test_a_phone_never_receives_a_byte_of_another_workers_job(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    customer = site.new_id(Kind.CUSTOMER)
    hub.write(acts.edit_customer(customer, {"name": "Secret customer"}))
    job = site.new_id(Kind.JOB)
    hub.write(
        acts.create_job(job, {"title": "Secret job", "customer": customer})
        + acts.assign(job, bo, site.entropy(8))
    )
    other = site.phone(hub, bo)
    hold(other, hub)
    other.write(acts.add_note(job, "Secret note"))
    other.write(day_acts.start_duty(bo, DAY, site.entropy(8)))
    hold(other, hub)
    site.job(hub, "Boiler", ana)
    frames = []
    for lost in (False, True):
        if lost:
            with phone.store.transaction() as db:
                db.execute("DELETE FROM peer")
        meeting = hold(phone, hub)
        hub.write(acts.edit_job(job, {"title": "Secret still"}))
        meeting.run()
        assert meeting.live
        frames += meeting.plain(1)
    assert any(b"Boiler" in frame for frame in frames)
    hidden = (b"Secret", job, customer, acts.day_stream(bo, DAY))
    assert not [frame for frame in frames for secret in hidden if secret in frame]
    assert not any(secret in "".join(rows_of(phone)).encode() for secret in (b"Secret",))


def test_two_phones_share_only_what_both_may_hold(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    other = site.phone(hub, bo)
    both, turns = site.job(hub, "Ours", ana, bo)
    mine, _ = site.job(hub, "Only Ana's", ana)
    theirs, _ = site.job(hub, "Only Bo's", bo)
    hold(phone, hub)
    hold(other, hub)
    phone.write(acts.add_note(both, "bring the ladder"))
    phone.write(day_acts.start_duty(ana, DAY, site.entropy(8)))
    other.write(acts.set_phase(both, bo, turns[1], Phase.TRAVELLING))
    meeting = hold(phone, other)
    assert meeting.live
    assert agree(phone, other, streams={both, SITE_STREAM})
    assert not any(b"Only Ana's" in frame or ana + mine in frame for frame in meeting.plain(0))
    assert mine not in streams_of(other)
    assert theirs not in streams_of(phone)
    assert acts.day_stream(ana, DAY) not in streams_of(other)


def test_a_colleague_carries_work_to_the_hub(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    other = site.phone(hub, bo)
    both, turns = site.job(hub, "Ours", ana, bo)
    hold(phone, hub)
    hold(other, hub)
    phone.write(acts.set_phase(both, ana, turns[0], Phase.FINISHED))
    hold(phone, other)
    hold(other, hub)
    assert agree(phone, other, hub, streams={both})
    # A colleague's ack is no reach: only what a hub confirmed counts as sent.
    assert len(unsent_entries(phone.store.db, phone.author)) == 1
    hold(phone, hub)
    assert unsent_entries(phone.store.db, phone.author) == []


def test_what_left_the_scope_is_uploaded_first_and_then_dropped(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "the valve is stuck"))
    reassign(site, hub, job, turn, ana, bo)
    meeting = hold(phone, hub)
    sent = meeting.read(0)
    assert meeting.live
    uploaded = [index for index, message in enumerate(sent) if isinstance(message, Runs)]
    assert [message.streams for message in meeting.read(1) if isinstance(message, Leave)] == [
        (job,)
    ]
    assert uploaded[0] < sent.index(Left((job,)))
    assert job not in streams_of(phone)
    assert hub.store.db.execute("SELECT text FROM note").fetchone() == ("the valve is stuck",)
    # Of others nothing is left; the own log stays, so that it never starts anew.
    rows = logs.log_rows(phone.store.db, job)
    assert [(row.author, row.height) for row in rows] == [(phone.author, 1)]
    assert phone.store.db.execute("SELECT count(*) FROM job").fetchone() == (0,)
    assert b"Boiler" not in "".join(rows_of(phone)).encode()
    assert unsent_entries(phone.store.db, phone.author) == []
    assert hold(phone, hub).live


def test_a_job_that_leaves_in_a_live_session_is_dropped_at_once(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    meeting = hold(phone, hub)
    phone.write(acts.add_note(job, "written while the leave is on its way"))
    reassign(site, hub, job, turn, ana, bo)
    meeting.carry(1, meeting.sessions[1].changed(hub.take_changed()))
    # The phone hears the leave before anybody told its session of the note.
    meeting.deliver(0)
    meeting.run()
    assert meeting.live
    assert job not in streams_of(phone)
    assert hub.store.db.execute("SELECT count(*) FROM note").fetchone() == (1,)
    assert unsent_entries(phone.store.db, phone.author) == []


def test_a_job_that_comes_back_goes_on_where_the_phones_log_ended(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "first visit"))
    reassign(site, hub, job, turn, ana, bo)
    hold(phone, hub)
    assert job not in streams_of(phone)
    again = site.entropy(8)
    hub.write(acts.assign(job, ana, again))
    meeting = hold(phone, hub)
    assert meeting.live
    assert job in streams_of(phone)
    phone.write(acts.set_phase(job, ana, again, Phase.FINISHED))
    meeting.run()
    assert agree(phone, hub)
    assert [len(log.placed) for log in hub.state(job).logs.values()] == [3, 2]
    assert not any(log.drift for log in hub.state(job).logs.values())


def test_what_is_written_to_a_job_that_left_still_reaches_the_hub(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    reassign(site, hub, job, turn, ana, bo)
    hold(phone, hub)
    phone.write(acts.add_note(job, "left my drill there"))
    meeting = hold(phone, hub)
    assert meeting.live
    assert hub.store.db.execute("SELECT count(*) FROM note").fetchone() == (1,)
    assert job not in streams_of(phone)


def test_a_restored_hub_gets_back_what_a_phone_wrote_to_a_job_that_left(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "the valve is stuck"))
    reassign(site, hub, job, turn, ana, bo)
    old = site.copy(hub)
    hold(phone, hub)
    assert job not in streams_of(phone)
    hub = site.restore(hub, old)
    assert hub.store.db.execute("SELECT count(*) FROM note").fetchone() == (0,)
    assert hold(phone, hub).live
    assert hub.store.db.execute("SELECT count(*) FROM note").fetchone() == (1,)
    assert job not in streams_of(phone)


def test_a_hub_that_stands_in_for_a_lost_one_gets_what_a_phone_wrote_to_a_job_that_left(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "the valve is stuck"))
    reassign(site, hub, job, turn, ana, bo)
    other = site.hub("B")
    hold(other, hub)
    hold(phone, hub)
    assert job not in streams_of(phone)
    # The first hub burns down before the other hears of the note.
    assert other.store.db.execute("SELECT count(*) FROM note").fetchone() == (0,)
    assert hold(phone, other).live
    assert other.store.db.execute("SELECT count(*) FROM note").fetchone() == (1,)
    assert job not in streams_of(phone)


def test_no_hub_says_that_a_phone_holds_a_job_that_left(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    held = "SELECT count(*) FROM reach WHERE stream = ? AND peer = ?"
    job, (turn,) = site.job(hub, "Boiler", ana)
    old = site.copy(phone)
    hold(phone, hub)
    phone.write(acts.add_note(job, "the valve is stuck"))
    reassign(site, hub, job, turn, ana, bo)
    hold(phone, hub)
    # Not even of its own log there: the phone comes back from a copy that never had it.
    phone = site.restore(phone, old, new_generation=False)
    assert hold(phone, hub).live
    assert logs.log_rows(phone.store.db, job) == []
    assert hub.store.db.execute(held, (job, phone.author)).fetchone() == (0,)


def test_only_a_hub_says_leave_and_no_hub_obeys_one(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    other = site.hub("B")
    hold(other, hub)
    for liar in (phone, other):
        meeting = hold(liar, hub)
        before = streams_of(hub)
        meeting.carry(1, meeting.sessions[1].receive(write(Leave((job, SITE_STREAM)))))
        (closed,) = [effect for effect in meeting.effects[1] if isinstance(effect, Close)]
        assert isinstance(closed.error, Malformed)
        assert streams_of(hub) == before


def test_a_stream_that_a_phone_made_is_not_taken_from_it_before_the_hub_knows_it(
    site: Site, hub: Replica, ana: bytes
) -> None:
    phone = site.phone(hub, ana, rights=(CREATE_JOBS,))
    hold(phone, hub)
    with phone.store.transaction() as db:
        db.execute("DELETE FROM peer")
    phone.write(day_acts.start_duty(ana, DAY, site.entropy(8)))
    meeting = hold(phone, hub)
    assert meeting.live
    assert not any(isinstance(message, Leave) for message in meeting.read(1))
    assert acts.day_stream(ana, DAY) in streams_of(phone) & streams_of(hub)


def test_a_closed_job_stays_on_the_phone_for_the_retention_and_not_longer(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    hold(phone, hub)
    certificate, db = phone.identity.own, hub.store.db
    ends = hub.clock.now_ms() + RETENTION_DAYS * 86_400_000
    assert job in scope_of(db, certificate, ends - 1)
    assert job not in scope_of(db, certificate, ends)
    clock_of(hub).pass_ms(RETENTION_DAYS * 86_400_000 + MINUTE_MS)
    assert hold(phone, hub).live
    assert job not in streams_of(phone)


def test_handing_a_job_on_moves_it_from_phone_to_phone(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    other = site.phone(hub, bo)
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    hold(other, hub)
    assert job not in streams_of(other)
    phone.write(acts.hand_over(job, ana, turn, bo))
    hold(phone, hub)
    hold(other, hub)
    assert job in streams_of(other)
    assert job not in streams_of(phone)


def test_the_office_stream_is_for_hubs_alone(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    dispatcher = site.phone(hub, b"account1", role=Role.DISPATCHER)
    other = site.hub("B")
    hub.write([Change(acts.OFFICE_STREAM, (12, b"account1"), "Eva")])
    for replica in (phone, dispatcher, other):
        assert hold(replica, hub).live
    assert acts.OFFICE_STREAM in streams_of(other)
    assert acts.OFFICE_STREAM not in streams_of(phone) | streams_of(dispatcher)


def test_a_job_of_which_the_hub_refused_something_is_not_dropped(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    # A colleague's phone that this hub does not know: enrolled at a hub that it never met.
    far = site.hub("B")
    hold(far, hub)
    job, (turn, _) = site.job(hub, "Boiler", ana, bo)
    hold(phone, hub)
    hold(far, hub)
    stranger = site.phone(far, bo, announced=False)
    hold(stranger, far)
    stranger.write(acts.add_note(job, "only Ana's phone has this"))
    hold(stranger, phone)
    assert phone.store.db.execute("SELECT count(*) FROM note").fetchone() == (1,)
    reassign(site, hub, job, turn, ana, bo)
    with hub.store.transaction() as db:
        db.execute("DELETE FROM certificate WHERE author = ?", (stranger.author,))
    meeting = Meeting(phone, hub).start().run()
    assert meeting.live
    assert phone.store.db.execute(
        "SELECT count(*) FROM entry JOIN log USING (log) WHERE author = ?", (stranger.author,)
    ).fetchone() == (1,)
    # Once the hub knows the colleague, the phone sends the note again, and the job leaves.
    publish(hub, stranger.identity.own)
    with hub.store.transaction() as db:
        # As a later frame does, of which nothing was refused.
        mark = (phone.position(), phone.author)
        db.execute("UPDATE peer SET mark = ? WHERE peer = ?", mark)
    hold(phone, hub)
    assert job not in streams_of(phone)
    assert hub.store.db.execute("SELECT count(*) FROM note").fetchone() == (1,)


def test_a_leave_whose_answer_was_lost_hides_no_job_that_comes_back(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    other, _ = site.job(hub, "Pump", ana)
    hold(phone, hub)
    hub.write(acts.withdraw(job, ana, turn))
    hub.take_changed()
    lose_left(Meeting(phone, hub).start())
    assert job not in streams_of(phone)
    phone.take_changed()
    meeting = hold(phone, hub)
    assert meeting.live
    hub.write(acts.assign(job, ana, site.entropy(8)))
    hub.write(acts.edit_job(other, {"title": "Pump, behind the gate"}))
    meeting.run()
    assert {job, other} <= streams_of(phone)
    assert agree(phone, hub, streams={job, other})


def test_a_hub_that_was_not_told_is_told_before_it_sends_anything(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    other = site.hub("B")
    hold(other, hub)
    hold(phone, other)
    hold(phone, hub)
    hub.write(acts.withdraw(job, ana, turn))
    hold(phone, hub)
    assert job not in streams_of(phone)
    other.write(acts.assign(job, ana, site.entropy(8)))
    meeting = hold(phone, other)
    kinds = [type(message).__name__ for message in meeting.read(0)]
    assert kinds.index("Left") < kinds.index("State")
    assert meeting.live
    assert agree(phone, other, streams={job})
    # Once heard, it is not said again.
    assert not any(isinstance(message, Left) for message in hold(phone, other).read(0))


def test_a_hub_in_a_live_session_hears_of_what_another_hub_let_the_phone_drop(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    other = site.hub("B")
    hold(other, hub)
    live = hold(phone, other)
    said = len(live.read(0))
    hub.write(acts.withdraw(job, ana, turn))
    hold(phone, hub)
    assert job not in streams_of(phone)
    # The meeting with the other hub took it from the phone, whose program tells both.
    live.carry(0, live.sessions[0].changed([job]))
    assert live.read(0)[said:] == [Left((job,))]
    other.write(acts.assign(job, ana, site.entropy(8)))
    live.run()
    assert live.live
    assert agree(phone, other, streams={job})
    # Back on the phone, it is not said to have left.
    live.carry(0, live.sessions[0].changed([job]))
    assert live.read(0).count(Left((job,))) == 1


def test_what_is_refused_in_a_live_session_is_sent_again_from_where_the_peer_stands(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    other, _ = site.job(hub, "Pump", ana)
    meeting = hold(phone, hub)
    # The phone lost what it had confirmed, and nobody noticed.
    with phone.store.transaction():
        phone.drop_streams([job])
        phone.store.db.execute("DELETE FROM dropped")
    hub.write(acts.edit_job(job, {"title": "Boiler, cellar"}))
    hub.write(acts.edit_job(other, {"title": "Pump, behind the gate"}))
    meeting.run()
    assert agree(phone, hub, streams={job, other})
    assert phone.store.db.execute("SELECT title FROM job ORDER BY title").fetchall() == [
        ("Boiler, cellar",),
        ("Pump, behind the gate",),
    ]


def test_a_job_that_a_phone_must_keep_stands_in_no_others_way(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    far = site.hub("B")
    hold(far, hub)
    kept, (turn, _) = site.job(hub, "Kept", ana, bo)
    job, (own,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    hold(far, hub)
    stranger = site.phone(far, bo, announced=False)
    hold(stranger, far)
    stranger.write(acts.add_note(kept, "by a phone that the hub does not know"))
    hold(stranger, phone)
    hold(phone, hub)
    hub.write(acts.withdraw(kept, ana, turn))
    with hub.store.transaction() as db:
        db.execute("DELETE FROM certificate WHERE author = ?", (stranger.author,))
    hold(phone, hub)
    hub.write(acts.withdraw(job, ana, own))
    phone.drop_streams([job])
    hub.write(acts.assign(job, ana, site.entropy(8)))
    hold(phone, hub)
    assert kept in streams_of(phone)
    assert job in streams_of(phone)


def test_what_leaves_the_scope_while_it_waits_to_be_sent_is_not_sent(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    made = [site.job(hub, f"Job {index}", ana) for index in range(70)]
    for job, _ in made:
        hub.write(acts.edit_job(job, {"description": "\U0001f600" * 1_900}))
    meeting = Meeting(phone, hub).start()
    for _ in range(4):
        meeting.deliver(1)
        if len(meeting.sent[1]) < 4:
            meeting.deliver(0)
    # Jobs travel in the order of their ids.
    last, (turn,) = max(made)
    hub.write(acts.withdraw(last, ana, turn) + acts.assign(last, bo, site.entropy(8)))
    hub.write(acts.edit_job(last, {"title": "Only for Bo"}))
    meeting.carry(1, meeting.sessions[1].changed(hub.take_changed()))
    meeting.run()
    assert meeting.live
    assert len(streams_of(phone)) > 60
    assert not any(b"Only for Bo" in frame for frame in meeting.plain(1))
    assert last not in streams_of(phone)


def test_a_first_meeting_that_breaks_off_brings_no_old_jobs_back(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    made = [site.job(hub, f"Job {index}", ana) for index in range(5)]
    hold(phone, hub)
    for job, _ in made:
        phone.write(acts.add_note(job, "done"))
    hold(phone, hub)
    for job, (turn,) in made:
        hub.write(acts.withdraw(job, ana, turn))
    hold(phone, hub)
    far = site.hub("B")
    hold(far, hub)
    for deliveries in range(4, 14):
        interrupted(phone, far, deliveries)
        assert phone.store.db.execute("SELECT count(*) FROM job").fetchone() == (0,)
    publish(hub, phone.identity.own)
    assert hold(phone, hub).live
    assert phone.store.db.execute("SELECT count(*) FROM job").fetchone() == (0,)


@pytest.mark.parametrize("narrow", [False, True])
def test_jobs_that_an_upload_brings_back_are_agreed_on_in_the_same_session(
    site: Site,
    hub: Replica,
    ana: bytes,
    bo: bytes,
    phone: Replica,
    narrow: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if narrow:
        monkeypatch.setattr("core.log.session.FRAMES_IN_FLIGHT_MAX", 1)
        monkeypatch.setattr("core.log.parcel.FRAME_BYTES_TARGET", 100)
    jobs = [site.job(hub, f"Boiler {index}", ana) for index in range(4)]
    hold(phone, hub)
    # The office gives them away, and had not seen that Ana was at two: her work brings them back.
    for job, (turn,) in jobs:
        hub.write(acts.edit_job(job, {"description": "x" * 300}))
        reassign(site, hub, job, turn, ana, bo)
    for job, (turn,) in jobs[:2]:
        phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
        phone.write(acts.add_note(job, "y" * 300))
    meeting = hold(phone, hub)
    assert meeting.live
    assert agree(phone, hub, streams={job for job, _ in jobs[:2]})
    assert streams_of(phone).isdisjoint({job for job, _ in jobs[2:]})


def test_a_stranger_is_let_in_as_soon_as_its_certificate_has_come(
    site: Site, hub: Replica, ana: bytes, bo: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana, bo)
    meeting = hold(phone, hub)
    colleague = site.phone(hub, bo, announced=False)
    hold(colleague, hub)
    for text in ("one", "two"):
        # The hub knows the colleague's certificate, and the phone in its live session does not.
        colleague.write(acts.add_note(job, text))
        hold(colleague, hub)
        meeting.carry(1, meeting.sessions[1].changed({job}))
        meeting.run()
    assert phone.store.db.execute("SELECT count(*) FROM note").fetchone() == (0,)
    publish(hub, colleague.identity.own)
    meeting.carry(1, meeting.sessions[1].changed({SITE_STREAM}))
    meeting.run()
    assert phone.store.db.execute("SELECT text FROM note ORDER BY text").fetchall() == [
        ("one",),
        ("two",),
    ]
    assert agree(phone, hub, streams={job})


def lose_left(meeting: Meeting) -> None:
    """Carry a meeting on until the phone says what it dropped; that word is lost."""
    for _ in range(100):
        meeting.deliver(1)
        meeting.deliver(0)
        if any(isinstance(read(frame), Left) for frame in meeting.waiting[1]):
            return
    raise AssertionError("nothing was dropped")
