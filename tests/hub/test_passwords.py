"""Passwords: what may be set, what matches, and that a flood of checks is bounded."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.passwords import (
    AT_ONCE_MAX,
    WAITING_MAX,
    BrokenPasswordHash,
    Cost,
    PasswordError,
    PasswordHasher,
    PasswordIsAccountName,
    PasswordNotText,
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    TooManyPasswordChecks,
    check_password_policy,
    hash_password,
    needs_rehash,
    password_matches,
)

CHEAP = Cost(memory_kib=64, passes=1, lanes=1)
SALT = bytes(range(16))
GOOD = "seven brown ladders"


def test_a_right_password_matches_and_a_wrong_one_does_not() -> None:
    encoded = hash_password(GOOD, SALT)
    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$")
    assert password_matches(encoded, GOOD)
    assert not password_matches(encoded, GOOD + " ")
    assert not password_matches(encoded, "")
    assert not needs_rehash(encoded)


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.text(max_size=40))
def test_only_the_same_text_matches(password: str, other: str) -> None:
    encoded = hash_password(password, SALT, CHEAP)
    assert password_matches(encoded, password)
    if password_matches(encoded, other):
        # Only another spelling of the same characters may match.
        assert hash_password(other, SALT, CHEAP) == encoded


def test_one_password_typed_on_two_keyboards_is_one_password() -> None:
    composed, decomposed = "Gerätehaus öffnen", "Gera\u0308tehaus o\u0308ffnen"
    assert composed != decomposed
    assert password_matches(hash_password(composed, SALT, CHEAP), decomposed)


def test_two_salts_give_two_hashes() -> None:
    assert hash_password(GOOD, SALT, CHEAP) != hash_password(GOOD, SALT[::-1], CHEAP)


def test_a_hash_of_another_cost_still_matches_and_wants_to_be_made_anew() -> None:
    encoded = hash_password(GOOD, SALT, CHEAP)
    assert password_matches(encoded, GOOD)
    assert needs_rehash(encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "secret",
        "$argon2i$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "$argon2id$v=19$m=9999999,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "$argon2id$v=19$m=64,t=999,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "$argon2id$v=19$m=8,t=1,p=4$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43,
        "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0OD$" + "A" * 43,
        "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 43 + "\n",
        "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$" + "A" * 5_000,
    ],
)
def test_a_stored_hash_that_is_damaged_or_greedy_is_refused_before_any_work(encoded: str) -> None:
    with pytest.raises(BrokenPasswordHash, match="set a new one"):
        password_matches(encoded, GOOD)
    with pytest.raises(BrokenPasswordHash, match="set a new one"):
        needs_rehash(encoded)


@pytest.mark.parametrize(
    ("password", "error"),
    [
        ("short 7", PasswordTooShort),
        ("x" * 129, PasswordTooLong),
        ("x" * 1_000_000, PasswordTooLong),
        ("password", PasswordTooCommon),
        ("Password123!", PasswordTooCommon),
        ("2024sommer", PasswordTooCommon),
        ("12345678", PasswordTooCommon),
        ("87654321", PasswordTooCommon),
        ("19701231", PasswordTooCommon),
        ("aaaaaaaaaa", PasswordTooCommon),
        ("abababab", PasswordTooCommon),
        ("qwertzuiop", PasswordTooCommon),
        ("dispatcher", PasswordTooCommon),
        ("Maria.Lopez", PasswordIsAccountName),
        ("maria.lopez@example.org", PasswordIsAccountName),
    ],
)
def test_a_poor_password_is_refused_by_name(password: str, error: type[PasswordError]) -> None:
    with pytest.raises(error):
        check_password_policy(password, "maria.lopez@example.org")


@pytest.mark.parametrize("password", [GOOD, "x7!kP2#q", "Ünïcödé Wörter", "修理工場の鍵は青い色"])
def test_a_good_password_of_any_script_is_taken(password: str) -> None:
    check_password_policy(password, "maria")
    check_password_policy(password, "")


def test_half_a_character_cannot_be_set_and_never_matches() -> None:
    with pytest.raises(PasswordNotText):
        hash_password("broken \ud800 text", SALT, CHEAP)
    assert not password_matches(hash_password(GOOD, SALT, CHEAP), "broken \ud800 text")


async def test_an_unknown_account_costs_the_same_work_and_never_matches() -> None:
    salts: list[int] = []

    def random_bytes(size: int) -> bytes:
        salts.append(size)
        return bytes(size)

    async with PasswordHasher(random_bytes) as hasher:
        encoded = await hasher.hash(GOOD)
        assert await hasher.matches(encoded, GOOD)
        assert not await hasher.matches(encoded, "another one")
        assert not await hasher.matches(None, GOOD)
    assert salts == [16, 32, 16]


async def test_two_hashes_of_one_password_differ() -> None:
    async with PasswordHasher() as hasher:
        assert await hasher.hash(GOOD) != await hasher.hash(GOOD)


async def test_a_flood_of_checks_is_turned_away_and_the_line_empties() -> None:
    encoded = hash_password(GOOD, SALT, CHEAP)
    async with PasswordHasher() as hasher:
        answers = await asyncio.gather(
            *(hasher.matches(encoded, GOOD) for _ in range(AT_ONCE_MAX + WAITING_MAX + 7)),
            return_exceptions=True,
        )
        turned_away = [each for each in answers if isinstance(each, TooManyPasswordChecks)]
        assert len(turned_away) == 7
        assert answers.count(True) == AT_ONCE_MAX + WAITING_MAX
        assert await hasher.matches(encoded, GOOD)


async def test_a_cancelled_check_still_leaves_the_line() -> None:
    encoded = hash_password(GOOD, SALT, CHEAP)
    async with PasswordHasher() as hasher:
        for _ in range(2 * (AT_ONCE_MAX + WAITING_MAX)):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await hasher.matches(encoded, GOOD)
            assert await hasher.matches(encoded, GOOD)
