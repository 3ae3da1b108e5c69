"""What the list of commands asks the hub: jobs, customers, workers and views by a few words."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tests.web.board.town import Town
from tests.web.office import Person
from web.pages.search import OFFERED_MAX


async def found(person: Person, text: str) -> dict[str, list[dict[str, Any]]]:
    """The answer for a text."""
    seen = await person.get(f"/search.json?q={quote(text)}")
    assert seen.status == 200, seen.words
    return dict(json.loads(seen.text))


async def test_everything_with_a_name_is_offered_with_where_it_leads(town: Town) -> None:
    ana = await town.worker("Ana Nováková")
    customer = await town.customer("Nová Letná")
    job, _ = await town.job("Boiler", worker=ana, customer=customer)
    eva = await town.office.signed_in("Eva")
    answer = await found(eva, "nova")
    assert [one["words"] for one in answer["customers"]] == ["Nová Letná"]
    assert answer["customers"][0]["href"] == f"/customers/{customer.hex()}"
    assert [one["href"] for one in answer["workers"]] == [f"/workers/{ana.id}"]
    for text in ("boil", "a-1"):
        (offered,) = (await found(eva, text))["jobs"]
        assert (offered["job"], offered["href"]) == (job, f"/jobs/{job}")
        assert offered["words"] == "A-1 Boiler"
        assert offered["note"] == "open · Nová Letná · Ana Nováková"
    views = (await found(eva, "at risk"))["views"]
    assert views == [{"href": "/?view=delayed", "words": "Late, at risk", "note": ""}]
    assert await found(eva, " ") == {"jobs": [], "customers": [], "workers": [], "views": []}


async def test_a_short_list_is_offered_and_nothing_to_a_stranger(town: Town) -> None:
    for number in range(OFFERED_MAX + 2):
        await town.job(f"Boiler {number}")
    boss = await town.office.signed_in("Boss", "manager")
    assert len((await found(boss, "boiler"))["jobs"]) == OFFERED_MAX
    stranger = await town.office.person()
    seen = await stranger.get("/search.json?q=boiler")
    assert "Boiler 1" not in seen.text
