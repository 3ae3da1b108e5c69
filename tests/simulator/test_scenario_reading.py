"""Scenario files: what is right is read as it says, what is wrong is told with line and range."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.log import errors
from simulator.draw import Options
from simulator.scenario.keys import ELSEWHERE, PARTS, TABLES, as_tables
from simulator.scenario.reading import ScenarioError, read, read_file
from simulator.scenario.scenario import Limits, Live, Scenario, Seeded, SiteSize
from simulator.scenario.shipped import shipped_names, shipped_text
from simulator.world.points import POINTS

SIMULATOR = Path(__file__).parents[2] / "simulator"
HEAD = 'name = "a day"\nabout = "For tests."\n'


def wrong(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read(text, "mine.toml")
    return str(caught.value).splitlines()


def test_a_file_that_says_only_its_name_is_a_calm_world_of_the_usual_size() -> None:
    assert read(HEAD, "mine.toml") == Scenario("a day", "For tests.")


def test_all_that_a_file_says_is_in_the_scenario() -> None:
    scenario = read(
        HEAD
        + """
        site = { phones = 3, hubs = 1 }
        seeded.days = 2
        [live]
        ramp_up_s = 5
        [limits]
        acknowledged_p99_ms = false
        failures_max = 2
        [network]
        tunnels_per_day = 4
        "offline_per_day" = 0.25
        [links]
        websockets = true
        cut_per_frame = 0.0
        """,
        "mine.toml",
    )
    assert scenario == Scenario(
        "a day",
        "For tests.",
        SiteSize(phones=3, hubs=1),
        Options(tunnels_per_day=4.0, offline_per_day=0.25, websockets=True),
        Seeded(days=2),
        Live(ramp_up_s=5.0),
        Limits(acknowledged_p99_ms=None, failures_max=2),
        frozenset({"tunnels_per_day", "offline_per_day", "websockets", "cut_per_frame"}),
    )
    assert isinstance(scenario.options.tunnels_per_day, float)
    assert as_tables(scenario)["links"] == {"websockets": True, "cut_per_frame": 0.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[site]\nphone = 3", "mine.toml:4: site.phone is no key of this table; did you mean"),
        ("[sight]\nphones = 3", "mine.toml:3: sight is not known here; did you mean site?"),
        ("[site]\nphones = 3.5", "site.phones is a whole number from 1 to 10000 (phones), not the"),
        ("[site]\nphones = true", "mine.toml:4: site.phones is a whole number"),
        ("[site]\n\nphones = 0", "mine.toml:5: site.phones is a whole number from 1 to 10000"),
        ("[links]\ncut_per_frame = 1.5", "is a number from 0 to 1 (chance, 0 to 1); 1.5 is out of"),
        ("[links]\ncut_per_frame = nan", "nan is out of range"),
        ("[links]\nwebsockets = 1", "is true or false, not the number 1"),
        ("[phones]\nkills_per_day = '3'", "(a day, at the mean), not the text '3'"),
        ("[phones]\ntunnels_per_day = 3", "phones.tunnels_per_day stands in the table [network]"),
        ("[phones]\ntunels_per_day = 3", "did you mean tunnels_per_day in [network]?"),
        ("kills_per_day = 3", "mine.toml:3: kills_per_day stands in the table [phones]"),
        ("site = 3", "mine.toml:3: site is a table: write [site] on a line"),
        ("[[site]]\nphones = 3", "mine.toml:3: site is a table"),
        ("[limits]\npage_p99_ms = 0", "or false where it is not asked for; 0 is out of range"),
        ("[seeded]\nreaches = 'x'", "is a list of texts"),
        ("[seeded]\nreaches = [\n'a hub was restord']", "did you mean a hub was restored?"),
        (
            "[links]\nstall_per_frame = 0.1",
            "links.stall_per_frame does nothing without stall_s_max",
        ),
        ("[network]\nlatency_s_min = 2", "latency_s_min is more than latency_s_max"),
        ("[links]\nwebsockets = true\n[frames]\nlost_per_frame = 0.1", "do not go together"),
        ("[site]\nphones = ", "mine.toml:4: this is no TOML: "),
        ("[site]\nphones = 3\nphones = 4", "mine.toml:5: this is no TOML: "),
        ("[site", "mine.toml:3: this is no TOML: "),
        ("about = 3", "this is no TOML: "),
        (f"[site]\nphones = 0x{'f' * 5_000}", "one with so many digits is out of range"),
        (f"[site]\nphones = {'9' * 5_000}", "this is no TOML: "),
        ('[site]\n"a\\nb" = 1', "mine.toml:4: site.'a\\nb' is no key of this table"),
        (f"[site]\nx = {'[' * 9_000}{']' * 9_000}", "its values lie too deep"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_is_allowed(text: str, told: str) -> None:
    (words,) = wrong(HEAD + text)
    assert told in words


def test_a_file_without_name_or_sentence_is_told_what_to_write() -> None:
    first, second = wrong("[site]\nphones = 3")
    assert first.startswith('mine.toml:1: about is missing; write about = "…" at the top')
    assert second.startswith("mine.toml:1: name is missing")
    (words,) = wrong('name = ""\nabout = "For tests."')
    assert words == "mine.toml:1: name is a text of 1 to 60 letters"


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file() -> None:
    told = wrong(HEAD + "[phones]\nkill = 1\n[site]\nphones = -1\nhubs = 3\n")
    assert [words.split(":")[1] for words in told] == ["4", "6", "7"]


@given(st.sampled_from(shipped_names()), st.data())
@settings(max_examples=150, deadline=None)
def test_a_file_that_a_hand_slipped_in_is_read_or_told_in_words(name: str, data) -> None:
    text = shipped_text(name)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    text = text[:start] + data.draw(st.text("a[]{}=.,#'\"\\\n9-é", max_size=6)) + text[end:]
    told = []
    try:
        read(text, "mine.toml")
    except ScenarioError as error:
        told = str(error).splitlines()
    assert all(re.match(r"mine.toml:\d+: ", line) for line in told), told


def test_what_can_not_be_read_is_told_by_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="No such file"):
        read_file(tmp_path / "none.toml")
    with pytest.raises(ScenarioError, match="can't be read"):
        read_file(tmp_path)
    strange = tmp_path / "strange.toml"
    strange.write_bytes(b'name = "a"\nabout = "\xff"\n')
    with pytest.raises(ScenarioError, match=r"strange.toml:2: this is no UTF-8"):
        read_file(strange)
    strange.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ScenarioError, match="larger than a megabyte"):
        read_file(strange)


def test_every_field_of_a_scenario_has_its_key_and_every_default_is_in_range() -> None:
    for part, kind in PARTS.items():
        named = [key.name for table in TABLES if table.part == part for key in table.keys]
        assert len(named) == len(set(named))
        elsewhere = ELSEWHERE if kind is Options else set()
        assert set(named) == {field.name for field in fields(kind)} - elsewhere
    for table in TABLES:
        for key in table.keys:
            default = table.default(key)
            if isinstance(default, int | float) and not isinstance(default, bool):
                assert key.least <= default <= key.most, key.name


def test_every_point_that_the_simulator_counts_can_be_asked_for() -> None:
    refusals = {f"refused: {each.name}" for each in vars(errors).values() if _is_refusal(each)}
    counted = set()
    for path in [*SIMULATOR.glob("world/*.py"), *SIMULATOR.glob("hostile/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("points"):
                texts = ast.walk(node.slice)
                counted |= {each.value for each in texts if isinstance(each, ast.Constant)}
    assert {each for each in counted if each != "refused: "} <= POINTS
    assert refusals <= POINTS


def _is_refusal(each: object) -> bool:
    return isinstance(each, type) and issubclass(each, errors.LogError)
