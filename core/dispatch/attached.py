"""The files of a job: what its registers say of each, and what people may call one.

A file is named by its address, may have a name, and may be removed, which takes it out of sight and
leaves its bytes. Holds no bytes (`replica.file_store`). Invariant: what is shown of a name is one
line of visible letters, whatever a peer wrote.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from core.dispatch import fields
from core.dispatch.acts import NAME_LETTERS_MAX, ActError, text_of
from core.dispatch.show import show, value_at
from core.log.chunk_list import is_address
from core.log.registers import Registers, Write
from core.sentence import say


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that a job names: its id there, its address (32 bytes), and the write that named it.

    `name` is what whoever added it called it, "" where nobody did.
    """

    file: bytes
    address: bytes
    name: str
    write: Write

    @property
    def shown(self) -> str:
        """The name on a screen."""
        return shown_name(self.name) or say("A file without a name")


def files_of(registers: Registers) -> tuple[Attached, ...]:
    """The files that a job shows, the newest first; those that were removed are left out."""
    found = []
    for path in registers:
        if path[0] != fields.FILE or value_at(registers, (fields.FILE_REMOVED, path[1])):
            continue
        shown = show(registers, path)
        if shown is not None and is_address(shown.value):
            name = value_at(registers, (fields.FILE_NAME, path[1]))
            name = name if isinstance(name, str) else ""
            found.append(Attached(path[1], shown.value, name, shown.write))
    return tuple(sorted(found, key=_newest_first))


def _newest_first(one: Attached) -> tuple[int, bytes]:
    return (-one.write.corrected_ms, one.file)


def shown_name(name: str) -> str:
    """A name without letters that can't be seen, or that turn round those after them."""
    seen = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in name)
    return " ".join(seen.split())[:NAME_LETTERS_MAX]


def name_given(name: str) -> str:
    """The name of a file as a browser sends it, without the folders before it.

    Raises:
        ActError: it is none; the sentence says why.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    text = text_of(say("The file's name"), last, NAME_LETTERS_MAX, needed=True) or ""
    if "\n" in text or "\t" in text:
        raise ActError(say("the file's name has several lines; give it a name of one line"))
    if not shown_name(text).strip("."):
        raise ActError(say("the file has no name that can be shown; give it one and add it again"))
    return text
