"""Standstills: an hour in which Android did not let the phone's program run is noticed and told."""

from __future__ import annotations

from pathlib import Path

from replica.standstill import BEAT_FILE, Standstill, Standstills
from tests.build import START_MS, SettableClock

MINUTE_MS = 60_000


def begun(folder: Path, clock: SettableClock) -> Standstills:
    standstills = Standstills(folder, clock)
    standstills.begin()
    return standstills


def test_a_program_that_was_put_to_sleep_sees_how_long_when_it_runs_again(tmp_path: Path) -> None:
    clock = SettableClock()
    running = begun(tmp_path, clock)
    clock.pass_ms(30_000)
    running.beat()
    clock.pass_ms(40 * MINUTE_MS)
    running.beat()
    end_ms = START_MS + 40 * MINUTE_MS + 30_000
    assert running.kept == (Standstill(end_ms - 40 * MINUTE_MS, end_ms, ended=False),)


def test_a_program_that_was_killed_sees_at_its_next_start_how_long_it_was_gone(
    tmp_path: Path,
) -> None:
    clock = SettableClock()
    begun(tmp_path, clock)
    clock.pass_ms(25 * MINUTE_MS)
    (seen,) = begun(tmp_path, clock).kept
    assert (seen.lasted_ms, seen.ended) == (25 * MINUTE_MS, True)
    assert begun(tmp_path, clock).kept == (seen,), "it is told once, and kept over a start"


def test_a_program_that_was_told_to_stop_was_not_stopped_by_the_phone(tmp_path: Path) -> None:
    clock = SettableClock()
    begun(tmp_path, clock).stop()
    clock.pass_ms(8 * 60 * MINUTE_MS)
    assert begun(tmp_path, clock).kept == ()


def test_a_wall_clock_that_jumps_is_no_standstill_and_a_restart_of_the_phone_is(
    tmp_path: Path,
) -> None:
    clock = SettableClock()
    running = begun(tmp_path, clock)
    clock.wall_ms += 300 * MINUTE_MS
    running.beat()
    assert running.kept == ()
    clock.wall_ms += 10 * MINUTE_MS
    clock.up_ms, clock.boot_number = 20_000, 8
    (seen,) = begun(tmp_path, clock).kept
    assert (seen.lasted_ms, seen.ended) == (10 * MINUTE_MS, True)


def test_a_file_of_nonsense_is_begun_anew(tmp_path: Path) -> None:
    for text in ("", "[]", '{"beat": [1], "standstills": []}', '{"beat": 3, "standstills": [[1]]}'):
        (tmp_path / BEAT_FILE).write_text(text)
        assert begun(tmp_path, SettableClock()).kept == ()
