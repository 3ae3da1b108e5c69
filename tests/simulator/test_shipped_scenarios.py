"""The scenarios that come with the program: they read, can be run, and do what they promise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.fleet.demo import TOWN
from simulator.scenario.reading import ScenarioError
from simulator.scenario.shipped import scenario_of, shipped, shipped_names, shipped_text
from simulator.world.campaign import attempt
from simulator.world.run import Report
from simulator.world.sized import size_of, why_not


def test_there_are_as_many_scenarios_as_were_promised() -> None:
    assert shipped_names() == [
        "demo",
        "hostile-phone",
        "hub-moves-house",
        "monday-rush",
        "month-offline",
        "quiet-day",
        "restored-hub",
        "split-depots",
        "stolen-phone",
        "storm",
        "tunnel-town",
        "two-dispatchers-one-job",
        "upgrade-in-the-field",
    ]


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_scenario_says_what_it_is_for_and_what_must_happen(name: str) -> None:
    scenario = shipped(name)
    assert scenario.name.casefold().replace(" ", "-") == name
    assert scenario.about.endswith(".")
    assert scenario.seeded.reaches
    assert why_not(size_of(scenario)) == ""


# The quickest one; `fieldlog simulate seeded NAME` runs each in full, and says what is missed.
def test_what_a_quiet_day_promises_happens_also_on_a_small_site() -> None:
    scenario = shipped("quiet-day")
    size = replace(size_of(scenario), phones=3, entries_per_phone=10)
    outcome = attempt(1, size, scenario=scenario)
    assert isinstance(outcome, Report), outcome
    missed = [point for point in scenario.seeded.reaches if not outcome.points.get(point)]
    assert not missed


def test_the_demo_and_its_scenario_have_the_same_town() -> None:
    assert replace(TOWN, photos_per_day=2.0) == shipped("demo").options


@pytest.mark.parametrize("words", ["monday rush", "Monday-Rush", " MONDAY_rush"])
def test_a_name_is_known_however_it_is_written(words: str) -> None:
    assert scenario_of(words).name == "Monday rush"


def test_a_name_that_is_none_is_answered_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="did you mean monday-rush"):
        scenario_of("munday rush")
    with pytest.raises(ScenarioError, match="there are demo, hostile-phone"):
        shipped_text("xyz")
    with pytest.raises(ScenarioError, match="No such file"):
        scenario_of("monday-rush.toml")
