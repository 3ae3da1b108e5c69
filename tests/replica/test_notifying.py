"""Notifications by Termux's own program: what it is called with, and what if it is not there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from replica import notifying
from replica.notifying import Notification, TermuxNotifier

PAGE = "http://127.0.0.1:8765/jobs/0123456789abcdef01234567"


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, ends: str = "") -> Path:
    """Programs of Termux's names that write down how they were called; the file they write to."""
    told = folder / "calls.jsonl"
    for name in (notifying.SHOW, notifying.REMOVE):
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\nimport json, sys, time\n"
            f"with open({str(told)!r}, 'a') as file:\n"
            f"    file.write(json.dumps([{name!r}, *sys.argv[1:]]) + '\\n')\n{ends}\n"
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return told


def calls(told: Path) -> list[list[str]]:
    return [json.loads(line) for line in told.read_text().splitlines()]


async def test_a_notification_is_shown_under_its_mark_and_a_tap_opens_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = install(tmp_path, monkeypatch)
    notifier = TermuxNotifier()
    assert notifier.works
    text = "Boiler; rm -rf $HOME `id`, 10:00–11:30"
    await notifier.show(Notification("job-01", "New job", text, PAGE))
    await notifier.remove("job-01")
    shown, removed = calls(told)
    given = dict(zip(shown[1::2], shown[2::2], strict=False))
    assert (given["--id"], given["--title"], given["--content"]) == ("job-01", "New job", text)
    assert shown[-2:] == ["--action", f"termux-open-url {PAGE}"]
    assert removed == [notifying.REMOVE, "job-01"]


async def test_an_address_of_elsewhere_reaches_no_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = install(tmp_path, monkeypatch)
    for address in ("http://evil.example/jobs", f"{PAGE}; reboot", f"{PAGE}\nreboot"):
        with pytest.raises(ValueError, match="no address"):
            await TermuxNotifier().show(Notification("a", "b", "c", address))
    assert not told.exists()


async def test_a_phone_without_the_program_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    notifier = TermuxNotifier()
    assert not notifier.works
    await notifier.show(Notification("job-01", "New job", "Boiler", PAGE))
    await notifier.remove("job-01")


async def test_a_program_that_never_answers_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = install(tmp_path, monkeypatch, "time.sleep(60)")
    monkeypatch.setattr(notifying, "GIVEN_S", 1.0)
    await TermuxNotifier().show(Notification("job-01", "New job", "Boiler", PAGE))
    assert len(calls(told)) == 1
