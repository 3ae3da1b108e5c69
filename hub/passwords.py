"""Passwords of the people who sign in with a browser: the policy, the hashing, the checking.

Holds Argon2id in the PHC string form (parameters, salt and hash in one text), so that the cost can
be raised later and old hashes still verify. It holds no accounts and no sessions.

Invariant: at most `AT_ONCE_MAX` hashes are being computed, whatever arrives, so that a flood of
sign-ins costs a bounded amount of memory; and checking a password for an account that does not
exist takes the work of one that does.

Sources: OWASP ASVS 5.0 §6.2 and §11.4.2; RFC 9106 (Argon2); NIST SP 800-63B §3.1.1.2 (length before
composition, Unicode normalised first).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeVar

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from core.sentence import say

CHARACTERS_MIN: Final = 8
CHARACTERS_MAX: Final = 128
"""A passphrase of a dozen words fits; a megabyte to be normalised and hashed does not."""

AT_ONCE_MAX: Final = 2
"""Two hashes hold 38 MiB and the two cores of a small hub for some 50 ms."""
WAITING_MAX: Final = 32
"""Whoever stands behind 32 others would wait about a second; they are told to come back."""

_Result = TypeVar("_Result")

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
_ENCODED_CHARACTERS_MAX: Final = 256
_TOO_LONG: Final = say("A password has at most {n} characters.", n=CHARACTERS_MAX)


class PasswordError(ValueError):
    """A password, or the stored hash of one, cannot be used; the text says why."""


class PasswordTooShort(PasswordError):
    """It has fewer than eight characters."""


class PasswordTooLong(PasswordError):
    """It has more than 128 characters."""


class PasswordTooCommon(PasswordError):
    """It is one of the first that anybody would try."""


class PasswordIsAccountName(PasswordError):
    """It is the name of the account."""


class PasswordNotText(PasswordError):
    """It holds half a character (a lone surrogate), so two browsers could encode it differently."""


class BrokenPasswordHash(PasswordError):
    """A stored hash does not parse, or asks for more work than this hub does."""


class TooManyPasswordChecks(Exception):
    """So many passwords wait to be checked that this one is not taken; try again in a second."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs: memory in KiB, passes over it, and lanes."""

    memory_kib: int
    passes: int
    lanes: int


COST: Final = Cost(memory_kib=19_456, passes=2, lanes=1)
_COST_MAX: Final = Cost(memory_kib=262_144, passes=16, lanes=4)

_ENCODED: Final = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]{0,2}),p=([1-9][0-9]?)"
    r"\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,86})\Z"
)


def check_password_policy(password: str, account_name: str) -> None:
    """Raise the PasswordError that says why this password cannot be set for this account.

    8 to 128 characters after Unicode normalisation; no rules of composition; not among the common
    ones, with or without digits and signs at its end; not the account's name (or the part of it
    before an @).
    """
    plain = _normalised(password)
    if len(plain) < CHARACTERS_MIN:
        raise PasswordTooShort(
            say(
                "A password needs {n} characters or more; three or four words make a good one.",
                n=CHARACTERS_MIN,
            )
        )
    if len(plain) > CHARACTERS_MAX:
        raise PasswordTooLong(_TOO_LONG)
    folded = plain.casefold()
    name = unicodedata.normalize("NFKC", account_name).casefold().strip()
    if name and folded in (name, name.partition("@")[0]):
        raise PasswordIsAccountName(say("A password must not be the name of the account."))
    if _is_common(folded):
        raise PasswordTooCommon(
            say(
                "This password is among the first that a stranger would try; three or four words "
                "that do not belong together make a good one."
            )
        )


def _is_common(folded: str) -> bool:
    if len(set(folded)) <= 2 or _is_run(folded):
        return True
    stem = folded.strip("0123456789!?.,;:-_+*#$%&@ ")
    return folded in _COMMON_WORDS or stem in _COMMON_WORDS or stem == ""


def _is_run(folded: str) -> bool:
    """Whether it is a walk along the alphabet, the digits or a row of keys, in either direction."""
    return any(folded in row or folded[::-1] in row for row in _ROWS)


def _normalised(password: str) -> str:
    if len(password) > 4 * CHARACTERS_MAX:
        raise PasswordTooLong(_TOO_LONG)
    return unicodedata.normalize("NFKC", password)


def _password_bytes(password: str) -> bytes:
    try:
        return _normalised(password).encode("utf-8")
    except UnicodeEncodeError:
        raise PasswordNotText(
            say("This password holds a character that no keyboard makes; type it again.")
        ) from None


def hash_password(password: str, salt: bytes, cost: Cost = COST) -> str:
    """The text to be stored: `$argon2id$v=19$m=...,t=...,p=...$salt$hash`.

    `salt` is 16 random bytes. Takes some 25 ms and 19 MiB; see `PasswordHasher` for use in a
    running hub. Raises PasswordTooLong or PasswordNotText.
    """
    derived = _derive(_password_bytes(password), salt, cost, HASH_BYTES)
    return _encode(cost, salt, derived)


