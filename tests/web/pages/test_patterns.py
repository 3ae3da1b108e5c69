"""What recurs: the page says which rules and rounds it found, and leads to a recurring job."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from core.dispatch import acts, day_acts
from core.dispatch.fields import Kind, LogKind, Phase
from core.dispatch.patterns import LAST, Often, Recurring, Rule
from tests.web.office import NOON_MS, Office
from tests.web.pages.test_reports import HOUR_MS, TODAY
from web.history.words import form_inputs, rule_words

DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000


async def mondays(office: Office, weeks: int = 6) -> tuple[bytes, list[bytes], bytes]:
    """Jan goes to three customers in one order on Mondays; his id, the customers', a place's."""
    entropy = office.entropy
    jan = acts.new_stream_id(Kind.WORKER, NOON_MS, entropy(7))
    await office.act(acts.edit_worker(jan, {"name": "Jan"}))
    customers, place = [], entropy(8)
    for name in ("Letná", "Dejvice", "Karlín"):
        customer = acts.new_stream_id(Kind.CUSTOMER, NOON_MS, entropy(7))
        changes = acts.edit_customer(customer, {"name": name})
        point = (500_995_000, 144_250_000)
        changes += acts.edit_place(customer, place, {"name": "Boiler house", "point": point})
        await office.act(changes)
        customers.append(customer)
    for week in range(weeks):
        for number, customer in enumerate(customers):
            office.clock.at_ms = NOON_MS + 7 * week * DAY_MS + number * HOUR_MS
            job, turn = acts.new_stream_id(Kind.JOB, NOON_MS, entropy(7)), entropy(8)
            values = {"title": "Boiler check", "customer": customer, "place": place}
            await office.act(acts.create_job(job, values) + acts.assign(job, jan, turn))
            await office.act(acts.set_phase(job, jan, turn, Phase.ON_SITE))
            start_ms, log = office.clock.at_ms, entropy(8)
            office.clock.at_ms += 40 * MINUTE_MS
            day = str(TODAY.fromordinal(TODAY.toordinal() + 7 * week))
            await office.act(
                acts.set_phase(job, jan, turn, Phase.FINISHED)
                + day_acts.start_log(jan, day, job, log, LogKind.ON_SITE, at_ms=start_ms)
                + day_acts.stop_log(jan, day, job, log, at_ms=office.clock.at_ms)
            )
    return jan, customers, place


async def test_a_weekly_visit_is_found_with_its_days_and_leads_to_a_recurring_job(
    office: Office,
) -> None:
    jan, customers, place = await mondays(office)
    eva = await office.signed_in("Eva")
    seen = await eva.get("/history/patterns")
    assert "Letná, Boiler house Boiler check Every Monday 6 of 6 days" in seen.words
    assert (
        "Mon 28 Dec 2026 , Mon 21 Dec 2026, Mon 14 Dec 2026 12:00 40 min Jan 6 of 6" in seen.words
    )
    assert "Jan Monday Letná, Boiler house Dejvice, Boiler house Karlín, Boiler house 12:00" in (
        seen.words
    )
    links = map(html.unescape, re.findall(r'href="(/recurring/new\?[^"]+)"', seen.text))
    queries = [parse_qsl(urlsplit(link).query) for link in links]
    (own,) = (query for query in queries if ("customer", customers[0].hex()) in query)
    assert own == [
        ("customer", customers[0].hex()),
        ("place", place.hex()),
        ("title", "Boiler check"),
        ("often", "weekly"),
        ("every", "1"),
        ("weekday", "0"),
        ("starts", "2027-01-04"),
        ("hours_start", "12:00"),
        ("hours_end", "14:00"),
        ("planned", "40"),
        ("worker", jan.hex()),
    ]


async def test_one_customer_alone_and_who_only_reads(office: Office) -> None:
    _, customers, _ = await mondays(office)
    eva = await office.signed_in("Eva", "manager")
    seen = await eva.get(f"/history/patterns?customer={customers[1].hex()}")
    assert "Dejvice, Boiler house" in seen.words
    assert "Letná" not in seen.words
    assert "/recurring/new" not in seen.text
    none = await eva.get(f"/history/patterns?customer={'ab' * 12}")
    assert "No rule was found" in none.words


async def test_two_visits_are_no_rule(office: Office) -> None:
    await mondays(office, weeks=2)
    eva = await office.signed_in("Eva")
    words = (await eva.get("/history/patterns")).words
    assert "No rule was found" in words
    assert "No worker goes three sites" in words


@pytest.mark.parametrize(
    ("rule", "words", "inputs"),
    [
        (("weekly", 2, (0, 3)), "Every 2 weeks on Monday and Thursday", "weekday=0 weekday=3"),
        (("weekly", 1, (4,)), "Every Friday", "weekday=4"),
        (("daily", 10, ()), "Every 10 days", ""),
        (("monthly", 1, (15,)), "Day 15 of each month", "month_days=15"),
        (("monthly", 1, (LAST,)), "The last day of each month", "month_days=last"),
        (("weekday", 1, (2, 1)), "The second Tuesday of each month", "nth_0=1 weekday_0=1"),
        (("weekday", 1, (LAST, 4)), "The last Friday of each month", "nth_0=-1 weekday_0=4"),
    ],
)
def test_a_rule_is_told_in_words_and_in_inputs(
    rule: tuple[Often, int, tuple[int, ...]], words: str, inputs: str
) -> None:
    own = Rule(*rule)
    assert rule_words(own) == words
    found = Recurring("site", "Check", own, (TODAY,), 1, 615, 43, "jan", 0)
    given = [f"{name}={value}" for name, value in form_inputs(found, TODAY)]
    assert given[:3] == ["title=Check", f"often={rule[0]}", f"every={rule[1]}"]
    begins = next(index for index, each in enumerate(given) if each.startswith("starts="))
    assert " ".join(given[3:begins]) == inputs
    assert given[begins + 1 :] == ["hours_start=10:00", "hours_end=12:00", "planned=45"]
