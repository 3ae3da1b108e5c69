"""What replicas tell each other of a refusal: English as it travels, known again where it arrives.

A refusal travels as a text of the program that refuses. These are the texts that a worker may come
to read; whoever refuses takes them from here, and whoever hears one finds the sentence again, so
that a phone says it in its worker's language. Invariant: a text that is none of these, as of
another version, is shown as it came.
"""

from __future__ import annotations

import re
from typing import Final

from core.sentence import marked, say

NO_CERTIFICATE: Final = marked("the peer showed no certificate; enrol it")
WAS_REVOKED: Final = marked("this device's certificate was revoked; ask the office")
HUB_SHUT_OUT: Final = marked("the hub that certified this device was shut out; enrol it again")
RUN_OUT: Final = marked("this device's certificate has run out; enrol it again")
NOT_BEGUN: Final = marked("the enrolment was not begun; start again")
CODE_IS_WRONG: Final = marked("the code is not right; {left} tries are left for it")
CODE_IS_UNKNOWN: Final = marked("the hub does not know this code; ask the office for a new one")
KEY_SHUT_OUT: Final = marked("this phone's key was shut out; it has to join under a new one")
KEY_OF_ANOTHER: Final = marked(
    "this phone's key is another worker's; take a code of that one, or let it begin in a new folder"
)
CODE_WAS_USED: Final = marked("This code was used already; make a new one on the hub.")
CODE_IS_BURNT: Final = marked(
    "This code was tried {tries} times in vain; make a new one on the hub."
)
CODE_IS_OLD: Final = marked("This code is over ten minutes old; make a new one on the hub.")

_TEXTS: Final = (
    *(NO_CERTIFICATE, WAS_REVOKED, HUB_SHUT_OUT, RUN_OUT, NOT_BEGUN, CODE_IS_WRONG),
    *(CODE_IS_UNKNOWN, KEY_SHUT_OUT, KEY_OF_ANOTHER, CODE_WAS_USED, CODE_IS_BURNT, CODE_IS_OLD),
)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    texts, names = parts[::2], [f"(?P<{name}>[0-9]+)" for name in parts[1::2]] + [""]
    return re.compile(
        "".join(re.escape(text) + name for text, name in zip(texts, names, strict=True))
    )


_TEMPLATE_BY_PATTERN: Final = {_pattern(each): each for each in _TEXTS}


def known_again(text: str) -> str:
    """The sentence that a text from elsewhere is, or the text itself."""
    for pattern, template in _TEMPLATE_BY_PATTERN.items():
        if found := pattern.fullmatch(text):
            return say(template, **found.groupdict())
    return text
