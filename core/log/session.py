"""A session: one sync conversation between two replicas, without I/O.

`receive(frame)` and `changed(streams)` return effects that a driver carries out; what the replica
holds is asked of, and given to, a `Shelf`. The course: hello and proof both ways; state both ways;
where the digests agree the session is live; else each side sends what the other has not confirmed,
then they check, and repair (`core.log.repair`) where they still differ. Live, new entries are
pushed as they are committed, and what goes beside them (`core.log.beside`) has its turn where no
entry waits.
What was dropped since the last meeting is said before the state, so that nothing is sent on the
strength of it. Holds no sockets and no clock. Invariant: nothing is acked before it is stored.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.log import messages
from core.log.beside import Beside
from core.log.certificate import HUB_ROLE, Certificate
from core.log.errors import (
    FINAL,
    LogError,
    Malformed,
    SessionRefused,
    Unauthentic,
    WrongSite,
    refusal_told,
)
from core.log.limits import FRAMES_IN_FLIGHT_MAX, HEADS_STREAMS_MAX
from core.log.messages import (
    Ack,
    Agreed,
    Check,
    Compare,
    Hello,
    Leave,
    Left,
    Message,
    Presence,
    Proof,
    Refuse,
    Runs,
    State,
)
from core.log.packing import Packer, Unpacker
from core.log.parcel import Parcel, Slice, fill
from core.log.repair import Repair, frames
from core.log.shelf import Shelf

# Rounds of repair in one session; one more would mean a fault that repeats itself.
REPAIRS_MAX = 3

# Streams named in one frame of heads, so that the frame stays within its limit.
HEADS_PER_FRAME = min(1_000, HEADS_STREAMS_MAX)


@dataclass(frozen=True, slots=True)
class Send:
    """Send this frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """End the session; `error` says why, None where all is well."""

    error: LogError | None


