"""`make truth`: the automatic logger against the truth of simulated days, beside rules of others.

`--days` worker-days of the scoring seeds (`--tuning`: of the tuning seeds); `--recorded FILE` does
the recorded trace instead, `--sweep` looks for the best numbers of the baselines on the tuning
seeds. The first run makes an environment for trackintel below `tests/.cache`. Prints to the
terminal and writes nothing else. Invariant: a baseline that can't be had is named with the reason.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from tests.traces import TraceError
from tests.truth import recorded
from tests.truth.chosen import CHOSEN
from tests.truth.mix import MIX, SCORING_SEEDS, TUNING_SEEDS, days_of
from tests.truth.rounds import OURS, USUAL, AnyRule, Result, reasons_of, run
from tests.truth.scoring import Score, quantile
from tests.truth.stay_points import PeerError, StayRule, install
from tests.truth.sweep import SWEEP_DAYS, swept

DAYS = 400


def figure(name: str, value: object, unit: str) -> None:
    """Print one number."""
    print(f"{name} {value} {unit}", flush=True)


def _line(name: str, score: Score) -> str:
    errors = [
        f"{quantile(values, 0.5):5.2f} {quantile(values, 0.95):6.2f}"
        for values in (score.start_min, score.end_min, score.minutes_min)
    ]
    return (
        f"{name:25} {score.days:4} {score.visits:6} {score.unseen:6} {score.found_percent:6.1f}"
        f" {score.false:5} {score.false_per_200_days:8.1f}   " + "   ".join(errors)
    )


HEAD = f"{'':25} days visits unseen found% false  per 200   start  p95   end    p95     min    p95"


def table(result: Result, rules: dict[str, AnyRule]) -> list[str]:
    """Ours by scenario, then all detectors over all scenarios, then each by scenario."""
    lines = ["ours, by scenario", HEAD]
    # Of a few days alone some kinds have none.
    names = [scenario.name for scenario in MIX if (OURS, scenario.name) in result.scores]
    lines += [_line(name, result.scores[OURS, name]) for name in names]
    lines += ["", "in all", HEAD, _line(OURS, result.whole(OURS))]
    lines += [_line(name, result.whole(name)) for name in rules]
    lines += ["", *(f"{name}: {rule}" for name, rule in rules.items())]
    lines += ["", f"{'found % / false by scenario':27}" + "".join(f"{n:>19.18}" for n in rules)]
    for name in names:
        cells = [result.scores[rule, name] for rule in rules]
        words = "".join(f"{s.found_percent:12.1f} / {s.false:4}" for s in cells)
        lines.append(f"{name:27}{words}")
    return lines


def figures(result: Result, rules: dict[str, AnyRule]) -> None:
    """The numbers of the goals."""
    for name in (OURS, *rules):
        score, key = result.whole(name), name.replace(",", "").replace(" ", "_")
        figure(f"truth_{key}_found", f"{score.found_percent:.2f}", "%")
        figure(f"truth_{key}_false", f"{score.false_per_200_days:.2f}", "logs/200 days")
        errors = {"start": score.start_min, "end": score.end_min, "minutes": score.minutes_min}
        for what, values in errors.items():
            figure(f"truth_{key}_{what}_median", f"{quantile(values, 0.5):.2f}", "min")
            figure(f"truth_{key}_{what}_p95", f"{quantile(values, 0.95):.2f}", "min")
    whole = result.whole(OURS)
    figure("truth_worker_days", whole.days, "days")
    figure("truth_visits", whole.visits, "visits")
    figure("truth_visits_unseen", whole.unseen, "visits")


def _score(count: int, seeds: range) -> None:
    rules = USUAL | CHOSEN
    if missing := install():
        print(f"# stay points are left out, trackintel can't be had: {missing}")
        rules = {name: rule for name, rule in rules.items() if not isinstance(rule, StayRule)}
    days = days_of(seeds, count)
    result = run(days, rules)
    print(f"# {count} worker-days, seeds {seeds.start} to {seeds.start + count - 1}")
    print(f"# trackintel {result.version}")
    print("\n".join(table(result, rules)))
    print("\nvisits that ours missed, and why")
    for words, number in Counter(reasons_of(days, result)).most_common():
        print(f"{number:5} {words}")
    print()
    figures(result, rules)


def _sweep(days: int) -> None:
    if missing := install():
        raise PeerError(f"trackintel can't be had: {missing}")
    for name, rule, score in swept(days):
        print(f"{_line(name, score)}  F1 {score.f1_percent:5.1f}  {rule}", flush=True)


def main() -> int:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(prog="make truth", description=__doc__)
    parser.add_argument("--days", type=int)
    parser.add_argument("--tuning", action="store_true")
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--recorded", type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.recorded is not None:
            print("\n".join(recorded.report(arguments.recorded)))
        elif arguments.sweep:
            _sweep(arguments.days or SWEEP_DAYS)
        else:
            seeds = TUNING_SEEDS if arguments.tuning else SCORING_SEEDS
            _score(arguments.days or DAYS, seeds)
    except (PeerError, TraceError) as error:
        print(f"truth: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
