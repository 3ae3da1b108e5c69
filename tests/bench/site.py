"""A real site of the trace: every op an act, every act an entry by the hand that made it.

One replica plays every phone in turn: it takes on a phone's key and writes, as that phone would
that had seen all that the hub holds. After each epoch the phones' logs are sealed as an upload
seals them. So the entries, seals and rows are those of fifty phones, without fifty stores. Holds
no measurements. Invariant: the same trace gives the same entries, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.dispatch import acts
from core.log.chain import seal_leaf
from core.log.limits import SEAL_LEAVES_MAX
from core.log.seal import make_seal
from replica import logs
from replica.identity import Identity
from replica.replica import Replica
from tests.bench.acting import SETTLED_MS, Acting, customer_of, worker_of
from tests.bench.trace import OFFICE, Op, Trace, customer_name, worker_name
from tests.build import Meeting, SettableClock, Site, clock_of

# What travels and is merged at a time, as with every peer.
EPOCH_OPS = 1_000
ACCOUNT = b"dispatch"


@dataclass
class DispatchSite:
    """The site of a trace below `folder`, with a hub that everything is written at."""

    folder: Path
    trace: Trace
    hub: Replica = field(init=False)
    tokens: dict[str, str] = field(default_factory=dict)
    entries_by_author: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.site = Site(self.folder, "bench")
        self.hub = self.site.hub("A", SettableClock(SETTLED_MS))
        self.office = self.hub.identity
        self.acting = Acting()
        self.phones: dict[int, Identity] = {}
        self._sealed = self.hub.position()
        with self.hub.store.transaction():
            for number in range(1, self.trace.phones + 1):
                self._settle_phone(number)
            for name in sorted({op.fields["customer_id"] for op in self._creations()}):
                fields = {"name": customer_name(int(name[1:])), "number": name}
                self.hub.write(acts.edit_customer(customer_of(name), fields), actor=ACCOUNT)
        # Their own stores are not needed: to the others a phone is its key and its certificate.
        for replica in self.site.opened[1:]:
            replica.close()
        self.site.opened[1:] = []

    def _creations(self) -> Iterable[Op]:
        return (op for op in (*self.trace.ops, *self.trace.office_window) if op.kind == "create")

    def _settle_phone(self, number: int) -> None:
        worker = worker_of(worker_name(number))
        self.hub.write(acts.edit_worker(worker, {"name": worker_name(number)}), actor=ACCOUNT)
        self.phones[number] = self.site.phone(self.hub, worker).identity

    # --- writing

    def epochs(self) -> Iterable[Sequence[Op]]:
        """The ops in portions of a thousand."""
        ops = self.trace.ops
        return (ops[at : at + EPOCH_OPS] for at in range(0, len(ops), EPOCH_OPS))

    def write_epoch(self, ops: Sequence[Op]) -> None:
        """Write a portion, in one transaction, and seal what phones wrote."""
        with self.hub.store.transaction():
            for op in ops:
                self.write(op)
            self._seal_phones()

    def write(self, op: Op) -> None:
        """Write one op by the hand that made it; the phone's half of a pair knows not the other."""
        clock = clock_of(self.hub)
        clock.pass_ms(max(0, op.at_ms - clock.now_ms()))
        changes = self.acting.act_of(op)
        stream = changes[0].stream
        if op.pair == 1:
            self.tokens[op.job] = self.hub.state(stream).token()
        basis = {stream: self.tokens.pop(op.job)} if op.pair == 2 else None
        if op.writer == OFFICE:
            self.hub.write(changes, actor=ACCOUNT, basis=basis)
            return
        try:
            self.hub.identity = self.phones[op.writer]
            self.hub.write(changes, basis=basis)
            author = self.hub.author
        finally:
            self.hub.identity = self.office
        self.entries_by_author[author] = self.entries_by_author.get(author, 0) + 1

    def _seal_phones(self) -> None:
        """Seal every phone's logs that grew, as its upload would have."""
        db = self.hub.store.db
        for identity in self.phones.values():
            grown = db.execute(
                "SELECT stream FROM log WHERE author = ? AND changed > ? ORDER BY stream",
                (identity.author, self._sealed),
            )
            rows = [logs.log_row(db, stream, (identity.author, b"")) for (stream,) in grown]
            found = [row for row in rows if row is not None]
            number = self.entries_by_author.get(identity.author, 0)
            for at in range(0, len(found), SEAL_LEAVES_MAX):
                part = found[at : at + SEAL_LEAVES_MAX]
                leaves = tuple(seal_leaf(row.stream, row.height, row.head) for row in part)
                seal = make_seal(self.site.site, identity.author, identity.key, number, leaves)
                kept = logs.keep_seal(db, seal)
                for row in part:
                    logs.cover(db, row, kept)
        self._sealed = self.hub.position()

    # --- meeting

    def second_hub(self) -> Replica:
        """Another hub of the site, which holds nothing yet."""
        return self.site.hub("B", SettableClock(self.hub.clock.now_ms()))

    def build(self, *others: Replica) -> list[list[bytes]]:
        """Write the whole trace; what another hub was sent, if one listens.

        The frames before the first epoch, and those of each epoch.
        """
        meetings = [Meeting(other, self.hub).start().run() for other in others]
        frames = [list(meeting.plain(1)) for meeting in meetings]
        for ops in self.epochs():
            self.write_epoch(ops)
            for meeting in meetings:
                before = len(meeting.plain(1))
                meeting.run()
                frames.append(meeting.plain(1)[before:])
        self.hub.take_changed()
        return frames

    def close(self) -> None:
        """Close every file."""
        self.site.close()
