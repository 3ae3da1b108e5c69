"""Rows of a worker's day, made by real acts on a phone and at a hub, and carried between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import Act
from core.dispatch.fields import LogKind, Source
from core.dispatch.fix import Fix, encode_track
from core.log.stream import Stored
from replica import logs
from replica.checking import check_store, dump_projections
from replica.projection.day import TABLES, intervals_of
from replica.replica import Replica, Touched
from tests.build import MINUTE_MS, START_MS, SettableClock, Site, hold, tracks_held

DAY, NEXT = "2026-03-02", "2026-03-03"
HOUR_MS = 3_600_000
MIDNIGHT_MS = START_MS + 17 * HOUR_MS  # START is 07:00 UTC
A, B, C = b"log-aaaa", b"log-bbbb", b"log-cccc"


class Worked:
    """A site with a hub and a worker's phone; the phone's clock is moved by the test."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.clock = SettableClock()
        self.hub = self.site.hub(clock=self.clock)
        self.worker = self.site.worker(self.hub, "Aino")
        self.job, _ = self.site.job(self.hub, "Boiler", self.worker)
        self.phone = self.site.phone(self.hub, self.worker, clock=self.clock)
        self.sync()

    def sync(self) -> None:
        assert hold(self.phone, self.hub).live

    def at(self, minute: float) -> int:
        return START_MS + round(minute * MINUTE_MS)

    def log(
        self, log: bytes, start: float, stop: float | None, kind: LogKind = LogKind.ON_SITE,
        day: str = DAY, source: Source = Source.MANUAL, job: bytes | None = None,
    ) -> Act:  # fmt: skip
        """A log of minutes after the start of the test's day."""
        job = self.job if job is None else job or None
        changes = day_acts.start_log(
            self.worker, day, job, log, kind, at_ms=self.at(start), source=source
        )
        if stop is not None:
            changes += day_acts.stop_log(self.worker, day, job, log, at_ms=self.at(stop))
        return changes

    def correct(
        self, old: bytes, new: bytes, start: float, stop: float, reason: str = "wrong end"
    ) -> Act:
        return day_acts.correct_log(
            self.worker, DAY, old_job=self.job, old=old, new=new, job=self.job,
            kind=LogKind.ON_SITE, start_ms=self.at(start), stop_ms=self.at(stop), reason=reason,
        )  # fmt: skip

    def rows(self, replica: Replica, day: str = DAY) -> dict[bytes, tuple[Any, ...]]:
        """Minutes counted, whether superseded, certainty and reason, by log."""
        found = replica.store.db.execute(
            "SELECT log, seconds / 60.0, superseded, certainty, reason FROM time_log WHERE day = ?",
            (day,),
        )
        return {bytes.fromhex(log): tuple(rest) for log, *rest in found}

    def minutes(self, replica: Replica, day: str = DAY) -> dict[bytes, float]:
        """The minutes that count, by log."""
        return {log: row[0] for log, row in self.rows(replica, day).items() if not row[1]}


@pytest.fixture
def worked(tmp_path: Path) -> Iterator[Worked]:
    found = Worked(tmp_path)
    yield found
    for replica in (found.hub, found.phone):
        assert check_store(replica) == []
    found.site.close()


def test_a_log_by_hand_counts_by_the_phones_monotonic_clock(worked: Worked) -> None:
    start = day_acts.start_log(worked.worker, DAY, worked.job, A, LogKind.ON_SITE)
    worked.phone.write(start)
    worked.clock.pass_ms(40 * MINUTE_MS)
    worked.clock.wall_ms += 2 * HOUR_MS  # Somebody moves the phone's clock meanwhile.
    worked.phone.write(day_acts.stop_log(worked.worker, DAY, worked.job, A))
    worked.sync()
    for replica in (worked.phone, worked.hub):
        assert worked.minutes(replica) == {A: 40}
    row = worked.hub.store.db.execute(
        "SELECT kind, source, job, actor, worker FROM time_log"
    ).fetchone()
    assert row[:3] == ("on site", "manual", worked.job.hex())
    assert row[4] == worked.worker.hex()


def test_an_open_log_has_no_end_and_no_minutes(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 0, None))
    worked.sync()
    hub, db = worked.hub, worked.hub.store.db
    assert db.execute("SELECT stop_at, seconds, superseded FROM time_log").fetchone() == (
        None,
        0,
        0,
    )
    worked.phone.write(worked.log(B, 90, 120))
    worked.sync()
    ends = [(piece.log, piece.end_ms) for piece in intervals_of(hub, worked.worker, DAY)]
    # What has ended goes before what nobody ended: a log that was forgotten takes no pay.
    assert ends == [(A, worked.at(90)), (B, worked.at(120))]
    worked.phone.write(day_acts.stop_log(worked.worker, DAY, worked.job, A, at_ms=worked.at(95)))
    worked.sync()
    ends = [(piece.log, piece.end_ms) for piece in intervals_of(hub, worked.worker, DAY)]
    assert ends == [(A, worked.at(90)), (A, worked.at(95)), (B, worked.at(120))]


