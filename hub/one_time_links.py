"""Links that let one person do one thing once: set up a new hub, or give an account a password.

A link's secret is a MAC over what it is for, so nothing is stored, and it dies by itself: a
password link names the stored password hash that it replaces, and the set-up link holds only while
there is no account. Holds no clock and no state. Invariant: a link cannot be made without the
hub's form secret, and none is good after it did its work or after its time.

Source: OWASP ASVS 5.0 §6.4.1-6.4.3 (first and renewed passwords by short-lived, single-use links).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from core.sentence import say

PASSWORD_LINK_LIFE_MS: Final = 24 * 60 * 60 * 1_000
"""An admin hands the link over by phone or on paper; a day covers a night shift."""
SET_UP_LINK_LIFE_MS: Final = 7 * 24 * 60 * 60 * 1_000
"""A hub may be installed on a Friday and set up the week after; a restart prints a new link."""
TOKEN_CHARACTERS_MAX: Final = 64
_TIME_BYTES: Final = 6
_MAC_BYTES: Final = 24
_START_AGAIN: Final = say("Start the hub again: it prints a new link.")
_ASK_AGAIN: Final = say("Ask an administrator of this hub for a new one.")


class LinkOver(Exception):
    """The link is damaged, was used, or is too old; the text says what to do."""


def set_up_token(secret: bytes, now_ms: int) -> str:
    """The last part of `/set-up/…`, good for seven days and while the site has no account."""
    return _token(secret, b"set up", b"", now_ms + SET_UP_LINK_LIFE_MS)


def check_set_up_token(secret: bytes, token: str, now_ms: int) -> None:
    """Raise LinkOver unless the token is right; that there is no account is for the caller."""
    _check(secret, b"set up", b"", token, now_ms, _START_AGAIN)


def password_token(secret: bytes, account: str, encoded: str, now_ms: int) -> str:
    """The last part of `/reset/<account>/…`, good for a day and for one new password.

    `account` is the account's id, `encoded` its stored password hash as it stands ("" for none).
    """
    return _token(secret, b"password", _subject(account, encoded), now_ms + PASSWORD_LINK_LIFE_MS)


def check_password_token(
    secret: bytes, account: str, encoded: str, token: str, now_ms: int
) -> None:
    """Raise LinkOver unless the token was made for this account and its present password."""
    _check(
        secret,
        b"password",
        _subject(account, encoded),
        token,
        now_ms,
        _ASK_AGAIN,
    )


def _subject(account: str, encoded: str) -> bytes:
    return account.encode("ascii", "replace") + b"\0" + encoded.encode("ascii", "replace")


def _token(secret: bytes, purpose: bytes, subject: bytes, until_ms: int) -> str:
    until = until_ms.to_bytes(_TIME_BYTES, "big")
    return base64.urlsafe_b64encode(until + _mac(secret, purpose, subject, until)).decode("ascii")


def _mac(secret: bytes, purpose: bytes, subject: bytes, until: bytes) -> bytes:
    text = b"\0".join((b"one-time link", purpose, until, subject))
    return hmac.new(secret, text, hashlib.sha256).digest()[:_MAC_BYTES]


def _check(
    secret: bytes, purpose: bytes, subject: bytes, token: str, now_ms: int, what_to_do: str
) -> None:
    try:
        data = base64.b64decode(token[:TOKEN_CHARACTERS_MAX], altchars=b"-_", validate=True)
    except ValueError:
        data = b""
    if base64.urlsafe_b64encode(data).decode("ascii") != token:
        data = b""  # A link has one spelling; the decoder knows others.
    until, mac = data[:_TIME_BYTES], data[_TIME_BYTES:]
    right = hmac.compare_digest(mac, _mac(secret, purpose, subject, until))
    if not right or now_ms >= int.from_bytes(until, "big"):
        raise LinkOver(
            say(
                "This link was used, is too old or is incomplete. {what_to_do}",
                what_to_do=what_to_do,
            )
        )
