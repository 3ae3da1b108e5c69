"""How often a sign-in may be tried, in a real file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.browser_sessions import BrowserSessions
from hub.sign_in_limits import (
    ACCOUNT_FAILURES_MAX,
    ADDRESS_FAILURES_MAX,
    WINDOW_MS,
    SignInLimits,
    TooManySignIns,
)


class Clock:
    """A clock that a test sets."""

    ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(tmp_path: Path, clock: Clock) -> Iterator[SignInLimits]:
    with BrowserSessions(tmp_path / "sessions.db", clock) as sessions:
        yield SignInLimits(sessions.connection, clock)


def tries_until_refused(attempt: Callable[[int], object]) -> int:
    for number in range(1_000):
        try:
            attempt(number)
        except TooManySignIns:
            return number
    return 1_000


def test_an_account_is_tried_ten_times_from_wherever(limits: SignInLimits) -> None:
    tried = tries_until_refused(lambda n: limits.begin_try("maria", f"10.0.{n}.1"))
    assert tried == ACCOUNT_FAILURES_MAX
    limits.begin_try("jan", "10.0.0.1")


def test_one_address_is_tried_forty_times_for_whomever(limits: SignInLimits) -> None:
    tried = tries_until_refused(lambda n: limits.begin_try(f"person {n}", "10.0.0.1"))
    assert tried == ADDRESS_FAILURES_MAX
    limits.begin_try("person 0", "10.0.0.2")


def test_one_machine_does_not_multiply_itself_by_ipv6(limits: SignInLimits) -> None:
    tried = tries_until_refused(lambda n: limits.begin_try(f"p{n}", f"2001:db8::{n:x}:1"))
    assert tried == ADDRESS_FAILURES_MAX
    limits.begin_try("p0", "2001:db8:0:1::1")
    mapped = tries_until_refused(lambda n: limits.begin_try(f"q{n}", f"::ffff:10.0.0.{1 + n % 2}"))
    assert mapped == 2 * ADDRESS_FAILURES_MAX
    with pytest.raises(TooManySignIns):
        limits.begin_try("maria", "10.0.0.1")


def test_the_same_name_typed_otherwise_is_the_same_account(limits: SignInLimits) -> None:
    spellings = ["maria", "MARIA", " Maria ", "\uff4daria"]
    tried = tries_until_refused(lambda n: limits.begin_try(spellings[n % 4], f"10.0.{n}.1"))
    assert tried == ACCOUNT_FAILURES_MAX


def test_the_refusal_says_when_and_not_whether_the_account_exists(
    limits: SignInLimits, clock: Clock
) -> None:
    for _ in range(ACCOUNT_FAILURES_MAX):
        limits.begin_try("maria", "10.0.0.1")
    clock.ms += 60_000
    with pytest.raises(TooManySignIns, match="Try again in 14 min") as refused:
        limits.begin_try("maria", "10.0.0.1")
    assert refused.value.wait_ms == WINDOW_MS - 60_000
    assert "maria" not in str(refused.value)


def test_a_refused_try_does_not_lengthen_the_wait(limits: SignInLimits, clock: Clock) -> None:
    for _ in range(ACCOUNT_FAILURES_MAX):
        limits.begin_try("maria", "10.0.0.1")
    for _ in range(20):
        clock.ms += 30_000
        with pytest.raises(TooManySignIns):
            limits.begin_try("maria", "10.0.0.1")
    clock.ms += WINDOW_MS - 20 * 30_000
    limits.begin_try("maria", "10.0.0.1")


def test_a_success_clears_the_account_and_leaves_the_address(limits: SignInLimits) -> None:
    for round_number in range(4):
        for _ in range(ACCOUNT_FAILURES_MAX - 1):
            limits.begin_try("maria", "10.0.0.1")
        limits.succeeded(limits.begin_try("maria", "10.0.0.1"))
        assert round_number < 4
    # Four rounds of nine failures from one address: four more tries and it is out.
    assert tries_until_refused(lambda n: limits.begin_try(f"p{n}", "10.0.0.1")) == 4


def test_tries_sent_at_once_are_counted_before_any_password_is_checked(
    limits: SignInLimits,
) -> None:
    tried = tries_until_refused(lambda _: limits.begin_try("maria", "10.0.0.1"))
    assert tried == ACCOUNT_FAILURES_MAX


def test_counts_survive_a_restart(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sessions.db"
    for _ in range(ACCOUNT_FAILURES_MAX):
        with BrowserSessions(path, clock) as sessions:
            SignInLimits(sessions.connection, clock).begin_try("maria", "10.0.0.1")
    with BrowserSessions(path, clock) as sessions, pytest.raises(TooManySignIns):
        SignInLimits(sessions.connection, clock).begin_try("maria", "10.0.0.1")


def test_a_clock_that_was_years_ahead_locks_nobody_out_for_years(
    limits: SignInLimits, clock: Clock
) -> None:
    clock.ms += 10**11
    for _ in range(ACCOUNT_FAILURES_MAX):
        limits.begin_try("maria", "10.0.0.1")
    clock.ms -= 10**11
    limits.begin_try("maria", "10.0.0.1")


def test_what_was_typed_is_not_kept(tmp_path: Path, clock: Clock) -> None:
    with BrowserSessions(tmp_path / "sessions.db", clock) as sessions:
        limits = SignInLimits(sessions.connection, clock)
        limits.begin_try("my secret passphrase", "10.0.0.1")
        limits.begin_try("\ud800" * 5_000, "no address")
        for each in tmp_path.iterdir():
            assert b"my secret" not in each.read_bytes()
