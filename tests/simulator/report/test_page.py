"""A report says first how it went and why, says nothing that is not so, and fetches nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings

from simulator.report.page import draw
from simulator.report.record import Figure, Finding, Record, SeedOutcome, Series
from tests.simulator.report.any_record import ANY_NUMBERS, records
from tests.simulator.report.records import live_run, seeded_run

EVIL = '"><script>alert(1)</script><img src=https://example.org/x onerror=alert(2)>'
LEAST = Record("live", {"name": "Empty"}, "2026-11-30T09:00:00+00:00", 1.0, "")


class Outline(HTMLParser):
    """The words of a page in their order, its headings, and every attribute that it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.levels: list[int] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """All that is read, the sheet of styles too."""
        return re.sub(r"\s+", " ", "".join(self.words)).split("</style>")[-1]


def text_of(record: Record) -> str:
    body = draw(record).partition("<body>")[2]
    return Outline(body).text.replace("\u00a0", " ")


def test_the_verdict_comes_first_then_each_finding_the_failed_ones_before_the_others() -> None:
    run = live_run()
    text = text_of(run)
    failed, warned = run.findings[1], run.findings[0]
    order = [
        "A busy Monday",
        "30 November 2026, 09:12:53 UTC",
        "10 min 32 s",
        "https://10.0.0.5:8443",
        "Failed",
        "1 finding failed; 1 finding warned; 3 of 5 goals reached.",
        failed.words,
        failed.cause,
        warned.words,
        warned.cause,
        "Figures against their goals",
        "1,424 ms",
        "Latencies",
    ]
    places = [text.find(words) for words in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


def test_a_run_that_failed_at_nothing_passed() -> None:
    text = text_of(replace(live_run(), findings=()))
    assert "Passed" in text
    assert "Failed" not in text
    assert "Findings" not in text


def test_a_seed_that_a_checker_objected_to_fails_the_run_whatever_was_found() -> None:
    text = text_of(replace(seeded_run(), findings=(), figures=()))
    assert "Failed 99 of 100 seeds passed." in text


def test_sections_with_nothing_to_say_are_left_out() -> None:
    text = text_of(LEAST)
    assert "Empty" in text
    assert "Passed" in text
    for title in ("Latencies", "Rates", "Seeds", "Conflicts", "truth", "cut off", "Figures",
                  "Machine", "What happened", "The scenario", "Findings"):  # fmt: skip
        assert title not in text
    assert "<h2" not in draw(LEAST)


def test_a_whole_run_has_every_section_of_its_kind() -> None:
    text = text_of(live_run())
    for title in ("Latencies", "Rates", "Over the run", "Memory, files and bytes sent",
                  "Conflicts by kind", "Automatic logs beside the truth",
                  "Where phones were cut off", "What happened", "All figures", "The scenario",
                  "Machine and versions"):  # fmt: skip
        assert title in text
    assert "Seeds" not in text


def test_a_seed_that_failed_says_its_checker_what_was_wrong_and_how_to_replay_it() -> None:
    text = text_of(seeded_run())
    assert "99 of 100 seeds passed" in text
    assert "Seed 57 failed: durable" in text
    assert "entry 412 of phone 3 was acknowledged and is gone after a power cut" in text
    assert "fieldlog simulate seeded --from 57 --seeds 1 --trace" in text
    assert "fieldlog simulate seeded --from 58 --seeds 1 --trace" in text


@pytest.mark.parametrize(
    "record", [live_run(), seeded_run(), LEAST], ids=["live", "seeded", "least"]
)
def test_a_page_refers_to_nothing_outside_of_itself_and_runs_nothing(record: Record) -> None:
    html = draw(record)
    outline = Outline(html)
    for tag, name, value in outline.attributes:
        assert name not in {"src", "srcset", "data", "action", "background", "poster"}, tag
        assert not name.startswith("on"), tag
        if name == "href":
            assert value.startswith("#"), tag
            assert value[1:] in outline.ids
    assert "<script" not in html
    assert "<link" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert len(set(outline.ids)) == len(outline.ids)


@pytest.mark.parametrize("record", [live_run(), seeded_run()], ids=["live", "seeded"])
def test_headings_are_in_order(record: Record) -> None:
    levels = Outline(draw(record)).levels
    assert levels[0] == 1
    assert levels.count(1) == 1
    for one, other in zip(levels, levels[1:], strict=False):
        assert other <= one + 1


def test_hostile_names_are_shown_and_never_become_markup() -> None:
    run = live_run()
    seed = SeedOutcome(1, EVIL, 1, 1, (EVIL,), EVIL, EVIL, EVIL)
    evil = replace(
        run,
        kind=EVIL,
        scenario={"name": EVIL, "about": EVIL, EVIL: {EVIL: EVIL}},
        began=EVIL,
        command=EVIL,
        target=EVIL,
        machine={EVIL: EVIL},
        versions={EVIL: EVIL},
        findings=(Finding("failed", EVIL, EVIL), Finding(EVIL, EVIL, EVIL)),
        figures=(Figure(EVIL, 1, EVIL, EVIL, reached=True),),
        series=(Series(EVIL, EVIL, (0, 1), (1, 2)),),
        latencies=tuple(replace(each, name=EVIL) for each in run.latencies),
        counts={EVIL: 1},
        conflicts={EVIL: 1},
        truth={EVIL: 1},
        seeds=(seed, replace(seed, seed=2, wrong="")),
    )
    html = draw(evil)
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;") > 25


@given(records(ANY_NUMBERS))
@settings(max_examples=60)
def test_any_record_can_be_drawn(record: Record) -> None:
    html = draw(record)
    assert "<h1>" in html
    assert 'd="Mnan' not in html


def test_each_plot_has_its_numbers_beside_it() -> None:
    html = draw(live_run())
    assert html.count('<svg class="plot"') == html.count("<summary>The numbers")
    for each in live_run().series:
        assert f">{each.name}, {each.unit}</th>" in html


def test_the_phases_come_from_counts_or_series_where_the_run_measured_them() -> None:
    run = live_run()
    assert "ramp up 1 min, hold 9 min, ramp down 30 s" in text_of(run)
    counted = replace(run, counts={**run.counts, "ramp_up_s": 90})
    assert "ramp up 1 min 30 s, hold 9 min" in text_of(counted)
    measured = Series("hold", "", (65.0, 600.0), (1.0, 1.0))
    text = text_of(replace(run, series=(*run.series, measured)))
    assert "hold 8 min 55 s" in text
    assert "ramp up 1 min" not in text
    assert "Phases" not in text_of(replace(run, kind="seeded"))


def test_series_of_one_unit_share_a_plot_where_both_can_be_seen() -> None:
    at_s = (0.0, 1.0)
    small, large = Series("held", "B", at_s, (1.0, 2.0)), Series("free", "B", at_s, (9.0, 9e6))
    near = Series("kept", "B", at_s, (3.0, 4.0))
    html = draw(replace(LEAST, series=(small, large, near)))
    assert re.findall(r"<h3>([^<]*)</h3>", html) == ["Held · kept", "Free"]