def test_a_correction_takes_the_place_of_what_it_corrects(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 0, 60))
    worked.phone.write(worked.correct(A, B, 0, 45, "left earlier"))
    worked.sync()
    for replica in (worked.phone, worked.hub):
        rows = worked.rows(replica)
        assert rows[A][:2] == (0, 1)
        assert rows[B] == (45, 0, "", "left earlier")
    ((log, supersedes),) = worked.hub.store.db.execute(
        "SELECT log, supersedes FROM time_log WHERE supersedes <> ''"
    ).fetchall()
    assert (log, supersedes) == (B.hex(), A.hex())


def test_the_office_corrects_and_the_phone_shows_it(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 0, 60))
    worked.sync()
    worked.hub.write(worked.correct(A, B, 10, 30, "as the customer signed"), actor=b"dispatch")
    worked.sync()
    assert worked.minutes(worked.phone) == {B: 20}
    ((source, actor),) = worked.phone.store.db.execute(
        "SELECT source, actor FROM time_log WHERE log = ?", (B.hex(),)
    ).fetchall()
    assert (source, actor) == ("correction", b"dispatch".hex())


def test_a_removed_log_stays_to_be_read_and_counts_no_more(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 0, 60) + worked.log(B, 60, 70))
    worked.phone.write(day_acts.remove_log(worked.worker, DAY, worked.job, A, "was at lunch"))
    worked.sync()
    rows = worked.rows(worked.hub)
    assert rows[A] == (0, 1, "", "was at lunch")
    assert worked.minutes(worked.hub) == {B: 10}


def test_two_corrections_of_one_log_that_did_not_know_of_each_other(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 0, 60))
    worked.sync()
    worked.phone.write(worked.correct(A, B, 0, 50))
    worked.hub.write(worked.correct(A, C, 0, 40))
    worked.sync()
    for replica in (worked.phone, worked.hub):
        counted = worked.minutes(replica)
        assert len(counted) == 1, "one of them counts, the same everywhere"
        assert worked.rows(replica)[A][1] == 1
    assert worked.minutes(worked.phone) == worked.minutes(worked.hub)


def test_a_log_moved_to_the_next_day_is_the_rival_of_a_correction_made_meanwhile(
    worked: Worked,
) -> None:
    worked.phone.write(worked.log(A, 0, 480))
    worked.sync()
    moved = day_acts.remove_log(worked.worker, DAY, worked.job, A, "it was Tuesday")
    moved += worked.log(B, 1_440, 1_920, day=NEXT)
    moved += day_acts.replace_log(
        worked.worker, NEXT, old_job=worked.job, old=A, new=B, job=worked.job, reason="Tuesday"
    )
    worked.phone.write(moved)
    worked.hub.write(worked.correct(A, C, 0, 420, "lunch"))
    worked.sync()
    for replica in (worked.phone, worked.hub):
        counted = worked.minutes(replica) | worked.minutes(replica, NEXT)
        assert sum(counted.values()) == 480
        assert worked.rows(replica)[C][1], "what was corrected meanwhile is kept, and counts not"


def test_logs_that_overlap_count_each_minute_once_and_say_so(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 0, 60) + worked.log(B, 40, 90, LogKind.TRAVEL))
    worked.sync()
    counted = worked.minutes(worked.hub)
    assert counted == {A: 60, B: 30}
    assert {row[2] for row in worked.rows(worked.hub).values()} == {"overlaps"}


def test_a_log_that_ends_before_it_starts_is_marked_and_counts_nothing(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 60, 30))
    worked.sync()
    assert worked.rows(worked.hub) == {A: (0, 0, "ends before it starts", "")}


def test_a_log_that_lies_wholly_within_another_is_marked(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 0, 60) + worked.log(B, 10, 20, LogKind.TRAVEL))
    worked.sync()
    assert worked.rows(worked.hub)[B] == (0, 0, "overlaps", "")


