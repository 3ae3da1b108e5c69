"""How far an assignment has got, as far as it is proven: on the hub, on the phone, opened there.

Read from what phones have confirmed holding (`reach`, from their acks) and from what they wrote
themselves; a phase that the office set on a worker's behalf proves nothing about the phone. Holds
no words for screens but the levels. Invariant: no level is given without a proof in the store, so
reach falls when a phone is restored or replaced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from core.dispatch.fields import Phase
from core.sentence import say
from replica.projection.conflict import phase_words
from web.board.reader import Rows

ASKED_AT_ONCE: Final = 400
"""Streams asked for in one statement: each is a parameter, and SQLite takes some thousands."""

_RECEIVED: Final = frozenset(
    {"received", "opened", "accepted", "travelling", "on site", "paused", "finished", "rejected"}
)
_OPENED: Final = _RECEIVED - {"received"}
_WORDS_BY_LEVEL: Final = {
    "assigned": say("Not yet"),
    "on phone": say("On phone"),
    "opened": say("Opened"),
}


class Reach(NamedTuple):
    """What the assignee's phone is proven to know.

    `level` is 'assigned' (saved on the hub), 'on phone' or 'opened'; `newest` says whether the
    phone holds all that the hub holds of the job, None where it has no copy.
    """

    level: str
    newest: bool | None

    @property
    def words(self) -> str:
        """The level as the board writes it."""
        return _WORDS_BY_LEVEL[self.level]

    @property
    def note(self) -> str:
        """What the phone lacks, '' where it lacks nothing or all."""
        return say("older version") if self.newest is False else ""


class Turn(NamedTuple):
    """An assignment: job, worker and turn (hex ids), and the first 8 bytes of its entry's hash."""

    job: str
    worker: str
    turn: str
    entry: bytes


@dataclass(frozen=True, slots=True)
class _Log:
    stream: str
    author: bytes
    branch: bytes
    height: int


async def reach_of(reader: Rows, turns: Iterable[Turn]) -> dict[Turn, Reach]:
    """The reach of each assignment; asked together for every few hundred jobs."""
    wanted = list(turns)
    found: dict[Turn, Reach] = {}
    if not wanted:
        return found
    for start in range(0, len(wanted), ASKED_AT_ONCE):
        found.update(await _reach_of_some(reader, wanted[start : start + ASKED_AT_ONCE]))
    return found


async def _reach_of_some(reader: Rows, turns: Sequence[Turn]) -> dict[Turn, Reach]:
    asked = _questions([turn.job for turn in turns], [turn.worker for turn in turns])
    return _told(turns, await reader.answers(*asked))


def _questions(jobs: Iterable[str], workers: Iterable[str]) -> list[tuple[str, list[Any]]]:
    """What `_told` makes the reach of: logs, what made assignments, acks, phases, phones."""
    names = sorted(set(jobs))
    streams = [bytes.fromhex(job) for job in names]
    people = sorted({bytes.fromhex(worker) for worker in workers})
    marks = _marks(streams)
    logs_sql = f"SELECT log, stream, author, branch, height FROM log WHERE stream IN ({marks})"
    made_sql = (
        "SELECT substr(entry.hash, 1, 8) AS short, entry.log, entry.seq"
        " FROM log JOIN entry ON entry.log = log.log"
        f" WHERE log.stream IN ({marks}) AND substr(entry.hash, 1, 8) IN"
        f" (SELECT entry FROM assignment WHERE job IN ({marks}))"
    )
    acks_sql = f"SELECT stream, peer, author, branch, height FROM reach WHERE stream IN ({marks})"
    phases_sql = (
        "SELECT job, author.author, phase FROM phase_time JOIN author"
        f" ON author.number = phase_time.author WHERE job IN ({marks})"
    )
    # The keys that were certified for each worker and not revoked.
    phones_sql = (
        f"SELECT author, subject FROM certificate WHERE subject IN ({_marks(people)})"
        " AND author NOT IN (SELECT author FROM revoked)"
    )
    return [
        (logs_sql, streams),
        (made_sql, [*streams, *names]),
        (acks_sql, streams),
        (phases_sql, streams),
        (phones_sql, people),
    ]


def _told(turns: Sequence[Turn], answers: Sequence[Sequence[Any]]) -> dict[Turn, Reach]:
    logs, made_by, acks, phases, certified = answers
    log_by_number = {
        row["log"]: _Log(row["stream"].hex(), row["author"], row["branch"], row["height"])
        for row in logs
    }
    # Where the entry that made each assignment stands: log and seq, by how its hash begins.
    places = {row["short"]: (row["log"], row["seq"]) for row in made_by}
    confirmed: dict[tuple[str, bytes], dict[tuple[bytes, bytes], int]] = defaultdict(dict)
    for row in acks:
        held = confirmed[(row["stream"].hex(), row["peer"])]
        held[(row["author"], row["branch"])] = row["height"]
    spoken = _own_words(phases)
    phones_by_worker: dict[str, set[bytes]] = defaultdict(set)
    for row in certified:
        phones_by_worker[row["subject"].hex()].add(row["author"])
    logs_by_stream: dict[str, list[_Log]] = defaultdict(list)
    for each in log_by_number.values():
        logs_by_stream[each.stream].append(each)
    found = {}
    for turn in turns:
        made = places.get(turn.entry)
        log = log_by_number.get(made[0]) if made else None
        best = Reach("assigned", None)
        for phone in phones_by_worker[turn.worker]:
            held = confirmed.get((turn.job, phone), {})
            said = spoken.get((turn.job, phone.hex()), frozenset())
            has = log is not None and _holds(log, made[1] if made else 0, phone, held)
            level = "opened" if said & _OPENED else "on phone" if has or said else "assigned"
            if level != "assigned":
                newest = all(
                    _holds(each, each.height, phone, held) for each in logs_by_stream[turn.job]
                )
                best = max(best, Reach(level, newest), key=_rank)
        found[turn] = best
    return found


def _marks(values: Sized) -> str:
    return ", ".join("?" * len(values))


def _rank(reach: Reach) -> tuple[int, bool]:
    return (("assigned", "on phone", "opened").index(reach.level), bool(reach.newest))


def _holds(log: _Log, height: int, phone: bytes, held: dict[tuple[bytes, bytes], int]) -> bool:
    return log.author == phone or held.get((log.author, log.branch), 0) >= height


def _own_words(rows: Sequence[Any]) -> dict[tuple[str, str], frozenset[str]]:
    """The phases that each key wrote in each job: what a phone says it did, it knew of."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        found[(row["job"].hex(), row["author"].hex())].add(phase_words(Phase(row["phase"])))
    return {key: frozenset(values & _RECEIVED) for key, values in found.items()}
