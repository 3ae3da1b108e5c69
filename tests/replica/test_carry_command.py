"""`fieldlog carry`, as people type it: between two folders, and wrongly."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Phase
from replica.commandline import CommandError
from replica.commands.carry import configure
from replica.occupied import occupied
from replica.replica import Replica
from tests.build import Site, hold


def carry(*words: str | Path) -> int:
    parser = argparse.ArgumentParser(prog="fieldlog carry")
    configure(parser)
    arguments = parser.parse_args([str(word) for word in words])
    code = arguments.run(arguments)
    assert isinstance(code, int)
    return code


def folder_of(replica: Replica) -> Path:
    return replica.store.path.parent


def test_a_file_goes_from_folder_to_folder_and_says_what_it_brought(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, (turn,) = site.job(hub, "Boiler", ana)
    first, second = tmp_path / "to-ana.carried", tmp_path / "to-hub.carried"
    assert carry("out", "--data", folder_of(hub), "--to", first, "--for", "ana") == 0
    assert "for Ana alone" in capsys.readouterr().out
    assert first.stat().st_mode & 0o777 == 0o600
    assert carry("in", "--data", folder_of(phone), "--from", first) == 0
    assert "The file of hub A brought" in capsys.readouterr().out
    phone = site.reopen(phone)
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    assert carry("out", "--data", folder_of(phone), "--to", second) == 0
    assert "carries 1 entry in" in capsys.readouterr().out
    assert carry("in", "--data", folder_of(hub), "--from", second) == 0
    assert site.reopen(hub).store.db.execute("SELECT status FROM job").fetchone() == ("done",)


def test_what_was_typed_wrongly_is_answered_in_words_and_makes_no_file(
    site: Site, tmp_path: Path
) -> None:
    hub = site.hub()
    folder, file = folder_of(hub), tmp_path / "a.carried"
    with pytest.raises(CommandError, match="nobody to carry to"):
        carry("out", "--data", folder, "--to", file)
    with pytest.raises(CommandError, match="no store"):
        carry("out", "--data", tmp_path / "nothing", "--to", file)
    with pytest.raises(CommandError, match="cannot be used"):
        carry("in", "--data", folder, "--from", tmp_path / "missing")
    (tmp_path / "letter.txt").write_text("Dear hub, " * 40)
    with pytest.raises(CommandError, match="no file that"):
        carry("in", "--data", folder, "--from", tmp_path / "letter.txt")
    assert not file.exists()
    site.phone(hub, site.worker(hub, "Ana"))
    file.write_bytes(b"mine")
    with pytest.raises(CommandError, match="is there already"):
        carry("out", "--data", folder, "--to", file)
    assert file.read_bytes() == b"mine"
    with pytest.raises(CommandError, match="cannot be used"):
        carry("out", "--data", folder, "--to", tmp_path / "no" / "such" / "place")


def test_a_folder_that_a_program_runs_on_is_left_alone(site: Site, tmp_path: Path) -> None:
    hub = site.hub()
    site.phone(hub, site.worker(hub, "Ana"))
    with occupied(folder_of(hub)), pytest.raises(CommandError, match="in use"):
        carry("out", "--data", folder_of(hub), "--to", tmp_path / "a.carried", "--for", "Ana")


def test_a_copied_folder_is_not_carried_from_under_its_old_key(site: Site, tmp_path: Path) -> None:
    hub = site.hub()
    site.phone(hub, site.worker(hub, "Ana"))
    folder, copy = folder_of(hub), tmp_path / "copy"
    assert carry("out", "--data", folder, "--to", tmp_path / "a.carried") == 0
    shutil.copytree(folder, copy)
    with pytest.raises(CommandError, match="copied or restored"):
        carry("out", "--data", copy, "--to", tmp_path / "b.carried")
    assert carry("out", "--data", folder, "--to", tmp_path / "b.carried") == 0


def test_on_a_phone_a_file_for_the_hub_is_kept_and_said_so(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = site.hub()
    phones = [site.phone(hub, site.worker(hub, name)) for name in ("Ana", "Bo")]
    for phone in phones:
        assert hold(phone, hub).live
    phones[0].write(acts.set_app(phones[0].subject, jobs_on=True))
    folders = [phone.store.path.parent for phone in phones]
    for phone in phones:
        phone.close()
        site.opened.remove(phone)
    file = tmp_path / "file.carried"
    assert carry("out", "--data", folders[0], "--to", file) == 0
    assert carry("in", "--data", folders[1], "--from", file) == 0
    assert "keeps it and gives it to hub A" in capsys.readouterr().out
