"""A phone's next key: asked for by the office, named by the phone in its worker's stream.

The key that goes names the one that comes (`core.log.succession`), so only the phone itself can
hand its place on. Holds no keys. Invariant: a key names its own successor alone.
"""

from __future__ import annotations

from core.dispatch.acts import Act, Change
from core.dispatch.fields import KEY_ASKED, NEXT_KEY
from core.dispatch.show import value_at
from core.log.stream import StreamState
from core.log.succession import NextKey


def ask_for_key(worker: bytes, author: bytes) -> Act:
    """Ask the phone with the key `author` to go on under another one."""
    return [Change(worker, (KEY_ASKED, author), True)]


def name_next_key(worker: bytes, named: NextKey, signature: bytes) -> Act:
    """Name the next key, as the former one writes it."""
    return [Change(worker, (NEXT_KEY, named.former), [named.author, named.tls, signature])]


def is_asked(state: StreamState, author: bytes) -> bool:
    """Whether the office asked a key of this worker's stream to be replaced."""
    return bool(value_at(state.registers, (KEY_ASKED, author)))


def next_keys(state: StreamState) -> list[NextKey]:
    """The keys that former ones named in a worker's stream, each in its own name, in log order."""
    found = []
    for log in state.logs.values():
        for placed in log.placed:
            if placed.entry is None or placed.inert:
                continue
            for path, value in placed.entry.changes:
                if path == (NEXT_KEY, placed.stored.author) and value is not None:
                    author, tls, signature = value
                    named = NextKey(state.site, placed.stored.author, author, tls)
                    if named.holds(signature):
                        found.append(named)
    return found
