"""What pages declare and what their templates use agree; icons and files that they name exist."""

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

from web.assets import STATIC_FOLDER, Assets
from web.board.undoing import UndoPage
from web.errors import ICON_BY_STATUS, RefusalPage
from web.frame import ICON_BY_TONE, LINKS, Frame
from web.pages.accounts import AccountsPage
from web.pages.acts import ActsPage
from web.pages.customer_form import CustomerFormPage
from web.pages.customers import CustomerPage, CustomersPage
from web.pages.day_sheet import DaySheetPage
from web.pages.enrol import EnrolPage
from web.pages.erased import ErasedPage
from web.pages.extensions import ExtensionsPage
from web.pages.groups import GroupsPage
from web.pages.help import HelpPage
from web.pages.install import InstallPage
from web.pages.new_phone import NewPhonePage
from web.pages.other_minimum import OtherMinimumPage
from web.pages.past import PastPage
from web.pages.patterns import PatternsPage
from web.pages.phones import PhonesPage
from web.pages.reports import ReportsPage
from web.pages.search import SearchPage
from web.pages.set_up import SetUpPage
from web.pages.settings import SettingsPage
from web.pages.sign_in import PasswordPage, ResetPage, SignInPage
from web.pages.worker_form import WorkerFormPage
from web.pages.workers import WorkerPage, WorkersPage
from web.recurring.form import RecurrenceFormPage
from web.recurring.listed import RecurringPage
from web.recurring.one import RecurrencePage
from web.rendering import SHAPE_BY_STATUS, TEMPLATE_FOLDER, make_environment

ROOT = Path(__file__).parent.parent.parent
PAGE_BY_TEMPLATE: dict[str, type[Any]] = {
    "accounts.html": AccountsPage,
    "acts.html": ActsPage,
    "customer.html": CustomerPage,
    "customer_form.html": CustomerFormPage,
    "customers.html": CustomersPage,
    "day_sheet.html": DaySheetPage,
    "enrol.html": EnrolPage,
    "erased.html": ErasedPage,
    "error.html": RefusalPage,
    "extensions.html": ExtensionsPage,
    "groups.html": GroupsPage,
    "help.html": HelpPage,
    "install.html": InstallPage,
    "new_phone.html": NewPhonePage,
    "password.html": PasswordPage,
    "past.html": PastPage,
    "other_minimum.html": OtherMinimumPage,
    "patterns.html": PatternsPage,
    "phones.html": PhonesPage,
    "recurrence.html": RecurrencePage,
    "recurrence_form.html": RecurrenceFormPage,
    "recurring.html": RecurringPage,
    "reports.html": ReportsPage,
    "reset.html": ResetPage,
    "search.html": SearchPage,
    "set_up.html": SetUpPage,
    "settings.html": SettingsPage,
    "sign_in.html": SignInPage,
    "undo.html": UndoPage,
    "worker.html": WorkerPage,
    "worker_form.html": WorkerFormPage,
    "workers.html": WorkersPage,
}
FRAMES = {"layout.html", "gate.html"}


@pytest.fixture(scope="module")
def environment() -> jinja2.Environment:
    return make_environment(Assets.read())


def _used(environment: jinja2.Environment, template: str, name: str) -> set[str]:
    """The attributes of the variable `name` that a template asks for."""
    tree = environment.parse((TEMPLATE_FOLDER / template).read_text())
    plain = {
        node.attr
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name == name
    }
    keyed = {
        node.arg.value
        for node in tree.find_all(nodes.Getitem)
        if isinstance(node.node, nodes.Name)
        and node.node.name == name
        and isinstance(node.arg, nodes.Const)
    }
    return plain | keyed


def _declared(page: type[Any]) -> set[str]:
    fields = {field.name for field in dataclasses.fields(page)}
    return fields | {name for name in vars(page) if isinstance(vars(page)[name], property)}


def _names() -> list[str]:
    return sorted(path.name for path in TEMPLATE_FOLDER.glob("*.html"))


def test_every_page_has_its_template_and_every_template_its_page() -> None:
    assert set(_names()) == PAGE_BY_TEMPLATE.keys() | FRAMES


@pytest.mark.parametrize("template", sorted(PAGE_BY_TEMPLATE))
def test_a_template_uses_what_its_page_declares_and_all_of_it(
    environment: jinja2.Environment, template: str
) -> None:
    page = PAGE_BY_TEMPLATE[template]
    used = _used(environment, template, "page")
    assert used <= _declared(page), "the template asks for what the page does not have"
    # `basis` and `shown` are used by the shared part that stands in each form.
    inside = {"basis", "shown"} if "frontier(page)" in _text(template) else set()
    unused = {field.name for field in dataclasses.fields(page)} - used - inside
    own = inspect.getsource(page)
    assert not {name for name in unused if f"self.{name}" not in own}, "declared, not used"


def _text(template: str) -> str:
    return (TEMPLATE_FOLDER / template).read_text()


def test_templates_use_of_the_frame_what_it_has(environment: jinja2.Environment) -> None:
    for path in TEMPLATE_FOLDER.rglob("*.html"):
        name = path.relative_to(TEMPLATE_FOLDER).as_posix()
        assert _used(environment, name, "frame") <= _declared(Frame), name


def _icons_named() -> set[str]:
    templates = "\n".join(path.read_text() for path in TEMPLATE_FOLDER.rglob("*.html"))
    return {
        *re.findall(r"icon\('([a-z0-9-]+)'", templates),
        *SHAPE_BY_STATUS.values(),
        *ICON_BY_STATUS.values(),
        *ICON_BY_TONE.values(),
        *(icon for _, _, icon, _ in LINKS),
    }


def test_every_icon_that_a_page_names_is_in_the_sprite() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    missing = _icons_named() - set(config["tool"]["fieldlog"]["icons"]["names"])
    assert not missing, f"add to [tool.fieldlog.icons] in pyproject.toml: {sorted(missing)}"
    assert {"search", "menu"} <= _icons_named()


def test_every_template_compiles(environment: jinja2.Environment) -> None:
    for path in TEMPLATE_FOLDER.rglob("*.html"):
        environment.get_template(path.relative_to(TEMPLATE_FOLDER).as_posix())


def test_a_name_that_a_page_does_not_have_is_an_error(environment: jinja2.Environment) -> None:
    template = environment.from_string("{{ page.nothing }}")
    with pytest.raises(jinja2.UndefinedError):
        template.render(page=PasswordPage(""))


def test_files_change_their_url_with_their_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("body { color: red }")
    before = Assets.read(tmp_path).url("a.css")
    assert Assets.read(tmp_path).url("a.css") == before
    (tmp_path / "a.css").write_text("body { color: blue }")
    assert Assets.read(tmp_path).url("a.css") != before


def test_a_file_that_is_not_there_breaks_the_page_at_once(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"lost\.js"):
        Assets.read(tmp_path).url("lost.js")


def test_modules_import_only_files_that_are_there() -> None:
    for path in STATIC_FOLDER.rglob("*.js"):
        if "vendor" in path.parts:
            continue
        for target in re.findall(r"from '(\.[^']+)'|import '(\.[^']+)'", path.read_text()):
            assert (path.parent / (target[0] or target[1])).resolve().is_file(), (path, target)
