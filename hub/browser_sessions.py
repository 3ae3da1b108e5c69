"""Who is signed in with a browser: login cookies, kept in a file of this hub's own.

Holds the sessions (as hashes of their ids, so that a stolen file signs nobody in) and the secret
under which forms are protected. It holds no passwords and no rights, and nothing of it is
replicated: another hub asks people to sign in again. Limits on signing in are in
`hub.sign_in_limits`, which keeps its counts in the same file.

Invariant: a session ends twelve hours after it was last used, thirty days after it began, when its
account is signed out everywhere, or when it is signed out; whichever comes first, and for good.

Source: OWASP ASVS 5.0 §7.2-7.4.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

IDLE_MS_MAX: Final = 12 * 60 * 60 * 1_000
AGE_MS_MAX: Final = 30 * 24 * 60 * 60 * 1_000
SESSIONS_PER_ACCOUNT_MAX: Final = 50
"""More browsers than a person has; the one used longest ago is signed out for a new one."""

ID_BYTES: Final = 32
_ID_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_AGENT_CHARACTERS_MAX: Final = 200
_ADDRESS_CHARACTERS_MAX: Final = 64
_TOUCH_EVERY_MS: Final = 60 * 1_000
# A session begun further in the future than this was begun under a clock that was wrong; were it
# kept, it would live until that time comes.
_CLOCK_SLACK_MS: Final = 5 * 60 * 1_000

_FILE_VERSION: Final = 1
_SCHEMA: Final = """
create table session (
    id_hash    blob    primary key,  -- SHA-256 of the id that the cookie carries
    account    text    not null,     -- whose it is, by the account's id
    began_ms   integer not null,     -- when it was opened, by this hub's clock
    used_ms    integer not null,     -- when it was last used, to within a minute
    address    text    not null,     -- from where it was opened, shown to its owner
    agent      text    not null      -- what browser said it was, shown to its owner
) without rowid;
create index session_of_account on session (account, used_ms);
create table sign_in_failure (
    subject    blob    not null,     -- hash of an account's name or of an address
    at_ms      integer not null      -- when a sign-in for it was begun and did not succeed
);
create index failure_of_subject on sign_in_failure (subject, at_ms);
create index failure_by_age on sign_in_failure (at_ms);
create table secret (
    name       text    primary key,  -- what it is for
    value      blob    not null      -- 32 random bytes, made with the file
) without rowid;
"""


class SessionFileError(Exception):
    """The file of browser sessions cannot be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A browser that is signed in. `public_id` names it in lists and gives nobody entry."""

    account: str
    public_id: str
    began_ms: int
    used_ms: int
    address: str
    agent: str


class BrowserSessions:
    """The sessions of this hub, in one SQLite file; used from one thread.

    `now_ms` is the hub's clock, `random_bytes` where ids come from. An owner closes it with `with`.
    """

    def __init__(
        self,
        path: Path,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._now_ms = now_ms
        self._random_bytes = random_bytes
        self.connection = _open_file(path, random_bytes)

    def __enter__(self) -> Self:
        """The sessions themselves; the file is open from the beginning."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; the sessions in it stay."""
        self.connection.close()

    @property
    def form_secret(self) -> bytes:
        """32 bytes that stay the same for this file: the key of `hub.guard`'s form tokens."""
        row = self.connection.execute("select value from secret where name = 'form'").fetchone()
        value: bytes = row[0]
        return value

    def begin(self, account: str, address: str, agent: str, replaces: str | None = None) -> str:
        """Sign a browser in: returns the id that its cookie is to carry (43 characters).

        The id is new at each sign-in, and the session that the browser held before (`replaces`, the
        old cookie's text as it came) ends, so that no id planted beforehand becomes valid.
        """
        session_id = _id_text(self._random_bytes(ID_BYTES))
        now_ms = self._now_ms()
        with self.connection:
            if replaces is not None:
                self._delete(replaces)
            self.connection.execute(
                "delete from session where id_hash in (select id_hash from session"
                " where account = ? order by used_ms desc limit -1 offset ?)",
                (account, SESSIONS_PER_ACCOUNT_MAX - 1),
            )
            self.connection.execute(
                "insert into session values (?, ?, ?, ?, ?, ?)",
                (
                    _hashed(session_id),
                    account,
                    now_ms,
                    now_ms,
                    address[:_ADDRESS_CHARACTERS_MAX],
                    agent[:_AGENT_CHARACTERS_MAX],
                ),
            )
        return session_id

    def find(self, session_id: str) -> BrowserSession | None:
        """The session that a cookie names, or None if none such still lives; marks its use.

        `session_id` is what the cookie said, of whatever length and shape.
        """
        found, now_ms = self._read(session_id), self._now_ms()
        if found is None:
            return None
        id_hash = _hashed(session_id)
        # A full disk refuses the mark; that must not keep anybody from reading.
        if not _lives(found, now_ms):
            with contextlib.suppress(sqlite3.OperationalError), self.connection:
                self.connection.execute("delete from session where id_hash = ?", (id_hash,))
            return None
        if abs(now_ms - found.used_ms) >= _TOUCH_EVERY_MS:
            with contextlib.suppress(sqlite3.OperationalError), self.connection:
                self.connection.execute(
                    "update session set used_ms = ? where id_hash = ?", (now_ms, id_hash)
                )
        return found

    def lives(self, session_id: str) -> bool:
        """Whether a session is signed in, without counting it as used: a page left open asks."""
        found = self._read(session_id)
        return found is not None and _lives(found, self._now_ms())

    def _read(self, session_id: str) -> BrowserSession | None:
        if _ID_TEXT.match(session_id) is None:
            return None
        row = self.connection.execute(
            "select account, id_hash, began_ms, used_ms, address, agent from session"
            " where id_hash = ?",
            (_hashed(session_id),),
        ).fetchone()
        return None if row is None else _session_of(row)

    def end(self, session_id: str) -> None:
        """Sign this browser out. One that is not signed in stays so."""
        with self.connection:
            self._delete(session_id)

    def end_all(self, account: str, but: str | None = None) -> int:
        """Sign the account out everywhere (`but` in the browser with this id); returns how often.

        To be called when an account is closed, and when its password or its rights change.
        """
        kept = _hashed(but) if but is not None else b""
        with self.connection:
            return self.connection.execute(
                "delete from session where account = ? and id_hash <> ?", (account, kept)
            ).rowcount

    def end_one(self, account: str, public_id: str) -> bool:
        """Sign out the one that its owner chose from the list; False if it was none of theirs."""
        for row in self._rows_of(account):
            if _session_of(row).public_id == public_id:
                with self.connection:
                    self.connection.execute("delete from session where id_hash = ?", (row[1],))
                return True
        return False

    def of_account(self, account: str) -> list[BrowserSession]:
        """The account's living sessions, the last used first."""
        now_ms = self._now_ms()
        found = [_session_of(row) for row in self._rows_of(account)]
        return [each for each in found if _lives(each, now_ms)]

    def forget_ended(self) -> int:
        """Delete what no longer lives; returns how many. To be called now and then."""
        now_ms = self._now_ms()
        with self.connection:
            return self.connection.execute(
                "delete from session where used_ms <= ? or began_ms <= ? or began_ms > ?",
                (now_ms - IDLE_MS_MAX, now_ms - AGE_MS_MAX, now_ms + _CLOCK_SLACK_MS),
            ).rowcount

    def _rows_of(self, account: str) -> list[tuple[str, bytes, int, int, str, str]]:
        return self.connection.execute(
            "select account, id_hash, began_ms, used_ms, address, agent from session"
            " where account = ? order by used_ms desc, id_hash",
            (account,),
        ).fetchall()

    def _delete(self, session_id: str) -> None:
        self.connection.execute("delete from session where id_hash = ?", (_hashed(session_id),))


