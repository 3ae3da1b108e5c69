"""Every act that has a key or a place in the list of commands: one table of them all.

The board's script binds its keys from it, the lists of keys and the list of commands are drawn from
it, so none of them says what another doesn't do. What an act does stands in the scripts, under its
name. Pure. Invariant: within a place no key means two things.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.sentence import marked, say


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

EVERYWHERE: Final = marked("Everywhere")
BOARD: Final = marked("On the board")
COMMANDS_BY_PLACE: Final[dict[str, tuple[Command, ...]]] = {
    EVERYWHERE: (
        Command("palette", "Ctrl+K", say("Commands, and search for jobs, customers and workers")),
        Command("keys", "?", say("This list"), say("All keys")),
        Command("close", "Escape", say("Close what is open")),
        Command(
            "undo",
            "Ctrl+Z",
            say("Undo what you did last in this tab"),
            say("Undo what you did last"),
            True,
        ),
        Command("redo", "Ctrl+Shift+Z", say("Do it again"), say("Redo what you undid last"), True),
        Command("theme", "", "", say("Switch between light and dark")),
    ),
    BOARD: (
        Command("next", "j", say("Next job, or problem of the inbox")),
        Command("previous", "k", say("The one before")),
        Command("new", "n", say("New job"), say("New job"), True),
        Command("near", "N", say("Who is near a place"), say("Who is near a place")),
        Command(
            "assign",
            "a",
            say("Assign the job: the nearest worker first"),
            say("Assign the job to the nearest or another"),
            True,
        ),
        Command(
            "worker",
            "w",
            say("Change its worker in the table"),
            say("Change the worker in the table"),
            True,
        ),
        Command(
            "window",
            "r",
            say("Change its window in the table"),
            say("Change the window in the table"),
            True,
        ),
        Command(
            "priority",
            "p",
            say("Change its priority in the table"),
            say("Change the priority in the table"),
            True,
        ),
        Command("edit", "e", say("Edit the job in its form"), say("Edit the job"), True),
        Command(
            "phase",
            "s",
            say("Set its state for the worker"),
            say("Set the state of the job for its worker"),
            True,
        ),
        Command(
            "take-back",
            "u",
            say("Take it back from its worker"),
            say("Take the job back from its worker"),
            True,
        ),
        Command("finish", "", "", say("Set the job to done"), True),
        Command("cancel", "", "", say("Cancel the job"), True),
        Command("reopen", "", "", say("Reopen the job"), True),
        Command("note", "c", say("Write a note"), say("Write a note to the job"), True),
        Command("map", "m", say("Show it on the map"), say("Show the job on the map")),
        Command("pick", "x", say("Select the row, or not"), say("Select the job, or not"), True),
        Command("pick-next", "J", say("Select the next row too"), "", True),
        Command("pick-previous", "K", say("Select the row before too"), "", True),
        Command(
            "pick-all",
            "X",
            say("Select all that match, or none"),
            say("Select all jobs that match, or none"),
            True,
        ),
        Command(
            "bulk",
            "b",
            say("Do something with the selected jobs"),
            say("Do something with the selected jobs"),
            True,
        ),
        Command("undo-here", "z", say("Undo what you did last"), "", True),
        Command("redo-here", "Z", say("Do it again"), "", True),
        Command("filter", "/", say("Filter by text"), say("Filter the jobs by text")),
        Command("unfilter", "", "", say("Clear the filters")),
        Command("day-before", "[", say("The day before"), say("The day before")),
        Command("day-after", "]", say("The day after"), say("The day after")),
        Command("today", "t", say("Today"), say("Today only")),
        Command("view", "1-9", say("Saved views")),
        Command(
            "layouts",
            "v",
            say("Another view, two side by side, or a second window"),
            say("Show other views, two side by side, or in a second window"),
        ),
        Command("planner", "l", say("The planner, and back to the table")),
        Command("inbox", "i", say("The inbox, and back to the table")),
        Command(
            "onward",
            ".",
            say("Take in the changes that wait, else the next problem of the inbox"),
            say("Next problem of the inbox"),
        ),
        Command("arrange", "", "", say("Arrange the table: groups, columns, height")),
        Command("export-shown", "", "", say("Export the jobs as CSV, the columns shown")),
        Command("export-all", "", "", say("Export the jobs as CSV, all that is known")),
        Command("export-logs", "", "", say("Export their time logs as CSV")),
        Command("propose", "", "", say("Propose who does what nobody has"), True),
    ),
    marked("In the table"): (
        Command("row", "ArrowDown ArrowUp", say("The row below, above")),
        Command("far", "Home End PageUp PageDown", say("The first, the last, a page up, down")),
        Command("open", "Enter", say("Open the job")),
        Command(
            "cell", "ArrowRight ArrowLeft", say("The row's cells that can be changed"), "", True
        ),
        Command("cell-edit", "F2 Enter", say("Change the cell"), "", True),
    ),
    marked("While a cell is changed"): (
        Command("cell-save", "Enter", say("Save"), "", True),
        Command("cell-leave", "Escape", say("Leave it as it was"), "", True),
        Command("cell-onward", "Tab", say("Save, and change the next one"), "", True),
    ),
    marked("In the planner"): (
        Command("stop", "ArrowLeft ArrowRight", say("Next and previous job of a worker")),
        Command("beside", "ArrowUp ArrowDown", say("The worker above and below")),
        Command("carry", "Space", say("Pick a job up, and put it down"), "", True),
        Command(
            "carry-time",
            "ArrowLeft ArrowRight",
            say("What is picked up: 15 minutes or a day earlier, later"),
            "",
            True,
        ),
        Command(
            "carry-worker",
            "ArrowUp ArrowDown",
            say("What is picked up: to the worker above, below"),
            "",
            True,
        ),
        Command("carry-leave", "Escape", say("Leave it where it was"), "", True),
    ),
    marked("In the form of a job"): (Command("save", "Ctrl+Enter", say("Save"), "", True),),
}
"""By where they work. The board's script carries out each act of `BOARD`, by its name."""


def commands_for(*, may_write: bool) -> dict[str, tuple[Command, ...]]:
    """The table as somebody has it who may change things, or only reads."""
    return {
        place: found
        for place, commands in COMMANDS_BY_PLACE.items()
        if (found := tuple(one for one in commands if may_write or not one.writes))
    }


def offered(*, may_write: bool) -> tuple[tuple[str, ...], ...]:
    """What the scripts bind and offer, as `(place, act, press, caps, title)`."""
    found = commands_for(may_write=may_write)
    return tuple(
        (place, one.act, one.press, " ".join(one.caps), one.title)
        for place in (EVERYWHERE, BOARD)
        for one in found.get(place, ())
    )
