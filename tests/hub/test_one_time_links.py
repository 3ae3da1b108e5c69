"""Links that do one thing once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import one_time_links as links

SECRET = b"s" * 32
ACCOUNT = "00112233aabbccdd"
HASH = "$argon2id$v=19$m=64,t=1,p=1$AAAA$BBBB"
NOW_MS = 1_795_431_600_000


def test_a_password_link_is_good_for_its_account_until_its_time() -> None:
    token = links.password_token(SECRET, ACCOUNT, HASH, NOW_MS)
    last_ms = NOW_MS + links.PASSWORD_LINK_LIFE_MS - 1
    links.check_password_token(SECRET, ACCOUNT, HASH, token, last_ms)
    with pytest.raises(links.LinkOver):
        links.check_password_token(SECRET, ACCOUNT, HASH, token, last_ms + 1)


def test_a_password_link_dies_with_the_password_it_replaces() -> None:
    token = links.password_token(SECRET, ACCOUNT, HASH, NOW_MS)
    with pytest.raises(links.LinkOver, match="Ask an administrator"):
        links.check_password_token(SECRET, ACCOUNT, HASH + "C", token, NOW_MS)


def test_a_link_is_good_for_nothing_else() -> None:
    password = links.password_token(SECRET, ACCOUNT, "", NOW_MS)
    set_up = links.set_up_token(SECRET, NOW_MS)
    with pytest.raises(links.LinkOver):
        links.check_set_up_token(SECRET, password, NOW_MS)
    with pytest.raises(links.LinkOver):
        links.check_password_token(SECRET, ACCOUNT, "", set_up, NOW_MS)
    with pytest.raises(links.LinkOver):
        links.check_set_up_token(b"another hub's secret", set_up, NOW_MS)


@given(st.integers(0, 39), st.characters(codec="ascii"))
def test_a_link_with_one_other_character_is_over(place: int, character: str) -> None:
    token = links.set_up_token(SECRET, NOW_MS)
    changed = token[:place] + character + token[place + 1 :]
    if changed != token:
        with pytest.raises(links.LinkOver):
            links.check_set_up_token(SECRET, changed, NOW_MS)


@given(st.text(max_size=100))
def test_any_text_is_judged(token: str) -> None:
    with pytest.raises(links.LinkOver):
        links.check_set_up_token(SECRET, token, NOW_MS)
