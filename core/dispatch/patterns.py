"""What recurs in work that was done: sites visited by a rule, and rounds of sites on a weekday.

A rule is one of those that a recurring job can have: on weekdays every n weeks, every n days, on a
day of the month, on the n-th weekday of a month. For the days on which a site was visited each rule
counts its *hits* among the days that it expects, from its first hit until today. A rule is taken
if two thirds of what it expects was hit (of few, all but one), and so many hits would hardly come
about by chance: were the visits strewn over the days as often as they are, the chance of this many,
times the number of rules tried, is at most `CHANCE_MAX` (a binomial tail under Bonferroni's bound).
The least likely rule is taken first; its hits are put aside, and the rest is looked at again, so
that a weekly and a monthly visit to one site are both found. A rule that missed its last days has
ended: it is judged until its last hit, put aside too, so that no rarer rule is read into what it
left, and not told. A monthly day on a weekend counts as hit on the Friday before or the Monday
after. Visits with one title are looked at together first, then all that is left of the site.

A round is an order of sites that one worker goes on a weekday: of the sites visited on most of
those days, in the order of their median place in the day, the site that fits least is left out
until the whole order stands in enough of the days.

Pure and deterministic: no clock, no chance, ties go by the rule itself. Holds no words and no SQL.
"""

from __future__ import annotations

import calendar
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median_low
from typing import Final, Literal, NamedTuple

from core.dispatch.geometry import Point, distance_m

Often = Literal["daily", "weekly", "monthly", "weekday"]

HITS_MIN: Final = 3
"""Two visits have a distance, three a rhythm."""
SHARE_MIN: Final = 2 / 3
"""People fall ill and customers are away: a third of the days may be missed."""
CHANCE_MAX: Final = 0.01
WEEKS_MAX: Final = 4
"""Rarer than every four weeks is monthly to people, and too rare for half a year to show."""
DAYS_MAX: Final = 27
"""What comes every four weeks or so is told by weeks or months."""
RULES_MAX: Final = 3
"""So many rules one site can have; what is left then is not regular."""
MISSED_MAX: Final = 2
"""A rule that missed its last three days has ended."""
SITE_M: Final = 100
"""Work without a customer is of one site within this distance."""
ROUND_SITES_MIN: Final = 3
ROUND_DAYS_MIN: Final = 4
LAST: Final = -1
"""The last day of a month, or its last such weekday."""

_CANDIDATES: Final = sum(range(1, WEEKS_MAX + 1)) + DAYS_MAX + 32 + 35


class Visit(NamedTuple):
    """A visit to a site: its local day, minute of arrival, minutes on site (None: not known)."""

    site: str
    day: date
    minute: int
    minutes: int | None
    worker: str
    title: str


class Rule(NamedTuple):
    """When a site is visited.

    `days` are weekdays from 0 (Monday) where `often` is 'weekly', one day of the month (or `LAST`)
    where 'monthly', which one (1 to 5, or `LAST`) and its weekday where 'weekday', else empty.
    """

    often: Often
    every: int
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Recurring:
    """A site and its rule: the days that were hit, of how many that the rule expects.

    `minute` and `minutes` are medians; `worker` was there most often, `worker_hits` times.
    """

    site: str
    title: str
    rule: Rule
    hits: tuple[date, ...]
    expected: int
    minute: int
    minutes: int | None
    worker: str
    worker_hits: int


@dataclass(frozen=True, slots=True)
class Round:
    """An order of sites that a worker goes on a weekday: the days it was gone, of how many worked.

    `minute` is the median arrival at the first site.
    """

    worker: str
    weekday: int
    sites: tuple[str, ...]
    days: tuple[date, ...]
    worked: int
    minute: int


def sites_of(points: Sequence[Point], within_m: int = SITE_M) -> list[int]:
    """For each place the number of its site: places within 100 m of the site's first are one.

    In order of the places themselves, so that the order in which they are given decides nothing.
    """
    cell_e7 = (
        20_000  # Somewhat over 200 m of latitude: what is near lies in this cell or beside it.
    )
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    seeds: list[Point] = []
    found: dict[Point, int] = {}
    for point in sorted(set(points)):
        scale = max(0.05, math.cos(math.radians(point[0] / 1e7)))
        row, column = point[0] // cell_e7, int(point[1] * scale) // cell_e7
        near = [
            number
            for lat in (row - 1, row, row + 1)
            for lon in (column - 1, column, column + 1)
            for number in cells[lat, lon]
            if distance_m(*point, *seeds[number]) <= within_m
        ]
        if near:
            found[point] = min(near)
            continue
        cells[row, column].append(len(seeds))
        found[point] = len(seeds)
        seeds.append(point)
    return [found[point] for point in points]


