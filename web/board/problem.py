"""One thing that needs a person, as the inbox lists it. Holds no reading and no ranking of several.

Invariant: it says all that its card shows but a conflict's sides.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.dispatch.ranking import points


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that needs a person.

    `key` names it as long as it lasts. `kind` is 'conflict', 'alert', 'rejected', 'reported',
    'phone' or 'damage'; `alert` is the kind under which it can be put aside in `stream` (hex), ''
    where it can't. `job` is the job's id or ''. `words` say what it is and `why` what it follows
    from; `minutes` is how late it is or how long it waits, `since_ms` when that began (0: unknown).
    `asks` says that somebody has the job who can be asked.
    """

    key: str
    kind: str
    alert: str
    stream: str
    job: str
    number: str
    title: str
    about: str
    page: str
    priority: int
    words: str
    why: str
    minutes: int
    since_ms: int
    lost: bool
    aside_until_ms: int
    conflict: str
    asks: bool

    @property
    def points(self) -> int:
        """How much it hurts."""
        return points(self.minutes, self.priority, lost=self.lost)
