"""What an exchange of files asks of a replica: the `core.log.exchange.FileShelf` of this package.

Who may have a file and what is taken follow from which jobs name it; how much of one author a hub
takes, from a quota by day and the room on its disk. Holds no conversation. Invariant: what goes
wrong with files ends no session: entries go on, and people are told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from core.dispatch.fields import Role
from core.log.certificate import Certificate
from core.log.chunk_list import ChunkList
from core.log.errors import LogError, OverLimit
from core.log.limits import REFUSED_KEPT_MAX
from replica.file_going import forget_files, is_named
from replica.filing import jobs_naming
from replica.logs import author_number
from replica.many import rows_of
from replica.replica import Replica
from replica.store import StoreError

LOGGER = logging.getLogger(__name__)

# So many jobs, or files, are looked up by their ids; of more the whole table is read.
JOBS_FEW = 500

NO_ROOM = "the disk is almost full, and what is left is kept for entries: files wait; make room"


class ReplicaFileShelf:
    """A replica's files as one session sees them."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._db = replica.store.db
        self._told: set[bytes] = set()

    @property
    def _is_hub(self) -> bool:
        return self._replica.identity.own.role == Role.HUB

    # --- giving

    def to_offer(self, peer: Certificate, streams: frozenset[bytes]) -> list[bytes]:
        """Files that a hub is not known to hold and may; none while files wait for a network."""
        if self._replica.files_wait:
            return []
        going = self._db.execute("SELECT address FROM file_going WHERE until_held").fetchall()
        named = [*self._named_by(streams), *(row[0] for row in going)]
        return [each for each in self._not_held_by(peer, named) if self.holds(each)]

    def _not_held_by(self, peer: Certificate, addresses: list[bytes]) -> list[bytes]:
        """Those of some files that a peer has not said to hold."""
        which = "peer = (SELECT number FROM author WHERE author = ?)"
        if len(addresses) <= JOBS_FEW:
            asked = f"SELECT address FROM file_held WHERE {which} AND address IN (:ids)"
            rows = rows_of(self._db, asked, addresses, peer.author)
        else:
            asked = f"SELECT address FROM file_held WHERE {which}"
            rows = self._db.execute(asked, (peer.author,))
        held = {row[0] for row in rows}
        return [address for address in addresses if address not in held]

    def wanted(self, streams: frozenset[bytes]) -> list[bytes]:
        """Files that these streams name, that somebody here wants, and that are not here.

        None while files wait for a network.
        """
        if self._replica.files_wait:
            return []
        try:
            self._want_what_was_lost()
            asked = self._replica.files.wanted()
            return [each for each in self._named_by(streams) if each in asked] if asked else []
        except StoreError as error:
            LOGGER.error("files can't be asked for: %s", error)
            return []

    def _want_what_was_lost(self) -> None:
        """A hub whose files are gone asks for all that its log names: others rely on it."""
        files = self._replica.files
        if self._is_hub and files.was_lost:
            named = [row[0] for row in self._db.execute("SELECT DISTINCT address FROM file_ref")]
            files.want_again(named, self._replica.clock.now_ms())

    def _named_by(self, streams: frozenset[bytes]) -> list[bytes]:
        """The files that these streams name, each once, in order."""
        if len(streams) <= JOBS_FEW:
            asked = "SELECT address FROM file_ref WHERE job IN (:ids) ORDER BY job, file"
            found = [row[0] for row in rows_of(self._db, asked, (s.hex() for s in streams))]
        else:
            rows = self._db.execute("SELECT job, address FROM file_ref ORDER BY job, file")
            found = [address for job, address in rows if bytes.fromhex(job) in streams]
        return list(dict.fromkeys(found))

    def holds(self, address: bytes) -> bool:
        """Whether a file is held whole."""
        try:
            return self._replica.files.holds(address)
        except StoreError as error:
            LOGGER.error("files can't be read: %s", error)
            return False

    def serves(self, peer: Certificate, address: bytes, streams: frozenset[bytes]) -> bool:
        """Whether a job that the peer shares names a file, or a hub lacks what left this phone."""
        if not streams.isdisjoint(jobs_naming(self._replica, address)):
            return True
        going = "SELECT 1 FROM file_going WHERE address = ? AND until_held"
        return peer.role == Role.HUB and self._db.execute(going, (address,)).fetchone() is not None

    def piece(self, address: bytes, number: int) -> bytes | None:
        """The list or a chunk of a file that is held whole; what is damaged here is not sent."""
        files = self._replica.files
        try:
            if not files.holds(address):
                return None
            if number:
                return files.chunk(address, number)
            chunks = files.list_of(address)
            return None if chunks is None else chunks.to_bytes()
        except (StoreError, LogError) as error:
            LOGGER.error("a file can't be sent: %s", error)
            return None

    # --- taking

    def takes(self, address: bytes) -> bool:
        """Whether an offered file is taken: a hub takes what is named, a phone what is wanted."""
        try:
            wanted = self._is_hub or self._replica.files.is_wanted(address)
        except StoreError:
            return False
        return wanted and is_named(self._db, address)

    def list_of(self, address: bytes) -> ChunkList | None:
        """The list of a file of which anything is held."""
        try:
            return self._replica.files.list_of(address)
        except StoreError:
            return None

    def lacking(self, address: bytes) -> list[int]:
        """The chunks that are missing of a file."""
        try:
            return self._replica.files.missing(address)
        except StoreError:
            return []

    def begin(self, address: bytes, chunks: ChunkList, peer: Certificate) -> bool:
        """Keep a list, where its file may come in."""
        if not self._may_come(address, chunks.size, peer):
            return False
        try:
            self._replica.files.begin(chunks)
        except StoreError as error:
            self._refuse(address, peer, str(error))
            return False
        return True

    def take_chunk(self, address: bytes, number: int, data: bytes, peer: Certificate) -> bool:
        """Keep a chunk, where it may come in; a file that is whole now is told to who listens."""
        replica = self._replica
        if not self._may_come(address, len(data), peer):
            return False
        try:
            replica.files.put(address, number, data)
            is_whole = replica.files.holds(address)
            if is_whole:
                replica.mark_changed(jobs_naming(replica, address))
        except StoreError as error:
            self._refuse(address, peer, str(error))
            return False
        uptime_ms = replica.clock.uptime_ms()
        replica.quotas.files.charge(self._author(address), int(is_whole), len(data), uptime_ms)
        return True

    def _may_come(self, address: bytes, size: int, peer: Certificate) -> bool:
        replica = self._replica
        if not is_named(self._db, address):
            # It was erased meanwhile; nothing of it comes back.
            return False
        if not replica.files.has_room_for(size):
            self._refuse(address, peer, NO_ROOM)
            return False
        author = self._author(address)
        if self._is_hub and replica.standing(author).role != Role.HUB:
            try:
                replica.quotas.files.see(author, 1, size, replica.clock.uptime_ms())
            except OverLimit as error:
                self._refuse(address, peer, str(error))
                return False
        return True

    def _author(self, address: bytes) -> bytes:
        """Whose file it is: who named it first."""
        asked = "SELECT author FROM file_ref WHERE address = ? ORDER BY at, job, file"
        row = self._db.execute(asked, (address,)).fetchone()
        return b"" if row is None else bytes(row[0])

    def _refuse(self, address: bytes, peer: Certificate, why: str) -> None:
        """Keep for people, once in a session, that a file was not taken."""
        if address in self._told:
            return
        self._told.add(address)
        LOGGER.warning("file %s was not taken: %s", address.hex()[:8], why)
        job = min(jobs_naming(self._replica, address), default=None)
        words = f"file {address.hex()[:8]}: {why}"
        try:
            with self._replica.store.transaction() as db:
                db.execute(
                    "INSERT INTO refused VALUES (NULL, ?, ?, ?, ?)",
                    (self._replica.clock.now_ms(), peer.author, job, words),
                )
                db.execute(
                    "DELETE FROM refused WHERE number <= (SELECT max(number) FROM refused) - ?",
                    (REFUSED_KEPT_MAX,),
                )
        except StoreError as error:
            LOGGER.warning("that can't be noted either: %s", error)

    # --- reach

    def peer_holds(self, peer: Certificate, addresses: Iterable[bytes]) -> None:
        """Keep what a peer says it holds; a file that waited for a hub to hold it may go."""
        going = "SELECT 1 FROM file_going WHERE address = ?"
        known = [
            address
            for address in addresses
            if is_named(self._db, address) or self._db.execute(going, (address,)).fetchone()
        ]
        if not known:
            return
        with self._replica.store.transaction() as db:
            number = author_number(db, peer.author)
            rows = [(address, number) for address in known]
            db.executemany("INSERT OR IGNORE INTO file_held VALUES (?, ?)", rows)
        for address in known:
            self._replica.mark_reach(jobs_naming(self._replica, address))
        self.let_go()

    def let_go(self) -> None:
        """Delete what may go of streams that left; a disk that refuses puts it off."""
        try:
            forget_files(self._replica)
        except StoreError as error:
            LOGGER.warning("files that left stay for now: %s", error)

    def peer_lacks(self, peer: Certificate, address: bytes) -> None:
        """A peer that asks for a file does not hold it, whatever it said before."""
        row = (address, peer.author)
        which = "address = ? AND peer = (SELECT number FROM author WHERE author = ?)"
        if self._db.execute(f"SELECT 1 FROM file_held WHERE {which}", row).fetchone() is None:
            return
        with self._replica.store.transaction() as db:
            db.execute(f"DELETE FROM file_held WHERE {which}", row)
        self._replica.mark_reach(jobs_naming(self._replica, address))
