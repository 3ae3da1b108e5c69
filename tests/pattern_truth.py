"""Visits to sites whose rules and rounds are known, to measure how many of them are found again.

Drawn from a seed: some visits are missed or come a day late, and others that follow no rule lie
between them. Holds no test. Invariant: one seed draws the same half year.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from core.dispatch.patterns import LAST, Rule, Visit, find_recurring, find_rounds

TODAY = date(2026, 11, 23)  # a Monday
FIRST = TODAY - timedelta(181)

Sites = tuple[str, ...]


class Score(NamedTuple):
    """How many there are in truth, how many were found, and how many of these are right."""

    right: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        """What share of those found is right."""
        return self.right / self.found

    @property
    def recall(self) -> float:
        """What share of the true ones is found."""
        return self.right / self.true


def falls(rule: Rule, day: date, start: date) -> bool:
    """Whether a rule that began at `start` has a visit on a day, by the calendar's own words."""
    last = (day + timedelta(1)).day == 1
    match rule.often:
        case "daily":
            return (day - start).days % rule.every == 0
        case "weekly":
            monday = start - timedelta(start.weekday())
            return day.weekday() in rule.days and (day - monday).days // 7 % rule.every == 0
        case "monthly":
            return last if rule.days == (LAST,) else day.day == rule.days[0]
    if day.weekday() != rule.days[1]:
        return False
    ends = (day + timedelta(7)).month != day.month
    return ends if rule.days[0] == LAST else (day.day + 6) // 7 == rule.days[0]


def days_of(rule: Rule, start: date = FIRST) -> Iterator[date]:
    """All days of a rule until today."""
    for index in range((TODAY - start).days + 1):
        day = start + timedelta(index)
        if falls(rule, day, start):
            yield day


def visit(day: date, site: str = "site", minute: int = 600, worker: str = "jan") -> Visit:
    """A visit of 45 minutes."""
    return Visit(site, day, minute, 45, worker, "Check")


def drawn_rule(draw: random.Random) -> Rule:
    """One of the kinds of rules that customers agree on."""
    match draw.randrange(6):
        case 0:
            return Rule("weekly", 1, (draw.randrange(5),))
        case 1:
            return Rule("weekly", 1, tuple(sorted(draw.sample(range(5), 2))))
        case 2:
            return Rule("weekly", 2, (draw.randrange(5),))
        case 3:
            return Rule("daily", draw.choice([3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15, 20]), ())
        case 4:
            return Rule("monthly", 1, (draw.randrange(1, 29),))
    return Rule("weekday", 1, (draw.randrange(1, 5), draw.randrange(5)))


def half_a_year(seed: int) -> tuple[list[Visit], dict[str, Rule]]:
    """Sixty sites, of which thirty have a rule: one visit of twelve is missed, one of twenty a day
    late, and visits to leaks come in between, at sites without a rule up to forty.
    """
    draw, visits, truth = random.Random(seed), [], {}
    for number in range(60):
        site = f"site {number:02d}"
        if number < 30:
            truth[site] = drawn_rule(draw)
            minute = draw.randrange(480, 900)
            for day in days_of(truth[site], FIRST + timedelta(draw.randrange(20))):
                chance = draw.random()
                late = 1 if 0.08 <= chance < 0.13 else 0
                if truth[site].often == "monthly" and day.weekday() > 4:
                    late = 7 - day.weekday()
                if chance >= 0.08:
                    visits.append(visit(day + timedelta(late), site, minute + draw.randrange(20)))
        for _ in range(draw.randrange(10 if number < 30 else 40)):
            leak = visit(FIRST + timedelta(draw.randrange(182)), site, draw.randrange(480, 900))
            visits.append(leak._replace(title=draw.choice(["Leak", "Check"])))
    return visits, truth


def rules_found_again(seeds: Iterable[int]) -> Score:
    """How well rules are found in half a year of each seed."""
    right = found = true = 0
    for seed in seeds:
        visits, truth = half_a_year(seed)
        rules = [(each.site, each.rule) for each in find_recurring(visits, TODAY)]
        found += len(rules)
        true += len(truth)
        right += sum(truth.get(site) == rule for site, rule in rules)
    return Score(right, found, true)


def half_a_year_of_rounds(seed: int) -> tuple[list[Visit], dict[tuple[str, int], Sites]]:
    """Four workers, of whom three go a round on one weekday: one of twenty of its sites is left
    out, and three others come in anywhere.
    """
    draw, visits, truth = random.Random(seed), [], {}
    for number in range(4):
        worker = f"worker {number}"
        sites = [f"{number}{letter}" for letter in "abcdefghij"]
        if number < 3:
            truth[worker, number] = tuple(draw.sample(sites, draw.randrange(3, 6)))
        for week in range(20):
            day = FIRST + timedelta((number - FIRST.weekday()) % 7 + 7 * week)
            stops = [site for site in truth.get((worker, number), ()) if draw.random() > 0.05]
            for site in draw.sample(sites, 3):
                if site not in stops:
                    stops.insert(draw.randrange(len(stops) + 1), site)
            visits += [
                visit(day, site, 480 + 50 * index, worker) for index, site in enumerate(stops)
            ]
    return visits, truth


def rounds_found_again(seeds: Iterable[int]) -> Score:
    """How well rounds are found in half a year of each seed."""
    right = found = true = 0
    for seed in seeds:
        visits, truth = half_a_year_of_rounds(seed)
        rounds = {(each.worker, each.weekday): each.sites for each in find_rounds(visits)}
        found += len(rounds)
        true += len(truth)
        right += sum(truth.get(key) == sites for key, sites in rounds.items())
    return Score(right, found, true)
