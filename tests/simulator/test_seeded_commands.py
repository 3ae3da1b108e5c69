"""The commands of the seeded way, as somebody uses them, wrongly too."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from replica.commandline import main
from simulator.report.record import from_json
from simulator.scenario.shipped import shipped_text
from simulator.world.campaign import Failure
from simulator.world.run import Size
from simulator.world.shrinking import shrink
from simulator.world.wanted import Wanted
from tests.running import until

SCENARIO = """
name = "my site"
about = "For tests."
[site]
phones = 2
hubs = 1
jobs_per_phone = 1
[seeded]
days = 1
entries_per_phone = 3
reaches = ["a hub was restored", "a link ended"]
[phones]
kills_per_day = 3
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(SCENARIO)
    return str(path)


def simulate(*words: str) -> int:
    return main(["simulate", *words])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    answer = capsys.readouterr()
    return answer.out + answer.err


def test_the_shipped_scenarios_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("scenarios") == 0
    assert "month-offline" in said(capsys)
    assert simulate("scenarios", "Month Offline") == 0
    assert said(capsys) == shipped_text("month-offline")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["scenarios", "munday rush"], "did you mean monday-rush?"),
        (["seeded", "munday"], "did you mean monday-rush?"),
        (["seeded", "nowhere.toml"], "nowhere.toml can't be read: No such file"),
        (["seeded", "--without", "kils"], "no fault is called 'kils'; did you mean kills?"),
        (["seeded", "--with", "canyons"], "these worlds have no canyons"),
        (["seeded", "--with", "websockets,flipped"], "what TLS carries is whole"),
        (["seeded", "tunnel-town", "--with", "lost"], "what TLS carries is whole"),
        (["seeded", "hub-moves-house", "--hubs", "1"], "say --hubs 2"),
        (["seeded", "--phones", "1"], "has 2 to 200 phones, not 1"),
        (["seeded", "--hubs", "3"], "has 1 or 2 hubs, not 3"),
        (["seeded", "--days", "61"], "lives for 1 to 60 days, not 61"),
        (["seeded", "--seeds", "0"], "--seeds lies between 1"),
        (["seeded", "--plant", "early-ak"], "did you mean early-ack?"),
        (["replay", "1", "--from", "noon"], "'noon' is no time of a run"),
        (["replay", "1", "--from", "2", "--to", "1"], "--to lies after --from"),
        (["replay", "1", "--only", "tablet 3"], "no machine is called 'tablet 3'"),
        (["replay", "-1"], "a seed is a number from 0 on"),
        (["shrink", "1", "--within", "0"], "--within lies between"),
    ],
)
def test_wrong_use_is_answered_in_a_line_that_says_what_to_do(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(*words) == 2
    assert told in said(capsys)


def test_a_scenario_that_is_wrong_is_told_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SCENARIO.replace("kills_per_day", "kils_per_day"))
    assert simulate("seeded", str(path)) == 2
    assert f"{path}:13: phones.kils_per_day is no key of this table; did you mean" in said(capsys)


