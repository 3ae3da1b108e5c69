"""The site's private key: as it is founded, or under a passphrase with a recovery code.

It certifies hubs and nothing else, so a hub at work never needs it: only a second hub, and a hub
that was restored, do. Whoever has it can act as the site, and it lies in each backup; under a
passphrase neither the disk nor a backup gives it away. Holds no certificates. Invariant: a file of
the key is replaced only by one that was opened again by both secrets.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from core.log.canonical import pack, unpack
from core.log.errors import LogError
from replica.identity import SITE_KEY_FILE, IdentityError, load_key, public_bytes, write_private
from replica.pairing import MalformedCode, code_from_entropy, entropy_from_code

MAGIC = b"FLSITEK1"

# 128 MB and some tenths of a second: what OWASP's password storage sheet asks of scrypt. The number
# stands in the file, within limits, so that it can grow.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
SCRYPT_N_MAX = 2**20

# A passphrase is typed once in years; length is what makes it good.
PASSPHRASE_LETTERS_MIN, PASSPHRASE_LETTERS_MAX = 12, 256

_SALT_BYTES, _CODE_BYTES = 16, 20
_FILE_BYTES_MAX = 1_024


class SiteKeyLocked(IdentityError):
    """The site's key is under a passphrase that was not given, or is another one."""


class WeakPassphrase(IdentityError):
    """The passphrase is too short or too long to be one."""


def is_locked(folder: Path) -> bool:
    """Whether the site's key in `folder` is under a passphrase."""
    path = folder / SITE_KEY_FILE
    return path.exists() and path.read_bytes()[: len(MAGIC)] == MAGIC


def open_site_key(folder: Path, secret: str = "") -> Ed25519PrivateKey:
    """The site's key in `folder`, which is there; `secret` is its passphrase or recovery code.

    Raises:
        SiteKeyLocked: it is under a passphrase, and this is not it.
        IdentityError: the file is no key.
    """
    path = folder / SITE_KEY_FILE
    if not is_locked(folder):
        return load_key(path)
    if not secret:
        raise SiteKeyLocked(
            "the site's key is under a passphrase: give it, or the recovery code, in a file with "
            "--secret-file, or where it is asked for"
        )
    try:
        site, cost, salt, by_passphrase, by_code = unpack(path.read_bytes()[len(MAGIC) :])
        n, r, p = cost
        if not 1 < n <= SCRYPT_N_MAX or n & (n - 1) or (r, p) != (SCRYPT_R, SCRYPT_P):
            raise ValueError("the cost is none of ours")
        seed = _opened(_key_of_code(secret), by_code, site)
        if seed is None:
            seed = _opened(_key_of_passphrase(secret, salt, n), by_passphrase, site)
        key = None if seed is None else Ed25519PrivateKey.from_private_bytes(seed)
    except (LogError, ValueError, TypeError) as error:
        raise IdentityError(f"{path} is damaged: {error}; restore it from a backup") from error
    if key is None:
        raise SiteKeyLocked(
            "that is neither the passphrase of the site's key nor its recovery code; nothing was "
            "changed"
        )
    if public_bytes(key) != site:
        raise IdentityError(f"{path} is damaged; restore it from a backup")
    return key


def lock_site_key(
    folder: Path, passphrase: str, entropy: Callable[[int], bytes], secret: str = ""
) -> str:
    """Put the site's key under a passphrase; returns its recovery code, which is kept nowhere.

    One that is locked already is opened by `secret` and gets a new passphrase and a new code.

    Raises:
        WeakPassphrase, SiteKeyLocked, IdentityError: nothing was changed.
    """
    plain = _normal(passphrase)
    if not PASSPHRASE_LETTERS_MIN <= len(plain) <= PASSPHRASE_LETTERS_MAX:
        raise WeakPassphrase(
            f"a passphrase has {PASSPHRASE_LETTERS_MIN} to {PASSPHRASE_LETTERS_MAX} letters; take "
            "several words that nobody would put together"
        )
    key = open_site_key(folder, secret)
    salt, random = entropy(_SALT_BYTES), entropy(_CODE_BYTES)
    half = _CODE_BYTES // 2
    code = f"{code_from_entropy(random[:half])}-{code_from_entropy(random[half:])}"
    site, seed = public_bytes(key), key.private_bytes_raw()
    boxes = [
        ChaCha20Poly1305(box_key).encrypt(bytes(12), seed, site)
        for box_key in (_key_of_passphrase(plain, salt, SCRYPT_N), _key_of_code(code))
        if box_key is not None
    ]
    data = MAGIC + pack([site, [SCRYPT_N, SCRYPT_R, SCRYPT_P], salt, *boxes])
    draft = folder / f"{SITE_KEY_FILE}.locking"
    draft.mkdir(mode=0o700, exist_ok=True)
    try:
        write_private(draft / SITE_KEY_FILE, data)
        for each in (passphrase, code):
            open_site_key(draft, each)
        write_private(folder / SITE_KEY_FILE, data)
    finally:
        (draft / SITE_KEY_FILE).unlink(missing_ok=True)
        draft.rmdir()
    return code


def _opened(key: bytes | None, box: bytes, site: bytes) -> bytes | None:
    if key is None:
        return None
    try:
        # Each box has a key of its own, so its nonce may be all zeros.
        return ChaCha20Poly1305(key).decrypt(bytes(12), box, site)
    except InvalidTag:
        return None


def _normal(text: str) -> str:
    """A passphrase as it counts: the same letters typed on another keyboard are the same."""
    return unicodedata.normalize("NFKC", text).strip()


def _key_of_passphrase(text: str, salt: bytes, n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=SCRYPT_R, p=SCRYPT_P).derive(
        _normal(text).encode("utf-8")
    )


def _key_of_code(text: str) -> bytes | None:
    """The key of a recovery code, None where the text is none."""
    letters = [each for each in text if each.isalnum()]
    half = len(letters) // 2
    try:
        random = entropy_from_code("".join(letters[:half])) + entropy_from_code(
            "".join(letters[half:])
        )
    except MalformedCode:
        return None
    return HKDF(SHA256(), 32, salt=None, info=b"fieldlog.sitekey").derive(random)
