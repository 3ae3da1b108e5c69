"""Teams, vehicles and skills: the short lists that workers and jobs are sorted by.

One page for the three. A group that is no longer used is archived, never deleted: old jobs and
reports still name it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import ActError, set_group
from core.sentence import Sentence, say
from hub.keys import ACCOUNT, HUB
from hub.past_acts import reference_of
from web.formats import folded
from web.frame import see_other
from web.rendering import show
from web.stale_form import clean

GROUP_BYTES: Final = 8
_QUESTION_BY_KIND: Final = {
    "team": """
        SELECT team AS id, name, '' AS plate, archived,
               (SELECT count(*) FROM worker WHERE worker.team = team.team AND worker.archived = 0)
               AS workers
        FROM team
    """,
    "vehicle": """
        SELECT vehicle AS id, name, plate, archived,
               (SELECT count(*) FROM worker
                WHERE worker.vehicle = vehicle.vehicle AND worker.archived = 0) AS workers
        FROM vehicle
    """,
    "skill": """
        SELECT skill AS id, name, '' AS plate, archived,
               (SELECT count(*) FROM worker, json_each(worker.skills)
                WHERE json_each.value = skill.skill AND worker.archived = 0) AS workers
        FROM skill
    """,
}
_WORDS_BY_KIND: Final = {
    "team": (
        say("Teams"),
        say("New team"),
        say("Name of the new team"),
        "users-round",
        say("A team groups workers on the board and in reports."),
    ),
    "vehicle": (
        say("Vehicles"),
        say("New vehicle"),
        say("Name of the new vehicle"),
        "truck",
        say("A vehicle goes with a worker; a day can have another one, on the worker’s page."),
    ),
    "skill": (
        say("Skills"),
        say("New skill"),
        say("Name of the new skill"),
        "wrench",
        say("A job that asks for a skill is offered to workers who have it."),
    ),
}


@dataclass(frozen=True, slots=True)
class Group:
    """One team, vehicle or skill, and how many workers have it."""

    id: str
    name: str
    plate: str
    archived: bool
    workers: int


@dataclass(frozen=True, slots=True)
class GroupList:
    """One of the three lists; `kind` is 'team', 'vehicle' or 'skill'."""

    kind: str
    title: str
    new: str
    new_name: str
    icon: str
    why: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class GroupsPage:
    """The three lists."""

    lists: tuple[GroupList, ...]


async def groups_page(request: web.Request) -> web.StreamResponse:
    """GET /groups."""
    lists = []
    for kind, words in _WORDS_BY_KIND.items():
        rows = await request.app[HUB].reader.rows(_QUESTION_BY_KIND[kind])
        groups = sorted(map(_group, rows), key=lambda group: (group.archived, folded(group.name)))
        lists.append(GroupList(kind, *words, tuple(groups)))
    return await show(request, "groups.html", GroupsPage(tuple(lists)))


def _group(row: Any) -> Group:
    return Group(row["id"], row["name"], row["plate"], bool(row["archived"]), row["workers"])


async def save_group(request: web.Request) -> web.StreamResponse:
    """POST /groups/{kind} or /groups/{kind}/{group}: add one or change one."""
    kind, known = request.match_info["kind"], request.match_info.get("group")
    form = await request.post()
    hub = request.app[HUB]
    group = bytes.fromhex(known) if known else hub.replica.entropy(GROUP_BYTES)
    name = clean(form.get("name"))
    try:
        await _check_name_free(request, kind, name, known or "")
        changes = set_group(
            kind,
            group,
            name,
            plate=clean(form.get("plate")) if kind == "vehicle" else None,
            archived=form.get("archived") == "yes",
        )
        written = await hub.act(request[ACCOUNT], changes)
    except ActError as refusal:
        raise see_other(f"/groups#{kind}", str(refusal), "bad") from refusal
    undo = reference_of(written).text()
    raise see_other(f"/groups#{kind}", say("{name} was saved.", name=name), undo=undo)


async def _check_name_free(request: web.Request, kind: str, name: str, known: str) -> None:
    rows = await request.app[HUB].reader.rows(_QUESTION_BY_KIND[kind])
    for row in rows:
        if row["id"] != known and row["name"].casefold() == name.casefold():
            raise ActError(_taken(kind, row["name"]))


def _taken(kind: str, name: str) -> Sentence:
    match kind:
        case "team":
            return say("There is a team of the name {name} already.", name=name)
        case "vehicle":
            return say("There is a vehicle of the name {name} already.", name=name)
    return say("There is a skill of the name {name} already.", name=name)


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    kinds = "|".join(_WORDS_BY_KIND)
    app.router.add_get("/groups", groups_page)
    app.router.add_post(f"/groups/{{kind:{kinds}}}", save_group)
    app.router.add_post(f"/groups/{{kind:{kinds}}}/{{group:[0-9a-f]{{16}}}}", save_group)
