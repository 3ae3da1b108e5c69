"""Forms that may have grown old while they were filled in: what changed meanwhile, and who did it.

A form carries the frontier of the stream that it was drawn from (`basis`) and the values that it
showed (`shown`). When it comes back, only what the person changed is written, and where somebody
else changed the same field since, both values are laid side by side and the person decides. The
same mechanism serves every form: customers, workers and jobs.

Invariant: a value that a form did not show is never overwritten by that form unasked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from core.log.errors import Malformed
from core.log.frontier import read_token
from core.sentence import say
from replica.history import HistoryRow
from web.actors import names_of_actors

SHOWN_CHARACTERS_MAX: Final = 200_000
"""A customer with some hundred places fits; a form larger than that was not drawn by us."""
_DAMAGED: Final = say("the form was damaged on its way; load it again")


class Rows(Protocol):
    """What can be asked: `replica.reader.Reader` in a running hub."""

    async def rows(self, sql: str, parameters: Sequence[Any] = ...) -> list[Any]:
        """All rows of one question."""

    async def history_since(self, stream: str, tips: Sequence[bytes]) -> list[HistoryRow]:
        """The changes that the heads of a frontier token do not cover."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The newest value that somebody gave a field since a form was drawn.

    `path` is the hex ids of the register ("" for a field of the stream itself, a place's id for a
    place's field), `theirs` the value in words, `who` a name, "the hub" or "a rule", `at_ms` when.
    """

    field: str
    path: str
    theirs: str
    who: str
    at_ms: int


async def changed_since(
    reader: Rows, stream: str, basis_token: str, fields: Iterable[str]
) -> list[FieldChange]:
    """What entries that `basis_token` does not cover wrote to `fields` of `stream` (hex id).

    One change for each field and path, the newest; an empty token covers nothing.

    Raises:
        Malformed: the token is not one that a page of this program was given.
    """
    wanted = set(fields)
    rows = [
        row
        for row in await reader.history_since(stream, read_token(basis_token))
        if row.field in wanted and not row.inert
    ]
    names = await names_of_actors(reader, rows)
    names["rule"] = say("a rule")
    newest = {
        (row.field, row.path): FieldChange(
            row.field, row.path, row.value, names.get(row.actor, say("the hub")), row.at
        )
        for row in rows
    }
    return list(newest.values())


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that came back: where it was drawn from, what it showed, what it says now.

    `shown` and `given` are texts by input name; an input that was not sent is "" (a cleared box).
    """

    basis: str
    shown: Mapping[str, str]
    given: Mapping[str, str]

    def edited(self) -> dict[str, str]:
        """What the person changed: the inputs whose text differs from what the form showed."""
        return {name: text for name, text in self.given.items() if text != self.shown.get(name, "")}


def read_sent(form: Mapping[str, Any], names: Iterable[str]) -> Sent:
    """Read a posted form's `basis`, `shown` and the inputs in `names`; texts are stripped.

    Raises:
        Malformed: `basis` or `shown` was not made by `seal_shown` and a page of this program.
    """
    basis, shown_text = str(form.get("basis", "")), str(form.get("shown", "{}"))
    read_token(basis)
    if len(shown_text) > SHOWN_CHARACTERS_MAX:
        raise Malformed(say("the form is larger than any page makes; load it again"))
    try:
        shown = json.loads(shown_text)
    except (ValueError, RecursionError) as error:
        raise Malformed(_DAMAGED) from error
    if not isinstance(shown, dict) or not all(isinstance(text, str) for text in shown.values()):
        raise Malformed(_DAMAGED)
    return Sent(basis, shown, {name: clean(form.get(name)) for name in names})


def clean(value: object) -> str:
    """A posted text without outer blanks, with plain line ends and without NULs."""
    if not isinstance(value, str):
        return ""
    return value.replace("\r\n", "\n").replace("\0", "").strip()


def seal_shown(values: Mapping[str, str]) -> str:
    """The text of the hidden input `shown` for a form that shows `values`."""
    return json.dumps(dict(values), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Clash:
    """One input that two people changed: the form's page shows both and asks.

    `mine` and `theirs` are texts as the input holds them; where those are ids, `mine_words` and
    `theirs_words` say what they stand for.
    """

    name: str
    label: str
    mine: str
    theirs: str
    who: str
    at_ms: int
    mine_words: str = ""
    theirs_words: str = ""


def clashes_of(
    edited: Mapping[str, str],
    current: Mapping[str, str],
    changes: Iterable[FieldChange],
    input_by_register: Mapping[tuple[str, str], str],
    label_by_input: Mapping[str, str],
) -> list[Clash]:
    """Where what a person edited meets what others changed meanwhile to something else.

    `current` is what the form would show now, by input name, in the form's own texts;
    `input_by_register` maps `(field, path)` of a change to the input that edits it.
    """
    clashes = {}
    for change in changes:
        name = input_by_register.get((change.field, change.path))
        if name is None or name not in edited or edited[name] == current.get(name, ""):
            continue
        clashes[name] = Clash(
            name,
            label_by_input.get(name, change.field),
            edited[name],
            current.get(name, ""),
            change.who,
            change.at_ms,
        )
    return list(clashes.values())


def clashes_by_value(
    sent: Sent, current: Mapping[str, str], label_by_input: Mapping[str, str]
) -> list[Clash]:
    """The same for streams whose forms carry no frontier: where what was shown is no longer so.

    It can't say who changed it: `who` is "" and `at_ms` 0.
    """
    return [
        Clash(name, label_by_input.get(name, name), text, current.get(name, ""), "", 0)
        for name, text in sent.edited().items()
        if current.get(name, "") not in (sent.shown.get(name, ""), text)
    ]
