"""Seeded sites: no checker finds anything, a seed replays, and planted bugs are seen.

Small sites, so that the suite stays quick; `fieldlog simulate seeded` runs full ones.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.planted import PLANTED
from simulator.world.campaign import ProcessGone, attempt, attempts
from simulator.world.run import Report, Size, World
from tests.proof.planted import SHOWS, SMALL, why_not_caught

# Those that show within a second or two, one at least of each kind; `make proof` looks at all.
QUICK = (
    "early-ack", "appends-twice", "forgets-own-log", "last-arrival-wins", "phantom-states",
    "leaf-misses-a-log", "no-scope", "reach-at-sending", "mark-too-far", "photo-saved-too-early",
    "erased-bytes-stay", "small-messages", "silence-refused", "all-to-colleagues",
)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_a_small_site_ends_without_a_violation(seed: int) -> None:
    outcome = attempt(seed, SMALL)
    assert isinstance(outcome, Report), outcome
    assert outcome.entries > 0


def test_a_site_has_recurring_jobs_phones_that_meet_and_one_that_is_away_for_a_year() -> None:
    outcome = attempt(3, SMALL)
    assert isinstance(outcome, Report), outcome
    assert outcome.entries > 0
    assert outcome.points["a recurring job was made"] > 10
    assert outcome.points["phones came to agree"] > 10
    assert outcome.options.absence_days == 365
    assert outcome.points["a phone was away for a month or longer"] == 1


def test_the_world_of_an_earlier_seed_is_let_go() -> None:
    for seed in (1, 2, 3):
        attempt(seed, Size(phones=1, days=1, entries_per_phone=1))
    assert sum(isinstance(each, World) for each in gc.get_objects()) <= 1


def test_seeds_that_are_not_wanted_any_more_end_before_one_goes_on() -> None:
    smallest = Size(phones=1, days=1, entries_per_phone=1)
    with contextlib.closing(attempts(range(1, 200), smallest, 2)) as outcomes:
        assert isinstance(next(outcomes), Report)
    assert multiprocessing.active_children() == []


def test_a_process_of_seeds_that_is_killed_is_told_with_the_seed_that_it_had() -> None:
    smallest = Size(phones=1, days=1, entries_per_phone=1)
    with contextlib.closing(attempts(range(1, 200), smallest, 2)) as outcomes:
        next(outcomes)
        multiprocessing.active_children()[0].kill()
        with pytest.raises(ProcessGone, match=r"that had seed \d+ in hand is gone; was it killed"):
            for _ in outcomes:
                pass
    assert multiprocessing.active_children() == []


def test_it_is_known_where_each_planted_bug_shows() -> None:
    assert SHOWS.keys() == PLANTED.keys()
    assert set(QUICK) <= PLANTED.keys()


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_caught(name: str) -> None:
    assert why_not_caught(name) == ""


def test_a_peer_that_forgets_what_waits_for_a_seal_is_not_sent_it_for_ever() -> None:
    # Its site has a log that comes in several frames.
    outcome = attempt(4, SMALL, "forgets-staged")
    assert isinstance(outcome, Report), outcome


def test_a_phone_set_back_before_a_photo_of_an_erased_job_is_not_accused_of_its_loss() -> None:
    outcome = attempt(24, Size())
    assert isinstance(outcome, Report), outcome


_PROGRAM = """
from simulator.world.campaign import attempt
from simulator.world.run import Size
for size, having in (
    (Size(phones=2, days=1, entries_per_phone=8, hostile=2), ()),
    (Size(phones=1, days=1, entries_per_phone=4), ("websockets",)),
):
    report = attempt(3, size, having=having)
    print(report.digest, report.state, report.entries)
"""


def test_a_seed_gives_the_same_trace_and_state_whatever_the_hash_seed() -> None:
    answers = set()
    for hash_seed in ("0", "4711"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env=environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        answers.add(done.stdout)
    assert len(answers) == 1, answers


@pytest.mark.parametrize(
    "seed",
    [
        # A flipped bit told a phone another century, by which its hub's certificate had run out.
        1077,
        # A power cut brought back what a deletion had cut off a photo's file without a sync.
        1080,
    ],
)
def test_a_small_site_that_failed_once_passes(seed: int) -> None:
    outcome = attempt(seed, SMALL)
    assert isinstance(outcome, Report), outcome
