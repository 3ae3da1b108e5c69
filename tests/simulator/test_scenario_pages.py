"""What the pages say of scenarios and of faults is what the program has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from simulator.draw import FAULTS
from simulator.planted import PLANTED
from simulator.scenario.keys import described
from simulator.scenario.reading import read
from simulator.scenario.shipped import shipped, shipped_names
from simulator.world.drawn import WORLD_FAULTS

DOCS = Path(__file__).parents[2] / "docs"
SCENARIOS = (DOCS / "scenarios.md").read_text()
LEDGER = (DOCS / "ledger.md").read_text()


def test_the_page_has_every_key_with_its_default_range_unit_and_meaning() -> None:
    assert described().strip() in SCENARIOS


def test_the_page_has_every_shipped_scenario_with_its_sentence() -> None:
    rows = [f"| `{name}` | {shipped(name).about} |" for name in shipped_names()]
    assert "\n".join(rows) in SCENARIOS


def test_the_example_of_the_page_is_a_scenario() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", SCENARIOS, re.DOTALL)
    scenario = read(example, "example")
    assert scenario.given == set(tomllib.loads(example)["network"]) | {"kills_per_day"}


def test_the_page_has_every_fault_with_the_keys_that_it_sets() -> None:
    rows = [
        f"| `{name}` | {fault.words} | {', '.join(f'`{field}`' for field in fault.fields)} |"
        for name, fault in sorted(FAULTS.items())
    ]
    assert "\n".join(rows) in SCENARIOS


def test_the_ledger_names_every_fault_by_its_layer_and_those_that_other_simulations_have() -> None:
    layers = LEDGER.split("## Faults by layer", 1)[1].split("\n## ", 1)[0]
    named = set(re.findall(r"`(\w+)`", layers))
    assert named == FAULTS.keys()
    of_worlds = layers.split("| elsewhere |", 1)[0]
    assert set(re.findall(r"`(\w+)`", of_worlds)) == WORLD_FAULTS


def test_the_ledger_counts_the_planted_bugs() -> None:
    assert f"{len(PLANTED)} bugs" in LEDGER
