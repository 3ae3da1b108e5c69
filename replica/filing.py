"""Files as people meet them: saving one for a job, asking for one, and where it is.

What the screens and the pages call; every call belongs to the writer. Holds no bytes (`file_store`)
and no exchange (`file_shelf`). Invariant: when an entry names a file, its bytes were durable here
before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.dispatch.acts import ActError, Change, add_file
from core.dispatch.attached import Attached, files_of, name_given
from core.dispatch.pictures import check_named_truly
from core.log.chunk_list import list_of
from core.log.errors import LogError
from core.sentence import say
from replica.file_going import forget_files, is_on_hub
from replica.many import rows_of
from replica.replica import Replica, Written

# Of whose files the worker may be in need without a network: all that is not over.
_TO_DO = """
    SELECT DISTINCT job FROM file_ref JOIN assignment USING (job) WHERE worker = ?
    AND phase NOT IN ('withdrawn', 'released', 'rejected', 'finished') AND job IN (:ids)
"""


FILE_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that was saved: its address (32 bytes), and the act that names it."""

    address: bytes
    written: Written


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a file is: `here`, whole, and `on_hub`, as a hub has said.

    `size` in bytes is None until its list came; `missing` of its `chunks` are not here yet;
    `wanted`: somebody here asked for it.
    """

    here: bool
    on_hub: bool
    wanted: bool
    size: int | None
    chunks: int
    missing: int


def save_file(
    replica: Replica,
    job: bytes,
    data: bytes,
    beside: Sequence[Change] = (),
    *,
    name: str = "",
    actor: bytes = b"",
    basis: Mapping[bytes, str] | None = None,
) -> Saved:
    """Keep a file and name it in a job, with changes that belong to the same act.

    Both are durable on return. `name` is what people call it.

    Raises:
        OverLimit, Malformed: it is too large, or empty.
        ActError: this replica may not write to the job.
        StoreError: the disk is full or refused. On any of these nothing was changed.
    """
    address = list_of(data).address
    store = replica.store
    with store.transaction() as db:
        # Should the power go before the entry is there, its bytes go at the next start; but not
        # where the same bytes wait already, of a job that left, for a hub to hold them.
        db.execute("INSERT OR IGNORE INTO file_going VALUES (?, 0)", (address,))
    try:
        replica.files.add(data)
        with store.transaction() as db:
            file = replica.entropy(FILE_ID_BYTES) if name else b""
            changes = [*add_file(job, address, file, name), *beside]
            written = replica.write(changes, actor=actor, basis=basis)
            db.execute("DELETE FROM file_going WHERE address = ?", (address,))
    except Exception:
        forget_files(replica)
        raise
    return Saved(address, written)


def attach_file(
    replica: Replica, job: bytes, name: str, data: bytes, *, actor: bytes = b""
) -> Saved:
    """Save a file that a person chose, under the name that a browser gave.

    Raises:
        ActError: the file is empty, too large, has no name or not the bytes that its name tells of,
            or the job has it already; the sentence says what to do.
        StoreError: the disk is full or refused. On any of these nothing was changed.
    """
    given = name_given(name)
    if not data:
        raise ActError(say("“{name}” is empty; see whether the right file was chosen", name=given))
    try:
        address = list_of(data).address
    except LogError as error:
        why = str(error)
        words = say("“{name}” was not added: {why}; make it smaller first", name=given, why=why)
        raise ActError(words) from error
    check_named_truly(given, data)
    if any(each.address == address for each in files_of(replica.state(job).registers)):
        raise ActError(
            say("“{name}” was not added: the job has this very file already", name=given)
        )
    return save_file(replica, job, data, name=given, actor=actor)


def want_files_to_do(replica: Replica, worker: bytes, streams: Iterable[bytes]) -> list[bytes]:
    """Ask for all files of those of some jobs that a worker has to do; which are fetched now.

    A worker who needs the drawing stands where there is no network.

    Raises:
        StoreError: the disk refused.
    """
    jobs = rows_of(replica.store.db, _TO_DO, (each.hex() for each in streams), worker.hex())
    asked: dict[bytes, Attached] = {}
    for (job,) in jobs:
        for each in files_of(replica.state(bytes.fromhex(job)).registers):
            own = each.write.log[0] == replica.author
            if not own and not replica.files.holds(each.address):
                asked[each.address] = each
    new = [each for each in asked if not replica.files.is_wanted(each)]
    for address in new:
        want_file(replica, address)
    return new


def want_file(replica: Replica, address: bytes) -> bool:
    """Ask for a file: it is fetched from whoever has it; whether it is here already.

    Raises:
        StoreError: the disk refused.
    """
    if replica.files.holds(address):
        return True
    replica.files.want([address], replica.clock.now_ms())
    # Sessions that go on hear of it by the streams that name it.
    replica.mark_changed(jobs_naming(replica, address))
    return False


def where_is(replica: Replica, address: bytes) -> Whereabouts:
    """Where a file is, as far as it is proven. Raises StoreError."""
    files = replica.files
    chunks = files.list_of(address)
    return Whereabouts(
        here=files.holds(address),
        on_hub=is_on_hub(replica.store.db, address),
        wanted=files.is_wanted(address),
        size=None if chunks is None else chunks.size,
        chunks=0 if chunks is None else chunks.chunks,
        missing=len(files.missing(address)),
    )


def jobs_naming(replica: Replica, address: bytes) -> set[bytes]:
    """The jobs held here that name a file."""
    rows = replica.store.db.execute("SELECT job FROM file_ref WHERE address = ?", (address,))
    return {bytes.fromhex(row[0]) for row in rows}
