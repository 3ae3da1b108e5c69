"""Laws of the list of jobs, over any jobs."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replica.screens.joblist import IN_WORK, TO_DO, Card, looked_at, matching, sections_of
from replica.screens.local_time import zone_of
from replica.screens.words import SHOWN_BY_PHASE
from tests.build import START_MS

ZONE = zone_of('"Europe/Prague"')
DAY_MS = 86_400_000


def card(job: str, **values: object) -> Card:
    """A card with plain values but for those given."""
    plain: dict[str, object] = {
        "job": job, "turn": "", "number": job, "title": "", "description": "", "customer": "",
        "customer_name": "", "place_name": "", "address": "", "lat_e7": None, "lon_e7": None,
        "contact": "", "contact_phone": "", "priority": 1, "window_start": None,
        "window_end": None, "planned_minutes": None, "phase": "opened", "reason": "",
        "position": 0, "handed_from": "", "handed_to": "", "updated_at": 0, "finished_at": None,
        "conflicts": 0, "notes": 0, "frontier": "",
    }  # fmt: skip
    return Card(**(plain | values))  # type: ignore[arg-type]


moments = st.none() | st.integers(START_MS - 5 * DAY_MS, START_MS + 5 * DAY_MS)


def named(found: list[dict[str, Any]]) -> dict[str, Card]:
    """Cards of these values, by ids of their own."""
    return {f"{n:024x}": card(f"{n:024x}", **values) for n, values in enumerate(found)}


values_of_a_card = st.fixed_dictionaries(
    {
        "phase": st.sampled_from(sorted(SHOWN_BY_PHASE)),
        "window_start": moments,
        "position": st.integers(0, 3),
        "priority": st.integers(0, 3),
        "updated_at": st.integers(0, START_MS),
    }
)
cards = st.lists(values_of_a_card, max_size=30).map(named)


@given(cards)
def test_each_job_is_in_exactly_one_section(found: dict[str, Card]) -> None:
    sections = sections_of(found, START_MS, ZONE)
    shown = [each.job for members in sections.values() for each in members]
    assert sorted(shown) == sorted(found)
    assert {each.phase for each in sections["Now"]} <= set(IN_WORK)
    to_do = sections["Next"] + sections["Today"] + sections["Later"]
    assert {each.phase for each in to_do} <= set(TO_DO)
    assert len(sections["Next"]) == min(1, len(to_do))


@given(cards)
def test_the_order_does_not_depend_on_how_the_store_gave_the_jobs(found: dict[str, Card]) -> None:
    turned = dict(reversed(list(found.items())))
    assert sections_of(found, START_MS, ZONE) == sections_of(turned, START_MS, ZONE)


@given(cards)
def test_what_is_late_or_due_today_never_hides_under_later(found: dict[str, Card]) -> None:
    for each in sections_of(found, START_MS, ZONE)["Later"]:
        assert each.window_start is not None
        assert each.window_start > START_MS


@given(st.text(max_size=30), st.text(max_size=20))
def test_any_text_can_be_searched_for(title: str, text: str) -> None:
    found = {"a": card("a", title=title)}
    assert set(matching(found, text)) <= {"a"}
    assert set(matching(found, title)) == {"a"}


def test_every_value_that_news_compares_can_be_kept_as_json() -> None:
    values = looked_at(card("a", lat_e7=1, lon_e7=2, window_start=3))
    assert json.loads(json.dumps(values)) == values
