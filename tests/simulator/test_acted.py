"""Acts in a story of a run: which stream, which field, which value, in words people can follow."""

from __future__ import annotations

import pytest

from core.dispatch import acts, fields
from core.dispatch.acts import SITE_STREAM, Act, Change
from core.dispatch.fields import Kind, Phase
from simulator.world.acted import path_words, words_of

JOB = acts.new_stream_id(Kind.JOB, 1_780_315_200_000, bytes.fromhex("000000003c431f"))
ANA = acts.new_stream_id(Kind.WORKER, 1_780_315_200_000, bytes.fromhex("00000000bfb049"))


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (
            acts.add_note(JOB, "the key is at number 5"),
            "job 3c431f: note new the key is at number 5",
        ),
        (
            acts.edit_job(JOB, {"window": (1_780_315_200_000, 1_780_322_400_000)}),
            "job 3c431f: window (01 Jun 12:00 01 Jun 14:00)",
        ),
        (
            [Change(JOB, (fields.PHASE, ANA, b"turn-one"), int(Phase.TRAVELLING))],
            "job 3c431f: phase bfb049 6f6e65 travelling",
        ),
        ([Change(SITE_STREAM, (fields.REVOKED, bytes(32)), True)], "site: revoked 000000 yes"),
        ([Change(JOB, (199, "later"), "x" * 99)], f"job 3c431f: field 199 later {'x' * 40}…"),
    ],
)
def test_an_act_is_told_by_stream_field_and_value(act: Act, words: str) -> None:
    assert words_of(act) == words


def test_an_act_over_several_streams_names_each_once() -> None:
    one, other = acts.add_note(JOB, "a"), acts.edit_worker(ANA, {"name": "Ana"})
    assert words_of([*one, *one, *other]) == (
        "job 3c431f: note new a, note new a; worker bfb049: name Ana"
    )


def test_a_path_that_no_field_has_is_told_too() -> None:
    assert path_words((fields.TITLE,)) == "title"
    assert path_words((250, b"abcdef")) == "field 250 646566"
