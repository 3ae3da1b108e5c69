"""A disk that keeps its promises and no more: what was not synced may be lost, torn or garbled.

Each file has what is durable and the writes that are still pending; a power cut keeps a drawn part
of these, in any order, torn at sectors. Deleted and new files are durable only when their directory
is. It knows nothing of SQLite (see `faulty_vfs`) and imports nothing but Python. Invariant: what a
sync confirmed survives every power cut, unless the options say that the disk lies.

Sources: FoundationDB's AsyncFileNonDurable, TigerBeetle's testing/storage.zig, turmoil-fs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

SECTOR_BYTES: Final = 512
"""What a disk writes whole or not at all."""


class PowerIsCut(Exception):
    """The device has no power; the disk takes nothing more until `power_cut` was called."""


class DiskFails(Exception):
    """The disk could not do it, and says so (EIO)."""


class DiskIsFull(Exception):
    """There is no room left (ENOSPC)."""


class Write(NamedTuple):
    """A pending write of bytes at an offset."""

    offset: int
    data: bytes


class Resize(NamedTuple):
    """A pending change of a file's length."""

    size: int


@dataclass(slots=True)
class FaultyFile:
    """One file: what programs read now, what is durable, and what lies between."""

    now: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Write | Resize] = field(default_factory=list)
    was_synced: bool = False

    def apply(self, change: Write | Resize) -> None:
        """Make a change that programs see at once and the disk later."""
        _apply(self.now, change)
        self.pending.append(change)

    def sync(self) -> None:
        """Make everything durable."""
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()
        self.was_synced = True


class FaultyDisk:
    """The disk of one device.

    Args:
        chance: where every draw comes from.
        lying_syncs: chance that a sync confirms what it did not do.
        unordered_directory: deleted and new files are durable only by a sync of the directory, as
            on F2FS; else any later sync of a file settles them, as on ext4.
        kept: chance that a pending sector survives a power cut whole.
        garbled: chance that it survives as garbage.

    `operations` counts what changes the disk; power fails inside the one that `cut_at` numbers, and
    those in `fail_at` fail with `DiskFails`. `capacity_bytes` bounds the sum of all files.
    """

    def __init__(
        self,
        chance: Random,
        *,
        lying_syncs: float = 0.0,
        unordered_directory: bool = False,
        kept: float = 0.5,
        garbled: float = 0.2,
    ) -> None:
        self.chance = chance
        self.files: dict[str, FaultyFile] = {}
        self.operations = 0
        self.cut_at: int | None = None
        self.fail_at: frozenset[int] = frozenset()
        self.capacity_bytes: int | None = None
        self.has_power = True
        self._lying_syncs = lying_syncs
        self._unordered_directory = unordered_directory
        self._kept = kept
        self._garbled = garbled
        self._deleted: dict[str, FaultyFile] = {}

    # --- what programs do

    def open(self, name: str) -> FaultyFile:
        """The file of a name, made if there is none."""
        return self.files.setdefault(name, FaultyFile())

    def write(self, file: FaultyFile, offset: int, data: bytes) -> None:
        """Write bytes. Raises PowerIsCut, DiskFails, DiskIsFull."""
        change = Write(offset, data)
        had_power = self.has_power
        try:
            self._step()
        except PowerIsCut:
            if had_power:
                # The write during which the power fails may be torn as any other pending one.
                file.pending.append(change)
            raise
        if self.capacity_bytes is not None:
            growth = max(0, offset + len(data) - len(file.now))
            if self.used_bytes() + growth > self.capacity_bytes:
                raise DiskIsFull
        file.apply(change)

    def resize(self, file: FaultyFile, size: int) -> None:
        """Cut or extend a file. Raises PowerIsCut, DiskFails."""
        self._step()
        file.apply(Resize(size))

    def sync(self, file: FaultyFile) -> None:
        """Make a file durable. Raises PowerIsCut, DiskFails."""
        self._step()
        if self._lying_syncs and self.chance.random() < self._lying_syncs:
            return
        file.sync()
        if not self._unordered_directory:
            self._deleted.clear()

    def delete(self, name: str, *, sync_directory: bool) -> bool:
        """Delete a file; whether there was one. Raises PowerIsCut, DiskFails."""
        self._step()
        file = self.files.pop(name, None)
        if file is not None and not sync_directory:
            self._deleted[name] = file
        elif sync_directory:
            self._deleted.clear()
        return file is not None

    def used_bytes(self) -> int:
        """The sum of all files' lengths."""
        return sum(len(file.now) for file in self.files.values())

    def _step(self) -> None:
        if not self.has_power:
            raise PowerIsCut
        self.operations += 1
        if self.cut_at is not None and self.operations >= self.cut_at:
            self.has_power = False
            raise PowerIsCut
        if self.operations in self.fail_at:
            raise DiskFails

    # --- what happens to it

    def power_cut(self) -> None:
        """Lose power and get it back: leave on the platter what a disk may leave there."""
        for name, file in list(self.files.items()):
            survived = self._survivors(file)
            self.files[name] = FaultyFile(bytearray(survived), survived, [], file.was_synced)
            if not file.was_synced and not survived and self.chance.random() < 0.5:
                del self.files[name]
        for name, file in self._deleted.items():
            if name not in self.files and self.chance.random() < 0.5:
                durable = bytearray(file.durable)
                self.files[name] = FaultyFile(bytearray(durable), durable, [], file.was_synced)
        self._deleted.clear()
        self._power_on()

    def kill(self) -> None:
        """The program is killed and the machine lives: nothing is lost, all of it still pending."""
        self._power_on()

    def rot(self, name: str, bits: int = 1) -> list[int]:
        """Flip drawn bits of a file, on the platter and in what is read; their offsets."""
        file = self.files[name]
        offsets = []
        for _ in range(bits):
            offset = self.chance.randrange(len(file.now))
            bit = 1 << self.chance.randrange(8)
            file.now[offset] ^= bit
            if offset < len(file.durable):
                file.durable[offset] ^= bit
            offsets.append(offset)
        return offsets

    def _power_on(self) -> None:
        self.has_power, self.cut_at = True, None

    def _survivors(self, file: FaultyFile) -> bytearray:
        """The durable bytes and a drawn part of what was pending, sector by sector."""
        survived = bytearray(file.durable)
        pending = list(file.pending)
        if self.chance.random() < 0.5:
            self.chance.shuffle(pending)
        for change in pending:
            if isinstance(change, Resize):
                if self.chance.random() < self._kept:
                    _apply(survived, change)
                continue
            place, end = change.offset, change.offset + len(change.data)
            while place < end:
                size = min(SECTOR_BYTES - place % SECTOR_BYTES, end - place)
                luck = self.chance.random()
                if luck < self._kept:
                    at = place - change.offset
                    _put(survived, place, change.data[at : at + size])
                elif luck < self._kept + self._garbled:
                    _put(survived, place, self.chance.randbytes(size))
                place += size
        return survived


def _put(content: bytearray, offset: int, data: bytes) -> None:
    """Let bytes stand at an offset, with zeroes before it where there is nothing yet."""
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _apply(content: bytearray, change: Write | Resize) -> None:
    if isinstance(change, Write):
        _put(content, change.offset, change.data)
    elif len(content) > change.size:
        del content[change.size :]
    else:
        content.extend(bytes(change.size - len(content)))
