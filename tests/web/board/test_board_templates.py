"""The board's templates and what they are given agree; the icons and files they name exist."""

from __future__ import annotations

import dataclasses
import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2 import nodes

from core.dispatch.fields import FIELDS
from tests.words import found
from web.assets import STATIC_FOLDER, Assets
from web.board.bulk_page import OutcomePart
from web.board.detail import JobDetail
from web.board.files import FilesView, FileView
from web.board.filter_bar import FilterBar
from web.board.filters import VIEWS
from web.board.groups import Head
from web.board.inbox import Card, InboxPart
from web.board.job_form import JobForm
from web.board.layouts import Layouts
from web.board.lookups import CandidatesPart
from web.board.nearest import Candidate
from web.board.page import BoardPage, DispatchOffPage, PanePart, RowsPart
from web.board.page_parts import Column, Toolbar
from web.board.planner import Planner, PlannerPart
from web.board.problem import Problem
from web.board.proposal_page import BeginPage, Line, ProposalPage
from web.board.rail import Rail, SavedLink
from web.board.rows import BoardRow
from web.board.views_page import ViewRow, ViewsPage
from web.board.who_near import NearPlace
from web.rendering import TEMPLATE_FOLDER, make_environment

ROOT = Path(__file__).parent.parent.parent.parent
FOLDER = TEMPLATE_FOLDER / "board"
# Which variables of which templates are which dataclass; the pane's parts stand in the page too.
GIVEN: tuple[tuple[str, str, tuple[type[Any], ...]], ...] = (
    ("board.html", "page", (BoardPage,)),
    ("jobs.html", "page", (BoardPage,)),
    ("answer.html", "page", (BoardPage,)),
    ("filter_bar.html", "bar", (FilterBar,)),
    ("bulk.html", "page", (BoardPage,)),
    ("layouts.html", "layouts", (Layouts,)),
    ("toolbar.html", "toolbar", (Toolbar,)),
    ("heads.html", "column", (Column,)),
    ("rail.html", "rail", (Rail,)),
    ("rail.html", "link", (SavedLink,)),
    ("save_view.html", "page", (BoardPage,)),
    ("views.html", "page", (ViewsPage,)),
    ("views.html", "row", (ViewRow,)),
    ("row.html", "head", (Head,)),
    ("outcome.html", "page", (OutcomePart,)),
    ("outcome_page.html", "page", (OutcomePart,)),
    ("off.html", "page", (DispatchOffPage,)),
    ("rows.html", "page", (RowsPart,)),
    ("row.html", "row", (BoardRow,)),
    ("pane.html", "page", (BoardPage, PanePart)),
    ("detail.html", "page", (BoardPage, PanePart)),
    ("detail.html", "job", (JobDetail,)),
    ("files.html", "page", (BoardPage, PanePart)),
    ("files.html", "job", (JobDetail,)),
    ("files.html", "files", (FilesView,)),
    ("files.html", "file", (FileView,)),
    ("form.html", "form", (JobForm,)),
    ("candidates.html", "page", (CandidatesPart,)),
    ("inbox.html", "page", (InboxPart,)),
    ("inbox.html", "card", (Card,)),
    ("inbox.html", "problem", (Problem,)),
    ("planner.html", "page", (BoardPage, PlannerPart)),
    ("planner.html", "plan", (Planner,)),
    ("candidate.html", "one", (Candidate,)),
    ("near.html", "page", (BoardPage, PanePart)),
    ("near.html", "near", (NearPlace,)),
    ("proposal_begin.html", "page", (BeginPage,)),
    ("proposal.html", "page", (ProposalPage,)),
    ("proposal.html", "line", (Line,)),
)


# Pieces whose values have no names inside; a value that they lack is an error when they are drawn.
OF_TUPLES = {"table_menu.html", "empty.html"}
OF_PAGE = (
    "board.html", "jobs.html", "pane.html", "detail.html", "save_view.html",
)  # fmt: skip


def used(template: str, name: str) -> set[str]:
    """The attributes of the variable `name` that a template asks for."""
    tree = jinja2.Environment().parse((FOLDER / template).read_text())
    return {
        node.attr
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name == name
    }


def declared(given: type[Any]) -> set[str]:
    """What a dataclass offers."""
    fields = {field.name for field in dataclasses.fields(given)}
    return fields | {name for name in vars(given) if isinstance(vars(given)[name], property)}


def test_every_template_of_the_board_is_checked_here() -> None:
    checked = {name for name, _, _ in GIVEN} | OF_TUPLES
    assert {path.name for path in FOLDER.glob("*.html")} == checked


@pytest.mark.parametrize(("template", "name", "given"), GIVEN)
def test_a_template_asks_for_what_it_is_given(
    template: str, name: str, given: tuple[type[Any], ...]
) -> None:
    asked = used(template, name)
    assert asked, "a template that asks for nothing needs nothing"
    for one in given:
        assert asked <= declared(one), f"{one.__name__} lacks {asked - declared(one)}"


@pytest.mark.parametrize(
    ("given", "templates", "name"),
    [
        (BoardPage, (*OF_PAGE, "planner.html"), "page"),
        (FilterBar, ("filter_bar.html",), "bar"),
        (Planner, ("planner.html",), "plan"),
        (BoardRow, ("row.html",), "row"),
        (JobDetail, ("detail.html", "files.html"), "job"),
        (FilesView, ("files.html",), "files"),
        (FileView, ("files.html",), "file"),
        (JobForm, ("form.html",), "form"),
    ],
)
def test_nothing_is_gathered_that_no_template_shows(
    given: type[Any], templates: tuple[str, ...], name: str
) -> None:
    asked = set().union(*(used(template, name) for template in templates))
    source = inspect.getsource(given)
    left = {field.name for field in dataclasses.fields(given)} - asked
    # A row's order and whether it belongs are for the script that puts it in its place.
    own = {"key", "matches"} if given is BoardRow else set()
    assert not {field for field in left - own if f"self.{field}" not in source}


def test_what_every_field_is_called_is_found_for_translation() -> None:
    # What `core` says stands in the catalog that phones have, too.
    known = found("replica")
    assert [field.name for field in FIELDS.values() if known.get(field.called) is None] == []


def test_every_icon_that_the_board_names_is_in_the_sprite() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    known = set(config["tool"]["fieldlog"]["icons"]["names"])
    text = "\n".join(path.read_text() for path in FOLDER.glob("*.html"))
    named = set(re.findall(r'icon\("([a-z0-9-]+)"', text))
    named |= set(re.findall(r'(?:else|icon\() "([a-z0-9-]+)"\)', text))
    code = "\n".join(path.read_text() for path in (ROOT / "web" / "board").glob("*.py"))
    named |= set(re.findall(r'Flag\("([a-z0-9-]+)"', code)) | {view.icon for view in VIEWS}
    named |= set(re.findall(r'words\[layout\]|\("\w+", "([a-z0-9-]+)"\)[,}]', code)) - {""}
    script = (STATIC_FOLDER / "board" / "map.js").read_text()
    named |= set(re.findall(r"add\('([a-z0-9-]+)'", script))
    assert named - known == set()
    assert {"plus", "git-compare", "zoom-in"} <= named


def test_every_template_of_the_board_compiles() -> None:
    environment = make_environment(Assets.read())
    for path in FOLDER.glob("*.html"):
        environment.get_template(f"board/{path.name}")
