"""Two runs side by side: what was not the same comes before what came of it."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given, settings

from simulator.report import comparing
from simulator.report.compare import compare
from simulator.report.record import Figure, Finding, Record, Series
from tests.simulator.report.any_record import ANY_NUMBERS, records
from tests.simulator.report.records import live_run, mended_run, seeded_run
from tests.simulator.report.test_page import EVIL, Outline

MACHINES = "The machines differ"
LEAST = Record("live", {"name": "Empty"}, "2026-11-30T09:00:00+00:00", 1.0, "")


def text_of(one: Record, other: Record) -> str:
    return Outline(compare(one, other).partition("<body>")[2]).text.replace("\u00a0", " ")


def test_a_comparison_across_machines_says_so_before_any_number() -> None:
    text = text_of(live_run(), mended_run())
    assert text.index(MACHINES) < text.index("What was not the same") < text.index("1,424 ms")
    assert text.index("8 × 3.8 GHz") < text.index("New in B") < text.index("1,424 ms")
    assert MACHINES not in text_of(live_run(), live_run())


def test_what_was_not_the_same_is_named_by_its_place_and_nothing_else_is() -> None:
    one = live_run()
    site = {**one.scenario["site"], "phones": 200}
    other = replace(
        one, scenario={**one.scenario, "site": site}, versions={**one.versions, "python": "3.14.0"}
    )
    assert comparing.settings(one, other) == {
        "scenario": (comparing.Differing("site.phones", "1,000", "200"),),
        "versions": (comparing.Differing("python", "3.13.5", "3.14.0"),),
    }
    assert "The scenarios differ" in text_of(one, other)
    assert "Scenario, machine and versions were the same." in text_of(one, one)


def test_a_live_run_beside_a_seeded_one_is_warned_of() -> None:
    assert "One run is live and the other seeded" in text_of(live_run(), seeded_run())


def test_findings_are_new_gone_or_in_both_whatever_their_numbers() -> None:
    slow, slower = (Finding("warned", f"p99 rose to {n} ms.") for n in ("1,420", "1,390.5"))
    full, lost = Finding("failed", "The disk is full."), Finding("failed", "An entry is lost.")
    one, other = replace(LEAST, findings=(slow, full)), replace(LEAST, findings=(slower, lost))
    assert comparing.findings(one, other) == (
        comparing.Found(lost, "new"),
        comparing.Found(slower, "in both", slow.words),
        comparing.Found(full, "gone"),
    )
    text = text_of(one, other)
    assert text.index("New in B") < text.index("In both") < text.index("Gone in B")


def test_figures_are_told_with_difference_ratio_and_goals() -> None:
    one = replace(LEAST, figures=(Figure("p99", 1_200, "ms", "1 s", False), Figure("old", 1, "")))
    other = replace(LEAST, figures=(Figure("p99", 900, "ms", "1 s", True), Figure("new", 2, "")))
    told = [
        tuple(str(part).replace("\u00a0", " ") for part in (each.name, each.one, each.other,
              each.difference, each.ratio)) for each in comparing.figures(one, other)
    ]  # fmt: skip
    assert told == [
        ("p99", "1,200 ms", "900 ms", "−300 ms", "× 0.75"),
        ("new", "–", "2", "–", "–"),
        ("old", "1", "–", "–", "–"),
    ]
    assert comparing.figures(one, other)[0].marks == ("missed", "reached")


def test_figures_of_one_name_and_other_units_are_not_compared() -> None:
    one, other = (replace(LEAST, figures=(Figure("memory", 5, unit),)) for unit in ("MB", "B"))
    assert [each.ratio for each in comparing.figures(one, other)] == ["–", "–"]


def test_series_of_both_lie_over_each_other_in_one_plot() -> None:
    html = compare(live_run(), mended_run())
    assert html.count('<svg class="lines"') == len(live_run().series)
    for look in (0, 1):
        drawn = re.findall(rf'<path class="line line-{look}" d="M[\d. ]+h0', html)
        assert len(drawn) == len(live_run().series)
    alone = replace(LEAST, series=(Series("on", "", (0, 1), (1, 2)),))
    assert "On (in B alone)" in text_of(LEAST, alone)
    assert 'class="line line-0"' not in compare(LEAST, alone)


def test_counts_and_conflicts_of_both_are_told() -> None:
    text = text_of(live_run(), mended_run())
    assert re.search(r"refused for want of room\s*312\s*0\s*−312", text)
    assert re.search(r"finished and cancelled\s*5\s*–", text)


def test_seeds_that_came_to_something_else_are_told_those_that_fail_in_one_first() -> None:
    one = seeded_run()
    seeds = [
        replace(each, wrong="", checker="")
        if each.seed == 57
        else replace(each, state="0" * 16)
        if each.seed == 3
        else each
        for each in one.seeds
    ]
    other = replace(one, seeds=tuple(seeds), findings=())
    assert [each.name for each in comparing.seeds(one, other)] == ["57", "3"]
    text = text_of(one, other)
    assert "100 seeds run in both: 2 came to something else." in text
    assert "failed: durable, entry 412 of phone 3" in text
    assert "100 seeds run in both: all came to the same." in text_of(one, one)
    later = replace(one, seeds=(replace(one.seeds[0], seed=1_000),))
    assert "No seed was run in both." in text_of(one, later)


def test_hostile_names_are_shown_and_never_become_markup() -> None:
    evil = replace(
        LEAST,
        scenario={"name": EVIL, EVIL: EVIL},
        findings=(Finding("failed", EVIL, EVIL),),
        figures=(Figure(EVIL, 1, EVIL, EVIL, True),),
        series=(Series(EVIL, EVIL, (0, 1), (1, 2)),),
        counts={EVIL: 1},
        machine={EVIL: EVIL},
    )
    for html in (compare(LEAST, evil), compare(evil, LEAST)):
        assert "<script" not in html
        assert "<img" not in html


@given(records(ANY_NUMBERS), records(ANY_NUMBERS))
@settings(max_examples=25)
def test_any_two_records_can_be_compared(one: Record, other: Record) -> None:
    assert "<h1>" in compare(one, other)
