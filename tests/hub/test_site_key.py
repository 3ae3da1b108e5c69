"""The site's key under a passphrase: what opens it, what does not, and who needs it at all."""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from core.log.canonical import pack, unpack
from hub.commands.site_key import configure
from hub.hub import Hub
from hub.second_hub import answer, ask, read_request
from hub.site_key import (
    MAGIC,
    SiteKeyLocked,
    WeakPassphrase,
    is_locked,
    lock_site_key,
    open_site_key,
)
from hub.site_key import _key_of_code as key_of_code
from replica.commandline import CommandError
from replica.identity import KEY_FILE, SITE_KEY_FILE, IdentityError, public_bytes, write_private
from tests.build import Entropy, SettableClock
from tests.running import running_hub

PASSPHRASE = "seven herons over a l\u00e9ttuce field"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_private(tmp_path / SITE_KEY_FILE, bytes(range(32)))
    return tmp_path


def test_a_locked_key_opens_by_passphrase_and_by_code_and_by_nothing_else(folder: Path) -> None:
    site = public_bytes(open_site_key(folder))
    code = lock_site_key(folder, PASSPHRASE, Entropy("lock"))
    assert is_locked(folder)
    assert bytes(range(32)) not in (folder / SITE_KEY_FILE).read_bytes()
    assert (folder / SITE_KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [each.name for each in folder.iterdir()] == [SITE_KEY_FILE]
    # As another keyboard composes it, and as a person types a code.
    for secret in (PASSPHRASE, "seven herons over a le\u0301ttuce field ", code, code.lower()):
        assert public_bytes(open_site_key(folder, secret)) == site
    for secret in ("", "seven herons", code[:-1] + ("0" if code[-1] != "0" else "1")):
        with pytest.raises(SiteKeyLocked):
            open_site_key(folder, secret)


def test_a_new_passphrase_takes_the_old_one_and_its_code_out_of_use(folder: Path) -> None:
    code = lock_site_key(folder, PASSPHRASE, Entropy("lock"))
    with pytest.raises(SiteKeyLocked):
        lock_site_key(folder, "another long passphrase", Entropy("again"), "wrong one entirely")
    fresh = lock_site_key(folder, "another long passphrase", Entropy("again"), code)
    assert fresh != code
    for old in (PASSPHRASE, code):
        with pytest.raises(SiteKeyLocked):
            open_site_key(folder, old)
    open_site_key(folder, fresh)


def test_a_key_of_another_length_under_the_right_code_is_damaged(folder: Path) -> None:
    code = lock_site_key(folder, PASSPHRASE, Entropy("lock"))
    path = folder / SITE_KEY_FILE
    site, cost, salt, by_passphrase, _ = unpack(path.read_bytes()[len(MAGIC) :])
    key = key_of_code(code)
    assert key is not None
    short = ChaCha20Poly1305(key).encrypt(bytes(12), bytes(31), site)
    path.write_bytes(MAGIC + pack([site, cost, salt, by_passphrase, short]))
    with pytest.raises(IdentityError, match="damaged"):
        open_site_key(folder, code)


def test_a_weak_passphrase_or_a_damaged_file_changes_nothing(folder: Path) -> None:
    for weak in ("", "short", "x" * 300):
        with pytest.raises(WeakPassphrase):
            lock_site_key(folder, weak, Entropy("lock"))
    assert not is_locked(folder)
    code = lock_site_key(folder, PASSPHRASE, Entropy("lock"))
    data = (folder / SITE_KEY_FILE).read_bytes()
    site, (_, r, p), *rest = unpack(data[len(MAGIC) :])
    for damaged in (data[:-1], data + b"x", MAGIC + pack([site, [2**40, r, p], *rest])):
        (folder / SITE_KEY_FILE).write_bytes(damaged)
        with pytest.raises(IdentityError, match="damaged"):
            open_site_key(folder, code)
    flipped = bytearray(data)
    flipped[-1] ^= 1
    (folder / SITE_KEY_FILE).write_bytes(flipped)
    with pytest.raises(SiteKeyLocked):
        open_site_key(folder, code)


async def test_a_hub_at_work_needs_no_secret_and_one_that_certifies_another_does(
    tmp_path: Path,
) -> None:
    clock = SettableClock()
    async with running_hub(tmp_path / "a", clock) as hub:
        await hub.job("Boiler")
    code = lock_site_key(tmp_path / "a", PASSPHRASE, os.urandom)
    async with running_hub(tmp_path / "a", clock, seed="again") as hub:
        assert await hub.rows("SELECT title FROM job") == [("Boiler",)]
        here = hub.hub
        request = read_request(ask(tmp_path / "b", "B", Entropy("hub B")))
        with pytest.raises(SiteKeyLocked):
            await here.writer.run(answer, here.replica, here.folder, request)
        assert len(here.replica.certificates_of(3)) == 1
        await here.writer.run(answer, here.replica, here.folder, request, code)
        assert len(here.replica.certificates_of(3)) == 2


async def test_a_copied_hub_gets_its_new_key_only_with_the_secret(tmp_path: Path) -> None:
    clock = SettableClock()
    async with running_hub(tmp_path / "a", clock):
        pass
    lock_site_key(tmp_path / "a", PASSPHRASE, os.urandom)
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    key = (tmp_path / "copy" / KEY_FILE).read_bytes()
    with pytest.raises(SiteKeyLocked):
        Hub(tmp_path / "copy", clock, os.urandom, None)
    assert (tmp_path / "copy" / KEY_FILE).read_bytes() == key
    copied = Hub(tmp_path / "copy", clock, os.urandom, None, site_secret=PASSPHRASE)
    async with running_hub(tmp_path / "a", clock, seed="again") as first:
        assert copied.replica.author != first.hub.replica.author
        assert copied.replica.site == first.hub.replica.site
    copied.sessions.close()
    copied.replica.close()


def site_key(monkeypatch: pytest.MonkeyPatch, typed: str, *words: str | Path) -> int:
    """The command, with these lines on its standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    parser = argparse.ArgumentParser(prog="fieldlog site-key")
    configure(parser)
    arguments = parser.parse_args([str(word) for word in words])
    code = arguments.run(arguments)
    assert isinstance(code, int)
    return code


def test_the_command_prints_a_code_that_opens_the_key(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site_key(monkeypatch, "", "check", "--data", folder) == 1
    assert "no passphrase" in capsys.readouterr().out
    with pytest.raises(CommandError, match="12 to 256 letters"):
        site_key(monkeypatch, "short\n", "lock", "--data", folder)
    assert site_key(monkeypatch, f"{PASSPHRASE}\n", "lock", "--data", folder) == 0
    code = capsys.readouterr().out.splitlines()[1].strip()
    assert len(code) == 39
    (folder / "secret").write_text(f"{code}\n")
    words = ("check", "--data", folder, "--secret-file", folder / "secret")
    assert site_key(monkeypatch, "", *words) == 0
    assert "opens the key of site" in capsys.readouterr().out
    with pytest.raises(CommandError, match="neither the passphrase"):
        site_key(monkeypatch, "guessed it maybe\n", "check", "--data", folder)
    with pytest.raises(CommandError, match="no key of a site"):
        site_key(monkeypatch, "", "lock", "--data", folder / "none")
