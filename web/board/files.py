"""A job's files in the pane: which there are, where each provably is, and those awaited, from whom.

Reads the job's registers for what it names, the store for who said to hold it, and the file store
for what is here. The addresses that take and give bytes are in `files_exchange`. Invariant: no file
is said to be anywhere that is not proven.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch.attached import Attached, files_of
from core.dispatch.fields import Role
from core.dispatch.pictures import picture_type
from core.log.errors import LogError
from core.log.limits import FILE_BYTES_MAX
from core.log.stream import StreamState
from core.sentence import listed, say
from replica.replica import Replica
from replica.screens.words import size_words
from replica.store import StoreError
from web.board.reader import Rows
from web.board.state import Moment
from web.board.words import Names

SHOWN_MAX: Final = 100
"""Files of one job that are listed; a job with more is a mistake of somebody's program."""

_HELD: Final = """
    SELECT address, subject, role FROM file_held JOIN author ON number = peer
    JOIN certificate USING (author) WHERE address IN (SELECT address FROM file_ref WHERE job = ?)
"""
_FROM: Final = "SELECT lower(hex(author)) AS key, subject, role FROM certificate"


@dataclass(frozen=True, slots=True)
class FileView:
    """One file as the pane lists it.

    `href` is "" while its bytes are not here; `where` are the places that are proven to hold it,
    `awaited` from whom it is to come, with how much of it is here. `lacking` are workers who have
    the job and are not known to have the file.
    """

    file: str
    name: str
    size: str
    who: str
    at_ms: int
    href: str
    is_picture: bool
    where: tuple[str, ...]
    awaited: str
    lacking: str


@dataclass(frozen=True, slots=True)
class FilesView:
    """What a job has, the newest first; the most that one may have in bytes, and that in words."""

    files: tuple[FileView, ...]
    more: int
    bytes_max: int = FILE_BYTES_MAX
    limit: str = f"{FILE_BYTES_MAX >> 20} MiB"


@dataclass(frozen=True, slots=True)
class _Here:
    """What the file store says: whether it is whole, its bytes, the chunks that came, its kind."""

    is_whole: bool
    size: int | None
    came: int
    chunks: int
    kind: str


async def files_in_pane(
    moment: Moment, state: StreamState, names: Names, workers: Iterable[str]
) -> FilesView:
    """The files of a job; `workers` (hex ids) have it now."""
    found = files_of(state.registers)
    if not found:
        return FilesView((), 0)
    hub, job = moment.hub, state.stream.hex()
    shown = found[:SHOWN_MAX]
    here = await hub.writer.run(_looked_at, hub.replica, [each.address for each in shown])
    reader = hub.reader
    held: dict[bytes, list[tuple[int, bytes]]] = {}
    for row in await reader.rows(_HELD, (job,)):
        held.setdefault(row["address"], []).append((row["role"], row["subject"]))
    by_key = await _authors(reader)
    having = list(workers)
    views = tuple(
        _view(each, here[each.address], held.get(each.address, []), by_key, names, having, job)
        for each in shown
    )
    return FilesView(views, len(found) - len(shown))


async def _authors(reader: Rows) -> dict[str, tuple[int, bytes]]:
    return {row["key"]: (row["role"], row["subject"]) for row in await reader.rows(_FROM)}


def _looked_at(replica: Replica, addresses: list[bytes]) -> dict[bytes, _Here]:
    return {address: _look(replica, address) for address in addresses}


def _look(replica: Replica, address: bytes) -> _Here:
    files = replica.files
    try:
        chunks = files.list_of(address)
        if chunks is None:
            return _Here(False, None, 0, 0, "")
        missing = len(files.missing(address))
        kind = picture_type(files.chunk(address, 1)) if not missing else ""
        return _Here(not missing, chunks.size, chunks.chunks - missing, chunks.chunks, kind)
    except (LogError, StoreError):
        # Damaged on the disk: the check of its own finds it, and it is fetched again.
        return _Here(False, None, 0, 0, "")


def _view(
    each: Attached,
    here: _Here,
    held: list[tuple[int, bytes]],
    by_key: dict[str, tuple[int, bytes]],
    names: Names,
    workers: list[str],
    job: str,
) -> FileView:
    key = each.write.log[0].hex()
    places = sorted({_place(role, subject, names) for role, subject in held})
    having = {subject.hex() for role, subject in held if role == Role.WORKER}
    author = by_key.get(key)
    maker = author[1].hex() if author is not None and author[0] == Role.WORKER else ""
    awaited: str = ""
    if not here.is_whole:
        source = _place(*author, names) if author is not None else say("whoever added it")
        awaited = listed(places) if places else source
        if here.chunks:
            awaited = say(
                "{places}, {came} of {all} parts are here",
                places=awaited,
                came=here.came,
                all=here.chunks,
            )
    return FileView(
        file=each.file.hex(),
        name=each.shown,
        size="" if here.size is None else size_words(here.size),
        who=names.author(each.write.actor.hex(), key),
        at_ms=each.write.corrected_ms,
        href=f"/files/{job}/{each.file.hex()}" if here.is_whole else "",
        is_picture=bool(here.kind),
        where=tuple(places),
        awaited=awaited,
        lacking=listed(
            names.worker.get(worker, say("a worker"))
            for worker in workers
            if worker not in having and worker != maker
        ),
    )


def _place(role: int, subject: bytes, names: Names) -> str:
    if role == Role.HUB:
        return say("hub {hub}", hub=subject.decode("ascii", "replace"))
    worker = names.worker.get(subject.hex(), say("a worker"))
    return say("{worker}’s phone", worker=worker)


def file_named(state: StreamState, file: Any) -> Attached | None:
    """The file of this id (hex) that a job shows, None where it shows none."""
    return next((each for each in files_of(state.registers) if each.file.hex() == file), None)
