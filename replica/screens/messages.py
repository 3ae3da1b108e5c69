"""What is said once after an act: words, and for five seconds a way back.

Held in memory, a few at a time, and named by a random token in the page's address, so that a reload
says nothing twice. It commits nothing. Invariant: a message is taken back once at most.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from core.dispatch.acts import Act
from core.sentence import Sentence
from core.sentence import say as sentence

UNDO_MS = 5_000
# A gloved tap on Undo in the last moment, and the way to the server, still count.
UNDO_GRACE_MS = 10_000
MESSAGES_MAX = 50


@dataclass(frozen=True, slots=True)
class Message:
    """`words` with a tone ('good' or 'bad'); `undo` takes the act back while `phase` stands."""

    token: str
    words: str
    tone: str
    at_ms: int
    job: str = ""
    phase: str = ""
    undo: Act | None = None


class Messages:
    """The last few messages by token."""

    def __init__(self, now_ms: Callable[[], int], entropy: Callable[[int], bytes]) -> None:
        self._now_ms = now_ms
        self._entropy = entropy
        self._message_by_token: OrderedDict[str, Message] = OrderedDict()

    def say(
        self,
        words: str,
        *,
        tone: str = "good",
        job: str = "",
        phase: str = "",
        undo: Act | None = None,
    ) -> str:
        """Keep a message; its token goes into the address of the page that shows it.

        `words` is a sentence, or a text that stands in the call as it is and becomes one.
        """
        words = words if isinstance(words, Sentence) else sentence(words)
        token = self._entropy(8).hex()
        self._message_by_token[token] = Message(
            token, words, tone, self._now_ms(), job, phase, undo
        )
        while len(self._message_by_token) > MESSAGES_MAX:
            self._message_by_token.popitem(last=False)
        return token

    def shown(self, token: str) -> Message | None:
        """The message of a page that is drawn now; None once its five seconds are over."""
        message = self._message_by_token.get(token)
        if message is None or not 0 <= self._now_ms() - message.at_ms <= UNDO_MS:
            return None
        return message

    def take(self, token: str) -> Message | None:
        """The message whose act is to be taken back, once; None where it is too late."""
        message = self._message_by_token.pop(token, None)
        if message is None or message.undo is None:
            return None
        late = self._now_ms() - message.at_ms > UNDO_MS + UNDO_GRACE_MS
        return None if late else message
