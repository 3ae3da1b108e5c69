"""Sentences are English texts that can be said in another language."""

from __future__ import annotations

from core.sentence import Sentence, capital, listed, marked, said, say, say_n, small, whole


class Shouting:
    """A language that says everything in capitals, but for the places of values."""

    def gettext(self, message: str) -> str:
        assert message, "a catalog keeps its header under the empty template"
        return {"{n} job": "{n} JOB", "{who} is away": "AWAY IS {who}", "Ana": "?"}.get(
            message, message.upper()
        )

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return "ONE JOB" if n == 1 else "{n} JOBS"


def test_a_sentence_is_its_english_text() -> None:
    away = say("{who} is away", who="Ana")
    assert away == "Ana is away"
    assert isinstance(away, str)
    assert hash(away) == hash("Ana is away")


def test_a_sentence_is_said_from_its_template_and_leaves_values_as_they_are() -> None:
    assert say("{who} is away", who="Ana").said(Shouting()) == "AWAY IS Ana"


def test_sentences_among_the_values_are_said_as_well() -> None:
    inner = say("nobody")
    assert say("{who} is away", who=inner).said(Shouting()) == "AWAY IS NOBODY"


def test_a_number_chooses_the_form_in_each_language() -> None:
    assert say_n("{n} job", "{n} jobs", 1) == "1 job"
    assert say_n("{n} job", "{n} jobs", 5) == "5 jobs"
    assert say_n("{n} job", "{n} jobs", 1).said(Shouting()) == "ONE JOB"
    assert say_n("{n} job", "{n} jobs", 5).said(Shouting()) == "5 JOBS"


def test_a_list_says_its_sentences_and_keeps_names() -> None:
    row = listed([say("late"), "Ana {x}"], " {} ")
    assert row == "late {} Ana {x}"
    assert said(row, Shouting()) == "LATE {} Ana {x}"


def test_an_empty_list_says_nothing() -> None:
    assert said(listed([]), Shouting()) == ""


def test_what_is_no_sentence_stays_what_it_is() -> None:
    assert said("late", Shouting()) == "late"
    assert said(7, Shouting()) == 7
    assert not isinstance(marked("open"), Sentence)


def test_a_sentence_gets_its_capital_and_full_stop_in_each_language() -> None:
    away = say("{who} is away", who=say("nobody"))
    assert (capital(away), whole(away)) == ("Nobody is away", "Nobody is away.")
    assert said(whole(away), Shouting()) == "AWAY IS NOBODY."
    assert said(small(say("Paused")), Shouting()) == "paused"
    assert whole("done!") == "Done!"
    assert not isinstance(capital("plain"), Sentence)
