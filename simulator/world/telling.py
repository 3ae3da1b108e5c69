"""The events of a run in words: what happened, to whom, and when by the virtual clock.

The trace has a kind and words for machines to compare; here are sentences for people, and which
machines an event concerns. Holds no printing. Invariant: an event of a kind that is not known here
is told in the trace's own words, and none is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from simulator.trace import Trace, in_words

DAY_S: Final = 86_400
# The name for what concerns no machine alone.
NETWORK: Final = "network"
_MACHINE: Final = re.compile(r"\bhostile phone \d+|\bphone \d+|\bhub [A-Z]\b")
_LINK: Final = re.compile(r"^(.+)~(.+) (\d+) (is cut|breaks off at .*)$", re.DOTALL)
_CLOCK: Final = re.compile(r"upset=<[\w.]+: '(.*)'>, by_ms=(-?\d+)\)$")
_TIME: Final = re.compile(r"(?:day\s*)?(\d+)(?:[\st]+(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?)?")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: virtual seconds, the machines that it concerns, a sentence without its stop."""

    at_s: float
    machines: tuple[str, ...]
    sentence: str

    def concerns(self, names: Collection[str]) -> bool:
        """Whether it is about one of these: `phone 3`, or `phone` and `hub` for all of a kind."""
        kinds = {machine.rpartition(" ")[0] for machine in self.machines}
        return not {*(self.machines or (NETWORK,)), *kinds}.isdisjoint(names)

    def line(self) -> str:
        """The event as one line with its time of day."""
        return f"{in_words(self.at_s).split(' ', 2)[2]}  {self.sentence}"


class KeepingTrace(Trace):
    """A trace that keeps all events in words, for a run that somebody looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def note(self, at_s: float, kind: str, words: str = "") -> None:
        """As `Trace` does it."""
        super().note(at_s, kind, words)
        self.events.append(told(at_s, kind, words))


def told(at_s: float, kind: str, words: str) -> Event:
    """An event of the trace as people are told it."""
    machines = machines_in(words)
    words = words.strip()
    found = _MACHINE.match(words)
    say = _SENTENCES.get(kind)
    if say is not None:
        name, rest = (found[0], words[found.end() :].strip()) if found else ("", words)
        return Event(at_s, machines, say(name, rest))
    return Event(at_s, machines, f"{kind}: {words}".rstrip(": "))


def machines_in(words: str) -> tuple[str, ...]:
    """The machines that a text names, each once, in order."""
    return tuple(dict.fromkeys(_MACHINE.findall(words)))


def by_day(events: Iterable[Event]) -> Iterable[str]:
    """Events as lines, each day under a line of its own."""
    day = -1
    for event in events:
        if int(event.at_s // DAY_S) != day:
            day = int(event.at_s // DAY_S)
            yield f"Day {day + 1}"
        yield f"  {event.line()}"


def counted(number: int, one: str) -> str:
    """So many of something: `1 day`, `2 days`."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def seconds_of(words: str) -> float:
    """Virtual seconds of a time as people write it: `2`, `2 07:30`, `day 2 07:30:15`.

    Raises:
        ValueError: it is none.
    """
    found = _TIME.fullmatch(words.strip().casefold())
    if found is None or int(found[1]) < 1 or int(found[2] or 0) > 24 or int(found[3] or 0) > 59:
        raise ValueError(f"'{words}' is no time of a run: write a day and a time, as '2 07:30'")
    minutes = 60 * int(found[2] or 0) + int(found[3] or 0)
    return DAY_S * (int(found[1]) - 1) + 60 * minutes + float(found[4] or 0)


# --- sentences, each of the machine that the event names first and what the trace says after it


def _program_ends(name: str, rest: str) -> str:
    if rest.startswith("at hand"):
        return f"{name} is gone for whoever stands beside it"
    return f"{name} is gone{', and nobody is told' if rest == 'silently' else ''}"


def _link(name: str, rest: str) -> str:
    found = _LINK.match(f"{name}{rest}" if rest.startswith("~") else f"{name} {rest}")
    if found is None:
        return f"a link: {name} {rest}"
    return f"link {found[3]} from {found[1]} to {found[2]} {found[4]}"


def _clock(name: str, rest: str) -> str:
    found = _CLOCK.search(rest)
    if found is None:
        return f"{name}: its clock changes: {rest}"
    by_ms = int(found[2])
    return f"{name}: its clock {found[1]}{f' by {by_ms / 1_000:+,.0f} s' if by_ms else ''}"


def _divided(name: str, rest: str) -> str:
    words = f"{name}{rest}".replace(",", ", ").replace("one way", "")
    how = "hears no answer from" if rest.startswith("one way") else "is cut off from"
    one, _, other = words.partition("|")
    return f"the network falls apart: {one.strip() or 'nobody'} {how} {other.strip() or 'nobody'}"


def _plain(words: str) -> Callable[[str, str], str]:
    """A sentence about one machine; `{rest}` is what the trace says besides."""
    return lambda name, rest: f"{name} {words.format(rest=rest)}".strip()


_SENTENCES: Final[dict[str, Callable[[str, str], str]]] = {
    "act": _plain("writes {rest}"),
    "away": _plain("is away {rest}, and works on"),
    "captive": _plain("is behind a captive portal"),
    "clear": lambda *_: "the weather clears: from here on all must come to agree",
    "clock": _clock,
    "clog": _plain("is clogged: its frames are held back"),
    "crash": _program_ends,
    "differing": _plain("and {rest} do not agree yet"),
    "disk full": _plain("has a full disk"),
    "disk has room": _plain("has room on its disk again"),
    "divide": _divided,
    "erased": _plain("erases {rest}"),
    "joined again": _plain("joined again with a new key"),
    "killed": _plain("is killed"),
    "link": _link,
    "moved": _plain("is shut down and carried to another house"),
    "offline": _plain("has no network"),
    "online": _plain("has a network again"),
    "power cut": lambda name, rest: f"{name} loses power {rest}".rstrip(),
    "refused": _plain("ends a session or is refused: {rest}"),
    "refused act": _plain("can't do what somebody asked for: {rest}"),
    "released": _plain("is through the portal"),
    "restored": _plain("comes back from an older copy"),
    "rung": lambda name, rest: f"a dispatcher of {name} {rest} are rung up",
    "shut out": _plain("is shut out at {rest}"),
    "store": _plain("could not write to its disk"),
    "unclog": _plain("is clogged no more"),
    "unite": lambda *_: "a part of the network is back",
    "upgraded": _plain("gets a later program"),
}
