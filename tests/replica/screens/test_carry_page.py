"""Files and codes between phones on the screens: what is none is refused in words."""

from __future__ import annotations

import pytest

from tests.replica.screens.conftest import Phone


@pytest.mark.parametrize("file", ["", "abc", "0", "XYZ", "ab" * 65, "../store"])
async def test_what_names_no_carried_file_is_said_and_harms_nothing(
    phone: Phone, file: str
) -> None:
    answer = await phone.post("/sync/carried", file=file)
    assert (answer.status, "There is no such file" in answer.text) == (200, True)


async def test_a_file_that_is_not_carried_here_is_put_away_as_a_no_op(phone: Phone) -> None:
    assert "Put away" in (await phone.post("/sync/carried", file="ab" * 32)).text


@pytest.mark.parametrize("code", ["", "AAAA", "not a code", "ž", "A" * 4_001])
async def test_a_code_that_holds_no_job_is_refused_and_changes_nothing(
    phone: Phone, code: str
) -> None:
    page = await phone.get("/sync/code?file=AAAA")
    assert "Take it in" in page.text
    answer = await phone.post("/sync/code", file=code)
    assert answer.status == 200
    assert answer.path.startswith("/sync")
    assert 'data-tone="bad"' in answer.text
    assert await phone.rows("SELECT * FROM job") == []


async def test_a_job_that_was_not_handed_on_has_no_code(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    for path in ("code", "file"):
        answer = await phone.get(f"/jobs/{job}/hand/{path}")
        assert (answer.status, "was not handed on" in answer.text) == (409, True)