def password_matches(encoded: str, password: str) -> bool:
    """Whether `password` is the one that `encoded` was made of, in constant time.

    Raises BrokenPasswordHash when `encoded` is no hash of ours.
    """
    cost, salt, expected = _decode(encoded)
    try:
        plain = _password_bytes(password)
    except PasswordError:
        return False
    return hmac.compare_digest(_derive(plain, salt, cost, len(expected)), expected)


def needs_rehash(encoded: str) -> bool:
    """Whether it was made at another cost than today's, so that a new one should replace it.

    Ask after a password matched, when the password is at hand. Raises BrokenPasswordHash.
    """
    cost, salt, expected = _decode(encoded)
    return cost != COST or len(salt) != SALT_BYTES or len(expected) != HASH_BYTES


def _derive(password: bytes, salt: bytes, cost: Cost, length: int) -> bytes:
    return Argon2id(
        salt=salt,
        length=length,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    ).derive(password)


def _encode(cost: Cost, salt: bytes, derived: bytes) -> str:
    return (
        f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}"
        f"${_to_base64(salt)}${_to_base64(derived)}"
    )


def _decode(encoded: str) -> tuple[Cost, bytes, bytes]:
    # The limits are checked before anything is allocated: a stored text must not order gigabytes.
    match = _ENCODED.match(encoded) if len(encoded) <= _ENCODED_CHARACTERS_MAX else None
    if match is None:
        raise BrokenPasswordHash(
            "The stored password of this account is damaged; set a new one for it."
        )
    cost = Cost(int(match[1]), int(match[2]), int(match[3]))
    if (
        cost.memory_kib > _COST_MAX.memory_kib
        or cost.passes > _COST_MAX.passes
        or cost.lanes > _COST_MAX.lanes
        or cost.memory_kib < 8 * cost.lanes
    ):
        raise BrokenPasswordHash(
            "The stored password of this account asks for more work than this hub does; set a new "
            "one for it."
        )
    try:
        return cost, _from_base64(match[4]), _from_base64(match[5])
    except binascii.Error:
        raise BrokenPasswordHash(
            "The stored password of this account is damaged; set a new one for it."
        ) from None


def _to_base64(value: bytes) -> str:
    return base64.b64encode(value).rstrip(b"=").decode("ascii")


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


class PasswordHasher:
    """Hashes and checks passwords beside the event loop, two at once and 32 in line.

    An `async with` owner; `random_bytes` gives salts.
    """

    def __init__(self, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._random_bytes = random_bytes
        self._in_line = 0
        # The pool is the semaphore: a cancelled request still counts until its hash is done.
        self._threads = ThreadPoolExecutor(AT_ONCE_MAX, thread_name_prefix="password")
        # What is checked in place of an account that does not exist; nobody knows a password of it.
        self._decoy = _encode(COST, random_bytes(SALT_BYTES), random_bytes(HASH_BYTES))

    async def __aenter__(self) -> Self:
        """Nothing to start: threads come with the first hash."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the hashes that run end, and drop those in line."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The text to be stored for `password`. Raises PasswordError, TooManyPasswordChecks."""
        return await self._beside(hash_password, password, self._random_bytes(SALT_BYTES))

    async def matches(self, encoded: str | None, password: str) -> bool:
        """Whether `password` is right; pass None for an account that does not exist.

        For None the same work is done and the answer is False. Raises BrokenPasswordHash,
        TooManyPasswordChecks.
        """
        right = await self._beside(password_matches, encoded or self._decoy, password)
        return right and encoded is not None

    async def _beside(self, work: Callable[..., _Result], *arguments: object) -> _Result:
        if self._in_line >= AT_ONCE_MAX + WAITING_MAX:
            raise TooManyPasswordChecks(
                say("Many people sign in at this moment; try again in a few seconds.")
            )
        future = self._threads.submit(work, *arguments)
        self._in_line += 1
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._left_line))
        return await asyncio.shield(asyncio.wrap_future(future))

    def _left_line(self) -> None:
        self._in_line -= 1


_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6z7u8i9o0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujmikolp",
)

_COMMON_TEXT: Final = """
    access admin administrator adminadmin asdfasdf autumn baseball basketball batman beautiful
    bonjour butterfly changeme changeit charlie chocolate company computer cookie default demo
    dispatch dispatcher dispatching donald dragon driver einstein fieldlog flower football freedom
    geheim guest hallohallo heslo hello hellohello hockey homework iloveyou iloveu internet jennifer
    jessica jordan killer letmein letmeinnow login lovely manager master maverick merlin michael
    michelle monday monkey mustang nicole ninja nothing office parola parool passphrase passw0rd
    passwd password passwordpassword passwort p@ssword p@ssw0rd pa$$word pa$$w0rd pepper phone
    pokemon princess private purple qwerty qwertyqwerty qwer asdf richard robert root samsung
    samantha sample secret secretsecret secure security server service shadow skywalker soccer
    sommer spring starwars summer sunshine superman superuser support system technician temp
    temporary test testing testtest thomas tigger trustno trustnoone user username vehicle
    welcome welcomewelcome whatever william wilkommen willkommen winter wordpass worker yellow
    zaq1zaq1 zxcvbn
"""
_COMMON_WORDS: Final = frozenset(_COMMON_TEXT.split())
