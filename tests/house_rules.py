"""The rules of the house that a program can check, each a function from a file to its faults.

A rule takes a `Source` and yields sentences `path:line: what is wrong; what to do`. The tests in
test_architecture.py run them over the repository, and over planted faults to prove that each can
fail. What ruff, mypy and import-linter already hold is repeated here only where a sentence of ours
says better what to do. Invariant: a rule reads nothing but the source it is given.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final

LINES_PER_FILE_MAX: Final = 600
LINES_PER_FUNCTION_MAX: Final = 70
LETTERS_PER_DOCSTRING_MIN: Final = 20

PACKAGES: Final = ("core", "replica", "hub", "web", "simulator")
# Which packages each may import, besides itself.
BELOW: Final = {
    "core": (),
    "replica": ("core",),
    "hub": ("replica", "core"),
    "web": ("hub", "replica", "core"),
    "simulator": ("hub", "replica", "core"),
}
WORDLESS_NAMES: Final = frozenset(
    {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
    | {"service", "services"}
)
WORDLESS_CLASS: Final = re.compile(r"^Base[A-Z]|(?:Manager|Service|Helper|Utils?|Base)$")
# Clocks and randomness, each with what takes its place in `core`.
CORE_TAKES_AS_ARGUMENT: Final = {
    "time": "take `now_ms`",
    "datetime.datetime.now": "take `now_ms`",
    "datetime.datetime.today": "take `now_ms`",
    "datetime.datetime.utcnow": "take `now_ms`",
    "datetime.date.today": "take the day",
    "random": "take the bytes or the choice",
    "secrets": "take the bytes",
    "os.urandom": "take the bytes",
    "uuid.uuid1": "take the bytes",
    "uuid.uuid4": "take the bytes",
    "cryptography.hazmat.primitives.asymmetric.ed25519.Ed25519PrivateKey.generate": "take the key",
    "cryptography.hazmat.primitives.asymmetric.x25519.X25519PrivateKey.generate": "take the key",
}
NOWHERE: Final = {
    "asyncio.to_thread": "the store has one writer thread: use `Writer.run`, or `Reader.rows`",
    "unittest.mock": "build the real far side: a real socket, a real file, a signed entry",
    "time.sleep": "wait for the event itself; a sleep is a guess",
}
TESTS_NEVER_SKIP: Final = {
    "pytest.skip": "a test that does not run proves nothing",
    "pytest.importorskip": "a test that does not run proves nothing",
    "pytest.xfail": "mend it, or delete the test",
    "pytest.mark.skip": "a test that does not run proves nothing",
    "pytest.mark.skipif": "a test that does not run proves nothing",
    "pytest.mark.xfail": "mend it, or delete the test",
}
MACHINE_PLACE: Final = re.compile(
    r"/(?:work|root)/|/(?:home|Users)/[a-z]\w*/"
    r"|registry\.[a-z]+\w*\.\w+|\bpypi\.org|files\.python\w+\.org"
)
UNFINISHED: Final = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")
TEMPLATE_FAULTS: Final = {
    re.compile(r"\|\s*safe\b"): "escape it: give the template words, not markup",
    re.compile(r"{%-?\s*autoescape\s+false"): "escape it: give the template words, not markup",
    re.compile(r"<script(?![^>]*\ssrc=)", re.I): "put the script into a file below web/static",
    re.compile(r"<style\b", re.I): "put the rules into a file below web/static",
    re.compile(r"<[^>]*\sstyle\s*=", re.I): "give it a class, or a data attribute that CSS reads",
    re.compile(r"<[^>]*\son[a-z]+\s*=", re.I): "listen to the event in a module of web/static",
    re.compile(r"javascript:", re.I): "listen to the event in a module of web/static",
}
KNOWS_ITS_TEST: Final = re.compile(
    r"simulat|pytest|(?:^|_)(?:test|tests|testing|tested)(?:$|_)", re.I
)


@dataclass(frozen=True)
class Source:
    """One file of the repository: its path from the top, with slashes, and its text."""

    path: str
    text: str

    @classmethod
    def read(cls, root: Path, path: Path) -> Source:
        """The file at `path`, named as seen from `root`."""
        return cls(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))

    @property
    def package(self) -> str:
        """The first folder of its path; '' at the top."""
        return self.path.partition("/")[0] if "/" in self.path else ""

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module."""
        return ast.parse(self.text, self.path)

    @cached_property
    def name_by_alias(self) -> dict[str, str]:
        """What each imported name stands for, in full."""
        names = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for item in node.names:
                    bound = item.asname or item.name.partition(".")[0]
                    names[bound] = item.name if item.asname else bound
            elif isinstance(node, ast.ImportFrom):
                for item in node.names:
                    names[item.asname or item.name] = f"{node.module or ''}.{item.name}"
        return names

    def at(self, line: int, words: str) -> str:
        """A fault at a line of this file."""
        return f"{self.path}:{line}: {words}"