# --- rules


def find_recurring(visits: Iterable[Visit], today: date) -> list[Recurring]:
    """The rules by which sites are visited, by site, then by how often they were hit."""
    by_site: dict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        if visit.day <= today:
            by_site[visit.site].append(visit)
    found: list[Recurring] = []
    for site in sorted(by_site):
        found += _of_site(by_site[site], today)
    return found


def _of_site(visits: list[Visit], today: date) -> list[Recurring]:
    by_title: dict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_title[visit.title.casefold().strip()].append(visit)
    found: list[Recurring] = []
    left: list[Visit] = []
    for title in sorted(by_title):
        own, rest = _of_group(by_title[title], today)
        found += own
        left += rest
    if len(by_title) > 1:
        found += _of_group(left, today)[0]
    return sorted(found, key=lambda each: (-len(each.hits), each.rule, each.title))


def _of_group(visits: list[Visit], today: date) -> tuple[list[Recurring], list[Visit]]:
    """The rules of visits that belong together, and the visits that follow none."""
    found: list[Recurring] = []
    left = visits
    while len(found) < RULES_MAX:
        days = sorted({visit.day for visit in left})
        best = _best_rule(days, today)
        if best is None:
            break
        of_rule = set(best.hits)
        own = [visit for visit in left if visit.day in of_rule]
        if not best.has_ended:
            found.append(_recurring(best, own))
        left = [visit for visit in left if visit.day not in of_rule]
    return found, left


def next_day(found: Recurring, today: date) -> date:
    """The first day after today on which a rule expects a visit."""
    ahead = today + timedelta(7 * WEEKS_MAX + 366)
    return next(day for day in _expected(found.rule, found.hits[-1], ahead) if day > today)


class _Tried(NamedTuple):
    """A rule, the days that it hit, how many it expects until the last hit, and how many after."""

    rule: Rule
    hits: tuple[date, ...]
    until_last: int
    since_last: int

    @property
    def has_ended(self) -> bool:
        """Whether it missed its last days."""
        days = len(self.rule.days) if self.rule.often == "weekly" else 1
        return self.since_last > MISSED_MAX * days

    @property
    def expected(self) -> int:
        """How many days it expects, as long as it goes on."""
        return self.until_last + (0 if self.has_ended else self.since_last)

    @property
    def is_regular(self) -> bool:
        """Whether it was hit often enough of what it expects."""
        return len(self.hits) >= max(HITS_MIN, min(self.expected * SHARE_MIN, self.expected - 1))


def _recurring(best: _Tried, own: list[Visit]) -> Recurring:
    worker, worker_hits = _most(visit.worker for visit in own)
    known = [visit.minutes for visit in own if visit.minutes is not None]
    return Recurring(
        own[0].site,
        _most(visit.title for visit in own)[0],
        best.rule,
        best.hits,
        best.expected,
        median_low([visit.minute for visit in own]),
        median_low(known) if known else None,
        worker,
        worker_hits,
    )


def _most(texts: Iterable[str]) -> tuple[str, int]:
    """The text that comes most often, and how often."""
    return min(Counter(texts).items(), key=lambda pair: (-pair[1], pair[0]))


def _best_rule(days: list[date], today: date) -> _Tried | None:
    """The rule that is least likely to be chance; None where none is likely enough to be one."""
    if len(days) < HITS_MIN:
        return None
    span = (today - days[0]).days + 1
    density = len(days) / span
    best: tuple[float, int, Rule, _Tried] | None = None
    for rule in _candidates(days):
        tried = _tried(rule, days, today)
        if not tried.is_regular:
            continue
        # On a weekend's monthly day any of three days is a hit.
        likely = min(0.95, density * _width(rule))
        chance = _CANDIDATES * _tail(len(tried.hits), tried.expected, likely)
        if chance <= CHANCE_MAX and (best is None or (chance, rule.every, rule) < best[:3]):
            best = (chance, rule.every, rule, tried)
    return None if best is None else best[3]


def _width(rule: Rule) -> float:
    return 11 / 7 if rule.often == "monthly" else 1


def _tail(hits: int, expected: int, density: float) -> float:
    """The chance of at least this many hits among the days expected, were each one as likely."""
    return sum(
        math.comb(expected, count) * density**count * (1 - density) ** (expected - count)
        for count in range(hits, expected + 1)
    )


