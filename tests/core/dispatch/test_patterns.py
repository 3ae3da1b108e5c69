"""What recurs: rules and rounds are found again from the visits they made, and few others."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from core.dispatch.patterns import LAST, Recurring, Rule, find_recurring, find_rounds, sites_of
from tests.pattern_truth import (
    TODAY,
    days_of,
    half_a_year,
    rounds_found_again,
    rules_found_again,
    visit,
)

KINDS = (
    Rule("weekly", 1, (1,)),
    Rule("weekly", 1, (0, 3)),
    Rule("weekly", 1, (0, 1, 2, 3, 4)),
    Rule("weekly", 2, (4,)),
    Rule("daily", 10, ()),
    Rule("monthly", 1, (15,)),
    Rule("monthly", 1, (LAST,)),
    Rule("weekday", 1, (2, 1)),
    Rule("weekday", 1, (LAST, 4)),
)


@pytest.mark.parametrize("rule", KINDS)
def test_a_rule_is_found_again_from_its_own_days(rule: Rule) -> None:
    days = list(days_of(rule))
    (found,) = find_recurring(map(visit, days), TODAY)
    assert found.rule == rule
    assert found.hits == tuple(days)
    assert found.expected == len(days)


def test_what_is_found_says_when_how_long_and_by_whom() -> None:
    tuesdays = list(days_of(Rule("weekly", 1, (1,)), date(2026, 10, 5)))
    visits = [visit(day, minute=600 + 5 * index) for index, day in enumerate(tuesdays)]
    visits[2] = visits[2]._replace(worker="eva", minutes=90)
    del visits[4]
    (found,) = find_recurring(visits, TODAY)
    assert found == Recurring(
        site="site",
        title="Check",
        rule=Rule("weekly", 1, (1,)),
        hits=tuple(tuesdays[:4] + tuesdays[5:]),
        expected=7,
        minute=610,
        minutes=45,
        worker="jan",
        worker_hits=5,
    )


def test_a_weekly_and_a_monthly_rule_of_one_site_are_both_found() -> None:
    visits = [visit(day) for day in days_of(Rule("weekly", 1, (1,)))]
    visits += [visit(day)._replace(title="Meter") for day in days_of(Rule("weekday", 1, (1, 3)))]
    found = find_recurring(visits, TODAY)
    assert [(each.title, each.rule) for each in found] == [
        ("Check", Rule("weekly", 1, (1,))),
        ("Meter", Rule("weekday", 1, (1, 3))),
    ]


def test_a_monthly_day_on_a_weekend_is_hit_on_friday_or_monday() -> None:
    rule, visits = Rule("monthly", 1, (15,)), []
    for day in days_of(rule):
        moved = {5: -1, 6: 1}.get(day.weekday(), 0)
        visits.append(visit(day + timedelta(moved)))
    (found,) = find_recurring(visits, TODAY)
    assert (found.rule, len(found.hits)) == (rule, 6)


def test_what_has_ended_is_not_found() -> None:
    visits = [visit(day) for day in days_of(Rule("weekly", 1, (1,))) if day < date(2026, 10, 20)]
    assert find_recurring(visits, TODAY) == []


def test_a_visit_of_tomorrow_and_two_visits_are_no_pattern() -> None:
    visits = [visit(TODAY + timedelta(7 * index)) for index in range(1, 9)]
    assert find_recurring(visits, TODAY) == []
    assert find_recurring(visits[:2], TODAY + timedelta(100)) == []


# --- measured against a truth that was drawn


def test_rules_are_found_again_among_noise_and_few_others_with_them() -> None:
    score = rules_found_again(range(4))
    # Most that is missed are months' days missed twice.
    assert score.precision >= 0.92
    assert score.recall >= 0.92


def test_the_order_in_which_visits_are_given_changes_nothing() -> None:
    visits, _ = half_a_year(7)
    shuffled = visits[:]
    random.Random(1).shuffle(shuffled)
    assert find_recurring(shuffled, TODAY) == find_recurring(visits, TODAY)
    assert find_rounds(shuffled) == find_rounds(visits)


# --- rounds and sites


def test_a_round_that_is_gone_on_most_mondays_is_found_whatever_lies_between() -> None:
    mondays = [TODAY - timedelta(7 * index) for index in range(10)]
    draw, visits = random.Random(3), []
    for index, day in enumerate(mondays):
        stops = ["a", "b", "c", "d"]
        if index == 4:
            stops.reverse()
        if index % 2:
            stops.insert(draw.randrange(4), f"leak {index}")
        visits += [
            visit(day, site, 480 + 60 * place + draw.randrange(10))
            for place, site in enumerate(stops)
        ]
    (found,) = find_rounds(visits)
    assert (found.worker, found.weekday, found.sites) == ("jan", 0, ("a", "b", "c", "d"))
    assert found.worked == 10
    assert found.days == tuple(day for day in sorted(mondays) if day != mondays[4])


def test_rounds_are_found_again_among_noise_and_none_where_there_is_none() -> None:
    score = rounds_found_again(range(20))
    assert score.precision >= 0.9
    assert score.recall >= 0.9


def test_places_within_a_hundred_metres_are_one_site_in_any_order() -> None:
    here, near = (500_995_000, 144_250_000), (500_999_000, 144_252_000)
    far = (501_020_000, 144_250_000)
    assert sites_of([far, here, near, here]) == [1, 0, 0, 0]
    assert sites_of([near, here, far]) == [0, 0, 1]
