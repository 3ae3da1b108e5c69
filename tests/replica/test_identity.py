"""Keys on disk: whole or not at all, for their owner alone, and said in words where broken."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.dispatch.fields import Role
from replica.identity import (
    KEY_FILE,
    IdentityError,
    load_identity,
    load_or_make_key,
    public_bytes,
    save_identity,
    write_private,
)
from tests.build import Entropy, Site


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    key = load_or_make_key(path, Entropy("one"))
    again = load_or_make_key(path, Entropy("two"))
    assert public_bytes(key) == public_bytes(again)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [KEY_FILE]


@pytest.mark.parametrize("data", [b"", b"x" * 31, b"x" * 33])
def test_what_is_no_key_is_refused_and_left(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / KEY_FILE
    path.write_bytes(data)
    with pytest.raises(IdentityError, match="no key of 32 bytes"):
        load_or_make_key(path, Entropy("one"))
    assert path.read_bytes() == data


def test_a_draft_that_a_power_cut_left_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "identity"
    (tmp_path / "identity.new").write_bytes(b"half")
    write_private(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert not (tmp_path / "identity.new").exists()


def test_what_was_saved_comes_back_with_the_own_certificate_first(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    phone = site.phone(hub, site.worker(hub, "Aino"))
    identity = load_identity(phone.store.path.parent)
    assert identity is not None
    assert identity.own.role == Role.WORKER
    assert identity.author == public_bytes(identity.key)
    assert [each.role for each in identity.certificates] == [Role.WORKER, Role.HUB]
    assert identity.site == site.site
    site.close()


def test_certificates_of_another_key_are_refused(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    hub = site.hub()
    folder = tmp_path / "stranger"
    folder.mkdir()
    write_private(
        folder / KEY_FILE, Ed25519PrivateKey.from_private_bytes(b"\x05" * 32).private_bytes_raw()
    )
    save_identity(folder, site.site, hub.identity.certificates)
    with pytest.raises(IdentityError, match="does not belong to the key"):
        load_identity(folder)
    site.close()