Rule = Callable[[Source], Iterable[str]]


def opens_with_a_docstring(source: Source) -> Iterator[str]:
    """A module says first what it holds, what it does not, and its invariant."""
    words = ast.get_docstring(source.tree) or ""
    if len(words) < LETTERS_PER_DOCSTRING_MIN:
        yield source.at(1, "open it with a docstring: what it holds, what not, its invariant")


def documents_what_is_public(source: Source) -> Iterator[str]:
    """Public classes, functions and methods have a docstring."""
    for node in _public(source.tree):
        if not ast.get_docstring(node):
            yield source.at(node.lineno, f"say what `{node.name}` does, with units and errors")


def _public(node: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            overloads = [ast.unparse(mark) for mark in child.decorator_list]
            if child.name.startswith("_") or "overload" in overloads:
                continue
            yield child  # type: ignore[misc]  # an async function has all that is asked of it
            if isinstance(child, ast.ClassDef):
                yield from _public(child)


def has_few_lines(source: Source) -> Iterator[str]:
    """A file is one idea that fits into a head."""
    lines = source.text.count("\n")
    if lines > LINES_PER_FILE_MAX:
        yield source.at(lines, f"{lines} lines of {LINES_PER_FILE_MAX}: split it by idea")


def has_short_functions(source: Source) -> Iterator[str]:
    """A function fits on a screen."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LINES_PER_FUNCTION_MAX:
                words = f"`{node.name}` has {lines} lines of {LINES_PER_FUNCTION_MAX}: split it"
                yield source.at(node.lineno, words)


def is_named_for_what_it_holds(source: Source) -> Iterator[str]:
    """Neither files, folders nor classes are called by a word that says nothing."""
    for part in PurePosixPath(source.path).with_suffix("").parts:
        if part.lower() in WORDLESS_NAMES:
            yield source.at(1, f"`{part}` says nothing: name it for what it holds")


def names_classes_for_what_they_are(source: Source) -> Iterator[str]:
    """A class is a noun of the field."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and WORDLESS_CLASS.search(node.name):
            yield source.at(node.lineno, f"`{node.name}` says nothing: name it for what it holds")


def postpones_annotations(source: Source) -> Iterator[str]:
    """Every module that has code begins with the same import."""
    if source.tree.body[1:] and "from __future__ import annotations\n" not in source.text:
        yield source.at(1, "put `from __future__ import annotations` after the docstring")


def imports_downwards(source: Source) -> Iterator[str]:
    """core <- replica <- hub <- web | simulator; nothing imports tests."""
    forbidden = {"tests", *PACKAGES} - {source.package, *BELOW[source.package]}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names = [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.level:
                yield source.at(node.lineno, "name the module in full: no relative imports")
        else:
            continue
        for name in names:
            if name.partition(".")[0] in forbidden:
                words = f"{source.package} may not import {name}: move what both need downwards"
                yield source.at(node.lineno, words)


def takes_clock_and_randomness_as_arguments(source: Source) -> Iterator[str]:
    """`core` is a function of what it is given, so that every replica gets the same."""
    return _uses(source, CORE_TAKES_AS_ARGUMENT)


def uses_nothing_banned(source: Source) -> Iterator[str]:
    """What is banned in every folder, tests included."""
    return _uses(source, NOWHERE)


def never_skips(source: Source) -> Iterator[str]:
    """No test is skipped or expected to fail."""
    return _uses(source, TESTS_NEVER_SKIP)


def _uses(source: Source, banned: dict[str, str]) -> Iterator[str]:
    for node, name in _dotted_names(source):
        for prefix, instead in banned.items():
            if name == prefix or name.startswith(prefix + "."):
                yield source.at(node.lineno, f"`{name}` is banned here: {instead}")


def _dotted_names(source: Source) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Every name that comes out of an import, in full: `from os import urandom as u; u(1)`."""
    inner: set[ast.expr] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, item.name) for item in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node, f"{node.module}.{item.name}") for item in node.names)
        elif isinstance(node, ast.Attribute) and node not in inner:
            parts, value = [node.attr], node.value
            while isinstance(value, ast.Attribute):
                inner.add(value)
                parts.append(value.attr)
                value = value.value
            if isinstance(value, ast.Name) and value.id in source.name_by_alias:
                yield node, ".".join([source.name_by_alias[value.id], *reversed(parts)])


def prints_nothing(source: Source) -> Iterator[str]:
    """Only commands speak to a terminal."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and node.id == "print":
            yield source.at(node.lineno, "return it, or log it: only commands print")


def may_print(path: str) -> bool:
    """Whether the module is a command's: `commandline.py`, or in a folder `commands`."""
    return path.endswith("/commandline.py") or "/commands/" in path


def has_no_global_state(source: Source) -> Iterator[str]:
    """Two replicas live in one process, so nothing is kept in a module."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Global):
            yield source.at(node.lineno, "give the state to an object that owns it")


def does_not_know_its_test(source: Source) -> Iterator[str]:
    """Production code does not ask whether it is simulated or tested."""
    docstrings = _docstrings(source.tree)
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
                wrong = KNOWS_ITS_TEST.search(word)
            case ast.Constant(value=str(word)) if node not in docstrings:
                wrong = re.search(r"simulat|pytest", word, re.I)
            case _:
                continue
        if wrong:
            words = f"`{word}`: take a clock, link, disk or randomness as an argument instead"
            yield source.at(node.lineno, words)


def _docstrings(tree: ast.Module) -> set[ast.AST]:
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(first.value)
    return found


def makes_markup_from_literals(source: Source) -> Iterator[str]:
    """What is marked as safe HTML was written by us; what comes from outside is escaped into it.

    Where a library drew it (a QR code), `# safe: <why>` on the call's line says so.
    """
    lines = source.text.splitlines()
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("Markup")
            and any(not isinstance(word, ast.Constant) for word in node.args)
            and "# safe: " not in lines[node.lineno - 1]
        ):
            yield source.at(node.lineno, "write Markup('<b>{}</b>').format(value), which escapes")


def has_no_inline_code(source: Source) -> Iterator[str]:
    """A template holds no script, style or handler, so that the strict CSP holds for each page."""
    text = re.sub(r"{#.*?#}", lambda note: "\n" * note[0].count("\n"), source.text, flags=re.DOTALL)
    for pattern, instead in TEMPLATE_FAULTS.items():
        for fault in pattern.finditer(text):
            line = text.count("\n", 0, fault.start()) + 1
            yield source.at(line, f"`{fault[0]}`: {instead}")


def names_no_machine(source: Source) -> Iterator[str]:
    """Neither a folder of somebody's machine nor the host of a package registry."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if place := MACHINE_PLACE.search(line):
            yield source.at(number, f"`{place[0]}` is a place of one machine: take it out")


def is_finished(source: Source) -> Iterator[str]:
    """What is in the tree is done; what is not done is not in the tree."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if mark := UNFINISHED.search(line):
            yield source.at(number, f"`{mark[0]}`: do it, or leave it out")
