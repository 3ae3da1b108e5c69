"""Reasons from a list are written once and said in every language; typed ones stay as they are."""

from __future__ import annotations

from core.dispatch.acts import PROBLEM, QUESTION
from core.dispatch.reasons import (
    PROBLEMS,
    REJECT_REASONS,
    moved_reason,
    note_words,
    reason_text,
    reason_words,
)
from core.sentence import Sentence, said
from tests.marking import Marks


def in_marks(words: str) -> str:
    return str(said(words, Marks()))


def test_a_chosen_reason_is_written_in_english_and_said_in_a_language() -> None:
    written = reason_text(REJECT_REASONS[1], "")
    assert written == "Not my kind of work"
    assert in_marks(reason_words(written)) == "‹Not my kind of work›"


def test_what_was_typed_beside_it_stays_as_it_was_typed() -> None:
    written = reason_text(PROBLEMS[0], "rang {twice}")
    assert written == "Nobody is there. rang {twice}"
    assert in_marks(reason_words(written)) == "‹Nobody is there›. rang {twice}"


def test_what_was_typed_alone_is_no_sentence() -> None:
    for typed in ("My car broke down", "Nobody is there at all", "", "Moved to the yard: no room"):
        assert reason_words(typed) == typed
        assert not isinstance(reason_words(typed), Sentence)


def test_a_log_that_went_to_another_day_says_so_and_why() -> None:
    written = moved_reason("2026-11-23", "I forgot to tap")
    assert written == "Moved to 2026-11-23: I forgot to tap"
    assert in_marks(reason_words(written)) == "‹Moved to 2026-11-23: ‹I forgot to tap››"


def test_a_note_that_reports_or_asks_is_told_from_one_that_is_only_written() -> None:
    assert in_marks(note_words(PROBLEM + "No access. locked")) == "‹Problem: ‹No access›. locked›"
    assert in_marks(note_words(QUESTION + "which door?")) == "‹Question: which door?›"
    assert in_marks(note_words("No access")) == "No access"