def test_a_break_is_cut_out_of_what_it_lies_in(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 0, 60) + worked.log(B, 20, 35, LogKind.BREAK, job=b""))
    worked.sync()
    assert worked.minutes(worked.hub) == {A: 45, B: 15}
    assert intervals_of(worked.hub, worked.worker, DAY) == [
        (worked.at(0), worked.at(20), A, LogKind.ON_SITE),
        (worked.at(20), worked.at(35), B, LogKind.BREAK),
        (worked.at(35), worked.at(60), A, LogKind.ON_SITE),
    ]


def test_a_log_over_midnight_belongs_to_the_day_it_began(worked: Worked) -> None:
    before = (MIDNIGHT_MS - START_MS) / MINUTE_MS - 30
    worked.phone.write(worked.log(A, before, before + 90))
    worked.sync()
    assert worked.minutes(worked.hub) == {A: 90}
    assert worked.rows(worked.hub, NEXT) == {}


def test_what_happens_on_the_next_day_changes_the_day_before(worked: Worked) -> None:
    before = (MIDNIGHT_MS - START_MS) / MINUTE_MS - 30
    worked.phone.write(worked.log(A, before, before + 90))
    worked.sync()
    worked.phone.write(
        worked.log(B, before + 60, before + 120, day=NEXT, kind=LogKind.BREAK, job=b"")
    )
    worked.sync()
    for replica in (worked.phone, worked.hub):
        assert worked.minutes(replica) == {A: 60}, "the break of the next day is cut out"
        assert worked.minutes(replica, NEXT) == {B: 60}
    worked.phone.write(day_acts.remove_log(worked.worker, NEXT, None, B, "no break"))
    worked.sync()
    assert worked.minutes(worked.hub) == {A: 90}


def test_the_night_the_clocks_change_counts_the_hours_that_passed(worked: Worked) -> None:
    # Helsinki, 25 October 2026: 03:30 summer time to 04:30 winter time are two hours.
    start_ms = 1_792_888_200_000
    stop_ms = start_ms + 2 * HOUR_MS
    changes = day_acts.start_log(
        worked.worker, "2026-10-25", worked.job, A, LogKind.ON_SITE, at_ms=start_ms
    )
    changes += day_acts.stop_log(worked.worker, "2026-10-25", worked.job, A, at_ms=stop_ms)
    worked.phone.write(changes)
    worked.sync()
    assert worked.minutes(worked.hub, "2026-10-25") == {A: 120}


def test_duty_has_rows_and_tracks_are_read_from_the_entries(worked: Worked) -> None:
    worked.phone.write(day_acts.start_duty(worked.worker, DAY, b"duty-one"))
    fixes = [Fix(START_MS + step * 10_000, 601_000_000 + step, 249_000_000, 8) for step in range(3)]
    worked.phone.write(day_acts.add_fixes(worked.worker, DAY, encode_track(fixes)))
    worked.clock.pass_ms(HOUR_MS)
    worked.sync()
    db = worked.hub.store.db
    assert db.execute("SELECT duty, start_at, stop_at FROM duty").fetchall() == [
        (b"duty-one".hex(), START_MS, None)
    ]
    worked.phone.write(day_acts.stop_duty(worked.worker, DAY, b"duty-one"))
    worked.sync()
    assert db.execute("SELECT stop_at FROM duty").fetchall() == [(START_MS + HOUR_MS,)]
    (track,) = tracks_held(worked.hub)
    told = [(fix.time_ms, fix.lat_e7, fix.lon_e7, fix.accuracy_m) for fix in track.fixes]
    assert told == [(fix.time_ms, fix.lat_e7, fix.lon_e7, fix.accuracy_m) for fix in fixes]


def test_a_track_whose_numbers_run_away_is_kept_and_stops_nothing(worked: Worked) -> None:
    far = (1 << 53) - 1
    for numbers in ([1, 1, 0, 1, 1, far, far, far, 0], [1, 1, 0, 2, far, 5, 0, 0, 0, far, 0, 0, 0],
                    [1], [9, 9, 9]):  # fmt: skip
        worked.phone.write(day_acts.add_fixes(worked.worker, DAY, numbers))
    worked.sync()
    assert len(tracks_held(worked.hub)) <= 1
    held = logs.stored_entries(worked.hub.store.db, acts.track_stream(worked.worker, DAY))
    assert len(held) == 4


def test_an_uncertain_end_and_a_reboot_are_marked(worked: Worked) -> None:
    worked.phone.write(worked.log(A, 0, None))
    stop = day_acts.stop_log(worked.worker, DAY, worked.job, A, at_ms=worked.at(30), uncertain=True)
    worked.phone.write(stop)
    worked.clock.pass_ms(40 * MINUTE_MS)
    worked.phone.write(day_acts.start_log(worked.worker, DAY, worked.job, B, LogKind.ON_SITE))
    worked.clock.pass_ms(20 * MINUTE_MS)
    worked.clock.boot_number, worked.clock.up_ms = 8, 1_000
    worked.phone.write(day_acts.stop_log(worked.worker, DAY, worked.job, B))
    worked.sync()
    rows = worked.rows(worked.hub)
    assert "uncertain" in rows[A][2]
    assert "bridged over a reboot" in rows[B][2]


