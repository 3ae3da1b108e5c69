"""Help: what the words mean, where things are, and every key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from web.rendering import show


@dataclass(frozen=True, slots=True)
class Key:
    """One key (or several, pressed one after another) and what it does."""

    keys: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class HelpPage:
    """The keys, by where they work."""

    keys_by_place: dict[str, tuple[Key, ...]]


KEYS_BY_PLACE: Final = {
    "Everywhere": (
        Key(("Ctrl", "K"), "Search jobs, customers and workers"),
        Key(("?",), "This list"),
        Key(("Esc",), "Close what is open"),
        Key(("Ctrl", "Z"), "Undo what you did last in this tab"),
        Key(("Ctrl", "Shift", "Z"), "Do it again"),
    ),
    "On the board": (
        Key(("J",), "Next job"),
        Key(("K",), "Previous job"),
        Key(("Enter",), "Open the job"),
        Key(("N",), "New job"),
        Key(("A",), "Assign a worker"),
        Key(("E",), "Edit the job"),
        Key(("C",), "Write a note"),
        Key(("M",), "Show it on the map"),
        Key(("Z",), "Undo what you did last"),
        Key(("1", "…", "9"), "Saved views"),
        Key(("/",), "Filter"),
        Key((".",), "Take in the changes that wait, else the next problem of the inbox"),
        Key(("I",), "The inbox, and back to the table"),
        Key(("V",), "Another view, two side by side, or a second window"),
        Key(("Esc",), "Close the pane"),
    ),
    "In the planner": (
        Key(("←", "→"), "Next and previous job of a worker"),
        Key(("↑", "↓"), "The worker above and below"),
        Key(("Space",), "Pick a job up, and put it down"),
        Key(("←", "→"), "What is picked up: 15 minutes or a day earlier, later"),
        Key(("↑", "↓"), "What is picked up: to the worker above, below"),
        Key(("Esc",), "Leave it where it was"),
    ),
}


async def help_page(request: web.Request) -> web.StreamResponse:
    """GET /help."""
    return await show(request, "help.html", HelpPage(KEYS_BY_PLACE))


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/help", help_page)
