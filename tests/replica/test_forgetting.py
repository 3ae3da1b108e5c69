"""Erased streams: everybody forgets them, down to the bytes, and they do not come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.dispatch import acts, day_acts, erasure
from core.dispatch.acts import SITE_STREAM, ActError, Change
from core.dispatch.fields import FIXES, TRACK_FIXES, Kind, LogKind, Phase
from core.dispatch.fix import Fix, encode_track
from core.log.chain import chain_start
from core.log.entry import MINT
from core.log.errors import Erased
from core.log.messages import Ack
from replica.checking import check_store
from replica.cuts import revoke_and_cut
from replica.file_checking import repair_files
from replica.filing import save_file, want_file
from replica.purging import SCRUB_DUE, forget_erased, forget_only_here, scrub_if_due
from replica.repair import repair_store
from replica.replica import Replica
from replica.set_aside import SetAside, keep_set_aside, set_aside_in
from replica.store import Store, read_only
from tests.build import (
    START_MS,
    YEAR_MS,
    Entropy,
    SettableClock,
    Site,
    agree,
    clock_of,
    hold,
    put,
    rows_of,
    streams_of,
    tracks_held,
)
from tests.erasures import violations
from tests.replica.files import photo

DAY = "2026-03-02"
NEEDLE = "the key lies under the third flowerpot"


def bytes_of(replica: Replica) -> bytes:
    """All that stands in the replica's folder, whatever it is."""
    folder = replica.store.path.parent
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())


def secret_job(site: Site, hub: Replica, *workers: bytes) -> bytes:
    """A job whose every text holds the needle, with a note and words that were written over."""
    job, _ = site.job(hub, f"Boiler, {NEEDLE}", *workers)
    hub.write(acts.edit_job(job, {"description": f"{NEEDLE}, until May"}))
    hub.write(acts.edit_job(job, {"description": f"{NEEDLE}, always"}))
    hub.write(acts.add_note(job, NEEDLE))
    return job


def holds(replica: Replica, stream: bytes) -> bool:
    """Whether any row names the stream, but for those that say that it was erased."""
    named = (stream.hex(), repr(stream)[2:-1])
    rows = rows_of(replica, lambda table: table in ("erased", "entry", "only_here"))
    return any(name in row for row in rows for name in named)


def test_what_is_erased_is_gone_from_every_replica_down_to_the_bytes(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    second = site.hub("B")
    hold(second, hub)
    job = secret_job(site, hub, ana)
    for number in range(40):
        site.job(hub, f"Other job {number}", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, f"found: {NEEDLE}"))
    hold(phone, hub)
    hold(second, hub)
    everybody = (hub, second, phone)
    assert all(NEEDLE.encode() in bytes_of(each) for each in everybody)
    hub.write(erasure.erase([job]))
    assert hold(phone, hub).live
    assert hold(second, hub).live
    for each in everybody:
        assert job not in streams_of(each)
        assert not holds(each, job)
        assert scrub_if_due(each)
        assert NEEDLE.encode() not in bytes_of(each)
        # The index that jobs are found by holds words, without what they share with those beside.
        assert b"lowerpot" not in bytes_of(each)
        assert b"Other job 7" in bytes_of(each)
        assert check_store(each) == []
        of_nothing = (
            "SELECT 1 FROM seal WHERE seal NOT IN (SELECT seal FROM log WHERE seal NOTNULL)"
        )
        assert each.store.db.execute(of_nothing).fetchall() == []
    assert agree(*everybody)
    again = hold(phone, hub)
    assert again.live
    assert len(again.sent[0]) == 3, "hello, proof and state: the digests agree at once"


def test_a_phone_that_was_away_for_a_year_drops_an_erased_job_and_shows_what_it_alone_had(
    site: Site, hub: Replica, ana: bytes
) -> None:
    phone = site.phone(hub, ana, session_until=clock_of(hub).wall_ms + 2 * YEAR_MS)
    job = secret_job(site, hub, ana)
    kept, _ = site.job(hub, "Kept", ana)
    hold(phone, hub)
    turn = next(path[2] for path in phone.state(job).registers if len(path) == 3)
    phone.write(acts.add_note(job, "the pump hums"))
    phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
    phone.write(acts.add_note(kept, "this one counts"))
    hub.write(erasure.erase([job]))
    clock_of(hub).pass_ms(YEAR_MS)
    clock_of(phone).pass_ms(YEAR_MS)
    meeting = hold(phone, hub)
    assert meeting.live
    names = [name for ack in meeting.read(1) if isinstance(ack, Ack) for _, name, _ in ack.refused]
    assert Erased.name in names
    assert job not in streams_of(hub) | streams_of(phone)
    assert agree(phone, hub, streams={kept, SITE_STREAM})
    assert scrub_if_due(phone)
    assert NEEDLE.encode() not in bytes_of(phone)
    rows = phone.store.db.execute("SELECT field, value FROM only_here ORDER BY number").fetchall()
    assert rows == [("note", "the pump hums"), ("phase", "on site")]
    # It is there to be read for as long as the law gives, and then it goes too.
    clock_of(phone).pass_ms(30 * 86_400_000 - 1)
    forget_erased(phone)
    assert b"the pump hums" in bytes_of(phone)
    clock_of(phone).pass_ms(1)
    forget_erased(phone)
    assert b"the pump hums" not in bytes_of(phone)


