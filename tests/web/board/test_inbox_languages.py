"""The inbox in two languages at once: what is kept for all readers is said to each in theirs."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from tests.marking import MARKING, known
from tests.web.board.town import Town, send_part
from web.language import LANGUAGE_COOKIE


async def test_each_reader_of_the_same_problems_has_them_in_their_language(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with known(monkeypatch):
        await _both_read(town)


async def _both_read(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Late", worker=ana, starts_in=-120, lasts=60)
    eva, jan = await town.office.signed_in("Eva"), await town.office.signed_in("Jan")
    jan._session.cookie_jar.update_cookies({LANGUAGE_COOKIE: MARKING})

    for _ in range(2):
        english, marked = [(await each.get("/?show=inbox")).words for each in (eva, jan)]
        assert "The window is over, and Ana has not set out" in english
        assert "‹" not in english
        assert "‹The window is over, and Ana has not set out›" in marked
        assert "‹No show›, " in marked
        assert "‹Put aside›" in marked

    in_english, in_marks = [
        json.loads((await each.get("/board/inbox.json")).text)["order"] for each in (eva, jan)
    ]
    assert in_english[0]["key"] == in_marks[0]["key"] == f"alert {job} no show"
    assert "Late: No show, " in in_english[0]["words"]
    assert "‹No show›, " in in_marks[0]["words"]

    fields = {"stream": job, "text": "Where are you?"}
    asked = await send_part(jan, "/board/inbox/ask", fields)
    words = "‹Asked. It is a note of the job, and its phones point it out.›"
    assert unquote(asked.headers["X-Board-Notice"]) == words
