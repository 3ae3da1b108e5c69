"""An act on one stream that may be too large for an entry, in portions that each fit one.

Holds sizes alone. Invariant: the portions together are the changes, in their order.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.dispatch.acts import Act
from core.log.canonical import pack
from core.log.limits import CHANGES_MAX, ENTRY_BYTES_MAX

# An entry keeps the other half of its bytes for what it says besides: the heads on which it stands.
PORTION_BYTES_MAX = ENTRY_BYTES_MAX // 2


def portions(changes: Act) -> Iterator[Act]:
    """The changes in portions, each with room to spare in an entry; none for no changes."""
    portion: Act = []
    size = 0
    for change in changes:
        length = len(pack([list(change.path), change.value]))
        if portion and (size + length > PORTION_BYTES_MAX or len(portion) == CHANGES_MAX):
            yield portion
            portion, size = [], 0
        portion.append(change)
        size += length
    if portion:
        yield portion
