"""The table of keys and commands: no key twice, and the lists show what the scripts bind."""

from __future__ import annotations

import re
from pathlib import Path

from core.dispatch.acts import set_setting
from tests.web.office import Office
from web.assets import STATIC_FOLDER
from web.keys import BOARD, COMMANDS_BY_PLACE, EVERYWHERE, commands_for, offered


def test_no_key_means_two_things_on_the_board() -> None:
    bound = [
        press
        for place in (EVERYWHERE, BOARD)
        for one in COMMANDS_BY_PLACE[place]
        for press in one.press.split()
    ]
    assert len(bound) == len(set(bound))


def test_every_act_of_the_board_has_a_key_or_is_offered() -> None:
    for place in (EVERYWHERE, BOARD):
        for one in COMMANDS_BY_PLACE[place]:
            assert one.press or one.title, one.act
            assert one.words or not one.press, "what has a key is listed"


def test_the_scripts_carry_out_each_act_of_the_board_and_no_other() -> None:
    script = (STATIC_FOLDER / "board" / "acts.js").read_text("utf-8")
    body = script[script.index("const acts = {") :]
    done = re.findall(r"^    '?([a-z-]+)'?: ", body, re.M)
    assert sorted(done) == sorted(one.act for one in COMMANDS_BY_PLACE[BOARD])


def test_whoever_only_reads_is_shown_nothing_that_writes() -> None:
    told = {act for _, act, *_ in offered(may_write=False)}
    assert {"filter", "inbox", "export-shown", "map"} <= told
    assert not told & {"new", "assign", "worker", "undo", "bulk", "cancel"}
    assert "While a cell is changed" not in commands_for(may_write=False)


def test_keys_are_shown_as_they_stand_on_a_keyboard() -> None:
    caps = {one.act: one.caps for place in COMMANDS_BY_PLACE.values() for one in place}
    assert caps["pick-next"] == ("Shift", "J")
    assert caps["redo"] == ("Ctrl", "Shift", "Z")
    assert caps["view"] == ("1", "…", "9")
    assert caps["cell"] == ("→", "←")


async def test_help_and_the_board_list_the_same_keys(tmp_path: Path) -> None:
    async with Office(tmp_path) as office:
        await office.set_up_done()
        await office.act(set_setting("job_dispatch", True))
        eva = await office.signed_in("Eva")
        boss = await office.signed_in("Boss", "manager")
        listed = [
            re.findall(r'<dl class="keys">.*?</dl>', (await eva.get(path)).text, re.S)
            for path in ("/help", "/")
        ]
        assert listed[0] == listed[1]
        assert len(listed[0]) == len(COMMANDS_BY_PLACE)
        assert "Assign the job" not in (await boss.get("/help")).words