def _candidates(days: Sequence[date]) -> Iterator[Rule]:
    """Rules that some of these days suggest; of most others it is seen at once that they fail."""
    for every in range(1, WEEKS_MAX + 1):
        by_phase: dict[int, list[date]] = defaultdict(list)
        for day in days:
            by_phase[_week(day) % every].append(day)
        for phase in sorted(by_phase):
            yield from _weekly(every, by_phase[phase])
    for every in range(1, DAYS_MAX + 1):
        if every % 7 and _may_be_daily(every, days):
            yield Rule("daily", every, ())
    in_month = Counter(day.day for day in days)
    weekends = Counter(moved.day for day in days for moved in _moved_from(day))
    for number in range(1, 29):
        if in_month[number] + weekends[number] >= HITS_MIN:
            yield Rule("monthly", 1, (number,))
    if sum(1 for day in days if _is_last(day) or any(map(_is_last, _moved_from(day)))) >= HITS_MIN:
        yield Rule("monthly", 1, (LAST,))
    nth = Counter(pair for day in days for pair in _nths(day))
    yield from (Rule("weekday", 1, pair) for pair in sorted(nth) if nth[pair] >= HITS_MIN)


def _weekly(every: int, days: Sequence[date]) -> Iterator[Rule]:
    """Rules of the weekdays that may be regular, of weeks of one phase: all together, and each."""
    ordinals: dict[int, list[int]] = defaultdict(list)
    for day in days:
        ordinals[day.weekday()].append(day.toordinal())
    often = tuple(each for each in range(7) if _may_be_regular(7 * every, ordinals[each]))
    if len(often) > 1:
        yield Rule("weekly", every, often)
    yield from (Rule("weekly", every, (day,)) for day in often)


def _may_be_daily(every: int, days: Sequence[date]) -> bool:
    """Whether days that lie a multiple of `every` apart are as many as a rule needs."""
    by_phase: dict[int, list[int]] = defaultdict(list)
    for day in days:
        by_phase[day.toordinal() % every].append(day.toordinal())
    return any(_may_be_regular(every, own) for own in by_phase.values())


