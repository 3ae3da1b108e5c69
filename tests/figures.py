"""Every number of the product from a real run, one a line: `name value unit`.

Run by `make figures`; `--traces FILE` adds recorded traces (generated ones otherwise), `--seeds`
and `--minutes` bound the seeded simulation, `--kills` the journey with real processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from core.log import messages
from core.log.messages import Proof, Runs, State
from simulator.planted import PLANTED
from simulator.world.campaign import Tally, attempts
from simulator.world.run import Size
from tests.autolog_truth import score
from tests.battery import rounds as battery
from tests.bench.__main__ import quick_rows
from tests.bench.measuring import figures
from tests.build import Site, hold
from tests.core.dispatch import test_replay_cases
from tests.handing_sizes import QR_BYTES, handed_sizes
from tests.journey.kills import lost_by_sigkills
from tests.pattern_truth import rounds_found_again, rules_found_again
from tests.proof.planted import why_not_caught
from tests.reference_day import eight_jobs, worker_day
from tests.traces import TraceError, recorded_path


def figure(name: str, value: object, unit: str) -> None:
    """Print one number."""
    print(f"{name} {value} {unit}", flush=True)


def sync_figures(folder: Path) -> None:
    """The reference worker-day and a reconnect with nothing new, on real stores."""
    site = Site(folder)
    hub = site.hub("A")
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    jobs = eight_jobs(site, hub, ana)
    hold(phone, hub)
    figure("worker_day_entries", worker_day(hub, phone, ana, jobs), "entries")
    upload = hold(phone, hub)
    frames = [
        (plain, sent)
        for plain, sent in zip(upload.plain(0), upload.sent[0], strict=True)
        if isinstance(messages.read(plain), Runs)
    ]
    figure("worker_day_bytes", sum(len(plain) for plain, _ in frames), "bytes")
    figure("worker_day_bytes_packed", sum(len(sent) for _, sent in frames), "bytes")
    again = hold(phone, hub)
    after_hello = [
        [f for f in frames if not isinstance(messages.read(f), (messages.Hello, Proof))]
        for frames in again.sent
    ]
    assert again.live
    trips = max(len(frames) for frames in after_hello)
    assert all(isinstance(messages.read(f), State) for side in after_hello for f in side)
    figure("reconnect_round_trips", trips, "round trips")
    figure("reconnect_bytes", max(sum(map(len, side)) for side in after_hello), "bytes each way")


def handing_figures(folder: Path) -> None:
    """A job that goes from phone to phone in a file."""
    for name, size in handed_sizes(folder):
        figure(f"handed_job_{name}_bytes", size, "bytes")
        figure(f"handed_job_{name}_codes", -(-size // QR_BYTES), "QR codes")


def bench_figures() -> None:
    """The log on a small site, beside the floors of plain SQL and bare blobs."""
    for name, value, unit in figures(quick_rows()):
        figure(name, value, unit)


def trace_figures(traces: Path | None) -> None:
    """The automatic logger against independently found visits."""
    source = traces or recorded_path()
    if source is None:
        print("# no recorded traces: generated ones are used (make figures TRACES=FILE)")
    rows = score(source)
    print(f"# {'place':10} {'visits':>7} {'found':>6} {'false':>6} {'minutes':>8} {'logged':>7}")
    for row in rows:
        name, truth, found, false, minutes, logged = row[:6]
        print(f"# {name:10} {truth:7} {found:6} {false:6} {minutes:8.0f} {logged:7.0f}")
    figure("trace_visits", sum(row[1] for row in rows), "visits")
    figure("trace_visits_found", sum(row[2] for row in rows), "visits")
    figure("trace_visits_false", sum(row[3] for row in rows), "visits")


def replay_figures() -> None:
    """The twelve replay cases of the automatic logger."""
    cases = [case for name, case in vars(test_replay_cases).items() if name.startswith("test_")]
    numbered = [case for case in cases if case.__name__.split("_")[1].isdigit()]
    held = 0
    for case in numbered:
        try:
            case()
        except AssertionError as wrong:
            print(f"# {case.__name__}: {wrong}")
        else:
            held += 1
    figure("replay_cases", len(numbered), "cases")
    figure("replay_cases_held", held, "cases")


def battery_figures() -> None:
    """Two of a phone's days, sampled in several ways."""
    for name, value, unit in battery.figures(battery.measured(2, 0)):
        figure(name, value, unit)


