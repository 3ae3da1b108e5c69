"""A phone's real process away for days: killed, full, wrong about the time, it loses nothing.

`make blackbox` does the same for a month.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import LogKind, Phase
from core.dispatch.fix import Fix, encode_track
from replica.filing import save_file
from replica.replica import Replica
from tests.blackbox.phone import picture
from tests.blackbox.process import ROOT
from tests.blackbox.truth import Truth, wrong_at
from tests.build import MINUTE_MS, START_MS, Site, clock_of, hold

DAY = "2026-03-02"
SMALL = {
    "days": 2, "jobs": 6, "photos": 20, "kills": 3, "kills-at-contact": 1, "full-disks": 1,
    "side": 24,
}  # fmt: skip


def test_some_days_away_lose_nothing_and_double_nothing() -> None:
    words = [f"--{name}={value}" for name, value in SMALL.items()]
    command = [sys.executable, "-m", "tests.blackbox", *words, "--disk-bytes=170000000"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = dict(re.findall(r"^blackbox_(\S+) (\S+) ", done.stdout, re.M))
    assert figures["photos"] == "20"
    assert float(figures["kills"]) >= 3
    assert figures["wrong"] == "0"
    assert float(figures["minutes"]) > 60
    # Where the machine mounts a small disk, it was full, and taps went on while photos waited.
    if "mounts no small disk" not in done.stdout:
        assert figures["disk_full_episodes"] == "1"
        assert float(figures["done_while_full"]) >= 5
        assert float(figures["photos_refused_while_full"]) >= 1


# --- what the run would say if anything were wrong


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[Replica, Truth, list[bytes], bytes]]:
    """A hub that holds a short day of Ana's, and the truth of it."""
    site = Site(tmp_path, in_memory=True)
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    jobs = [site.job(hub, f"Job {number}", ana) for number in range(2)]
    truth = Truth()
    assert hold(phone, hub).live
    phone.write(day_acts.start_duty(ana, DAY, b"duty-one"))
    truth.duties["start"] += 1
    for number, (job, (turn,)) in enumerate(jobs):
        for phase, word in ((Phase.ON_SITE, "on site"), (Phase.FINISHED, "finished")):
            log = bytes([number]) * 8
            changes = acts.set_phase(job, ana, turn, phase)
            if phase is Phase.ON_SITE:
                changes += day_acts.start_log(ana, DAY, job, log, LogKind.ON_SITE)
            else:
                changes += day_acts.stop_log(ana, DAY, job, log)
            phone.write(changes)
            truth.tapped(number, word, DAY, clock_of(phone).now_ms())
            for replica in (hub, phone):
                clock_of(replica).pass_ms(25 * MINUTE_MS)
        phone.write(acts.add_note(job, f"note {number}"))
        truth.notes.append((number, f"note {number}"))
        save_file(phone, job, picture(f"photo {number}", 8))
        truth.photos.append((number, f"photo {number}", 8))
    fix = Fix(START_MS, 601_000_000, 249_000_000, 8)
    phone.write(day_acts.add_fixes(ana, DAY, encode_track([fix])))
    truth.fixes.append((DAY, START_MS))
    assert hold(phone, hub).live
    yield hub, truth, [job for job, _ in jobs], ana
    site.close()


Told = tuple[Replica, Truth, list[bytes], bytes]


def test_where_all_is_as_it_was_nothing_is_said(told: Told) -> None:
    assert wrong_at(*told) == []


def test_what_is_lost_doubled_or_invented_is_said(told: Told) -> None:
    hub, truth, jobs, ana = told
    truth.phases[0].append("paused")
    truth.notes.append((1, "lost"))
    truth.photos.append((1, "photo that was lost", 8))
    truth.duties["stop"] += 1
    truth.fixes.append((DAY, START_MS + 1))
    truth.seconds[(DAY, 0, "on site")] += 60
    truth.logs += 1
    said = "\n".join(wrong_at(hub, truth, jobs, ana))
    for words in (
        "job 0: tapped", "job 0 was paused", "1 of 3 notes lost", "1 of 3 photos",
        "1 of 2 marks of duty lost", "1 of 2 fixes lost", "3 time logs were kept, the hub has 2",
        "1560 s were spent, the hub counts 1500 s",
    ):  # fmt: skip
        assert words in said


def test_what_nobody_did_is_said_too(told: Told) -> None:
    hub, truth, jobs, ana = told
    hub.write(acts.add_note(jobs[0], "note 0"))
    hub.write(acts.add_note(jobs[0], "invented"))
    truth.photos.pop()
    truth.fixes.clear()
    truth.fixes.append((DAY, START_MS + 5))
    said = "\n".join(wrong_at(hub, truth, jobs, ana))
    for words in ("2 notes doubled or invented", "1 photos in jobs doubled", "1 fixes doubled"):
        assert words in said
