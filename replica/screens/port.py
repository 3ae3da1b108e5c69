"""What the worker's screens ask of the device that serves them.

Protocols and values only; the device implements them, the screens use nothing else of it. Ids are
lower-case hex text as in the projections. Invariant: what `SyncState` says is proven by acks, never
hoped for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from core.dispatch.acts import Change
from core.log.stream import StreamState
from replica.filing import Whereabouts
from replica.health import Facts
from replica.history import HistoryRow
from replica.phone_choices import PhoneChoices
from replica.relaying import CarriedHere, GivenAway

if TYPE_CHECKING:
    from replica.device_carrying import DeviceCarrying
    from replica.device_map import DeviceMap
    from replica.device_meetings import DeviceMeetings
    from replica.people import People


class EnrolmentRefused(Exception):
    """Joining the site did not work; the sentence says why and what to do."""


class CarryRefused(Exception):
    """A file can't be made or taken in; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class OwnFix:
    """Where this phone last knew itself to be."""

    time_ms: int
    lat_e7: int
    lon_e7: int
    accuracy_m: int


@dataclass(frozen=True, slots=True)
class Unsent:
    """One own entry that no hub has confirmed; `entry` is the first 16 digits of its hash."""

    stream: str
    entry: str
    at_ms: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Need:
    """Something that sync cannot settle without the worker."""

    title: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far this phone's own entries have come.

    `sending` is (confirmed, of how many) while a session moves entries, else None. `met_at_ms` is
    the end of the last completed contact with a hub, None before the first. `unsent_bytes` and
    `unsent_count` cover all unsent entries, `unsent` lists the oldest of them and
    `unsent_by_stream` counts all of them by stream; None: only the listed ones are known.
    """

    hub_address: str
    connected: bool
    met_at_ms: int | None
    sending: tuple[int, int] | None
    unsent_count: int
    unsent_bytes: int
    unsent: tuple[Unsent, ...]
    needs: tuple[Need, ...] = ()
    unsent_by_stream: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Carrying:
    """Sealed files that this phone carries to a hub, and what colleagues carry of its own.

    Neither is reach: what is unsent stays so until a hub has confirmed it to this phone.
    """

    here: tuple[CarriedHere, ...]
    with_colleagues: tuple[GivenAway, ...]


@dataclass(frozen=True, slots=True)
class AutoNotice:
    """Something that auto logging noticed and the worker may confirm or deny.

    `kind` is 'start' (a log of `log_kind` began), 'left', or what a suggestion asks
    (`core.dispatch.autofact.Ask`); `mode` is 'suggest', 'timed' or 'automatic'. What it is about
    began at `start_ms` and came to `at_ms`. `until_ms` is when a timed notice is taken as agreed.
    `evidence` says in words what was seen.
    """

    notice: str
    job: str
    kind: str
    at_ms: int
    mode: str
    until_ms: int | None
    evidence: str
    start_ms: int | None = None
    log_kind: str = "on site"


class Rows(Protocol):
    """Questions to the store, on a connection that can only read."""

    async def rows(self, sql: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """All rows of a question, each readable by column name."""

    async def answers(self, *questions: tuple[str, Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """The rows of each of several questions, asked together."""

    async def row(self, sql: str, parameters: Sequence[Any] = ()) -> Any | None:
        """The first row, or None."""

    async def state(self, stream: str) -> StreamState:
        """The fold of a stream (hex id)."""

    async def history(self, stream: str) -> Sequence[HistoryRow]:
        """Every change of a stream (hex id), the oldest first."""


class Device(Protocol):
    """The running device: its store, its sync, its location."""

    @property
    def folder(self) -> Path:
        """Where the device keeps its files."""

    @property
    def phone_folder(self) -> Path:
        """Where what all its workers share lies."""

    @property
    def reader(self) -> Rows:
        """The projections; asked only while `worker` is not empty."""

    @property
    def worker(self) -> str:
        """The worker's stream id, '' until the phone has joined a site."""

    @property
    def people(self) -> People:
        """Who uses this phone: letting another worker in, and logging out."""

    @property
    def join_again(self) -> str:
        """Why a phone that holds work has to join a site again, '' where it has not."""

    def now_ms(self) -> int:
        """What time it is, ms UTC: what the clock says, corrected by what a hub told of it."""

    def entropy(self, size: int) -> bytes:
        """Random bytes, for ids."""

    async def act(self, changes: Sequence[Change], basis: Mapping[bytes, str] | None = None) -> Any:
        """Commit one act; durable on return.

        Raises:
            ActError: it cannot be done; the sentence says why.
        """

    async def attach_file(self, job: bytes, name: str, data: bytes) -> None:
        """Save a file for a job, under the name that a browser gave; durable on return.

        Raises:
            ActError: it can't be; the sentence says why.
        """

    async def read_file(self, address: bytes) -> bytes:
        """The bytes of a file. Raises LogError: it is not here, or is damaged."""

    async def want_file(self, address: bytes) -> bool:
        """Ask for a file; whether it is here already."""

    async def may_create_jobs(self) -> bool:
        """Whether this phone's key has the right to make jobs of its worker's own."""

    async def is_with(self, job: bytes, colleague: bytes) -> bool:
        """Whether a colleague's phone has provably all that this one wrote in a job."""

    @property
    def meetings(self) -> DeviceMeetings:
        """How this phone meets colleagues' phones."""

    async def where_is(self, address: bytes) -> Whereabouts:
        """Where a file is, as far as it is proven."""

    async def sync_state(self) -> SyncState:
        """How far this phone's own entries have come."""

    def sync_now(self) -> None:
        """Try to reach a hub now rather than at the next turn."""

    async def enrol(self, *, link: str = "", code: str = "", address: str = "") -> None:
        """Join a site by the QR code's link, or by a typed code and a hub's address.

        Raises:
            EnrolmentRefused: it did not work; the sentence says what to do.
        """

    @property
    def carried(self) -> DeviceCarrying:
        """What is carried by hand to and from this phone."""

    async def delete_erased(self) -> int:
        """Delete for good what only this phone has of what the office erased: how many changes."""

    def last_fix(self) -> OwnFix | None:
        """The newest own fix, None where there is none."""

    @property
    def map(self) -> DeviceMap:
        """The region's map on this phone."""

    @property
    def choices(self) -> PhoneChoices:
        """What was chosen for this phone alone."""

    async def health(self, *, notifies: bool) -> Facts:
        """What this phone knows of itself; `notifies`: whether notifications can be shown."""

    def place_told_ms(self) -> int | None:
        """The time of the last place that was told to a hub, None for none since the start."""

    def notices(self) -> Sequence[AutoNotice]:
        """What auto logging waits to hear about, the oldest first."""

    async def answer_notice(self, notice: str, agreed: bool) -> None:
        """Agree to a notice, or say that it is wrong; an unknown one is a no-op."""

    def subscribe(self, *, places: bool = True) -> AsyncIterator[object]:
        """Something each time that what screens show may have changed: commits, acks, fixes.

        Without `places` not for a fix alone.
        """
