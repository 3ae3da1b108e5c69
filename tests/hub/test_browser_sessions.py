"""Browser sessions in a real file: who is signed in, for how long, and who is not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.browser_sessions import (
    AGE_MS_MAX,
    IDLE_MS_MAX,
    SESSIONS_PER_ACCOUNT_MAX,
    BrowserSessions,
    SessionFileError,
)

HOUR_MS = 60 * 60 * 1_000


@dataclass
class Clock:
    """A clock that a test sets."""

    ms: int = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Iterator[BrowserSessions]:
    with BrowserSessions(tmp_path / "sessions.db", clock) as opened:
        yield opened


def test_a_browser_that_signed_in_is_known_again_after_a_restart(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "hub" / "sessions.db"
    with BrowserSessions(path, clock) as sessions:
        session_id = sessions.begin("maria", "10.0.0.7", "Firefox")
        secret = sessions.form_secret
    with BrowserSessions(path, clock) as sessions:
        found = sessions.find(session_id)
        assert found is not None
        assert (found.account, found.address, found.agent) == ("maria", "10.0.0.7", "Firefox")
        assert sessions.form_secret == secret
        assert len(secret) == 32


def test_the_file_holds_no_id_that_signs_anybody_in(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sessions.db"
    with BrowserSessions(path, clock) as sessions:
        session_id = sessions.begin("maria", "10.0.0.7", "Firefox")
        for each in tmp_path.iterdir():
            assert session_id.encode() not in each.read_bytes()
            assert each.stat().st_mode & 0o077 == 0


def test_ids_are_long_and_never_the_same(sessions: BrowserSessions) -> None:
    ids = {sessions.begin("maria", "10.0.0.7", "Firefox") for _ in range(30)}
    assert len(ids) == 30
    assert {len(each) for each in ids} == {43}


@pytest.mark.parametrize("wrong", ["", "x", "A" * 43, "A" * 100_000, "é" * 43, "\ud800" * 43])
def test_a_cookie_of_nonsense_is_nobody(sessions: BrowserSessions, wrong: str) -> None:
    sessions.begin("maria", "10.0.0.7", "Firefox")
    assert sessions.find(wrong) is None
    sessions.end(wrong)
    sessions.begin("maria", "10.0.0.7", "Firefox", replaces=wrong)
    assert len(sessions.of_account("maria")) == 2


def test_signing_in_again_ends_the_session_that_the_browser_held(
    sessions: BrowserSessions,
) -> None:
    first = sessions.begin("maria", "10.0.0.7", "Firefox")
    second = sessions.begin("maria", "10.0.0.7", "Firefox", replaces=first)
    assert sessions.find(first) is None
    assert sessions.find(second) is not None


def test_a_session_that_is_not_used_for_twelve_hours_ends_for_good(
    sessions: BrowserSessions, clock: Clock
) -> None:
    session_id = sessions.begin("maria", "10.0.0.7", "Firefox")
    clock.ms += IDLE_MS_MAX - 1
    assert sessions.find(session_id) is not None
    clock.ms += IDLE_MS_MAX
    assert sessions.find(session_id) is None
    clock.ms -= IDLE_MS_MAX
    assert sessions.find(session_id) is None


def test_a_session_in_daily_use_ends_after_thirty_days(
    sessions: BrowserSessions, clock: Clock
) -> None:
    session_id = sessions.begin("maria", "10.0.0.7", "Firefox")
    began_ms = clock.ms
    while clock.ms - began_ms < AGE_MS_MAX - 6 * HOUR_MS:
        clock.ms += 6 * HOUR_MS
        assert sessions.find(session_id) is not None
    clock.ms = began_ms + AGE_MS_MAX
    assert sessions.find(session_id) is None


def test_a_session_begun_under_a_clock_years_ahead_does_not_live_for_years(
    sessions: BrowserSessions, clock: Clock
) -> None:
    clock.ms += 10 * 365 * 24 * HOUR_MS
    session_id = sessions.begin("maria", "10.0.0.7", "Firefox")
    clock.ms -= 10 * 365 * 24 * HOUR_MS
    assert sessions.find(session_id) is None


def test_signing_out_ends_this_browser_and_no_other(sessions: BrowserSessions) -> None:
    here = sessions.begin("maria", "10.0.0.7", "Firefox")
    there = sessions.begin("maria", "10.0.0.8", "Chrome")
    sessions.end(here)
    assert sessions.find(here) is None
    assert sessions.find(there) is not None


def test_closing_an_account_signs_it_out_everywhere_and_nobody_else(
    sessions: BrowserSessions,
) -> None:
    marias = [sessions.begin("maria", "10.0.0.7", "Firefox") for _ in range(3)]
    jan = sessions.begin("jan", "10.0.0.7", "Firefox")
    assert sessions.end_all("maria") == 3
    assert [sessions.find(each) for each in marias] == [None, None, None]
    assert sessions.find(jan) is not None


def test_a_new_password_leaves_the_browser_it_was_set_in(sessions: BrowserSessions) -> None:
    here = sessions.begin("maria", "10.0.0.7", "Firefox")
    there = sessions.begin("maria", "10.0.0.8", "Chrome")
    assert sessions.end_all("maria", but=here) == 1
    assert sessions.find(here) is not None
    assert sessions.find(there) is None


def test_an_owner_ends_one_of_their_sessions_from_the_list(
    sessions: BrowserSessions, clock: Clock
) -> None:
    old = sessions.begin("maria", "10.0.0.7", "Firefox")
    clock.ms += 1
    sessions.begin("maria", "10.0.0.8", "Chrome")
    newest, oldest = sessions.of_account("maria")
    assert (newest.agent, oldest.agent) == ("Chrome", "Firefox")
    assert not sessions.end_one("jan", oldest.public_id)
    assert sessions.end_one("maria", oldest.public_id)
    assert sessions.find(old) is None
    assert [each.agent for each in sessions.of_account("maria")] == ["Chrome"]


def test_an_account_has_a_bounded_number_of_sessions(
    sessions: BrowserSessions, clock: Clock
) -> None:
    first = sessions.begin("maria", "10.0.0.7", "Firefox")
    for _ in range(SESSIONS_PER_ACCOUNT_MAX):
        clock.ms += 1
        last = sessions.begin("maria", "10.0.0.7", "x" * 100_000)
    assert len(sessions.of_account("maria")) == SESSIONS_PER_ACCOUNT_MAX
    assert sessions.find(first) is None
    found = sessions.find(last)
    assert found is not None
    assert len(found.agent) == 200


def test_ended_sessions_are_forgotten(sessions: BrowserSessions, clock: Clock) -> None:
    sessions.begin("maria", "10.0.0.7", "Firefox")
    clock.ms += IDLE_MS_MAX
    kept = sessions.begin("maria", "10.0.0.7", "Firefox")
    assert sessions.forget_ended() == 1
    assert sessions.find(kept) is not None


def test_a_file_of_a_newer_version_is_refused_in_words(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sessions.db"
    BrowserSessions(path, clock).close()
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(SessionFileError, match="newer version"):
        BrowserSessions(path, clock)


def test_a_wrecked_file_is_refused_in_words_and_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sessions.db"
    path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(SessionFileError, match="Move it away"):
        BrowserSessions(path, clock)
    assert path.read_bytes().startswith(b"not a database")
