"""What is refused, by which name, and that a refusal changes nothing and blocks nobody else."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import CERTIFICATE, NOTE, REVOKED, TITLE, Role
from core.log import messages
from core.log.certificate import issue
from core.log.chain import seal_leaf
from core.log.entry import MINT
from core.log.errors import (
    EnrolAgain,
    LogError,
    Malformed,
    Revoked,
    SessionRefused,
    Unauthentic,
    Uncertified,
    WrongSite,
)
from core.log.limits import ENTRY_BYTES_MAX, STAGED_BYTES_MAX
from core.log.messages import Hello, Run, Runs, WireSeal
from core.log.packing import GOES_ON, IN_COLUMNS, MARK, Packer
from core.log.seal import Seal, check_seal, make_seal
from core.log.session import Close, Stage
from core.log.stream import Stored
from replica import logs
from replica.identity import Identity, public_bytes
from replica.intake import Intake, take_runs
from replica.replica import Replica
from tests.build import (
    START_MS,
    YEAR_MS,
    Meeting,
    Site,
    agree,
    clock_of,
    hold,
    publish,
    revoke,
    rows_of,
    streams_of,
)
from tests.core.log.authors import Log


def closed(meeting: Meeting, side: int) -> LogError | None:
    (end,) = [effect for effect in meeting.effects[side] if isinstance(effect, Close)]
    return end.error


def see_refused(opener: Replica, listener: Replica, name: type[LogError], words: str) -> None:
    """The listener ends the session by `name`, tells the opener, and nothing is changed."""
    before = rows_of(listener)
    meeting = hold(opener, listener)
    assert meeting.stages == (Stage.CLOSED, Stage.CLOSED)
    error = closed(meeting, 1)
    assert type(error) is name
    assert words in str(error)
    told = closed(meeting, 0)
    assert isinstance(told, SessionRefused)
    assert words in str(told)
    assert rows_of(listener) == before


# --- who may open a session


def test_a_phone_of_another_site_is_refused(tmp_path: Path, hub: Replica) -> None:
    other = Site(tmp_path / "other", "another site")
    far = other.hub()
    stranger = other.phone(far, other.worker(far, "Cyril"))
    see_refused(stranger, hub, WrongSite, "another site")
    other.close()


def issued(site: Site, phone: Replica, **fields: object) -> None:
    """Give a phone a certificate that differs, signed by whoever `key` names."""
    key = fields.pop("key", None)
    own = phone.identity.own
    unsigned = replace(own, signature=b"", **fields)  # type: ignore[arg-type]
    certificate = issue(unsigned, key) if key else replace(unsigned, signature=bytes(64))  # type: ignore[arg-type]
    others = phone.identity.certificates[1:]
    phone.identity = Identity(phone.identity.key, phone.author, phone.site, (certificate, *others))


def test_a_certificate_of_a_hub_that_the_site_never_certified_is_refused(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    _, impostor = site._new_folder("impostor")
    issued(site, phone, issuer=public_bytes(impostor), key=impostor)
    see_refused(phone, hub, Uncertified, "no hub of this site")


def test_a_certificate_that_was_changed_is_refused(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    issued(site, phone, subject=site.worker(hub, "Bo"))
    see_refused(phone, hub, Unauthentic, "signature does not hold")


def test_a_hub_can_not_certify_a_hub(site: Site, hub: Replica, phone: Replica) -> None:
    issued(site, phone, role=int(Role.HUB), key=hub.identity.key)
    see_refused(phone, hub, Uncertified, "only the site key certifies a hub")


def test_a_phone_without_a_certificate_is_refused(hub: Replica, phone: Replica) -> None:
    phone.identity = Identity(phone.identity.key, phone.author, phone.site, ())
    see_refused(phone, hub, SessionRefused, "enrol it")


def test_a_session_may_be_opened_until_the_certificate_runs_out_and_not_after(
    site: Site, hub: Replica, ana: bytes
) -> None:
    phone = site.phone(hub, ana, session_until=START_MS + 1_000)
    clock_of(hub).pass_ms(1_000)
    assert hold(phone, hub).live
    clock_of(hub).pass_ms(1)
    see_refused(phone, hub, EnrolAgain, "run out")


def test_what_a_phone_wrote_before_its_certificate_ran_out_still_counts_when_carried(
    site: Site, hub: Replica, ana: bytes
) -> None:
    bo = site.worker(hub, "Bo")
    phone = site.phone(hub, ana, session_until=START_MS + 1_000)
    colleague = site.phone(hub, bo)
    job, _ = site.job(hub, "Ours", ana, bo)
    hold(phone, hub)
    hold(colleague, hub)
    phone.write(acts.add_note(job, "valve replaced"))
    hold(phone, colleague)
    clock_of(hub).pass_ms(YEAR_MS // 2)
    assert hold(colleague, hub).live
    assert hub.store.db.execute("SELECT text FROM note").fetchone() == ("valve replaced",)


def test_a_revoked_phone_is_refused_at_every_hub(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    other = site.hub("B")
    hold(phone, hub)
    revoke(hub, phone.author)
    see_refused(phone, hub, Revoked, "revoked")
    hold(other, hub)
    see_refused(phone, other, Revoked, "revoked")


def test_a_peer_that_does_not_hold_the_key_is_refused(
    site: Site, hub: Replica, phone: Replica
) -> None:
    thief = site._new_folder("thief")[1]
    own = phone.identity
    phone.identity = Identity(thief, own.author, own.site, own.certificates)
    meeting = hold(phone, hub)
    assert isinstance(closed(meeting, 1), Unauthentic)


def test_a_session_is_bound_to_its_connection(hub: Replica, phone: Replica) -> None:
    meeting = Meeting(phone, hub, channel=b"fingerprint of the hub")
    meeting.sessions[1]._channel = b"fingerprint of one in the middle"
    meeting.start().run()
    assert isinstance(closed(meeting, 0), Unauthentic)


def test_a_peer_of_a_later_protocol_alone_is_refused(hub: Replica, phone: Replica) -> None:
    meeting = Meeting(phone, hub).start()
    hello = messages.read(meeting.waiting[1].pop())
    assert isinstance(hello, Hello)
    meeting.waiting[1].append(messages.write(replace(hello, versions=(4, 5))))
    meeting.run()
    error = closed(meeting, 1)
    assert isinstance(error, SessionRefused)
    assert "version" in str(error)


# --- entries


def written(site: Site, phone: Replica, job: bytes, *texts: str) -> Log:
    """A log that the phone could have written, by hand."""
    log = PhoneLog("", stream=job, site=site.site)
    log.key, log.public = phone.identity.key, phone.author
    for text in texts:
        log.write([((NOTE, MINT), text)])
    return log


class PhoneLog(Log):
    """A log under a replica's own key."""

    key: object
    public: bytes

    @property
    def author(self) -> bytes:
        return self.public