def _may_be_regular(apart: int, ordinals: Sequence[int]) -> bool:
    """Whether days (in order) are many enough of all that lie so far apart from first to last."""
    if len(ordinals) < HITS_MIN:
        return False
    return len(ordinals) >= SHARE_MIN * ((ordinals[-1] - ordinals[0]) // apart + 1)


def _week(day: date) -> int:
    """The number of a day's week, from Monday."""
    return (day.toordinal() - 1) // 7


def _moved_from(day: date) -> tuple[date, ...]:
    """The days of the weekend that a visit on this Friday or Monday may stand for."""
    if day.weekday() == 4:
        return day + timedelta(1), day + timedelta(2)
    if day.weekday() == 0:
        return day - timedelta(2), day - timedelta(1)
    return ()


def _is_last(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def _nths(day: date) -> tuple[tuple[int, int], ...]:
    """Which one of its weekday a day is in its month; the last one is that too."""
    pairs = ((day.day - 1) // 7 + 1, day.weekday())
    length = calendar.monthrange(day.year, day.month)[1]
    last = ((LAST, day.weekday()),) if day.day + 7 > length else ()
    return (pairs, *last) if pairs[0] < 5 else last


def _tried(rule: Rule, days: Sequence[date], today: date) -> _Tried:
    """What a rule hits and expects, from its first hit until today.

    Where a rule leaves its beginning open (every n weeks or days), the one with most hits counts.
    """
    best = _Tried(rule, (), 0, 0)
    for first in _beginnings(rule, days):
        held, hits, until_last, count = set(days), [], 0, 0
        for day in _expected(rule, first, today):
            count += 1
            hit = next((each for each in _stand_for(rule, day) if each in held), None)
            if hit is not None:
                held.discard(hit)
                hits.append(hit)
                until_last = count
        if len(hits) > len(best.hits):
            best = _Tried(rule, tuple(hits), until_last, count - until_last)
    return best


def _beginnings(rule: Rule, days: Sequence[date]) -> Iterator[date]:
    """The first day of each of the ways in which a rule can begin."""
    if rule.often in ("monthly", "weekday"):
        first = next(
            (each for day in days for each in (day, *_moved_from(day)) if _falls(rule, each)), None
        )
        if first is not None:
            yield first
        return
    phases: set[int] = set()
    for day in days:
        if rule.often == "weekly" and day.weekday() not in rule.days:
            continue
        phase = (_week(day) if rule.often == "weekly" else day.toordinal()) % rule.every
        if phase not in phases:
            phases.add(phase)
            yield day


def _falls(rule: Rule, day: date) -> bool:
    if rule.often == "weekday":
        return rule.days in _nths(day)
    return _is_last(day) if rule.days == (LAST,) else day.day == rule.days[0]


def _expected(rule: Rule, first: date, today: date) -> Iterator[date]:
    """The days of a rule from `first`, which is one of them, until today."""
    if rule.often == "daily":
        for ordinal in range(first.toordinal(), today.toordinal() + 1, rule.every):
            yield date.fromordinal(ordinal)
    elif rule.often == "weekly":
        monday = first - timedelta(first.weekday())
        while monday <= today:
            for weekday in rule.days:
                if first <= (day := monday + timedelta(weekday)) <= today:
                    yield day
            monday += timedelta(7 * rule.every)
    else:
        month = first.replace(day=1)
        while month <= today:
            length = calendar.monthrange(month.year, month.month)[1]
            number = _day_in_month(rule, month, length)
            if number <= length and first <= (day := month.replace(day=number)) <= today:
                yield day
            month += timedelta(length)


def _day_in_month(rule: Rule, first: date, length: int) -> int:
    """The day on which a month's rule falls; beyond the month's length where it has no such day."""
    if rule.often == "monthly":
        return length if rule.days == (LAST,) else rule.days[0]
    which, weekday = rule.days
    earliest = 1 + (weekday - first.weekday()) % 7
    if which == LAST:
        return earliest + (length - earliest) // 7 * 7
    return earliest + 7 * (which - 1)


def _stand_for(rule: Rule, day: date) -> tuple[date, ...]:
    """The days on which a visit hits an expected day: itself, or those beside its weekend."""
    if rule.often != "monthly" or day.weekday() < 5:
        return (day,)
    friday = day - timedelta(day.weekday() - 4)
    return day, friday, friday + timedelta(3)


# --- rounds


def find_rounds(visits: Iterable[Visit]) -> list[Round]:
    """The rounds of sites that workers go on weekdays, by worker and weekday."""
    by_day: dict[tuple[str, int], dict[date, list[Visit]]] = defaultdict(dict)
    for visit in visits:
        of_weekday = by_day[visit.worker, visit.day.weekday()]
        of_weekday.setdefault(visit.day, []).append(visit)
    found = []
    for worker, weekday in sorted(by_day):
        of_weekday = by_day[worker, weekday]
        orders = {day: _order(of_weekday[day]) for day in sorted(of_weekday)}
        need = max(ROUND_DAYS_MIN, math.ceil(len(orders) * SHARE_MIN))
        sites = _round(orders, need)
        if sites:
            days = [day for day, order in orders.items() if _goes(sites, order)]
            starts = [
                min(visit.minute for visit in of_weekday[day] if visit.site == sites[0])
                for day in days
            ]
            found.append(
                Round(worker, weekday, sites, tuple(days), len(orders), median_low(starts))
            )
    return found


def _order(visits: Iterable[Visit]) -> list[str]:
    """The sites of a day in the order in which somebody first came there."""
    ordered = sorted(visits, key=lambda visit: (visit.minute, visit.site))
    return list(dict.fromkeys(visit.site for visit in ordered))


def _round(orders: Mapping[date, Sequence[str]], need: int) -> tuple[str, ...]:
    """The longest order of sites found in `need` days by leaving out what fits least; or none."""
    ranks: dict[str, list[float]] = defaultdict(list)
    for order in orders.values():
        for rank, site in enumerate(order):
            ranks[site].append(rank / len(order))
    frequent = [site for site in ranks if len(ranks[site]) >= need]
    sites = tuple(sorted(frequent, key=lambda site: (median_low(ranks[site]), site)))
    while len(sites) >= ROUND_SITES_MIN:
        if _support(sites, orders) >= need:
            return sites
        shorter = [sites[:index] + sites[index + 1 :] for index in range(len(sites))]
        sites = max(shorter, key=lambda each: (_support(each, orders), each))
    return ()


def _support(sites: Sequence[str], orders: Mapping[date, Sequence[str]]) -> int:
    return sum(_goes(sites, order) for order in orders.values())


def _goes(sites: Sequence[str], order: Sequence[str]) -> bool:
    """Whether a day has all these sites in this order, whatever lies between."""
    rest = iter(order)
    return all(site in rest for site in sites)