@dataclass(frozen=True, slots=True)
class Met:
    """The peer has proven who it is."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Live:
    """Both sides hold the same of what they share; from here changes are pushed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The peer says where it is: kept in memory, latest wins."""

    presence: dict[int, Any]


@dataclass(frozen=True, slots=True)
class Differing:
    """Repair did not bring the digests together: shown to people, and tried again next time."""


Effect = Send | Close | Met | Live | Seen | Differing


class Stage(enum.Enum):
    """Where the conversation stands."""

    HELLO = "waiting for the peer's hello"
    PROOF = "waiting for the peer's proof"
    STATE = "waiting for the peer's state"
    SYNC = "sending what the other lacks"
    LIVE = "live"
    CLOSED = "closed"


class Session:
    """One conversation with one peer.

    Args:
        shelf: the replica's side.
        opens: whether this side opened the connection.
        nonce: 16 random bytes.
        channel: what binds the session to its connection (the listener's TLS fingerprint).
    """

    def __init__(self, shelf: Shelf, *, opens: bool, nonce: bytes, channel: bytes = b"") -> None:
        self.stage = Stage.HELLO
        self.peer: Certificate | None = None
        self._shelf = shelf
        self._opens = opens
        self._nonce = nonce
        self._channel = channel
        self._peer_nonce = b""
        self._shared: frozenset[bytes] = frozenset()
        self._compared: frozenset[bytes] = frozenset()
        self._queue: list[tuple[bytes, bytes, bytes]] = []
        self._parcels: list[Parcel] = []
        self._sent: dict[tuple[bytes, bytes, bytes], int] = {}
        self._in_flight: dict[int, Parcel] = {}
        self._number = 0
        self._examined = 0
        self._position_due = False
        self._peer_done = False
        self._to_drop: tuple[bytes, ...] = ()
        self._told_to_leave: set[bytes] = set()
        self._repairs = 0
        self._told: State | None = None
        self._told_dropped: tuple[bytes, ...] = ()
        self._dropped_here: set[bytes] = set()
        self._waited_for_left = False
        self._refused: set[tuple[bytes, bytes]] = set()
        self._spelled = False
        self._packer, self._unpacker = Packer(), Unpacker()
        self._checked: tuple[int, frozenset[bytes]] | None = None
        self._repair: Repair | None = None
        self._repair_is_own = False
        self._beside: Beside | None = None

    # --- what the driver calls

    def open(self) -> list[Effect]:
        """The first frame, if this side opened the connection."""
        return [self._send(self._hello())] if self._opens else []

    def receive(self, frame: bytes) -> list[Effect]:
        """What to do about a frame of the peer; an error ends the session and changes nothing."""
        if self.stage is Stage.CLOSED:
            return []
        try:
            # Of one who has not proven who it is nothing is unpacked.
            proven = self.stage not in (Stage.HELLO, Stage.PROOF)
            plain = self._unpacker.unpacked(frame) if proven else frame
            return self._receive(messages.read(plain))
        except LogError as error:
            self.stage = Stage.CLOSED
            return [self._send(Refuse(error.name, str(error)[:900])), Close(error)]

    def changed(self, streams: Collection[bytes]) -> list[Effect]:
        """What to do after entries were committed to `streams` of this replica."""
        if self.stage not in (Stage.SYNC, Stage.LIVE) or self.peer is None:
            return []
        self._look()
        effects = [*self._tell_dropped(streams, self.peer), *self._tell_to_leave()]
        if self._beside is not None:
            self._beside.look_at(streams)
        position = self._shelf.position()
        if position == self._examined:
            return effects + self._go_on_beside()
        self._enqueue(self._examined)
        return effects + self._pump()

    def presence(self, fields: dict[int, Any]) -> list[Effect]:
        """Tell the peer where this replica is, if the session is that far."""
        return [self._send(Presence(fields))] if self.stage in (Stage.SYNC, Stage.LIVE) else []

    @property
    def waiting(self) -> int:
        """Frames sent that have no ack yet."""
        return len(self._in_flight)

    # --- the conversation

    def _send(self, message: Message, *, more: bool = False) -> Send:
        """The message's frame; `more` where others that can be packed with it follow at once."""
        frame = messages.write(message)
        # The others are short, or, as in a hello, keys and signatures.
        if isinstance(message, (Runs, Compare)):
            frame = self._packer.packed(frame, more=more)
        return Send(frame)

    def _hello(self) -> Hello:
        shelf = self._shelf
        return Hello(messages.PROTOCOLS, shelf.site, self._nonce, shelf.own_certificates())

    def _receive(self, message: Message) -> list[Effect]:
        match message:
            case Refuse():
                self.stage = Stage.CLOSED
                return [Close(refusal_told(message.reason, message.detail))]
            case Hello() if self.stage is Stage.HELLO:
                return self._on_hello(message)
            case Proof() if self.stage is Stage.PROOF:
                return self._on_proof(message)
            case State() if self.stage is Stage.STATE:
                return self._on_state(message)
            case Left() if self.stage is Stage.STATE and self.peer is not None:
                self._shelf.has_left(self.peer, message.streams)
                return []
        if self.stage not in (Stage.SYNC, Stage.LIVE) or self.peer is None:
            raise Malformed(f"{type(message).__name__} while {self.stage.value}")
        return self._on_sync(message, self.peer)

    def _on_hello(self, hello: Hello) -> list[Effect]:
        if hello.site != self._shelf.site:
            raise WrongSite("the peer belongs to another site; enrol at this one")
        if not set(messages.PROTOCOLS).intersection(hello.versions):
            raise SessionRefused("the peer speaks no version of the protocol that is known here")
        self.peer = self._shelf.admit(hello.certificates)
        self._peer_nonce = hello.nonce
        self._beside = Beside(self._shelf, self.peer, hello.versions)
        self.stage = Stage.PROOF
        return [] if self._opens else [self._send(self._hello()), self._send(self._proof())]

    def _proof(self) -> Proof:
        return Proof(self._shelf.sign(self._proof_bytes(self._shelf.author, self._opens)))

    def _proof_bytes(self, author: bytes, opener: bool) -> bytes:
        first, second = (
            (self._nonce, self._peer_nonce) if self._opens else (self._peer_nonce, self._nonce)
        )
        data = self._shelf.site + author + bytes([opener]) + first + second + self._channel
        return blake2b(data, digest_size=32, person=b"fieldlog.proof").digest()

    def _on_proof(self, proof: Proof) -> list[Effect]:
        assert self.peer is not None
        try:
            key = Ed25519PublicKey.from_public_bytes(self.peer.author)
            key.verify(proof.signature, self._proof_bytes(self.peer.author, not self._opens))
        except (InvalidSignature, ValueError) as error:
            raise Unauthentic("the peer did not prove that it holds its key") from error
        self.stage = Stage.STATE
        own = [self._send(self._proof()), *self._send_state()] if self._opens else []
        return [Met(self.peer), *own]

    def _send_state(self) -> list[Effect]:
        """Where this side stands, and before it what it no longer holds."""
        assert self.peer is not None
        self._told_dropped = self._shelf.dropped(self.peer)
        return [*self._send_named(Left, self._told_dropped), self._send(self._state())]

    def _send_named(self, kind: type[Left | Leave], streams: tuple[bytes, ...]) -> list[Effect]:
        frames = range(0, len(streams), HEADS_PER_FRAME)
        return [self._send(kind(streams[at : at + HEADS_PER_FRAME])) for at in frames]

    def _state(self) -> State:
        assert self.peer is not None
        self._examined = self._shelf.position()
        self._look()
        digest, streams = self._shelf.digest(self._compared)
        generation, mark = self._shelf.meet(self.peer, b"")
        self._told = State(self._shelf.generation, generation, mark, digest, streams)
        return self._told

    def _on_state(self, theirs: State) -> list[Effect]:
        assert self.peer is not None
        effects: list[Effect] = []
        if self._opens:
            # It answers ours, so the peer has heard what came before that.
            self._shelf.has_heard(self.peer, self._told_dropped)
        else:
            effects = self._send_state()
        # What each side told decides on both alike, though more may have been written since.
        ours = self._told
        assert ours is not None
        self._shelf.meet(self.peer, theirs.generation)
        effects += self._tell_to_leave()
        if (theirs.digest, theirs.streams) == (ours.digest, ours.streams):
            return [*effects, *self._become_live((self._examined, self._compared))]
        self.stage = Stage.SYNC
        known = theirs.mark_generation == self._shelf.generation
        remembered = ours.mark_generation == theirs.generation
        # Both sides come to the same answer, so that exactly one begins a repair.
        if (known and remembered) or 0 in (theirs.streams, ours.streams):
            self._enqueue(theirs.mark if known else 0)
            self._position_due = True
            return effects + self._pump()
        if self._opens:
            effects += self._begin_repair()
        return effects

    def _become_live(self, agreed: tuple[int, frozenset[bytes]] | None) -> list[Effect]:
        """Live from here; at a position both sides held the same of the streams that they compared.

        What is compared may be more by now: of that nothing is proven.
        """
        assert self.peer is not None
        self.stage = Stage.LIVE
        self._shelf.has_heard(self.peer, self._told_dropped)
        if agreed is not None:
            position, compared = agreed
            self._shelf.holds_all(self.peer, compared, position)
        self._look()
        # Of what the peer alone is to have nothing was compared.
        self._enqueue(self._examined if self._compared == self._shared else 0)
        return [Live(), *self._pump()]

    def _look(self) -> None:
        """See anew what is shared, and what of it both are to hold alike."""
        assert self.peer is not None
        self._shared = self._shelf.shared(self.peer)
        self._compared = self._shelf.compared(self.peer, self._shared)

    def _on_sync(self, message: Message, peer: Certificate) -> list[Effect]:
        match message:
            case Runs():
                return self._on_runs(message, peer)
            case Ack():
                return self._on_ack(message, peer)
            case Check():
                return self._on_check(message)
            case Agreed():
                if message.same:
                    return self._become_live(self._checked)
                return [Differing(), *self._become_live(None)]
            case Compare():
                return self._on_compare(message, peer)
            case Leave() if peer.role == HUB_ROLE and not self._shelf.is_hub:
                self._to_drop = tuple(sorted({*self._to_drop, *message.streams}))
                return self._settle()
            case Left():
                self._shelf.has_left(peer, message.streams)
                self._told_to_leave.difference_update(message.streams)
                return self._offer_again(message.streams)
            case Presence():
                return [Seen(message.fields)]
            case _ if self._beside is not None:
                answers = self._beside.receive(message)
                return [*map(self._send, answers), *self._go_on_beside()]
        raise Malformed(f"{type(message).__name__} while {self.stage.value}")

    def _on_runs(self, runs: Runs, peer: Certificate) -> list[Effect]:
        refused = self._shelf.take(peer, runs)
        self._peer_done |= runs.position is not None
        return [self._send(Ack(runs.number, refused)), *self._settle()]

    def _on_ack(self, ack: Ack, peer: Certificate) -> list[Effect]:
        parcel = self._in_flight.pop(ack.number, None)
        if parcel is None:
            raise Malformed(f"an ack of frame {ack.number}, which waits for none")
        authors = (self._shelf.author, *parcel.authors)
        named = {index: name for index, name, _ in ack.refused if index < len(parcel.runs)}
        refused = {
            (parcel.runs[index].stream, authors[parcel.runs[index].author]) for index in named
        }
        self._shelf.confirmed(
            peer,
            [
                reached
                for reached in parcel.reached
                if (reached.stream, reached.author) not in refused
            ],
        )
        effects: list[Effect] = []
        if any(run.stream not in self._shared for run in parcel.runs):
            # What was on its way when it went out of scope is held by the peer now.
            effects += self._tell_to_leave()
        self._refused |= refused
        # Only what it holds: a part whose seal is still to come vouches for nobody, and to begin
        # anew for its sake would never end where the peer forgot the parts before.
        vouched = any(
            self._shelf.vouches(reached.stream)
            for reached in parcel.reached
            if (reached.stream, reached.author) not in refused
        )
        if vouched and self._refused:
            # Authors of whom the peer had not heard may be known to it from here on.
            self._sent = {
                log: sent for log, sent in self._sent.items() if log[:2] not in self._refused
            }
            self._refused.clear()
            self._enqueue(0)
        lacking = not FINAL.issuperset(named.values())
        # What is wrong with one run shall keep no other back that only names an entry of it.
        self._spelled |= lacking
        if lacking and self.stage is Stage.LIVE and self._repairs < REPAIRS_MAX:
            # The peer holds less than was thought. A live session may last for days, so it is
            # repaired now; what is refused again and again waits for the next session.
            self._repairs += 1
            effects += self._begin_repair()
        return effects + self._pump()

    # --- sending

    def _enqueue(self, since: int) -> None:
        assert self.peer is not None
        self._examined = self._shelf.position()
        queued = set(self._queue)
        found = self._shelf.unconfirmed(self.peer, self._shared, since)
        self._queue += [log for log in found if log not in queued]

    def _pump(self) -> list[Effect]:
        """Send frames as long as the window allows, then settle."""
        assert self.peer is not None
        effects: list[Effect] = []
        while len(self._in_flight) < FRAMES_IN_FLIGHT_MAX:
            if self._queue and len(self._parcels) < 2:
                # The last one that is made may have room left, which the next logs fill.
                self._load()
                continue
            if not self._parcels:
                break
            effects.append(self._send_parcel(self._parcels.pop(0)))
        sent = not self._queue and not self._parcels
        if self._position_due and sent and len(self._in_flight) < FRAMES_IN_FLIGHT_MAX:
            effects.append(self._send_parcel(Parcel()))
        return effects + self._settle()

    def _load(self) -> None:
        """Make parcels of the next logs of the queue, about a frame's worth at a time."""
        assert self.peer is not None
        slices: list[Slice] = []
        size = 0
        while self._queue and size < 65_536:
            log = self._queue.pop(0)
            if self.peer.role != HUB_ROLE and log[0] not in self._shared:
                continue  # It went out of the peer's scope while it waited here.
            part = self._shelf.slice(self.peer, log, self._sent.get(log, 0))
            if part is not None:
                slices.append(part)
                self._sent[log] = part.height
                size += sum(len(body) for _, body in part.entries)
        begun = self._parcels.pop() if self._parcels else None
        self._parcels += fill(slices, self._shelf.author, begun, spelled=self._spelled)

    def _send_parcel(self, parcel: Parcel) -> Effect:
        last = not self._queue and not self._parcels
        self._number += 1
        runs = parcel.finish(self._number, self._examined if last else None, self._shelf.seal)
        # Nothing may come of what still waits in the queue; the position is owed all the same, for
        # the peer does not check before it has it.
        self._position_due = not last
        self._in_flight[self._number] = parcel
        return self._send(runs, more=not last)

    def _settle(self) -> list[Effect]:
        """When all is sent and confirmed: drop what is to be dropped, and check."""
        if self._queue or self._parcels or self._in_flight or self._position_due:
            return []
        effects = self._drop_what_left() if self._to_drop else []
        if self._in_flight:
            return effects
        if self.stage is Stage.SYNC and self._opens and self._peer_done:
            self._peer_done = False
            self._look()
            digest, streams = self._shelf.digest(self._compared)
            self._checked = (self._shelf.position(), self._compared)
            effects.append(self._send(Check(digest, streams)))
        return effects + self._go_on_beside()

    def _go_on_beside(self) -> list[Effect]:
        """Entries go first: all else has its turn where both hold the same and nothing waits."""
        waits = self._queue or self._parcels or self._in_flight or self._position_due
        if self._beside is None or self.stage is not Stage.LIVE or waits:
            return []
        return [*map(self._send, self._beside.go_on(self._shared))]

    def _drop_what_left(self) -> list[Effect]:
        """Drop streams of which the peer has all; what it lacks of the others goes first.

        A stream of which the peer refused something stays, so that nothing is lost.
        """
        assert self.peer is not None
        lacking = self._shelf.unconfirmed(self.peer, frozenset(self._to_drop), 0)
        for log in lacking:
            if self._shelf.slice(self.peer, log, self._sent.get(log, 0)) is not None:
                self._queue.append(log)
        if self._queue:
            return self._pump()
        kept = {stream for stream, _, _ in lacking}.intersection(self._to_drop)
        going = tuple(stream for stream in self._to_drop if stream not in kept)
        self._to_drop = tuple(sorted(kept))
        if not going:
            return []
        self._shelf.drop(going)
        self._dropped_here.update(going)
        return self._send_named(Left, going)

    def _tell_dropped(self, streams: Collection[bytes], peer: Certificate) -> list[Effect]:
        """Say which of `streams` were dropped on another peer's word: they are held no longer."""
        gone = set(streams).intersection(self._shelf.dropped(peer)) - self._dropped_here
        self._dropped_here.difference_update(streams)
        gone -= {stream for stream, _ in self._shelf.leaves(gone)}
        return self._send_named(Left, tuple(sorted(gone)))

    def _on_check(self, check: Check) -> list[Effect]:
        self._look()
        if self._shelf.digest(self._compared) == (check.digest, check.streams):
            agreed = (self._shelf.position(), self._compared)
            return [self._send(Agreed()), *self._become_live(agreed)]
        if self._queue or self._parcels or self._in_flight:
            # The peer checked before it had all. The last frame on its way tells it when it has,
            # and it will check again; one more word here would let two of them chase each other.
            return []
        if self._repairs >= REPAIRS_MAX:
            return [Differing(), self._send(Agreed(same=False)), *self._become_live(None)]
        self._repairs += 1
        if self._told_to_leave and not self._waited_for_left:
            # What leaves is still in the peer's digest; it checks again after this word. Only once:
            # a stream that the peer must keep would else stand in the way of all others.
            self._waited_for_left = True
            self._position_due = True
            return self._pump()
        return self._begin_repair()

    # --- repair and scope

    def _begin_repair(self) -> list[Effect]:
        if self._repair is not None:
            return []
        self._repair, self._repair_is_own = self._new_repair(), True
        return self._send_step(self._repair.begin())

    def _new_repair(self) -> Repair:
        self._look()
        return Repair(
            self._shelf.leaves(self._compared),
            self._shelf.position(),
            lambda streams: self._shelf.heads_of(self._compared.intersection(streams)),
        )

    def _send_step(self, step: Compare) -> list[Effect]:
        parts = list(frames(step))
        waiting = bool(self._queue or self._parcels)
        return [self._send(part, more=waiting or part is not parts[-1]) for part in parts]

    def _on_compare(self, frame: Compare, peer: Certificate) -> list[Effect]:
        if frame.step == 0 and (self._repair is None or self._repair_is_own):
            if self._repair is not None and self._opens:
                # Both began at once: the opener's repair goes on, and the listener answers it.
                return []
            self._repair, self._repair_is_own = self._new_repair(), False
        if self._repair is None:
            raise Malformed("a step of a repair that nobody began")
        heard = self._repair.hear(frame)
        if heard is None:
            return []
        found, answer = heard
        self._shelf.holds_all(peer, found.same, self._repair.position)
        self._shelf.peer_holds(peer, found.theirs)
        self._shelf.peer_lacks(peer, found.lacked)
        effects = [] if answer is None else self._send_step(answer)
        if answer is not None and answer.asks:
            return effects
        self._repair = None
        self._sent.clear()
        self._enqueue(0)
        self._position_due = True
        return effects + self._pump()

    def _offer_again(self, dropped: tuple[bytes, ...]) -> list[Effect]:
        """Forget that streams were sent which the peer dropped; send those that came back since."""
        gone = set(dropped)
        self._sent = {log: height for log, height in self._sent.items() if log[0] not in gone}
        self._look()
        if gone.isdisjoint(self._shared):
            return []
        self._enqueue(self._examined)
        return self._pump()

    def _tell_to_leave(self) -> list[Effect]:
        assert self.peer is not None
        leaving = self._shelf.leaving(self.peer)
        streams = tuple(stream for stream in leaving if stream not in self._told_to_leave)
        self._told_to_leave.update(streams)
        return self._send_named(Leave, streams)
