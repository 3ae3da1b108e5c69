"""Refusals that come from elsewhere in English are known again, and said in a language."""

from __future__ import annotations

from core.sentence import Sentence, said
from replica import told
from tests.marking import Marks


def test_a_refusal_of_another_replica_is_known_again_with_its_number() -> None:
    heard = told.known_again("the code is not right; 3 tries are left for it")
    assert heard == "the code is not right; 3 tries are left for it"
    assert said(heard, Marks()) == "‹the code is not right; 3 tries are left for it›"
    assert said(told.known_again(told.RUN_OUT), Marks()) == f"‹{told.RUN_OUT}›"


def test_what_no_program_here_says_is_shown_as_it_came() -> None:
    for text in ("", "go away", told.RUN_OUT + "!", "the code is not right; {left} tries are left"):
        assert not isinstance(told.known_again(text), Sentence)
        assert told.known_again(text) == text