def test_the_order_in_which_entries_come_shows_nowhere(worked: Worked) -> None:
    """Every order of two authors' entries over two days gives the same rows."""
    before = (MIDNIGHT_MS - START_MS) / MINUTE_MS - 30
    worked.phone.write(worked.log(A, before, before + 90))
    worked.phone.write(worked.log(B, before + 60, before + 120, day=NEXT))
    worked.sync()
    worked.hub.write(worked.correct(A, C, before, before + 70))
    worked.phone.write(day_acts.remove_log(worked.worker, NEXT, worked.job, B, "no"))
    worked.phone.write(day_acts.start_duty(worked.worker, NEXT, b"duty-two"))
    worked.sync()
    expected = dump(worked.hub)
    pieces: list[tuple[bytes, Stored]] = []
    for day in (DAY, NEXT):
        stream = acts.day_stream(worked.worker, day)
        pieces += [(stream, each) for each in logs.stored_entries(worked.hub.store.db, stream)]
    assert len(pieces) == 5
    for number, order in enumerate(itertools.permutations(pieces)):
        if not in_chain(order) or number % 3:
            continue
        other = late_hub(worked, f"other-{number}")
        for stream, stored in order:
            with other.store.transaction():
                other.add(stream, stored)
                other.finish(Touched({stream}))
        assert dump(other) == expected
        worked.site.opened.remove(other)
        other.close()


def in_chain(order: tuple[tuple[bytes, Stored], ...]) -> bool:
    """Whether each log's entries come one after the other, as every session brings them."""
    heights: dict[tuple[bytes, bytes], int] = {}
    for stream, stored in order:
        if stored.seq != heights.get((stream, stored.author), 0) + 1:
            return False
        heights[(stream, stored.author)] = stored.seq
    return True


def late_hub(worked: Worked, name: str) -> Replica:
    """A second hub that knows the site's certificates and nothing of the days yet."""
    other = worked.site.hub(name)
    for certificate in worked.hub.certificates_of(1) + worked.hub.certificates_of(3):
        other.adopt_certificate(certificate)
    return other


def dump(replica: Replica) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: rows for table, rows in dump_projections(replica.store.db).items() if table in TABLES
    }


def test_the_offices_log_for_a_worker_it_learns_of_later(worked: Worked) -> None:
    """A day written by the office alone names nobody; its rows come with the worker's stream."""
    worked.hub.write(worked.log(A, 0, 60, source=Source.DISPATCHER))
    stream = acts.day_stream(worked.worker, DAY)
    other = late_hub(worked, "B")
    for each in (stream, worked.worker):
        for stored in logs.stored_entries(worked.hub.store.db, each):
            with other.store.transaction():
                other.add(each, stored)
                other.finish(Touched({each}))
    assert dump(other) == dump(worked.hub)
    assert worked.minutes(other) == {A: 60}


def test_rows_of_one_worker_leave_anothers_alone(worked: Worked) -> None:
    bo = worked.site.worker(worked.hub, "Bo")
    worked.hub.write(day_acts.start_log(bo, DAY, None, A, LogKind.OTHER, at_ms=worked.at(0)))
    worked.phone.write(worked.log(B, 0, 60))
    worked.sync()
    found = worked.hub.store.db.execute("SELECT worker, log FROM time_log").fetchall()
    assert sorted(found) == sorted([(bo.hex(), A.hex()), (worked.worker.hex(), B.hex())])
    assert {row[0] for row in worked.phone.store.db.execute("SELECT worker FROM time_log")} == {
        worked.worker.hex()
    }


def test_more_logs_than_can_be_counted_are_kept_and_stop_nothing(
    worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("core.dispatch.timelog.LOGS_MAX", 2)
        for number in range(3):
            worked.phone.write(worked.log(bytes([number]) * 8, number * 10, number * 10 + 5))
        worked.sync()
        assert len(worked.rows(worked.hub)) == 3
        assert {row[0] for row in worked.rows(worked.hub).values()} == {0}
        worked.phone.write(acts.add_note(worked.job, "still at work"))
        worked.sync()
    for replica in (worked.hub, worked.phone):
        replica.rebuild_projections()
        assert {row[0] for row in worked.rows(replica).values()} == {5}
