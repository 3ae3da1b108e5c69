"""What the board shows the jobs in: one sight or two side by side, and a second window for another.

Each is a link to the same question in another layout, so it works without a script. Holds no SQL.
Invariant: every layout that an address can name is one of these links.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from core.sentence import say
from web.board.filters import ASKED_LATELY, BOTH, LAYOUTS, SIGHTS, Filter, sights_of

TABS: Final = ("table", "planner", "map", "inbox")
"""The order of the buttons: what is looked at most comes first."""
_WORDS: Final = {
    "table": say("Table"),
    "planner": say("Planner"),
    "map": say("Map"),
    "inbox": say("Inbox"),
}
# Behind another one.
_LATER_WORDS: Final = {"table": say("table"), "inbox": say("inbox"), "map": say("map")}
_ICONS: Final = {"table": "rows-3", "planner": "calendar-range", "map": "map", "inbox": "inbox"}


@dataclass(frozen=True, slots=True)
class LayoutLink:
    """A layout's id as the address names it, its words, icon and address; `current`: it is shown.

    A sight alone is current too where it is one of the two that are shown.
    """

    id: str
    words: str
    icon: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Layouts:
    """What the toolbar gets: each sight alone, any two, and each in a second window.

    `sights` are the ones shown, with a space between, as the stylesheet asks for them.
    """

    sights: str
    alone: tuple[LayoutLink, ...]
    pairs: tuple[LayoutLink, ...]

    @property
    def are_two(self) -> bool:
        """Whether two are shown."""
        return " " in self.sights


@lru_cache(maxsize=ASKED_LATELY)
def layouts_of(wanted: Filter, selected: str) -> Layouts:
    """The layouts of a filter, with the selected job's id or ''."""
    more = {"job": selected} if selected else {}

    def link(layout: str) -> LayoutLink:
        sights = sights_of(layout)
        first, *rest = sights
        words = _WORDS[first]
        if rest:
            words = say("{one} and {other}", one=words, other=_LATER_WORDS[rest[0]])
        is_shown = layout == wanted.layout if rest else first in wanted.sights
        return LayoutLink(
            id=layout,
            words=words,
            icon="columns-2" if rest else _ICONS[first],
            href=replace(wanted, layout=layout).url(**more),
            current=is_shown,
        )

    pairs = [layout for layout in LAYOUTS if layout not in SIGHTS]
    return Layouts(
        sights=" ".join(wanted.sights),
        alone=tuple(link(sight) for sight in TABS),
        # The usual one first.
        pairs=tuple(link(pair) for pair in sorted(pairs, key=lambda pair: pair != BOTH)),
    )
