"""Everything that people read can be translated, and is: pages, scripts and answers."""

from __future__ import annotations

import jinja2
import pytest

from core.sentence import say
from replica.language import ENGLISH, NAME_BY_LANGUAGE
from tests.unsaid import bare, spoken_constants
from tests.words import untranslated
from web.assets import Assets
from web.language import language_named
from web.rendering import TEMPLATE_FOLDER, make_environment

TEMPLATES = sorted(
    path.relative_to(TEMPLATE_FOLDER).as_posix() for path in TEMPLATE_FOLDER.rglob("*.html")
)


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
