"""Two sights of the same jobs over HTTP: what a page of two draws, and where its links lead."""

from __future__ import annotations

import re

import pytest

from tests.web.board.town import Town
from tests.web.office import Seen


def links(seen: Seen, name: str) -> dict[str, str]:
    """Where the links of the toolbar with this attribute lead, by layout."""
    return dict(re.findall(rf'data-{name}="([a-z,]+)" href="([^"]+)"', seen.text))


@pytest.mark.parametrize(
    ("show", "parts"),
    [
        ("planner,map", {"planner"}),
        ("planner,table", {"planner"}),
        ("table,inbox", {"inbox"}),
        ("planner,inbox", {"planner", "inbox"}),
        ("inbox,map", {"inbox"}),
        ("both", set()),
    ],
)
async def test_a_page_of_two_draws_both_before_any_script_runs(
    town: Town, show: str, parts: set[str]
) -> None:
    job, _ = await town.job("Boiler", starts_in=-60)
    eva = await town.office.signed_in("Eva")
    seen = await eva.get(f"/?view=all&show={show}&job={job}")
    planned = re.search(rf'class="plan-job[^>]*data-job="{job}"', seen.text)
    listed = re.search(rf'class="problem"[^>]*data-job="{job}"', seen.text)
    drawn = ({"planner"} if planned else set()) | ({"inbox"} if listed else set())
    assert drawn == parts
    sights = "table map" if show == "both" else show.replace(",", " ")
    assert f'data-sights="{sights}"' in seen.text
    for sight in sights.split():
        tab = re.search(rf'data-layout="{sight}"[^>]*', seen.text)
        assert tab is not None
        assert 'aria-current="true"' in tab[0]
    assert re.search(rf'<tr[^>]*data-job="{job}"[^>]*aria-current="true"', seen.text)
    assert (
        links(seen, "layout")["planner,map"] == f"/?view=all&amp;show=planner%2Cmap&amp;job={job}"
    )
    assert links(seen, "window")["inbox"] == f"/?view=all&amp;show=inbox&amp;job={job}"
    # The planner's own links stay with what is shown beside it.
    if "planner" in parts:
        assert f"show={show.replace(',', '%2C')}" in seen.text.split('class="plan-head"')[1][:600]


async def test_a_view_that_is_chosen_in_the_inbox_alone_shows_its_jobs(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    seen = await eva.get("/?show=inbox")
    assert 'href="/?view=open" data-view="open"' in seen.text
    seen = await eva.get("/?show=table,inbox")
    assert 'href="/?view=open&amp;show=table%2Cinbox" data-view="open"' in seen.text
