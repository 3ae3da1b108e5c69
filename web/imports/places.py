"""Positions for the addresses of an import, out of the hub's own gazetteer.

A position is taken only where exactly one house fits the whole address: an import has nobody who
would see that a job was put into the middle of a town. What was not taken is told with the reason.
Invariant: an address that was asked once is not asked again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from core.dispatch.geometry import distance_m
from core.sentence import say
from hub.map.gazetteer import Accuracy, Answer, Gazetteer

_ASKED: Final = 4
_APART_M: Final = 150.0
"""Nearer than that, two answers are two entrances of one house."""
_WORDS_BY_ACCURACY: Final = {
    Accuracy.POINT: say("point"),
    Accuracy.ROOFTOP: say("rooftop"),
    Accuracy.STREET: say("street"),
    Accuracy.TOWN: say("town"),
}


class Found(NamedTuple):
    """A position in 1e-7 degree or None, and what a person should know of it, or ""."""

    point: tuple[int, int] | None
    note: str


class Addresses:
    """Asks the gazetteer, where the hub has one, and remembers its answers."""

    def __init__(self, gazetteer: Gazetteer | None) -> None:
        self._gazetteer = gazetteer
        self._found: dict[str, Found] = {}

    @property
    def can_be_found(self) -> bool:
        """Whether there is a map region to ask."""
        return self._gazetteer is not None

    def find(self, address: str) -> Found:
        """The position of an address, as far as there is no doubt about it."""
        if self._gazetteer is None or not address:
            return Found(None, "")
        if address not in self._found:
            self._found[address] = _judged(self._gazetteer.search(address, _ASKED))
        return self._found[address]


def _judged(answers: list[Answer]) -> Found:
    exact = [each for each in answers if _is_exact(each)]
    if not answers:
        return Found(None, say("the address was not found; it gets no position"))
    if not exact:
        best = answers[0]
        why = best.note or _WORDS_BY_ACCURACY[best.accuracy]
        words = say(
            "only {place} was found ({why}); it gets no position", place=best.label, why=why
        )
        return Found(None, words)
    best = exact[0]
    for other in exact[1:]:
        if distance_m(*best.point, *other.point) > _APART_M:
            words = say(
                "the address may be {one} or {other}; it gets no position",
                one=best.label,
                other=other.label,
            )
            return Found(None, words)
    return Found(best.point, "")


def _is_exact(answer: Answer) -> bool:
    return answer.accuracy in (Accuracy.ROOFTOP, Accuracy.POINT) and not answer.note