# What takes longer than all of these together, by the target that prints it.
LONGER = (
    ("make bench-board", "the board beside its floors"),
    ("make bench-phone", "a phone's taps and starts beside theirs, with two years of its own days"),
    ("make bench-live", "a hub under a thousand live phones, beside bare commits and sockets"),
    ("make seeds", "entries a minute of seeded sites in two tiers, and a hundred seeds twice"),
    ("make blackbox", "a month offline: kills, full disks, photos, a clock in 2036"),
    ("make truth", "the automatic logger on true days, beside rules of others; --recorded FILE"),
    ("make battery", "more of a phone's days, with a fix each second too"),
    ("make proof", "what is drawn from chance, in large numbers"),
)


def pattern_figures() -> None:
    """What recurs, found again in half years of visits whose rules and rounds are known."""
    again = {"rules": rules_found_again(range(20)), "rounds": rounds_found_again(range(100))}
    for name, told in again.items():
        figure(f"patterns_{name}_true", told.true, name)
        figure(f"patterns_{name}_found", told.found, name)
        figure(f"patterns_{name}_right", told.right, name)


def seed_figures(seeds: int, minutes: float) -> None:
    """Seeded sites until all seeds are run or the time is over."""
    tally, began_s = Tally(), time.monotonic()
    took_min = 0.0
    for outcome in attempts(range(1, seeds + 1), Size(), os.cpu_count() or 1):
        tally.add(outcome)
        took_min = (time.monotonic() - began_s) / 60
        if took_min > minutes:
            print(f"# the {minutes:g} minutes for seeds are over (make figures SEEDS=… MINUTES=…)")
            break
    figure("seeds_passed", tally.passed, "seeds")
    figure("seeds_failed", len(tally.failures), "seeds")
    figure("simulated_entries", tally.entries, "entries")
    figure("simulated_device_days", tally.device_days, "days")
    figure("simulated_entries_per_minute", round(tally.entries / took_min), "entries/min")
    for failure in tally.failures:
        print(f"# seed {failure.seed}: {failure.checker}: {failure.words}")


def plant_figures() -> None:
    """Each planted bug, whether a checker sees it, and how long the slowest takes to be seen."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, context) as pool:
        looked_for = list(pool.map(_looked_for, PLANTED))
    missed = [words for words, _ in looked_for if words]
    for words in missed:
        print(f"# {words}")
    figure("planted_bugs", len(PLANTED), "bugs")
    figure("planted_bugs_caught", len(PLANTED) - len(missed), "bugs")
    figure("planted_bug_slowest", round(max(took_s for _, took_s in looked_for), 1), "s")


def _looked_for(name: str) -> tuple[str, float]:
    began_s = time.monotonic()
    return why_not_caught(name), time.monotonic() - began_s


def kill_figures(kills: int) -> None:
    """Real processes of both sides, killed at random moments."""
    found = lost_by_sigkills(kills, seed=1).violations
    figure("kills_without_loss", 0 if found else kills, "kills")
    for words in found:
        print(f"# {words}")


def main() -> int:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sync_figures(Path(folder) / "sync")
        handing_figures(Path(folder) / "handing")
    bench_figures()
    for target, what in LONGER:
        print(f"# printed by `{target}`: {what}", flush=True)
    replay_figures()
    battery_figures()
    try:
        trace_figures(arguments.traces)
    except TraceError as error:
        print(f"figures: {error}", file=sys.stderr)
        return 2
    pattern_figures()
    kill_figures(arguments.kills)
    plant_figures()
    seed_figures(arguments.seeds, arguments.minutes)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