def test_a_worker_can_take_out_at_once_what_was_only_on_the_phone(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job = secret_job(site, hub, ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "the pump hums"))
    hub.write(erasure.erase([job]))
    hold(phone, hub)
    assert forget_only_here(phone, all_of_it=True) == 1
    assert scrub_if_due(phone)
    assert b"the pump hums" not in bytes_of(phone)


def test_nothing_can_be_written_to_an_erased_stream(site: Site, hub: Replica, ana: bytes) -> None:
    job = secret_job(site, hub, ana)
    hub.write(erasure.erase([job]))
    before = rows_of(hub)
    with pytest.raises(ActError, match="erased"):
        hub.write(acts.add_note(job, "still here?"))
    assert rows_of(hub) == before


def test_a_restored_backup_forgets_again_at_the_first_meeting(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job = secret_job(site, hub, ana)
    hold(phone, hub)
    backup = site.copy(hub)
    hub.write(erasure.erase([job]))
    hold(phone, hub)
    restored = site.restore(hub, backup)
    assert job in streams_of(restored)
    assert hold(phone, restored).live
    assert job not in streams_of(restored) | streams_of(phone)
    assert scrub_if_due(restored)
    assert NEEDLE.encode() not in bytes_of(restored)


def test_what_time_erased_goes_by_the_time_in_the_ids_alone(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    for day in ("2026-02-28", "2026-03-01", "2026-03-02"):
        phone.write(day_acts.start_log(ana, day, None, site.entropy(8), LogKind.OTHER))
    job, _ = site.job(hub, "Kept: no job was meant", ana)
    hold(phone, hub)
    hub.write(erasure.erase_before(Kind.DAY, 1_772_409_600_000))  # 2026-03-02
    hold(phone, hub)
    days = {day: acts.day_stream(ana, day) for day in ("2026-02-28", "2026-03-01", "2026-03-02")}
    for each in (phone, hub):
        held = streams_of(each)
        assert {day for day, stream in days.items() if stream in held} == {"2026-03-02"}
        assert job in held
        assert check_store(each) == []
    late = site.phone(hub, ana)
    hold(late, hub)
    with pytest.raises(ActError, match="erased"):
        late.write(day_acts.start_log(ana, "2026-03-01", None, site.entropy(8), LogKind.OTHER))


def test_a_worker_cannot_erase_and_a_hub_that_was_cut_off_has_erased_nothing(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    thief = site.hub("B")
    hold(thief, hub)
    job = secret_job(site, hub, ana)
    for each in (thief, phone):
        hold(each, hub)
    with pytest.raises(ActError, match="permit"):
        phone.write(erasure.erase([job]))
    revoke_and_cut(hub, thief.author)
    thief.write(erasure.erase([job]))
    hold(phone, thief)
    assert job not in streams_of(phone), "so far it knows no better"
    hold(phone, hub)
    assert job in streams_of(hub) & streams_of(phone)
    assert agree(phone, hub)


def test_an_erased_stream_is_known_to_be_so_after_the_next_start(
    site: Site, hub: Replica, ana: bytes, tmp_path: Path
) -> None:
    job = secret_job(site, hub, ana)
    hub.write(erasure.erase([job]))
    again = site.reopen(hub)
    assert again.erased.covers(job)
    forget_erased(again)
    assert NEEDLE.encode() not in bytes_of(again)


@pytest.mark.parametrize("is_without_header", [False, True])
def test_a_repair_brings_nothing_back_that_was_erased(
    site: Site, hub: Replica, ana: bytes, phone: Replica, is_without_header: bool
) -> None:
    job = secret_job(site, hub, ana)
    site.job(hub, "Kept", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "the pump hums"))
    old = site.copy(phone)
    hub.write(erasure.erase([job]))
    hold(phone, hub)
    folder = phone.store.path.parent
    site.reopen(phone).close()
    # The damage leaves an old copy of the whole file behind the new one, as a disk's may.
    path = folder / "store.sqlite"
    data = bytearray(path.read_bytes())
    if is_without_header:
        data[100:4_096] = bytes(3_996)
    path.write_bytes(data + old)
    site.opened.clear()
    done = repair_store(folder, SettableClock(), Entropy("repair"))
    assert done.entries
    repaired = Store(path)
    try:
        found = [row[0] for row in repaired.db.execute("SELECT body FROM entry")]
        assert not [body for body in found if NEEDLE.encode() in body]
        assert repaired.db.execute("SELECT title FROM job").fetchall() == [("Kept",)]
        words = repaired.db.execute("SELECT value FROM only_here").fetchall()
        # Without its header SQLite can't read the file, and only entries prove themselves.
        assert words == ([] if is_without_header else [("the pump hums",)])
    finally:
        repaired.close()


def wait_for_more(replica: Replica, source: Replica, *, staged: bytes, aside: bytes) -> None:
    """Let entries of two streams of `source` wait in a store, for a seal and for an entry."""
    store = replica.store
    with store.transaction() as db:
        ((author, _), log), *_ = source.state(staged).logs.items()
        previous = chain_start(source.site, staged, author)
        for each in (placed.stored for placed in log.placed):
            row = (staged, author, each.seq, previous, each.hash, each.body)
            db.execute("INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?)", row)
            previous = each.hash
        ((author, _), log), *_ = source.state(aside).logs.items()
        entries = [(each.stored.seq, each.stored.hash, each.stored.body) for each in log.placed]
        keep_set_aside(store, [SetAside(aside, author, tuple(entries[1:]))])


def test_what_waited_for_more_of_an_erased_stream_goes_too(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    staged, aside = secret_job(site, hub, ana), secret_job(site, hub, ana)
    other = site.phone(hub, ana)
    hold(phone, hub)
    wait_for_more(other, hub, staged=staged, aside=aside)
    wait_for_more(phone, hub, staged=staged, aside=aside)
    hub.write(erasure.erase([staged, aside]))
    for each in (phone, other):
        hold(each, hub)
        assert each.store.db.execute("SELECT count(*) FROM staged").fetchone() == (0,)
    assert set_aside_in(phone.store) == []
    assert scrub_if_due(phone)
    assert NEEDLE.encode() not in bytes_of(phone)


def test_a_repair_takes_up_nothing_erased_that_waited_for_more(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    staged, aside = secret_job(site, hub, ana), secret_job(site, hub, ana)
    other = site.hub("B")
    hold(other, hub)
    hub.write(erasure.erase([staged, aside]))
    hold(phone, hub)
    # Old bytes came back, as those of a disk that fails may.
    wait_for_more(phone, other, staged=staged, aside=aside)
    folder = phone.store.path.parent
    phone.close()
    site.opened.remove(phone)
    repair_store(folder, SettableClock(), Entropy("repair"))
    repaired = Store(folder / "store.sqlite")
    assert repaired.db.execute("SELECT count(*) FROM staged").fetchone() == (0,)
    assert set_aside_in(repaired) == []
    repaired.close()


def test_what_waits_of_an_erased_stream_goes_where_nothing_else_of_it_is_held(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job = secret_job(site, hub, ana)
    address = save_file(hub, job, photo("valve")).address
    hold(phone, hub)
    want_file(phone, address)
    hold(phone, hub)
    assert phone.files.holds(address)
    folder = phone.store.path.parent
    # The job's first entry is lost, and so nothing of it has a place in a log.
    of_job = "log = (SELECT log FROM log_row WHERE stream = ?) AND seq = 1"
    phone.store.db.execute(f"UPDATE entry SET body = zeroblob(99) WHERE {of_job}", (job,))
    phone.close()
    site.opened.remove(phone)
    assert repair_store(folder, SettableClock(), Entropy("repair")).set_aside > 0
    phone = site._open(folder, SettableClock())
    assert job not in streams_of(phone)
    hub.write(erasure.erase([job]))
    # The phone hears of it before it is sent what it lost.
    put(hub, phone, SITE_STREAM)
    assert phone.erased.covers(job)
    forget_erased(phone)
    assert set_aside_in(phone.store) == []
    assert check_store(phone) == []
    assert NEEDLE.encode() not in bytes_of(phone)
    assert phone.files.addresses() == []


def test_a_day_beside_an_erased_one_counts_as_if_that_had_never_been(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    midnight_ms, hour_ms = START_MS - START_MS % (24 * 3_600_000), 3_600_000
    first, second = "2026-03-01", "2026-03-02"
    for day, log, starts, stops in (
        (first, b"log-late", -2 * hour_ms, hour_ms),
        (second, b"log-earl", 0, 2 * hour_ms),
    ):
        phone.write(
            [
                *day_acts.start_log(
                    ana, day, job, log, LogKind.ON_SITE, at_ms=midnight_ms + starts
                ),
                *day_acts.stop_log(ana, day, job, log, at_ms=midnight_ms + stops),
            ]
        )
    hold(phone, hub)
    counted = "SELECT seconds FROM time_log WHERE day = ?"
    assert hub.store.db.execute(counted, (second,)).fetchall() == [(3_600,)]
    hub.write(erasure.erase([acts.day_stream(ana, first)]))
    hold(phone, hub)
    for each in (hub, phone):
        assert each.store.db.execute(counted, (second,)).fetchall() == [(7_200,)]
        assert check_store(each) == []


def test_tracks_are_forgotten_and_the_hours_of_the_day_stay(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    fixes = [Fix(START_MS + step * 10_000, 601_000_000 + step, 249_000_000, 8) for step in range(9)]
    coded = encode_track(fixes)
    phone.write(day_acts.start_log(ana, DAY, None, b"log-0001", LogKind.OTHER))
    # Earlier versions wrote the fixes into the day itself; they go with the day alone.
    phone.write([Change(acts.day_stream(ana, DAY), (FIXES, MINT), coded)])
    phone.write(day_acts.add_fixes(ana, DAY, coded))
    # One id in both streams, as no honest program mints it, stops nobody.
    phone.write([Change(acts.track_stream(ana, DAY), (TRACK_FIXES, b"same-id!"), coded)])
    phone.write([Change(acts.day_stream(ana, DAY), (FIXES, b"same-id!"), coded)])
    hold(phone, hub)
    for each in (phone, hub):
        assert len(tracks_held(each)) == 3
    hub.write(erasure.erase_before(Kind.TRACK, START_MS + 90 * 86_400_000))
    hold(phone, hub)
    for each in (phone, hub):
        assert acts.track_stream(ana, DAY) not in streams_of(each)
        assert len(tracks_held(each)) == 2
        assert each.store.db.execute("SELECT count(*) FROM time_log").fetchone() == (1,)
        assert check_store(each) == []


def test_erasing_commutes_with_all_else_that_happens_at_a_site() -> None:
    assert violations(4, 1) == []


def test_a_scrub_that_a_reader_stood_in_the_way_of_is_done_at_the_next_start(
    site: Site, hub: Replica, ana: bytes
) -> None:
    job = secret_job(site, hub, ana)
    reader = read_only(hub.store.path)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM job").fetchone() == (1,)
    hub.write(erasure.erase([job]))
    hub.store.db.execute("PRAGMA busy_timeout = 1")
    assert not scrub_if_due(hub)
    assert NEEDLE.encode() in bytes_of(hub)
    reader.close()
    again = site.reopen(hub)
    forget_erased(again)
    assert NEEDLE.encode() not in bytes_of(again)


def test_damaged_photos_keep_no_erased_words_on_the_disk(
    site: Site, hub: Replica, ana: bytes
) -> None:
    job = secret_job(site, hub, ana)
    save_file(hub, job, photo("valve"))
    hub.write(erasure.erase([job]))
    hub = site.reopen(hub)
    hub.files.path.write_bytes(bytes(5_000))
    forget_erased(hub)
    assert not hub.store.get(SCRUB_DUE)
    assert NEEDLE.encode() not in bytes_of(hub)
    # They go once they can be read, or were made anew.
    assert repair_files(hub, hub.store.path.parent / "damaged-files").damaged is not None
    assert scrub_if_due(hub)
    assert hub.store.db.execute("SELECT count(*) FROM file_going").fetchone() == (0,)


def test_a_copy_that_was_made_before_an_upgrade_goes_with_what_it_holds(
    site: Site, hub: Replica, ana: bytes
) -> None:
    job = secret_job(site, hub, ana)
    copy = hub.store.path.with_suffix(".before-6")
    copy.write_bytes(site.copy(hub))
    hub.write(erasure.erase([job]))
    assert scrub_if_due(hub)
    assert not copy.exists()
