"""Saved views as entries: what can be saved, what is refused, and how two hubs' changes meet."""

from __future__ import annotations

from typing import Any

import pytest

from core.dispatch import fields
from core.dispatch.acts import ActError
from core.dispatch.shapes import well_formed
from core.dispatch.view_acts import remove_view, set_view
from replica.checking import check_store
from replica.replica import Replica
from tests.build import Site, hold

VIEW, EVA = b"view0001", b"account1"


def views_of(hub: Replica) -> list[tuple[Any, ...]]:
    return hub.store.db.execute("SELECT name, query, owner, position FROM saved_view").fetchall()


def test_a_view_is_of_its_owner_or_of_everybody_and_can_be_taken_away(site: Site) -> None:
    hub = site.hub()
    hub.write(set_view(VIEW, name=" My day ", query="view=today", owner=EVA, position=3))
    assert views_of(hub) == [("My day", "view=today", EVA.hex(), 3)]
    hub.write(set_view(VIEW, owner=b"", query=""))
    assert views_of(hub) == [("My day", "", "", 3)]
    hub.write(remove_view(VIEW))
    assert views_of(hub) == []
    assert check_store(hub) == []
    before = hub.store.db.execute("SELECT * FROM saved_view").fetchall()
    hub.rebuild_projections()
    assert hub.store.db.execute("SELECT * FROM saved_view").fetchall() == before


def test_a_new_name_and_a_new_filter_of_two_hubs_are_both_kept_and_no_phone_hears_of_it(
    site: Site,
) -> None:
    hub = site.hub()
    second = site.hub("B")
    phone = site.phone(hub, site.worker(hub, "Ana"))
    hub.write(set_view(VIEW, name="North", query="view=open", owner=b"", position=0))
    hold(second, hub)
    hub.write(set_view(VIEW, name="North, open"))
    second.write(set_view(VIEW, query="view=open&q=team%3A5a"))
    hold(second, hub)
    hold(phone, hub)
    for replica in (hub, second):
        assert views_of(replica) == [("North, open", "view=open&q=team%3A5a", "", 0)]
        assert replica.store.db.execute("SELECT count(*) FROM conflict").fetchone() == (0,)
        assert check_store(replica) == []
    assert views_of(phone) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": " "}, "name is missing"),
        ({"name": "x" * 61}, "longer than 60 letters"),
        ({"query": "q" * 4_001}, "longer than 4,000 letters"),
        ({"owner": b"eva"}, "an account's, or everybody's"),
        ({"position": -1}, "from 0 to"),
        ({}, "nothing was changed"),
    ],
)
def test_a_view_that_makes_no_sense_is_refused_in_words(given: Any, words: str) -> None:
    with pytest.raises(ActError, match=words):
        set_view(VIEW, **given)


def test_a_view_is_known_by_eight_bytes() -> None:
    with pytest.raises(ActError, match="choose one from the list"):
        set_view(b"view", name="Mine")


@pytest.mark.parametrize(
    ("code", "view", "value"),
    [
        (fields.SAVED_VIEW, VIEW, 5),
        (fields.SAVED_VIEW, b"view", "view=today"),
        (fields.VIEW_NAME, VIEW, b"Mine"),
        (fields.VIEW_OWNER, VIEW, b"eva"),
        (fields.VIEW_POSITION, VIEW, "first"),
    ],
)
def test_another_shape_stands_for_nothing(code: int, view: bytes, value: object) -> None:
    assert not well_formed((code, view), value)
