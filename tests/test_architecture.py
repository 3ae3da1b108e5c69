"""The house keeps its rules: each rule of house_rules.py over the whole repository.

Every rule is also shown a planted fault, so that none of them passes because it looks at nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pytest

from tests import house_rules
from tests.house_rules import PACKAGES, Rule, Source, may_print

ROOT: Final = Path(__file__).parent.parent
CODE_SUFFIXES: Final = frozenset({".py", ".js", ".css", ".html", ".sql"})
TEXT_SUFFIXES: Final = CODE_SUFFIXES | {".json", ".md", ".mjs", ".svg", ".toml", ".txt", ".yml"}
TEXT_NAMES: Final = frozenset({"Makefile", "NOTICE", "run", ".gitignore", ".npmrc"})
NOT_OURS: Final = frozenset({"vendor", ".cache", "__pycache__", "node_modules"})


def _sources() -> Iterator[Source]:
    folders = [ROOT / name for name in (*PACKAGES, "tests", "docs", ".ci")]
    below = chain.from_iterable(folder.rglob("*") for folder in folders)
    for path in chain(ROOT.iterdir(), below):
        ours = not NOT_OURS.intersection(path.relative_to(ROOT).parts)
        text = path.suffix in TEXT_SUFFIXES or path.name in TEXT_NAMES or path.parent.name == ".ci"
        if ours and text and path.is_file():
            yield Source.read(ROOT, path)


SOURCES: Final = tuple(_sources())
MODULES: Final = tuple(source for source in SOURCES if source.path.endswith(".py"))
PRODUCT: Final = tuple(source for source in MODULES if source.package in PACKAGES)
CORE: Final = tuple(source for source in MODULES if source.package == "core")
TESTS: Final = tuple(source for source in MODULES if source.package == "tests")
CODE: Final = tuple(source for source in SOURCES if Path(source.path).suffix in CODE_SUFFIXES)
TEMPLATES: Final = tuple(
    source for source in SOURCES if source.path.endswith(".html") and source.package in PACKAGES
)


def _assert_kept(rule: Rule, sources: tuple[Source, ...]) -> None:
    assert sources, "there is no file that this rule could look at"
    faults = [fault for source in sources for fault in rule(source)]
    assert not faults, "\n" + "\n".join(faults)


def test_every_module_opens_by_saying_what_it_holds() -> None:
    _assert_kept(house_rules.opens_with_a_docstring, MODULES)


def test_everything_public_says_what_it_does() -> None:
    _assert_kept(house_rules.documents_what_is_public, PRODUCT)


def test_every_file_is_short_enough_to_read_at_once() -> None:
    _assert_kept(house_rules.has_few_lines, CODE)


def test_every_function_fits_on_a_screen() -> None:
    _assert_kept(house_rules.has_short_functions, MODULES)


def test_files_are_named_for_what_they_hold() -> None:
    _assert_kept(house_rules.is_named_for_what_it_holds, SOURCES)


def test_classes_are_named_for_what_they_are() -> None:
    _assert_kept(house_rules.names_classes_for_what_they_are, MODULES)


def test_every_module_postpones_its_annotations() -> None:
    _assert_kept(house_rules.postpones_annotations, MODULES)


def test_imports_go_downwards_only() -> None:
    _assert_kept(house_rules.imports_downwards, PRODUCT)


def test_the_core_takes_time_randomness_and_keys_as_arguments() -> None:
    _assert_kept(house_rules.takes_clock_and_randomness_as_arguments, CORE)


def test_nothing_banned_is_used_anywhere() -> None:
    _assert_kept(house_rules.uses_nothing_banned, MODULES)


def test_no_test_is_switched_off() -> None:
    # conftest.py alone may skip: the tests of pages, on a machine that has no Chromium.
    _assert_kept(
        house_rules.never_skips,
        tuple(source for source in TESTS if source.path != "tests/conftest.py"),
    )


def test_only_commands_print() -> None:
    _assert_kept(
        house_rules.prints_nothing,
        tuple(source for source in PRODUCT if not may_print(source.path)),
    )


def test_no_module_keeps_state() -> None:
    _assert_kept(house_rules.has_no_global_state, PRODUCT)


def test_production_code_does_not_know_that_it_is_tested() -> None:
    _assert_kept(
        house_rules.does_not_know_its_test,
        tuple(source for source in PRODUCT if source.package in {"core", "replica", "hub"}),
    )


def test_only_literals_are_called_safe_markup() -> None:
    _assert_kept(house_rules.makes_markup_from_literals, PRODUCT)


def test_templates_hold_no_code_of_their_own() -> None:
    _assert_kept(house_rules.has_no_inline_code, TEMPLATES)


def test_no_file_names_a_place_of_one_machine() -> None:
    _assert_kept(house_rules.names_no_machine, SOURCES)


def test_no_file_is_left_unfinished() -> None:
    _assert_kept(house_rules.is_finished, SOURCES)


@pytest.mark.parametrize(
    ("package", "sprite"),
    [("web", "web/static/vendor/icons.svg"), ("replica", "replica/screens/static/icons.svg")],
)
def test_every_icon_that_a_page_names_is_in_the_sprite(package: str, sprite: str) -> None:
    icons = set(re.findall(r'<symbol\b[^>]*\bid="([a-z0-9-]+)"', (ROOT / sprite).read_text()))
    unknown = [
        f"{source.path}: there is no icon {name!r} in {sprite}"
        for source in SOURCES
        if source.package == package
        for name in icons_named(source.text)
        if name not in icons
    ]
    assert not unknown, "\n".join(unknown)


def icons_named(text: str) -> list[str]:
    """The icons that a template, script or module names: `icon('x')`, `icons.svg#x`."""
    found = re.findall(r"\bicon\(\s*['\"]([a-z0-9-]+)['\"]|icons\.svg#([a-z0-9-]+)", text)
    return [first or second for first, second in found]


def test_every_library_file_that_a_page_names_is_built() -> None:
    missing = [
        f"{source.path}: there is no web/static/{name}; see [tool.fieldlog.assets]"
        for source in SOURCES
        if source.package == "web"
        for name in libraries_named(source.text)
        if not (ROOT / "web/static" / name).is_file()
    ]
    assert not missing, "\n".join(missing)


def libraries_named(text: str) -> list[str]:
    """The files of libraries that a template, script or module names: `vendor/pmtiles-4…/…`."""
    return re.findall(r"\bvendor/[\w.-]+(?:/[\w.-]+)*\.(?:css|js|json|mjs|svg)\b", text)


def test_every_declared_command_and_page_is_there() -> None:
    groups: dict[str, dict[str, str]] = _project()["project"].get("entry-points", {})
    for group, points in groups.items():
        for name, value in points.items():
            loaded = EntryPoint(name, value, group).load()
            assert loaded.__doc__, f"{group}: {name} = {value} needs a docstring"


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


LONG_FUNCTION: Final = "def f():\n" + "    f()\n" * 70
# Put together here, because these very lines are checked as well.
MACHINE: Final = "/ro" + "ot/x"
REGISTRY: Final = "registry." + "npmjs.org"
LATER: Final = "TO" + "DO"

PLANTED: Final[list[tuple[Callable[..., object], str, str]]] = [
    (house_rules.opens_with_a_docstring, "core/a.py", "x = 1\n"),
    (house_rules.opens_with_a_docstring, "core/a.py", '"""Job."""\n'),
    (house_rules.documents_what_is_public, "core/a.py", "def f(): return 1\n"),
    (house_rules.documents_what_is_public, "hub/a.py", "async def f(): return 1\n"),
    (
        house_rules.documents_what_is_public,
        "hub/a.py",
        'class A:\n    """An a."""\n    def f(self): pass\n',
    ),
    (house_rules.has_few_lines, "web/static/a.js", "\n" * 601),
    (house_rules.has_short_functions, "core/a.py", LONG_FUNCTION),
    (house_rules.is_named_for_what_it_holds, "web/utils.py", ""),
    (house_rules.is_named_for_what_it_holds, "hub/helpers/dates.py", ""),
    (house_rules.is_named_for_what_it_holds, "web/templates/base.html", ""),
    (house_rules.names_classes_for_what_they_are, "hub/a.py", "class SyncManager: ...\n"),
    (house_rules.names_classes_for_what_they_are, "hub/a.py", "class BasePage: ...\n"),
    (house_rules.postpones_annotations, "hub/a.py", '"""A."""\nx = 1\n'),
    (house_rules.imports_downwards, "core/a.py", "import replica.store\n"),
    (house_rules.imports_downwards, "replica/a.py", "from hub.app import Hub\n"),
    (house_rules.imports_downwards, "web/a.py", "def f():\n    from simulator import fleet\n"),
    (house_rules.imports_downwards, "simulator/a.py", "import web\n"),
    (house_rules.imports_downwards, "hub/a.py", "from tests.build import author\n"),
    (house_rules.imports_downwards, "hub/a.py", "from . import keys\n"),
    (house_rules.takes_clock_and_randomness_as_arguments, "core/a.py", "import time\n"),
    (
        house_rules.takes_clock_and_randomness_as_arguments,
        "core/a.py",
        "from datetime import datetime as d\nd.now()\n",
    ),
    (house_rules.takes_clock_and_randomness_as_arguments, "core/a.py", "from os import urandom\n"),
    (
        house_rules.takes_clock_and_randomness_as_arguments,
        "core/a.py",
        "import uuid\nmake = uuid.uuid4\n",
    ),
    (house_rules.uses_nothing_banned, "hub/a.py", "import asyncio\nasyncio.to_thread(f)\n"),
    (house_rules.uses_nothing_banned, "tests/a.py", "from unittest import mock\n"),
    (house_rules.uses_nothing_banned, "tests/a.py", "from unittest.mock import patch\n"),
    (house_rules.uses_nothing_banned, "tests/a.py", "import time as t\nt.sleep(1)\n"),
    (
        house_rules.never_skips,
        "tests/test_a.py",
        "import pytest\n@pytest.mark.skip\ndef test_a(): ...\n",
    ),
    (house_rules.never_skips, "tests/test_a.py", "from pytest import skip\n"),
    (house_rules.prints_nothing, "hub/a.py", "print('here')\n"),
    (house_rules.has_no_global_state, "hub/a.py", "def f():\n    global x\n    x = 1\n"),
    (house_rules.does_not_know_its_test, "hub/a.py", "if clock.simulated: pass\n"),
    (house_rules.does_not_know_its_test, "hub/a.py", "def f(is_test): pass\n"),
    (house_rules.does_not_know_its_test, "hub/a.py", "'PYTEST_CURRENT' in environment\n"),
    (house_rules.makes_markup_from_literals, "web/a.py", "Markup(f'<b>{name}</b>')\n"),
    (house_rules.has_no_inline_code, "web/templates/a.html", "{{ note | safe }}"),
    (house_rules.has_no_inline_code, "web/templates/a.html", "<script>go()</script>"),
    (house_rules.has_no_inline_code, "web/templates/a.html", "<script type=module>\n</script>"),
    (house_rules.has_no_inline_code, "web/templates/a.html", "<style>p{}</style>"),
    (house_rules.has_no_inline_code, "web/templates/a.html", '<p class="a" style="color:red">'),
    (house_rules.has_no_inline_code, "web/templates/a.html", "<a\n  onclick='go()'>"),
    (house_rules.has_no_inline_code, "web/templates/a.html", '<a href="javascript:go()">'),
    (house_rules.names_no_machine, "docs/a.md", f"see {MACHINE}"),
    (house_rules.names_no_machine, "package-lock.json", f'"resolved": "https://{REGISTRY}/x"'),
    (house_rules.is_finished, "web/static/a.js", f"// {LATER}: later"),
]


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_a_planted_fault_is_found(rule: Rule, path: str, text: str) -> None:
    faults = list(rule(Source(path, text)))
    assert faults, f"{rule.__name__} does not see the fault in {text!r}"
    assert faults[0].startswith(f"{path}:")


def test_every_rule_has_a_planted_fault() -> None:
    rules = {
        rule
        for name, rule in vars(house_rules).items()
        if getattr(rule, "__module__", "") == house_rules.__name__
        and callable(rule)
        and not name.startswith("_")
        and not isinstance(rule, type)
    }
    assert rules - {may_print} == {rule for rule, _, _ in PLANTED}


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (house_rules.has_no_inline_code, "web/templates/a.html", '<script src="{{ x }}"></script>'),
        (house_rules.has_no_inline_code, "web/templates/a.html", "{# never | safe, no <style> #}"),
        (house_rules.has_no_inline_code, "web/templates/a.html", '<p data-style="x" class="on">'),
        (house_rules.does_not_know_its_test, "hub/a.py", "latest = attested = contest\n"),
        (house_rules.does_not_know_its_test, "hub/a.py", '"""The simulator drives it."""\n'),
        (house_rules.imports_downwards, "web/a.py", "from replica.reader import Reader\n"),
        (house_rules.is_named_for_what_it_holds, "core/dispatch/basement.py", ""),
        (house_rules.names_no_machine, "web/a.py", "'/workers/1', '/rooted', '/homes'"),
        (house_rules.makes_markup_from_literals, "web/a.py", "Markup('<b>{}</b>').format(name)"),
        (house_rules.makes_markup_from_literals, "web/a.py", "Markup(qr)  # safe: drawn here"),
    ],
)
def test_what_is_right_is_no_fault(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(Source(path, text)))


def test_names_of_icons_and_libraries_are_found_in_pages() -> None:
    assert icons_named("{{ icon('sun') }} icon( \"moon\", 'large') icons.svg#x") == [
        "sun",
        "moon",
        "x",
    ]
    assert libraries_named('import x from "../vendor/pmtiles-4.5.0/pmtiles.mjs";') == [
        "vendor/pmtiles-4.5.0/pmtiles.mjs"
    ]