def test_a_run_says_what_its_seeds_prove_nothing_of(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate("seeded", scenario, "--seeds", "2", "--workers", "1") == 0
    words = said(capsys)
    assert "my site: For tests." in words
    assert "2 seeds passed, 0 failed" in words
    assert "4 device-days" in words
    assert "never reached: a hub was restored; these seeds prove nothing of that" in words


def test_a_planted_bug_that_no_seed_shows_is_said_to_be_unseen(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("--seeds", "1", "--workers", "1", "--plant", "last-arrival-wins")
    assert simulate("seeded", scenario, *few) == 0
    assert "no checker saw the planted bug last-arrival-wins. Run more seeds" in said(capsys)


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
async def test_seeds_that_somebody_breaks_off_leave_a_report_and_nothing_else(
    scenario: str, tmp_path: Path, way: signal.Signals
) -> None:
    # Whatever the tests run under may ignore Ctrl-C, as what runs beside a shell does.
    heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    runs = "import sys; from replica.commandline import main; sys.exit(main(sys.argv[1:]))"
    words = ["simulate", "seeded", scenario, "--seeds", "1000", "--workers", "2"]
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{heeds}; {runs}", *words, "--report", str(tmp_path / "report"),
        stdout=PIPE, stderr=STDOUT, start_new_session=True,
    )  # fmt: skip
    assert running.stdout is not None
    try:
        async with asyncio.timeout(120):
            while b"of 1000 seeds" not in await running.stdout.readline():
                assert running.returncode is None
            if way is signal.SIGINT:
                # Ctrl-C in a terminal reaches its processes as well.
                os.killpg(running.pid, way)
            else:
                running.send_signal(way)
            told = (await running.communicate())[0].decode()
    finally:
        if running.returncode is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode
    assert "broken off; of the seeds that were run until then:" in told
    assert "Traceback" not in told
    assert "ignored" not in told
    await until(lambda: not _group_lives(running.pid), "none of its processes is left")
    record = from_json((tmp_path / "report" / "report.json").read_text())
    assert not record.passed
    assert record.findings[0].words.startswith("the run was broken off: ")


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_options_of_the_command_line_win_over_the_file(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--phones", "3", "--without", "kills", "--hubs", "2")
    assert simulate("replay", "5", scenario, *words) == 0
    told = said(capsys)
    assert "Seed 5: a calm world.\n3 phones, 2 hubs, 1 day;" in told
    assert "is killed" not in told


def test_a_replay_tells_the_events_by_day_and_the_verdict(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate("replay", "5", scenario) == 0
    whole = said(capsys)
    assert whole.startswith("Seed 5: programs are killed.\n2 phones, 1 hub, 1 day;")
    assert re.search(r"\nDay 1\n  \d\d:\d\d:\d\d\.\d{3}  ", whole)
    assert "Passed: no checker objected." in whole
    assert simulate("replay", "5", scenario) == 0
    assert said(capsys) == whole
    assert simulate("replay", "5", scenario, "--only", "phone 2", "--to", "1 12:00") == 0
    part = said(capsys)
    events = [line for line in part.splitlines() if line.startswith("  ")]
    assert events
    assert all("phone 2" in line and line < "  12" for line in events)
    assert {f"{line}\n" for line in events} <= set(whole.splitlines(keepends=True))
    assert "were left out." in part


def test_a_planted_bug_is_made_small_and_its_story_can_be_repeated(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--plant", "forgets-own-log", "--phones", "3"]
    assert simulate("shrink", "1", scenario, *words) == 0
    told = said(capsys)
    assert told.startswith("Seed 1 fails. durable: ")
    assert "It needs no fault at all." in told
    assert "2 phones (of 3)" in told
    assert "What happened last to " in told
    again = re.search(r"^Again: fieldlog (.*)$", told, re.MULTILINE)
    assert again is not None
    assert main(shlex.split(again[1])) == 1
    verdict = re.findall(r"^durable: .*$", told, re.MULTILINE)[-1]
    assert f"Failed. {verdict}" in said(capsys)


def test_a_seed_that_passes_is_not_made_smaller(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate("shrink", "5", scenario) == 2
    assert "seed 5 passes, so there is nothing to make smaller" in said(capsys)


def failure_of(wanted: Wanted, checker: str = "durable", words: str = "it is gone") -> Failure:
    return Failure(1, checker, words, wanted.options_of(1).faults(), ())


def test_only_what_does_not_matter_is_taken_away() -> None:
    needed = {"kills", "partitions"}

    def fails(wanted: Wanted) -> Failure | None:
        enough = wanted.size.days >= 2 and wanted.size.entries_per_phone >= 37
        faults = set(wanted.options_of(1).faults())
        return failure_of(wanted) if enough and needed <= faults else None

    large = Wanted(Size(phones=9, days=7, entries_per_phone=100, hostile=3, upgrades=True))
    shrunk = shrink(large, failure_of(large), fails, lambda: True)
    assert set(shrunk.failure.faults) == needed
    assert shrunk.wanted.size == Size(2, 2, 37, 0, 0, hubs=1)
    assert shrunk.in_time


def test_a_smaller_world_that_fails_in_another_way_is_not_kept() -> None:
    def fails(wanted: Wanted) -> Failure | None:
        return failure_of(wanted, "crash", f"phone {wanted.size.days}: KeyError: 'x'")

    large = Wanted(Size(days=4))
    other = failure_of(large, "crash", "hub A: ValueError: no")
    assert shrink(large, other, fails, lambda: True).wanted == large
    same = failure_of(large, "crash", "phone 3: KeyError: 'y'")
    assert shrink(large, same, fails, lambda: True).wanted.size.days == 1


def test_shrinking_ends_when_its_time_is_over_and_says_so() -> None:
    turns = iter([True, True, False])
    large = Wanted(Size(days=4))
    shrunk = shrink(large, failure_of(large), lambda _: None, lambda: next(turns, False))
    assert shrunk.tries == 2
    assert not shrunk.in_time


def test_what_is_wanted_is_said_as_the_words_that_mean_it() -> None:
    wanted = Wanted(Size(3, 1, 5, hubs=1), plant="early-ack", having=("photos",)).lacking("kills")
    assert wanted.words() == (
        " --phones 3 --days 1 --entries 5 --hubs 1 --plant early-ack --with photos --without kills"
    )
    assert Wanted().words() == ""
