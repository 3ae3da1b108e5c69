"""Phones that carry sealed files of colleagues to the hub by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.log import relay_messages
from core.log.carried import opened
from core.log.errors import LogError, Malformed, SessionRefused
from core.log.limits import (
    RELAYED_BYTES_MAX,
    RELAYED_FILES_BYTES_MAX,
    RELAYED_FILES_MAX,
)
from core.log.messages import write
from core.log.relay import relay_name
from core.log.relay_messages import Relay, Relayed
from replica.carrying import file_for, take_in_words
from replica.checking import check_store
from replica.cuts import revoke_and_cut
from replica.kept_files import CarryingRefused
from replica.reach import unsent_entries
from replica.receivers import receiver_named
from replica.relaying import MADE_AGAIN_MS, carried_here, given_away, keep_for_hub
from replica.replica import Replica
from tests.build import Meeting, Site, clock_of, hold, interrupted, notes_of
from tests.replica.files import error_of

DAY = "2026-03-02"


@dataclass
class Away:
    """A hub, and the phones of Ana, who has a job, and Bo, both of which know each other."""

    site: Site
    hub: Replica
    ana: bytes
    bo: bytes
    anas: Replica
    bos: Replica
    job: bytes

    def note(self, text: str) -> None:
        self.anas.write(acts.add_note(self.job, text))


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Away]:
    site = Site(tmp_path / "site", in_memory=True)
    yield gone_out(site)
    site.close()


def gone_out(site: Site) -> Away:
    hub = site.hub()
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    anas, bos = site.phone(hub, ana), site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana)
    for phone in (anas, bos):
        assert hold(phone, hub).live
    return Away(site, hub, ana, bo, anas, bos, job)


def unsent(phone: Replica) -> int:
    return len(unsent_entries(phone.store.db, phone.author))


def test_a_colleague_carries_to_the_hub_what_it_cannot_read(away: Away) -> None:
    away.note("the key is at number 5")
    assert hold(away.anas, away.bos).live
    (kept,) = away.bos.kept.all()
    data = away.bos.kept.data(kept.name)
    assert b"number 5" not in data
    with pytest.raises(SessionRefused):
        opened(data, away.bos.identity.key, away.bos.author)
    assert notes_of(away.bos) == []
    # It is with a colleague, which is no reach.
    (given,) = given_away(away.anas)
    assert (given.colleague, given.entries) == (away.bo.hex(), 1)
    assert unsent(away.anas) == 1
    (shown,) = carried_here(away.bos)
    assert (shown.hub, shown.giver, shown.why) == ("hub A", away.ana.hex(), "")
    assert hold(away.bos, away.hub).live
    assert notes_of(away.hub) == ["the key is at number 5"]
    assert away.bos.kept.all() == ()
    assert away.bos.kept.data(kept.name) == b""
    # The phone that wrote it hears of it from the hub itself, and the hub holds it once.
    assert unsent(away.anas) == 1
    assert hold(away.anas, away.hub).live
    assert unsent(away.anas) == 0
    assert notes_of(away.hub) == ["the key is at number 5"]
    for replica in (away.anas, away.bos, away.hub):
        assert check_store(replica) == []


def test_what_a_colleague_carries_already_is_given_again_only_when_there_is_more(
    away: Away,
) -> None:
    away.note("one")
    assert hold(away.anas, away.bos).live
    (first,) = away.bos.kept.all()
    quiet = hold(away.anas, away.bos)
    assert not any(isinstance(each, Relay) for each in quiet.read(0))
    away.note("two")
    assert hold(away.bos, away.anas).live
    # The newer file says all that the older said.
    (second,) = away.bos.kept.all()
    assert second.name != first.name
    assert hold(away.bos, away.hub).live
    assert notes_of(away.hub) == ["one", "two"]


def test_in_a_session_that_goes_on_a_newer_file_comes_after_a_while(away: Away) -> None:
    away.note("one")
    meeting = hold(away.anas, away.bos)
    away.note("two")
    meeting.run()
    assert len([each for each in meeting.read(0) if isinstance(each, Relay)]) == 1
    clock_of(away.anas).pass_ms(MADE_AGAIN_MS)
    meeting.carry(0, meeting.sessions[0].changed(frozenset()))
    meeting.run()
    assert len([each for each in meeting.read(0) if isinstance(each, Relay)]) == 2
    assert hold(away.bos, away.hub).live
    assert notes_of(away.hub) == ["one", "two"]


@pytest.mark.parametrize("deliveries", range(6, 22, 3))
def test_a_meeting_that_is_cut_anywhere_loses_and_doubles_no_file(
    away: Away, monkeypatch: pytest.MonkeyPatch, deliveries: int
) -> None:
    """In small parts, so that the cuts meet the middle of it."""
    monkeypatch.setattr("core.log.relay.RELAY_PART_BYTES_MAX", 300)
    away.note("the key is at number 5")
    interrupted(away.anas, away.bos, deliveries)
    assert hold(away.anas, away.bos).live
    assert len(away.bos.kept.all()) == 1
    interrupted(away.bos, away.hub, deliveries)
    assert hold(away.bos, away.hub).live
    assert notes_of(away.hub) == ["the key is at number 5"]
    assert away.bos.kept.all() == ()


def test_a_phone_that_was_killed_carries_on_with_what_it_kept(site: Site) -> None:
    away = gone_out(site)
    away.note("the key is at number 5")
    assert hold(away.anas, away.bos).live
    again = away.site.reopen(away.bos)
    assert hold(again, away.hub).live
    assert notes_of(away.hub) == ["the key is at number 5"]


def test_a_file_that_somebody_brings_by_hand_is_kept_for_the_hub_unopened(away: Away) -> None:
    away.note("the key is at number 5")
    made = file_for(away.anas, receiver_named(away.anas, ""))
    words = take_in_words(away.bos, made.data)
    assert "keeps it" in words
    assert "hub A" in words
    assert take_in_words(away.bos, made.data) == words, "twice is as once"
    (shown,) = carried_here(away.bos)
    assert shown.giver == ""
    assert hold(away.bos, away.hub).live
    assert notes_of(away.hub) == ["the key is at number 5"]
    assert away.bos.kept.all() == ()


def test_what_is_for_no_hub_of_the_site_is_not_kept(away: Away) -> None:
    away.note("the key is at number 5")
    data = file_for(away.anas, receiver_named(away.anas, "")).data
    for other in (b"", b"no file", data[:40], data[:8] + bytes(32) + data[40:]):
        with pytest.raises(CarryingRefused, match="no file for a hub"):
            keep_for_hub(away.bos, other)
    assert away.bos.kept.all() == ()


def test_a_phone_that_carries_enough_refuses_more_in_words_and_keeps_what_it_has(
    away: Away,
) -> None:
    head = b"FLCARRY1" + away.hub.author
    for number in range(RELAYED_FILES_MAX):
        keep_for_hub(away.bos, head + bytes([number]) * 100)
    with pytest.raises(CarryingRefused, match="carries 16 files"):
        keep_for_hub(away.bos, head + b"one more" * 10)
    with pytest.raises(CarryingRefused, match="larger than"):
        keep_for_hub(away.bos, head + bytes(RELAYED_BYTES_MAX))
    away.note("the key is at number 5")
    meeting = hold(away.anas, away.bos)
    assert meeting.live
    (told,) = [each for each in meeting.read(1) if isinstance(each, Relayed)]
    assert "carries 16 files" in told.why
    assert given_away(away.anas) == ()
    assert len(away.bos.kept.all()) == RELAYED_FILES_MAX
    # A person makes room; noise is nothing that a hub takes in, so it says why and it stays shown.
    away.bos.kept.drop(away.bos.kept.all()[0].name)
    assert hold(away.anas, away.bos).live
    assert hold(away.bos, away.hub).live
    assert notes_of(away.hub) == ["the key is at number 5"]
    assert {bool(each.why) for each in carried_here(away.bos)} == {True}
    assert len(away.bos.kept.all()) == RELAYED_FILES_MAX - 1


def test_files_of_others_take_so_many_bytes_of_a_phone_and_no_more(away: Away) -> None:
    head = b"FLCARRY1" + away.hub.author
    for number in range(RELAYED_FILES_BYTES_MAX // RELAYED_BYTES_MAX):
        size = RELAYED_BYTES_MAX - len(head) - 32
        keep_for_hub(away.bos, head + bytes([number]) * 32 + bytes(size))
    with pytest.raises(CarryingRefused, match="has room again"):
        keep_for_hub(away.bos, head + b"s" * 100)


def test_of_more_than_a_colleague_takes_the_first_part_goes_and_the_rest_stays_unsent(
    away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replica.relaying.RELAYED_BYTES_MAX", 100_000)
    for number in range(120):
        away.note(f"{number} {away.site.entropy(60).hex() * 15}")
    assert hold(away.anas, away.bos).live
    (kept,) = away.bos.kept.all()
    assert kept.size <= 100_000
    assert hold(away.bos, away.hub).live
    arrived = len(notes_of(away.hub))
    assert 20 < arrived <= 120
    assert hold(away.anas, away.hub).live
    assert len(notes_of(away.hub)) == 120


def test_what_an_office_shut_out_wrote_comes_in_by_no_colleague(away: Away) -> None:
    away.note("the key is at number 5")
    assert hold(away.anas, away.bos).live
    revoke_and_cut(away.hub, away.anas.author)
    assert hold(away.bos, away.hub).live
    assert notes_of(away.hub) == []
    (shown,) = carried_here(away.bos)
    assert "revoked" in shown.why


def test_a_workers_day_comes_to_the_hub_by_a_colleague_who_may_not_know_of_it(away: Away) -> None:
    away.anas.write(day_acts.start_duty(away.ana, DAY, b"duty-one"))
    assert hold(away.anas, away.bos).live
    assert away.bos.store.db.execute("SELECT count(*) FROM duty").fetchone() == (0,)
    assert hold(away.bos, away.hub).live
    assert away.hub.store.db.execute("SELECT count(*) FROM duty").fetchone() == (1,)


def test_a_hub_that_was_restored_under_a_new_key_is_given_nothing_of_the_old_ones(
    away: Away,
) -> None:
    away.note("the key is at number 5")
    assert hold(away.anas, away.bos).live
    again = away.site.hub_again(away.hub)
    assert hold(away.bos, again).live
    assert notes_of(again) == []
    assert len(away.bos.kept.all()) == 1, "only the old key opens it"
    assert hold(away.anas, again).live
    assert notes_of(again) == ["the key is at number 5"]


@pytest.mark.parametrize(
    "message",
    [
        Relay(b"n" * 32, 20, 10, b"x"),
        Relay(relay_name(b"other"), 5, 0, b"bytes"),
        Relayed(b"n" * 32, 5),
        relay_messages.TimeTold(7, 7),
    ],
)
def test_what_nobody_waits_for_ends_the_session_by_name(
    away: Away, message: relay_messages.RelayMessage
) -> None:
    for listener in (away.hub, away.bos):
        meeting = hold(away.anas, listener)
        assert meeting.live
        meeting.waiting[1].append(write(message))
        meeting.run()
        assert isinstance(error_of(meeting, 1), Malformed)
        assert away.bos.kept.all() == ()


def test_a_hub_takes_of_one_peer_so_much_in_a_day_and_says_so(
    away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    away.note("the key is at number 5")
    assert hold(away.anas, away.bos).live
    monkeypatch.setattr(away.hub.quotas.peers, "bytes_max", 200)
    assert hold(away.bos, away.hub).live
    assert notes_of(away.hub) == []
    (shown,) = carried_here(away.bos)
    assert "within a day" in shown.why
    clock_of(away.hub).pass_ms(86_400_000)
    monkeypatch.setattr(away.hub.quotas.peers, "bytes_max", 1_000_000)
    assert hold(away.bos, away.hub).live
    assert notes_of(away.hub) == ["the key is at number 5"]


def test_to_one_of_an_earlier_version_nothing_of_it_is_said(
    away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    away.note("the key is at number 5")
    meeting = Meeting(away.anas, away.bos)
    listener = meeting.sessions[1]
    hello = listener._hello
    monkeypatch.setattr(listener, "_hello", lambda: type(hello())((1, 2), *_parts(hello())))
    meeting.start().run()
    assert meeting.live
    assert not any(isinstance(each, Relay) for each in meeting.read(0))
    assert away.bos.kept.all() == ()


def _parts(hello: object) -> tuple[bytes, bytes, tuple[bytes, ...]]:
    return hello.site, hello.nonce, hello.certificates  # type: ignore[attr-defined]


def test_a_full_disk_keeps_no_file_and_the_giver_is_not_told_that_it_did(away: Away) -> None:
    db = away.bos.store.db
    away.note("x" * 1_900)
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    meeting = Meeting(away.anas, away.bos).start()
    with pytest.raises(Exception, match="full"):
        meeting.run()
    assert given_away(away.anas) == ()
    db.execute("PRAGMA max_page_count = 1000000")
    assert hold(away.anas, away.bos).live
    assert len(away.bos.kept.all()) == 1


def test_a_file_that_rotted_on_the_way_is_not_given_and_harms_nobody(away: Away) -> None:
    away.note("the key is at number 5")
    assert hold(away.anas, away.bos).live
    (kept,) = away.bos.kept.all()
    db = away.bos.store.db
    db.execute(
        "UPDATE meta SET value = zeroblob(length(value)) WHERE name = ?",
        (f"carried {kept.name.hex()}",),
    )
    try:
        meeting = hold(away.bos, away.hub)
    except LogError as error:
        pytest.fail(str(error))
    assert meeting.live
    assert notes_of(away.hub) == []