def run_of(log: Log, first: int = 1, author: int = 0, previous: bytes = b"") -> Run:
    bodies = tuple(stored.body for stored in log.entries[first - 1 :])
    return Run(log.stream, author, first, bodies, previous)


def own_seal(site: Site, phone: Replica, *logs_sealed: Log) -> WireSeal:
    """The sender's seal over its runs of a frame."""
    leaves = tuple(seal_leaf(log.stream, len(log.entries), log.head) for log in logs_sealed)
    seal = make_seal(site.site, phone.author, phone.identity.key, 1, leaves)
    return WireSeal(0, seal.number, (), seal.signature)


def take(hub: Replica, phone: Replica, runs: list[Run], *seals: WireSeal) -> Intake:
    authors: tuple[bytes, ...] = ()
    return take_runs(hub, phone.identity.own, Runs(1, None, authors, seals, tuple(runs)))


def names(intake: Intake) -> list[tuple[int, str]]:
    return [(index, name) for index, name, _ in intake.refused]


def entries_of(replica: Replica, author: bytes) -> int:
    row = replica.store.db.execute(
        "SELECT count(*) FROM entry JOIN log USING (log) WHERE author = ?", (author,)
    ).fetchone()
    return int(row[0])


def test_a_run_under_a_good_seal_is_taken(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = written(site, phone, job, "one", "two")
    intake = take(hub, phone, [run_of(log)], own_seal(site, phone, log))
    assert intake.refused == []
    assert intake.held == [(job, phone.author, b"", 2)]
    assert entries_of(hub, phone.author) == 2


def test_a_broken_seal_is_refused_by_name_and_nothing_is_stored(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = written(site, phone, job, "one", "two")
    seal = own_seal(site, phone, log)
    broken = replace(seal, signature=bytes([seal.signature[0] ^ 1]) + seal.signature[1:])
    intake = take(hub, phone, [run_of(log)], broken)
    assert names(intake) == [(0, "unauthentic")]
    assert intake.held == []
    assert entries_of(hub, phone.author) == 0
    (kept,) = hub.store.db.execute("SELECT peer, stream, reason FROM refused").fetchall()
    assert kept[:2] == (phone.author, job)
    assert kept[2].startswith("unauthentic: ")


def test_an_entry_that_was_changed_on_the_way_breaks_its_seal(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = written(site, phone, job, "gate code 4711")
    seal = own_seal(site, phone, log)
    body = log.entries[0].body.replace(b"4711", b"4712")
    intake = take(hub, phone, [replace(run_of(log), bodies=(body,))], seal)
    assert names(intake) == [(0, "unauthentic")]
    assert entries_of(hub, phone.author) == 0


def test_a_run_that_joins_nothing_is_refused_as_a_gap(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = written(site, phone, job, "one", "two", "three")
    intake = take(hub, phone, [run_of(log, first=3)], own_seal(site, phone, log))
    assert names(intake) == [(0, "gap")]
    assert take(hub, phone, [run_of(log)], own_seal(site, phone, log)).refused == []


def test_a_run_that_joins_another_branch_than_it_says_is_refused_as_a_gap(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = written(site, phone, job, "one", "two")
    take(hub, phone, [run_of(log)], own_seal(site, phone, log))
    log.write([((NOTE, MINT), "three")])
    run = run_of(log, first=3, previous=b"another!")
    assert names(take(hub, phone, [run], own_seal(site, phone, log))) == [(0, "gap")]
    run = run_of(log, first=3, previous=log.entries[1].hash[:8])
    assert names(take(hub, phone, [run], own_seal(site, phone, log))) == []


def test_runs_under_one_seal_with_a_refused_one_are_not_acked_as_held(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    first, second = (site.job(hub, title, ana)[0] for title in ("Boiler", "Gutter"))
    whole = written(site, phone, first, "one")
    gap = written(site, phone, second, "one", "two", "three")
    seal = own_seal(site, phone, whole, gap)
    intake = take(hub, phone, [run_of(whole), run_of(gap, first=3)], seal)
    assert sorted(names(intake)) == [(0, "unauthentic"), (1, "gap")]
    assert intake.held == []
    assert entries_of(hub, phone.author) == 0


def test_one_authors_refused_run_does_not_block_anothers(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    other = site.phone(hub, site.worker(hub, "Bo"))
    good, bad = written(site, other, job, "one"), written(site, phone, job, "one")
    seal = own_seal(site, phone, bad)
    broken = replace(seal, signature=bytes(64))
    kept = make_seal(
        site.site, other.author, other.identity.key, 1, (seal_leaf(job, 1, good.head),)
    )
    frame = Runs(
        1,
        None,
        (other.author,),
        (broken, WireSeal(1, 1, (1,), kept.signature)),
        (run_of(bad), run_of(good, author=1)),
    )
    intake = take_runs(hub, phone.identity.own, frame)
    assert names(intake) == [(0, "unauthentic")]
    assert intake.held == [(job, other.author, b"", 1)]
    assert entries_of(hub, other.author) == 1


def test_an_author_without_a_certificate_is_refused_and_taken_once_it_has_one(
    site: Site, hub: Replica, ana: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[Seal] = []

    def counted(site: bytes, seal: Seal) -> None:
        verified.append(seal)
        check_seal(site, seal)

    monkeypatch.setattr("replica.intake.check_seal", counted)
    far = site.hub("B")
    hold(far, hub)
    job, _ = site.job(far, "Boiler", ana)
    stranger = site.phone(far, ana, announced=False)
    log = written(site, stranger, job, "one")
    frame = [run_of(log)]
    verified.clear()
    intake = take(hub, stranger, frame, own_seal(site, stranger, log))
    assert names(intake) == [(0, "uncertified")]
    assert verified == [], "a stranger costs no signature"
    assert entries_of(hub, stranger.author) == 0
    publish(far, stranger.identity.own)
    hold(far, hub)
    assert names(take(hub, stranger, frame, own_seal(site, stranger, log))) == []


@pytest.mark.parametrize(("size", "refused"), [(ENTRY_BYTES_MAX, 0), (ENTRY_BYTES_MAX + 1, 1)])
def test_an_entry_over_the_limit_is_refused_and_one_at_it_is_not(
    site: Site, hub: Replica, ana: bytes, phone: Replica, size: int, refused: int
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = written(site, phone, job)
    log.write_bytes(b"\xc5" + (size - 3).to_bytes(2, "big") + bytes(size - 3))
    intake = take(hub, phone, [run_of(log)], own_seal(site, phone, log))
    assert names(intake) == [(0, "over-limit")] * refused
    # At the limit it is no entry that anybody can read: kept, forwarded, and inert.
    assert hub.state(job).inert_count() == 1 - refused


def test_what_anyone_may_stage_does_not_stand_in_the_way_of_the_author(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = written(site, phone, job, "one", "two")
    take(hub, phone, [run_of(log)], own_seal(site, phone, log))
    liar = site.phone(hub, site.worker(hub, "Bo"))
    forged = written(site, phone, job, "one", "forged")
    frame = Runs(1, None, (phone.author,), (), (run_of(forged, author=1),))
    take_runs(hub, liar.identity.own, frame)
    assert hub.store.db.execute("SELECT count(*) FROM staged").fetchone() == (1,)
    log.write([((NOTE, MINT), "three")])
    run = run_of(log, first=3)
    assert names(take(hub, phone, [run], own_seal(site, phone, log))) == []
    assert {row[0] for row in hub.store.db.execute("SELECT text FROM note")} == {
        "one",
        "two",
        "three",
    }


def test_what_waits_for_a_seal_is_bounded(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    row = Stored(phone.author, 1, bytes(32), bytes(32), b"")
    with hub.store.transaction() as db:
        for index in range(STAGED_BYTES_MAX // 65_536):
            entry_hash = index.to_bytes(32, "big")
            logs.stage(db, job, [row._replace(hash=entry_hash, body=bytes(65_536))])
    log = written(site, phone, job, "one")
    liar = site.phone(hub, site.worker(hub, "Bo"))
    frame = Runs(1, None, (phone.author,), (), (run_of(log, author=1),))
    take_runs(hub, liar.identity.own, frame)
    assert hub.store.db.execute("SELECT count(*) FROM staged").fetchone() == (0,)


def test_a_certificate_in_the_site_stream_counts_only_if_its_signature_holds(
    site: Site, hub: Replica, ana: bytes
) -> None:
    rogue = site.phone(hub, ana, announced=False)
    own = rogue.identity.own
    as_hub = issue(replace(own, role=int(Role.HUB)), hub.identity.key)
    unsigned = replace(own, role=int(Role.DISPATCHER), signature=bytes(64))
    for certificate in (as_hub, unsigned):
        data = certificate.to_bytes()
        hub.write([Change(SITE_STREAM, (CERTIFICATE, own.author, data[-8:]), data)])
    assert hub.standing(own.author).role == 0
    assert [c.author for c in hub.certificates_of(Role.HUB)] == [hub.author]


def test_a_revocation_stands_whatever_is_written_over_it(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    revoke(hub, phone.author)
    hub.write([Change(SITE_STREAM, (REVOKED, phone.author), False)])
    other = site.hub("B")
    # The other hub learns of both at once, and must not come to another answer.
    hold(other, hub)
    assert other.standing(phone.author).revoked
    assert hub.standing(phone.author).revoked


def test_frames_that_were_damaged_on_the_way_end_by_name_and_leave_nothing_false(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    chance = random.Random(4711)
    for attempt in range(60):
        phone.write(acts.add_note(job, f"note {attempt}"))
        meeting = Meeting(phone, hub).start()
        struck = chance.randrange(6)
        delivered = 0
        side = 1
        while meeting.waiting[0] or meeting.waiting[1]:
            if not meeting.waiting[side]:
                side = 1 - side
            if delivered == struck:
                frame = bytearray(meeting.waiting[side][0])
                frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
                meeting.waiting[side][0] = bytes(frame)
            meeting.deliver(side)
            delivered += 1
            side = 1 - side
    assert hold(phone, hub).live
    assert agree(phone, hub)
    texts = {row[0] for row in hub.store.db.execute("SELECT text FROM note")}
    assert texts == {f"note {attempt}" for attempt in range(60)}
    assert streams_of(hub) - streams_of(phone) == set()
    assert hub.state(job).inert_count() == 0


def test_a_worker_who_writes_what_it_may_not_is_kept_and_shown_but_does_not_stand(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    log = written(site, phone, job, "mine")
    log.write([((TITLE,), "Mine now")])
    intake = take(hub, phone, [run_of(log)], own_seal(site, phone, log))
    assert intake.refused == []
    assert hub.state(job).inert_count() == 1
    assert hub.store.db.execute("SELECT title FROM job").fetchone() == ("Boiler",)
    colleague = site.phone(hub, ana)
    assert hold(colleague, hub).live
    assert agree(colleague, hub, streams={job})


def test_nothing_is_unpacked_of_one_who_has_not_proven_who_it_is(
    hub: Replica, phone: Replica
) -> None:
    before = rows_of(hub)
    meeting = Meeting(phone, hub).start()
    hello = meeting.waiting[1].pop()
    meeting.waiting[1].append(Packer().packed(hello, more=True))
    meeting.run()
    assert isinstance(closed(meeting, 1), Malformed)
    assert rows_of(hub) == before


def test_a_frame_that_goes_on_from_none_ends_the_session_and_loses_nothing(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    for number in range(40):
        site.job(hub, f"Boiler {number}", ana)
    meeting = Meeting(phone, hub).start()
    while not any(frame[:1] == MARK for frame in meeting.waiting[0]):
        assert meeting.deliver(1) | meeting.deliver(0)
    ((at, frame),) = [
        (at, frame) for at, frame in enumerate(meeting.waiting[0]) if frame[:1] == MARK
    ]
    meeting.waiting[0][at] = MARK + bytes([IN_COLUMNS | GOES_ON]) + frame[2:]
    meeting.run()
    assert isinstance(closed(meeting, 0), Malformed)
    assert hold(phone, hub).live
    assert agree(phone, hub)
