"""A filter's terms as conditions of the board's question.

Every value is bound; what stands in the SQL is chosen from this file's texts. Holds no rows and
asks nothing. Invariant: a condition is 0 or 1 for every job, never NULL, so that its opposite holds
for all the other jobs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from web.board.days import day_bounds, day_text
from web.board.term import NONE, PRIORITIES, TEXT, Term, minutes_of
from web.formats import MINUTE_MS

Bind = Callable[[Any], str]
"""Binds a value and gives the mark that stands for it."""

IN_DAY: Final = """
    (coalesce(job.window_start, job.window_end) < {end}
     AND coalesce(job.window_end, job.window_start) >= {start})
"""
# `A-17`, or `~` and six hexadecimal digits until a hub numbers a job.
_MAY_BE_NUMBER: Final = re.compile(r"\d|^~")
LIVING: Final = "assignment.phase NOT IN ('withdrawn', 'released')"

_HAS: Final = {
    "conflict": "job.conflicts > 0",
    "note": "job.notes > 0",
    "position": "job.lat_e7 IS NOT NULL",
    "checklist": "EXISTS (SELECT 1 FROM check_item WHERE check_item.job = job.job)",
    "reason": "job.reason <> ''",
}
_IS: Final = {
    "late": "alert.level = 'delayed'",
    "at risk": "alert.level = 'at risk'",
    "unassigned": "job.status = 'open' AND job.worker = ''",
    "unreached": "alert.unacknowledged",
    "overridden": "job.overridden",
}
# What is compared, and whether more of the key's time is less of the column: an age.
_SPAN: Final = {
    "delay": ("CASE WHEN alert.level <> '' THEN alert.minutes END", False),
    "duration": ("job.planned_minutes", False),
    "changed": ("job.updated_at", True),
    "created": ("job.created_at", True),
}
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_DAY: Final = {
    "<": "coalesce(job.window_start, job.window_end) < {start}",
    "<=": "coalesce(job.window_start, job.window_end) < {end}",
    ">": "coalesce(job.window_start, job.window_end) >= {end}",
    ">=": "coalesce(job.window_end, job.window_start) >= {start}",
}


def condition(
    term: Term, bind: Bind, now_ms: int, zone: ZoneInfo, near: Mapping[Term, Sequence[str]]
) -> str:
    """The SQL of a term.

    `near` gives, for a term of a text, the ids and addresses whose words it is found in.
    """
    text = _condition(term, bind, now_ms, zone, near)
    return f"NOT coalesce(({text}), 0)" if term.negated else f"coalesce(({text}), 0)"


def _condition(
    term: Term, bind: Bind, now_ms: int, zone: ZoneInfo, near: Mapping[Term, Sequence[str]]
) -> str:
    key, sign, values = term.key, term.sign, term.values
    match key:
        case "text" if key == TEXT:
            return text_condition(_phrase(values[0]), values[0], bind, near.get(term, ()))
        case "status":
            return f"+job.status IN {_among(values, bind)}"
        case "worker" | "team":
            return _people(key, values, bind)
        case "customer":
            named = [value for value in values if value != NONE]
            nobody = " OR job.customer = ''" if NONE in values else ""
            return f"job.customer IN {_among(named, bind)}{nobody}"
        case "skill":
            return _skills(values, bind)
        case "place":
            found = _among(near.get(term, ()), bind)
            return f"job.address IN {found} OR (job.place <> '' AND job.place IN {found})"
        case "number":
            return f"upper(job.number) IN {_among([v.upper() for v in values], bind)}"
        case "day":
            return " OR ".join(_day(sign, value, now_ms, zone) for value in values)
        case "priority":
            return _priority(sign, values, bind)
        case "has":
            return " OR ".join(f"({_HAS[value]})" for value in values)
        case "is":
            return " OR ".join(f"({_IS[value]})" for value in values)
    column, is_age = _SPAN[key]
    minutes = minutes_of(values[0])
    if is_age:
        return f"{column} {_TURNED[sign]} {bind(now_ms - minutes * MINUTE_MS)}"
    return f"{column} {sign} {bind(minutes)}"


def text_condition(match: str, text: str, bind: Bind, near: Sequence[str]) -> str:
    """Jobs that an FTS5 question matches, whose number `text` is, or whose people are `near`.

    Words and people are looked for by their indexes. Numbers have none, so only a text that may be
    one has a look taken at each job.
    """
    places = [f"SELECT rowid FROM job_text WHERE job_text MATCH {bind(match)}"]
    if near:
        named = _among(near, bind)
        places += [
            f"SELECT local FROM job WHERE {column} IN {named}" for column in ("customer", "worker")
        ]
    found = f"job.local IN ({' UNION ALL '.join(places)})"
    if _MAY_BE_NUMBER.search(text):
        return f"{found} OR upper(job.number) = {bind(text.upper())}"
    return found


def _phrase(text: str) -> str:
    words = re.findall(r"\w+", text)
    return f'"{" ".join(words)}"*' if words else '""'


def words_match(text: str) -> str:
    """Several words as an FTS5 question: every one must begin a word of the job."""
    words = re.findall(r"\w+", text)
    return " ".join(f'"{word}"*' for word in words) or '""'


def workers_condition(values: Sequence[str], bind: Bind) -> str:
    """Jobs of any of these workers; `none` stands for nobody."""
    return _people("worker", values, bind)


def _people(key: str, values: Sequence[str], bind: Bind) -> str:
    named = _among([value for value in values if value != NONE], bind)
    if key == "worker":
        nobody = " OR job.worker = ''" if NONE in values else ""
        among = f"assignment.worker IN {named}"
    else:
        inside = "SELECT worker FROM worker WHERE team {}"
        among = f"assignment.worker IN ({inside.format(f'IN {named}')})"
        teamed = (
            "SELECT 1 FROM assignment JOIN worker AS its USING (worker)"
            f" WHERE assignment.job = job.job AND its.team <> '' AND {LIVING}"
        )
        nobody = f" OR NOT EXISTS ({teamed})" if NONE in values else ""
    # Theirs are found by who they are, not by a look at each job of the site.
    theirs = f"SELECT assignment.job FROM assignment WHERE {among} AND {LIVING}"
    return f"job.job IN ({theirs}){nobody}"


def _skills(values: Sequence[str], bind: Bind) -> str:
    named = _among([value for value in values if value != NONE], bind)
    nothing = " OR job.skills IN ('[]', 'null', '')" if NONE in values else ""
    needed = "SELECT 1 FROM json_each(job.skills) WHERE json_valid(job.skills)"
    return f"EXISTS ({needed} AND json_each.value IN {named}){nothing}"


def _day(sign: str, value: str, now_ms: int, zone: ZoneInfo) -> str:
    if value == NONE:
        return "coalesce(job.window_start, job.window_end) IS NULL"
    start, end = day_bounds(day_text(value, now_ms, zone), zone)
    if sign == ":":
        finished = f"(job.finished_at >= {start} AND job.finished_at < {end})"
        return f"{IN_DAY.format(start=start, end=end)} OR {finished}"
    return _DAY[sign].format(start=start, end=end)


def _priority(sign: str, values: Sequence[str], bind: Bind) -> str:
    numbers = [PRIORITIES.index(value) for value in values]
    if sign == ":":
        return f"job.priority IN {_among(numbers, bind)}"
    return f"job.priority {sign} {bind(numbers[0])}"


def _among(values: Sequence[object], bind: Bind) -> str:
    return f"(SELECT value FROM json_each({bind(json.dumps(list(values)))}))"
