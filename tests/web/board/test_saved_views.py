"""Saved views over HTTP: saved, shared, counted, changed, taken away and undone."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from core.dispatch.fields import Phase
from core.dispatch.view_acts import set_view
from tests.web.board.town import Town, send_part
from tests.web.office import Person, Seen
from web.board import saved_views
from web.board.filters import read_back
from web.board.saved_views import kept


def rail(seen: Seen) -> dict[str, str]:
    """The counts of the saved views in the rail by name, in their order; '!' for a wrong one."""
    found = {}
    for link in re.findall(r'<a href="[^"]*" data-saved=.*?</a>', seen.text, re.S):
        name = re.search(r'class="clip">([^<]*)<', link)
        count = re.search(r'class="count">(\d*)<', link)
        assert name is not None
        found[name[1]] = count[1] if count is not None else "!"
    return found


def current(seen: Seen) -> list[str]:
    """The saved views that the rail marks as shown."""
    links = re.findall(r'<a href="[^"]*" data-saved=[^>]*aria-current.*?</a>', seen.text, re.S)
    return [re.findall(r'class="clip">([^<]*)<', link)[0] for link in links]


async def save(person: Person, name: str, query: str, **more: str) -> Seen:
    """Save a view as a form without scripts does."""
    return await person.post("/board/views", {"name": name, "query": query, "back": "", **more})


def form_of(seen: Seen, name: str) -> str:
    """The address that the form of a view of the page posts to."""
    found = re.search(
        rf'action="(/board/views/[0-9a-f]{{16}})"(?:(?!</form>).)*value="{name}"', seen.text, re.S
    )
    assert found, seen.words
    return found[1]


async def test_a_view_keeps_filter_order_and_sights_but_no_selection_and_no_fixed_day(
    town: Town,
) -> None:
    job, _ = await town.job("Boiler")
    await town.job("Pump")
    eva = await town.office.signed_in("Eva")
    query = "view=open&q=boiler&sort=title&show=map,planner&group=worker&closed=none&hide=number"
    seen = await save(eva, "Boilers", f"{query}&day=2026-11-23&job={job}")
    assert "The view Boilers was saved. It is of no fixed day" in seen.words
    found = parse_qs(urlsplit(seen.path).query)
    assert found == {
        "view": ["open"], "q": ["boiler"], "sort": ["title"], "show": ["planner,map"],
        "group": ["worker"], "hide": ["number"],
    }  # fmt: skip
    assert rail(seen) == {"Boilers": "1"}
    assert current(seen) == ["Boilers"]
    assert '<h1><span class="of-jobs">Boilers</span>' in seen.text
    seen = await save(eva, "Follows", "view=all&q=day:today")
    assert rail(seen) == {"Boilers": "1", "Follows": "2"}
    assert "no fixed day" not in seen.words


async def test_a_view_of_ones_own_is_nobody_elses_until_it_is_shared(town: Town) -> None:
    await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    jan = await town.office.signed_in("Jan")
    await save(eva, "Mine", "view=open")
    await save(eva, "Ours", "view=all", everybody="yes")
    assert rail(await eva.get("/")) == {"Mine": "1", "Ours": "1"}
    assert rail(await jan.get("/")) == {"Ours": "1"}
    mine = form_of(await eva.get("/board/views"), "Mine")
    seen = await jan.post(mine, {"act": "remove"})
    assert "That view is not there any more" in seen.words
    seen = await eva.post(mine, {"act": "change", "name": "All open", "everybody": "yes"})
    assert "The view All open was saved. Everybody has it now." in seen.words
    assert rail(await jan.get("/")) == {"Ours": "1", "All open": "1"}
    seen = await jan.post(mine, {"act": "change", "name": "All open"})
    assert "It is yours alone now." in seen.words
    assert rail(await eva.get("/")) == {"Ours": "1"}


async def test_a_shared_view_counts_what_a_phone_reports(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "HOLD_S", 0.0)
    monkeypatch.setattr(saved_views, "REST", 0)
    ana = await town.worker("Ana")
    job, turn = await town.job("Boiler", worker=ana)
    eva = await town.office.signed_in("Eva")
    jan = await town.office.signed_in("Jan")
    await save(eva, "Under way", 'view=all&q=status:"in progress"', everybody="yes")
    assert rail(await jan.get("/board/rail?view=all")) == {"Under way": "0"}
    await town.phases(ana, job, turn, Phase.RECEIVED, Phase.TRAVELLING)
    assert rail(await jan.get("/board/rail?view=all")) == {"Under way": "1"}


async def test_a_count_holds_for_some_seconds_however_much_is_written(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "HOLD_S", 600.0)
    eva = await town.office.signed_in("Eva")
    await save(eva, "Everything", "view=all")
    await town.job("Boiler")
    seen = await eva.get("/board/rail")
    assert rail(seen)["Everything"] == "0", "it was counted just now"
    assert "data-unsettled" in seen.text, "so the page asks again"
    monkeypatch.setattr(saved_views, "HOLD_S", 0.0)
    monkeypatch.setattr(saved_views, "REST", 0)
    assert rail(await eva.get("/board/rail"))["Everything"] == "1"


async def test_views_are_renamed_put_in_order_taken_away_and_each_of_it_undone(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    for name in ("One", "Two", "Three"):
        await save(eva, name, f"view=all&q={name}")
    listed = await eva.get("/board/views")
    seen = await eva.post(form_of(listed, "Three"), {"act": "up"})
    assert list(rail(await eva.get("/"))) == ["One", "Three", "Two"]
    await undo(eva, seen)
    assert list(rail(await eva.get("/"))) == ["One", "Two", "Three"]
    seen = await eva.post(form_of(listed, "Two"), {"act": "remove"})
    assert "The view Two was taken away." in seen.words
    assert list(rail(await eva.get("/"))) == ["One", "Three"]
    seen = await undo(eva, seen)
    assert "Undone: Saved view" in seen.words
    assert list(rail(await eva.get("/"))) == ["One", "Two", "Three"], "with its name and its place"
    seen = await eva.post(form_of(listed, "One"), {"act": "change", "name": "First"})
    assert list(rail(await eva.get("/"))) == ["First", "Two", "Three"]
    seen = await save(eva, "", "view=done", instead=form_of(listed, "Two")[-16:])
    assert seen.path == "/?view=done"
    assert list(rail(seen)) == ["First", "Two", "Three"], "saved anew in its place"
    await undo(eva, seen)
    assert "q=Two" in (await eva.get("/")).text
    seen = await save(eva, "Four", "view=all")
    await undo(eva, seen)
    assert list(rail(await eva.get("/"))) == ["First", "Two", "Three"]


async def undo(person: Person, seen: Seen) -> Seen:
    """Take back what the notice of a page offers to."""
    found = re.search(r'data-undo="([0-9a-f]{24}-[0-9a-f]{16})"', seen.text)
    assert found, seen.words
    return await person.post("/board/undo", {"act": found[1], "back": "/board/views"})


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        (" ", "view=open", "The view's name is missing; give one."),
        ("x" * 61, "view=open", "longer than 60 letters; shorten it."),
        ("TODAY", "view=open", "TODAY is the name of a standard view; give another one."),
        ("míne", "view=open", "There is a view of the name Mine already; give another one."),
        ("Other", "q=status:nonsense", "The filter can't be read: “nonsense” is no status"),
        ("Other", "q=team:nowhere", "no team is called “nowhere”"),
        ("Other", "&".join(["status=open"] * 999), "no address of the board"),
    ],
)
async def test_a_view_that_can_not_be_saved_says_why_and_changes_nothing(
    town: Town, name: str, query: str, words: str
) -> None:
    eva = await town.office.signed_in("Eva")
    await save(eva, "Mine", "view=open")
    seen = await save(eva, name, query, everybody="yes")
    assert seen.status == 422
    assert words in seen.words
    assert seen.form()["everybody"] == "yes", "what was typed is still there"
    told = await send_part(eva, "/board/views", {"name": name, "query": query})
    assert told.status == 422
    assert words in json.loads(told.text)["words"]
    assert rail(await eva.get("/")) == {"Mine": "0"}


async def test_a_view_whose_filter_can_not_be_read_any_more_is_there_with_its_error(
    town: Town,
) -> None:
    eva = await town.office.signed_in("Eva")
    await save(eva, "Good", "view=all", everybody="yes")
    await town.office.act(
        set_view(b"written1", name="Later", query="view=all&q=shape%3Around", owner=b"", position=9)
    )
    seen = await eva.get("/")
    assert rail(seen) == {"Good": "0", "Later": "!"}
    assert "its filter can’t be read" in seen.words
    opened = await eva.get("/?view=all&q=shape%3Around")
    assert 'aria-invalid="true"' in opened.text, "the board shows the text and where it is wrong"
    listed = await eva.get("/board/views")
    assert "mend the filter, and save it in the place of this one" in listed.words


async def test_nobody_has_more_views_than_a_rail_can_show(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.board.views_page.VIEWS_MAX", 2)
    eva = await town.office.signed_in("Eva")
    for name in ("One", "Two"):
        await save(eva, name, "view=all")
    seen = await save(eva, "Three", "view=all")
    assert seen.status == 422
    assert "There are 2 views already; take one away first." in seen.words


async def test_a_manager_sees_shared_views_and_saves_none(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    await save(eva, "Ours", "view=all", everybody="yes")
    mia = await town.office.signed_in("Mia", "manager")
    seen = await mia.get("/")
    assert rail(seen) == {"Ours": "0"}
    assert "Save this view" not in seen.words
    assert (await mia.get("/board/views")).status == 403
    assert "reads only" in (await save(mia, "Mine", "view=all")).words


def test_what_a_view_keeps_is_kept_again_as_it_is() -> None:
    once = kept(read_back("view=open&day=2026-11-23&q=day:today+boiler&show=inbox,map"))
    assert once == "view=open&q=day%3Atoday+boiler&show=inbox%2Cmap"
    assert kept(read_back(once)) == once
