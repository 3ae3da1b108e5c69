"""Everything that people read can be translated, and is: pages, scripts and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import jinja2
import pytest
from jinja2 import nodes

from core.sentence import say
from replica.language import ENGLISH, NAME_BY_LANGUAGE
from tests.words import untranslated
from web.assets import Assets
from web.language import language_named
from web.rendering import TEMPLATE_FOLDER, make_environment

TEMPLATES = sorted(
    path.relative_to(TEMPLATE_FOLDER).as_posix() for path in TEMPLATE_FOLDER.rglob("*.html")
)
_LETTERS = re.compile(r"[A-Za-z]{2}")
# Of a constant: classes and values of attributes have neither capitals nor spaces.
_A_SENTENCE = re.compile(r"[A-Z]|\w \w")
_TEMPLATE = re.compile(
    r"\{#.*?#\}|\{% block width %\}.*?\{% endblock %\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL
)
_READ_ALOUD = re.compile(
    r'(?<![-\w])(?:aria-label|title|placeholder|alt|data-confirm|data-label)="([^"]*)"'
)
# A macro may put an attribute into a tag.
_ATTRIBUTE = re.compile(r'\s*[a-z-]+="')
# Names of keys, and what is typed as it stands.
_NO_WORDS = re.compile(r"<kbd[^>]*>.*?</kbd>|<code[^>]*>.*?</code>|<!doctype[^>]*>", re.DOTALL)


def bare(source: str) -> Iterator[str]:
    """Texts and spoken attributes of a template that stand in it as they are."""
    text = _NO_WORDS.sub("", _TEMPLATE.sub("\0", source))
    shown = [re.sub(r"<[^>]*>", "\0", text), *_READ_ALOUD.findall(text)]
    for piece in "\0".join(shown).split("\0"):
        if _LETTERS.search(piece) and not _ATTRIBUTE.match(piece):
            yield piece.strip()


def spoken_constants(tree: nodes.Template) -> Iterator[str]:
    """Constants that a template puts out without saying them in the reader's language."""
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if not isinstance(node, nodes.TemplateData):
                yield from _constants(node)


def _constants(node: nodes.Node) -> Iterator[str]:
    match node:
        case nodes.Const():
            if isinstance(node.value, str) and _A_SENTENCE.search(node.value):
                yield node.value
        case nodes.CondExpr():
            for branch in (node.expr1, node.expr2):
                if branch is not None:
                    yield from _constants(branch)
        case nodes.Filter() if node.node is not None:
            yield from _constants(node.node)
        case nodes.Concat():
            for each in node.nodes:
                yield from _constants(each)
        case nodes.Or() | nodes.And() | nodes.Add():
            yield from _constants(node.left)
            yield from _constants(node.right)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_word_of_a_template_is_said_in_the_readers_language(name: str) -> None:
    source = (TEMPLATE_FOLDER / name).read_text("utf-8")
    environment: jinja2.Environment = make_environment(Assets.read())
    assert [*bare(source), *spoken_constants(environment.parse(source))] == []


@pytest.mark.parametrize("tag", sorted(NAME_BY_LANGUAGE.keys() - {ENGLISH}))
def test_every_sentence_is_said_in_every_language(tag: str) -> None:
    assert list(untranslated(tag)) == []


@pytest.mark.parametrize("tag", sorted(NAME_BY_LANGUAGE))
def test_nothing_is_said_for_nothing(tag: str) -> None:
    assert language_named(tag).say("") == ""
    assert language_named(tag).said(say("")) == ""
