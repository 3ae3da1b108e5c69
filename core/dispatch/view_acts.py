"""Acts on saved views of the board, which stand in the office stream.

A view is the board's query under a name, of one account or of everybody at the site. Each of the
four is a register of its own, so that one dispatcher's new name and another's new filter are both
kept. Holds no reading of queries: the board knows its own. Invariant: what these functions return
makes a view that can be shown, or takes one away.
"""

from __future__ import annotations

from typing import Final

from core.dispatch import fields
from core.dispatch.acts import OFFICE_STREAM, Act, ActError, Change, text_of
from core.log.chain import SHORT_BYTES
from core.sentence import say

VIEW_NAME_LETTERS_MAX: Final = 60
"""As long as a rail can show on two lines."""
VIEW_QUERY_LETTERS_MAX: Final = 4_000
"""More than any board's address has; 50 workers and a long text are some 3,000."""
VIEW_POSITION_MAX: Final = 1_000_000


def set_view(
    view: bytes,
    *,
    name: str | None = None,
    query: str | None = None,
    owner: bytes | None = None,
    position: int | None = None,
) -> Act:
    """Save a view or change one; what is not given is not changed.

    Args:
        view: its id, 8 bytes.
        query: the board's address without `/?`; may be empty.
        owner: an account, or b"": everybody's at the site.
        position: the smaller stands further up.
    """
    if len(view) != SHORT_BYTES:
        raise ActError(say("the view is not one that is known; choose one from the list"))
    changes: Act = []
    if name is not None:
        words = text_of(say("The view's name"), name, VIEW_NAME_LETTERS_MAX, needed=True)
        changes.append(Change(OFFICE_STREAM, (fields.VIEW_NAME, view), words))
    if query is not None:
        text = text_of(say("The view's filter"), query, VIEW_QUERY_LETTERS_MAX) or ""
        changes.append(Change(OFFICE_STREAM, (fields.SAVED_VIEW, view), text))
    if owner is not None:
        if owner and len(owner) != SHORT_BYTES:
            raise ActError(say("a view is an account's, or everybody's"))
        changes.append(Change(OFFICE_STREAM, (fields.VIEW_OWNER, view), owner))
    if position is not None:
        if type(position) is not int or not 0 <= position <= VIEW_POSITION_MAX:
            most = f"{VIEW_POSITION_MAX:,}"
            raise ActError(say("a view's position is from 0 to {most}", most=most))
        changes.append(Change(OFFICE_STREAM, (fields.VIEW_POSITION, view), position))
    if not changes:
        raise ActError(say("nothing was changed"))
    return changes


def remove_view(view: bytes) -> Act:
    """Take a view away; undone, it is there again with its name and place."""
    return [Change(OFFICE_STREAM, (fields.SAVED_VIEW, view), None)]
