"""Every act that has a key or a place in the list of commands: one table of them all.

The board's script binds its keys from it, the lists of keys and the list of commands are drawn from
it, so none of them says what another doesn't do. What an act does stands in the scripts, under its
name. Pure. Invariant: within a place no key means two things.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """An act by its name, its key and its words.

    `press` is the key as a browser names it ("j", "J" with Shift, "Ctrl+Z"), several with a space
    between, "1-9" for a row of them, "" for none. `title` is how the list of commands calls it, ""
    where it is not offered there. Whoever only reads gets none that `writes`.
    """

    act: str
    press: str
    words: str
    title: str = ""
    writes: bool = False

    @property
    def caps(self) -> tuple[str, ...]:
        """What stands on the keys to press: ("Shift", "J")."""
        found: list[str] = []
        for press in self.press.split():
            if press == "1-9":
                found += ["1", "…", "9"]
            elif len(press) == 1 and press.isupper():
                found += ["Shift", press]
            else:
                found += [_CAPS.get(part, _cap(part)) for part in press.split("+")]
        return tuple(found)


def _cap(part: str) -> str:
    return part.upper() if len(part) == 1 else part


_CAPS: Final = {
    "ArrowLeft": "←",
    "ArrowRight": "→",
    "ArrowUp": "↑",
    "ArrowDown": "↓",
    "Escape": "Esc",
    "PageUp": "Page Up",
    "PageDown": "Page Down",
}

EVERYWHERE: Final = "Everywhere"
BOARD: Final = "On the board"
COMMANDS_BY_PLACE: Final[dict[str, tuple[Command, ...]]] = {
    EVERYWHERE: (
        Command("palette", "Ctrl+K", "Commands, and search for jobs, customers and workers"),
        Command("keys", "?", "This list", "All keys"),
        Command("close", "Escape", "Close what is open"),
        Command(
            "undo", "Ctrl+Z", "Undo what you did last in this tab", "Undo what you did last", True
        ),
        Command("redo", "Ctrl+Shift+Z", "Do it again", "Redo what you undid last", True),
        Command("theme", "", "", "Switch between light and dark"),
    ),
    BOARD: (
        Command("next", "j", "Next job, or problem of the inbox"),
        Command("previous", "k", "The one before"),
        Command("new", "n", "New job", "New job", True),
        Command("near", "N", "Who is near a place", "Who is near a place"),
        Command(
            "assign",
            "a",
            "Assign the job: the nearest worker first",
            "Assign the job to the nearest or another",
            True,
        ),
        Command(
            "worker", "w", "Change its worker in the table", "Change the worker in the table", True
        ),
        Command(
            "window", "r", "Change its window in the table", "Change the window in the table", True
        ),
        Command(
            "priority",
            "p",
            "Change its priority in the table",
            "Change the priority in the table",
            True,
        ),
        Command("edit", "e", "Edit the job in its form", "Edit the job", True),
        Command(
            "phase",
            "s",
            "Set its state for the worker",
            "Set the state of the job for its worker",
            True,
        ),
        Command(
            "take-back",
            "u",
            "Take it back from its worker",
            "Take the job back from its worker",
            True,
        ),
        Command("finish", "", "", "Set the job to done", True),
        Command("cancel", "", "", "Cancel the job", True),
        Command("reopen", "", "", "Reopen the job", True),
        Command("note", "c", "Write a note", "Write a note to the job", True),
        Command("map", "m", "Show it on the map", "Show the job on the map"),
        Command("pick", "x", "Select the row, or not", "Select the job, or not", True),
        Command("pick-next", "J", "Select the next row too", "", True),
        Command("pick-previous", "K", "Select the row before too", "", True),
        Command(
            "pick-all",
            "X",
            "Select all that match, or none",
            "Select all jobs that match, or none",
            True,
        ),
        Command(
            "bulk",
            "b",
            "Do something with the selected jobs",
            "Do something with the selected jobs",
            True,
        ),
        Command("undo-here", "z", "Undo what you did last", "", True),
        Command("redo-here", "Z", "Do it again", "", True),
        Command("filter", "/", "Filter by text", "Filter the jobs by text"),
        Command("unfilter", "", "", "Clear the filters"),
        Command("day-before", "[", "The day before", "The day before"),
        Command("day-after", "]", "The day after", "The day after"),
        Command("today", "t", "Today", "Today only"),
        Command("view", "1-9", "Saved views"),
        Command(
            "layouts",
            "v",
            "Another view, two side by side, or a second window",
            "Show other views, two side by side, or in a second window",
        ),
        Command("planner", "l", "The planner, and back to the table"),
        Command("inbox", "i", "The inbox, and back to the table"),
        Command(
            "onward",
            ".",
            "Take in the changes that wait, else the next problem of the inbox",
            "Next problem of the inbox",
        ),
        Command("arrange", "", "", "Arrange the table: groups, columns, height"),
        Command("export-shown", "", "", "Export the jobs as CSV, the columns shown"),
        Command("export-all", "", "", "Export the jobs as CSV, all that is known"),
        Command("export-logs", "", "", "Export their time logs as CSV"),
        Command("propose", "", "", "Propose who does what nobody has", True),
    ),
    "In the table": (
        Command("row", "ArrowDown ArrowUp", "The row below, above"),
        Command("far", "Home End PageUp PageDown", "The first, the last, a page up, down"),
        Command("open", "Enter", "Open the job"),
        Command("cell", "ArrowRight ArrowLeft", "The row's cells that can be changed", "", True),
        Command("cell-edit", "F2 Enter", "Change the cell", "", True),
    ),
    "While a cell is changed": (
        Command("cell-save", "Enter", "Save", "", True),
        Command("cell-leave", "Escape", "Leave it as it was", "", True),
        Command("cell-onward", "Tab", "Save, and change the next one", "", True),
    ),
    "In the planner": (
        Command("stop", "ArrowLeft ArrowRight", "Next and previous job of a worker"),
        Command("beside", "ArrowUp ArrowDown", "The worker above and below"),
        Command("carry", "Space", "Pick a job up, and put it down", "", True),
        Command(
            "carry-time",
            "ArrowLeft ArrowRight",
            "What is picked up: 15 minutes or a day earlier, later",
            "",
            True,
        ),
        Command(
            "carry-worker",
            "ArrowUp ArrowDown",
            "What is picked up: to the worker above, below",
            "",
            True,
        ),
        Command("carry-leave", "Escape", "Leave it where it was", "", True),
    ),
    "In the form of a job": (Command("save", "Ctrl+Enter", "Save", "", True),),
}
"""By where they work. The board's script carries out each act of `BOARD`, by its name."""


def commands_for(*, may_write: bool) -> dict[str, tuple[Command, ...]]:
    """The table as somebody has it who may change things, or only reads."""
    return {
        place: found
        for place, commands in COMMANDS_BY_PLACE.items()
        if (found := tuple(one for one in commands if may_write or not one.writes))
    }


def as_json(*, may_write: bool) -> str:
    """What the scripts bind and offer: a list of `[place, act, press, caps, title]`."""
    found = commands_for(may_write=may_write)
    return json.dumps(
        [
            [place, one.act, one.press, " ".join(one.caps), one.title]
            for place in (EVERYWHERE, BOARD)
            for one in found.get(place, ())
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )
