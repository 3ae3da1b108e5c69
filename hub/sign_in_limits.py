"""How often a sign-in may be tried, for one account and from one address.

Holds counts of failures, beside the browser sessions and in the same file, so that a restart gives
a guesser nothing. It does not know whether an account exists: a name that nobody has is counted
and answered as any other, so the limit tells nobody which names are real.

Invariant: a try is counted before its password is looked at, so that a hundred tries sent at once
are not more than a hundred tries sent one after another.

Source: OWASP ASVS 5.0 §6.3.1 and §6.3.8.
"""

from __future__ import annotations

import hashlib
import sqlite3
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from core.sentence import say
from hub.origins import origin_of

WINDOW_MS: Final = 15 * 60 * 1_000
ACCOUNT_FAILURES_MAX: Final = 10
"""A person mistypes three times; at 960 guesses a day even a poor password stands for years."""
ADDRESS_FAILURES_MAX: Final = 40
"""An office behind one address has many people who mistype on a Monday morning."""
FAILURES_KEPT_MAX: Final = 100_000
"""Some 6 MB of file; the oldest go first when many addresses flood the hub."""


class TooManySignIns(Exception):
    """This account or address has used up its tries; `wait_ms` says when the next is taken.

    Its text is the same for real and unknown accounts.
    """

    def __init__(self, wait_ms: int) -> None:
        self.wait_ms = wait_ms
        minutes = -(-wait_ms // 60_000)
        super().__init__(
            say(
                "The name or the password is not right, or there were too many tries. Try again in "
                "{minutes} min.",
                minutes=minutes,
            )
        )


@dataclass(frozen=True, slots=True)
class SignInTry:
    """A try, counted as a failure until `SignInLimits.succeeded` takes it back."""

    rows: tuple[int, ...]
    account_subject: bytes


class SignInLimits:
    """Counts tries in `connection`, that of `BrowserSessions`, by the hub's clock `now_ms`."""

    def __init__(self, connection: sqlite3.Connection, now_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._now_ms = now_ms

    def begin_try(self, account_name: str, address: str) -> SignInTry:
        """Count a try before its password is looked at. Raises TooManySignIns, counting nothing.

        `account_name` is what was typed; `address` is the IP address it came from. IPv6 addresses
        count by their /64, of which one machine owns all.
        """
        now_ms = self._now_ms()
        account, origin = _account_subject(account_name), _address_subject(address)
        with self._connection:
            # A row from the future, of a clock that was wrong, would lock people out until then.
            self._connection.execute(
                "delete from sign_in_failure where at_ms <= ? or at_ms > ?",
                (now_ms - WINDOW_MS, now_ms),
            )
            wait_ms = max(
                self._wait_ms(account, ACCOUNT_FAILURES_MAX, now_ms),
                self._wait_ms(origin, ADDRESS_FAILURES_MAX, now_ms),
            )
            if wait_ms > 0:
                raise TooManySignIns(wait_ms)
            rows = tuple(self._count(subject, now_ms) for subject in (account, origin))
            self._connection.execute(
                "delete from sign_in_failure where rowid in (select rowid from sign_in_failure"
                " order by at_ms desc limit -1 offset ?)",
                (FAILURES_KEPT_MAX,),
            )
        return SignInTry(rows, account)

    def succeeded(self, attempt: SignInTry) -> None:
        """Take a try back, and with it the account's failures: its owner has the password.

        The address keeps its other failures, or a guesser with an account of their own could wash
        them away.
        """
        with self._connection:
            self._connection.execute(
                "delete from sign_in_failure where subject = ?", (attempt.account_subject,)
            )
            self._connection.executemany(
                "delete from sign_in_failure where rowid = ?", [(row,) for row in attempt.rows]
            )

    def _count(self, subject: bytes, now_ms: int) -> int:
        row = self._connection.execute(
            "insert into sign_in_failure values (?, ?)", (subject, now_ms)
        ).lastrowid
        assert row is not None
        return row

    def _wait_ms(self, subject: bytes, failures_max: int, now_ms: int) -> int:
        """How long until fewer than `failures_max` failures lie in the window; 0 for now."""
        row = self._connection.execute(
            "select at_ms from sign_in_failure where subject = ? order by at_ms desc limit 1"
            " offset ?",
            (subject, failures_max - 1),
        ).fetchone()
        return 0 if row is None else int(row[0]) + WINDOW_MS - now_ms


def _account_subject(name: str) -> bytes:
    folded = unicodedata.normalize("NFKC", name[:1_000]).casefold().strip()
    return _subject(b"account", folded)


def _address_subject(address: str) -> bytes:
    return _subject(b"address", origin_of(address))


def _subject(kind: bytes, text: str) -> bytes:
    # Hashed, so that the file keeps no list of what people typed where the name goes; now and then
    # that is their password.
    packed = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(packed, digest_size=16, person=kind).digest()
