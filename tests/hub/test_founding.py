"""The first start of a hub makes a site; every later one finds the same."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import CERTIFICATE, Role
from core.log.certificate import check_certificate
from hub.founding import open_hub_replica
from replica.identity import (
    IDENTITY_FILE,
    KEY_FILE,
    SITE_KEY_FILE,
    IdentityError,
    load_identity,
)
from replica.replica import Replica
from tests.build import Entropy, SettableClock, Site

TLS = b"\x11" * 32


def founded(folder: Path, seed: str = "hub", letter: str = "A") -> Replica:
    return open_hub_replica(
        folder, SettableClock(), Entropy(seed), tls_fingerprint=TLS, letter=letter
    )


def test_the_first_start_makes_a_site_and_later_ones_keep_it(tmp_path: Path) -> None:
    first = founded(tmp_path / "hub")
    site, author, position = first.site, first.author, first.position()
    own = first.identity.own
    assert (own.role, own.subject, own.tls) == (Role.HUB, b"A", TLS)
    check_certificate(own, site, ())
    assert any(path[0] == CERTIFICATE for path in first.state(SITE_STREAM).registers)
    first.close()
    again = founded(tmp_path / "hub", seed="other", letter="B")
    assert (again.site, again.author, again.position()) == (site, author, position)
    assert again.subject == b"A", "the letter is the one of the first start"
    again.close()


def test_two_folders_are_two_sites(tmp_path: Path) -> None:
    one, two = founded(tmp_path / "one", "one"), founded(tmp_path / "two", "two")
    assert one.site != two.site
    one.close()
    two.close()


def test_only_the_owner_can_read_the_keys(tmp_path: Path) -> None:
    founded(tmp_path / "hub").close()
    for name in (KEY_FILE, SITE_KEY_FILE, IDENTITY_FILE):
        mode = (tmp_path / "hub" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600, name


def test_a_start_that_was_killed_before_its_first_entry_is_made_good(tmp_path: Path) -> None:
    founded(tmp_path / "hub").close()
    for path in (tmp_path / "hub").glob("store.sqlite*"):
        path.unlink()
    again = founded(tmp_path / "hub")
    assert any(path[0] == CERTIFICATE for path in again.state(SITE_STREAM).registers)
    again.close()


def test_a_phones_folder_is_refused(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    phone = site.phone(hub, site.worker(hub, "Aino"))
    folder = phone.store.path.parent
    site.close()
    with pytest.raises(IdentityError, match="is a phone's folder; start it with 'fieldlog device'"):
        founded(folder)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (KEY_FILE, b"short", "32 bytes"),
        (KEY_FILE, None, "missing"),
        (IDENTITY_FILE, b"", "damaged"),
        (IDENTITY_FILE, b"\xff\xff", "damaged"),
        (KEY_FILE, b"\x07" * 32, "does not belong to the key beside it"),
    ],
)
def test_broken_key_files_are_said_and_left_as_they_are(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    folder = tmp_path / "hub"
    founded(folder).close()
    path = folder / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IdentityError, match=words):
        founded(folder)
    assert (path.read_bytes() if path.exists() else None) == content


def test_a_folder_without_a_site_is_no_ones(tmp_path: Path) -> None:
    assert load_identity(tmp_path) is None