def _lives(session: BrowserSession, now_ms: int) -> bool:
    return (
        now_ms - session.used_ms < IDLE_MS_MAX
        and -_CLOCK_SLACK_MS <= now_ms - session.began_ms < AGE_MS_MAX
    )


def _session_of(row: tuple[str, bytes, int, int, str, str]) -> BrowserSession:
    account, id_hash, began_ms, used_ms, address, agent = row
    return BrowserSession(account, id_hash[:8].hex(), began_ms, used_ms, address, agent)


def _id_text(id_bytes: bytes) -> str:
    return base64.urlsafe_b64encode(id_bytes).rstrip(b"=").decode("ascii")


def _hashed(session_id: str) -> bytes:
    # The id has 256 random bits, so a plain hash cannot be turned round by guessing.
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()


def _open_file(path: Path, random_bytes: Callable[[int], bytes]) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made with the mode of a secret before SQLite opens it; its side files take the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path)
    try:
        _prepare(connection, path, random_bytes)
    except sqlite3.DatabaseError as wrong:
        connection.close()
        raise SessionFileError(
            f"{path} is damaged ({wrong}). Move it away and start again: a new one is made, and "
            "everybody signs in anew."
        ) from wrong
    except SessionFileError:
        connection.close()
        raise
    return connection


def _prepare(
    connection: sqlite3.Connection, path: Path, random_bytes: Callable[[int], bytes]
) -> None:
    # Here, unlike in the store, a power cut may cost the last seconds: somebody signs in again.
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute("pragma secure_delete = on")
    (version,) = connection.execute("pragma user_version").fetchone()
    if version > _FILE_VERSION:
        raise SessionFileError(
            f"{path} was made by a newer version of Fieldlog. Install that version, or move the "
            "file away, and everybody signs in anew."
        )
    if version == 0:
        connection.executescript(f"begin; {_SCHEMA} pragma user_version = {_FILE_VERSION}; commit;")
    with connection:
        connection.execute(
            "insert into secret values ('form', ?) on conflict do nothing", (random_bytes(32),)
        )
