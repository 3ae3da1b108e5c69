"""What befalls a machine: kills, power cuts, full disks, copies, being shut out or moved, upgrades.

Times are drawn for each machine from its own chance. Holds no people and no network. Invariant: a
machine comes back after whatever befell it, before the weather clears.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from core.log.chain import seal_leaf
from core.log.limits import SEAL_LEAVES_MAX
from core.log.seal import make_seal
from hub.founding import skip_numbers
from replica import logs
from replica.identity import Identity
from replica.logs import held_hashes
from replica.replica import Replica
from simulator.draw import Options
from simulator.world.machine import Machine
from simulator.world.shutting_out import ShuttingOut
from simulator.world.site import certificate_act

DAY_S: Final = 86_400.0
# A machine that is struck by chance is killed after so long, if its program wrote nothing.
STRIKE_S_MAX: Final = 3_600.0
# How likely a copy is made anew before anything happens; so most are some happenings old.
COPY_CHANCE: Final = 0.3
# Under this name a disk keeps the newest copy.
COPY: Final = "copy"

Reborn = Callable[[Machine], Awaitable[None]]
Elsewhere = Callable[[Machine], set[bytes]]


class Fate:
    """The fate of one machine.

    Args:
        options: how often what happens; hubs are killed three times less often than phones.
        reborn: called when the machine is open again, before its program starts.
        renewed: gives a restored hub the identity it goes on with.
        elsewhere: the hashes of all entries that other machines hold.
        photos_elsewhere: the addresses of all photos that other machines hold.
        shutting_out: how the office deals with a phone that is lost.
        upgrade_s: when its program is replaced by a later version, None for never.
        moved: told that the machine now stands elsewhere; None for one that stays.
    """

    def __init__(
        self,
        machine: Machine,
        options: Options,
        chance: Random,
        reborn: Reborn,
        renewed: Callable[[Machine], Identity],
        elsewhere: Elsewhere,
        photos_elsewhere: Elsewhere,
        shutting_out: ShuttingOut,
        upgrade_s: float | None = None,
        moved: Callable[[str], None] | None = None,
    ) -> None:
        self._machine = machine
        self._options = options
        self._chance = chance
        self._reborn = reborn
        self._renewed = renewed
        self._elsewhere = elsewhere
        self._photos_elsewhere = photos_elsewhere
        self._shutting_out = shutting_out
        self._upgrade_s = upgrade_s
        self._moved = moved
        self._copy: Identity | None = None

    async def befall(self, until_s: float) -> None:
        """Let things happen until a time; what happens last is ended."""
        chance, options = self._chance, self._options
        rarely = 1 / 3 if self._machine.is_hub else 1.0
        copies_per_day = options.hub_restores_per_day if self._machine.is_hub else 0.0
        happenings: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (options.kills_per_day * rarely, self._kill),
            (options.power_cuts_per_day * rarely, self._cut_power),
            (options.full_disks_per_day * rarely, self._fill_disk),
            (options.restores_per_day + copies_per_day, self._restore),
            (0.0 if self._machine.is_hub else options.revocations_per_day, self._shut_out),
            (0.0 if self._moved is None else options.hub_moves_per_day, self._move),
        ]
        total_per_day = sum(per_day for per_day, _ in happenings)
        if not total_per_day:
            await self._upgrade()
            return
        weights = [per_day for per_day, _ in happenings]
        loop = asyncio.get_running_loop()
        self._copy = self._take_copy()
        while True:
            wait_s = chance.expovariate(total_per_day / DAY_S)
            next_s = min(loop.time() + wait_s, until_s)
            if self._upgrade_s is not None and self._upgrade_s <= next_s:
                await self._upgrade()
                continue
            if loop.time() + wait_s > until_s:
                return
            await asyncio.sleep(wait_s)
            if chance.random() < COPY_CHANCE:
                self._copy = self._take_copy()
            happening = chance.choices([doing for _, doing in happenings], weights)[0]
            await happening()

    def _take_copy(self) -> Identity:
        """Copy the files, as backups do now and then, and with them the key of that time."""
        self._machine.disk.keep(COPY)
        return self._machine.identity

    async def _come_back(self, *, silent: bool, power_cut: bool = False) -> None:
        machine = self._machine
        await machine.die(silent=silent, power_cut=power_cut)
        await asyncio.sleep(self._chance.choice((2.0, 60.0, 1_800.0, 14_400.0)))
        machine.open()
        await self._reborn(machine)

    async def _upgrade(self) -> None:
        """Start with a later version of the program, once its time has come."""
        if self._upgrade_s is None:
            return
        machine, at_s = self._machine, self._upgrade_s
        self._upgrade_s = None
        await asyncio.sleep(max(0.0, at_s - asyncio.get_running_loop().time()))
        machine.note("upgraded")
        machine.truth.points["a program was replaced by a later one"] += 1
        machine.upgrade()
        await self._come_back(silent=False)

    async def _kill(self) -> None:
        self._machine.note("killed")
        await self._come_back(silent=False)

    async def _cut_power(self) -> None:
        """The power fails within a transaction to come, or, where none comes, after a while."""
        machine = self._machine
        struck = asyncio.get_running_loop().create_future()

        def strike() -> None:
            if not struck.done():
                struck.set_result(None)

        machine.disk.cut_power(self._chance, strike)
        try:
            async with asyncio.timeout(self._chance.uniform(0.0, STRIKE_S_MAX)):
                await struck
        except TimeoutError:
            pass
        inside = struck.done() and not struck.cancelled()
        machine.truth.points["power was cut in a transaction"] += inside
        machine.note("power cut", "in a transaction" if inside else "")
        await self._come_back(silent=True, power_cut=True)

    async def _fill_disk(self) -> None:
        """There is no room; then somebody makes some."""
        machine = self._machine
        machine.note("disk full")
        machine.truth.points["a disk was full"] += 1
        full_s = machine.disk.fill(self._chance)
        if full_s:
            await asyncio.sleep(full_s)
            machine.disk.spare()
            machine.note("disk has room")

    async def _shut_out(self) -> None:
        """The office shuts the phone out; no copy of the time before is put back any more."""
        if await self._shutting_out.befall(self._machine, self._chance, self._reborn):
            self._copy = self._take_copy()

    async def _move(self) -> None:
        """The hub is shut down, carried to another house, and started there."""
        machine = self._machine
        assert self._moved is not None
        machine.note("moved")
        machine.truth.points["a hub moved house"] += 1
        await machine.die(silent=False)
        self._moved(machine.name)
        await asyncio.sleep(self._chance.choice((600.0, 3_600.0, 14_400.0)))
        machine.open()
        await self._reborn(machine)

    async def _restore(self) -> None:
        """Come back from an older copy.

        A hub does what a restore does: it takes a new key before it writes anything. A phone has
        been cloned: it goes on with its key and forks its own logs.
        """
        machine = self._machine
        if self._copy is None:
            return
        identity = self._copy
        machine.note("restored")
        truth = machine.truth
        truth.points["a hub was restored" if machine.is_hub else "a phone was cloned"] += 1
        before = held_hashes(machine.store.db)
        erased, photos = truth.erased_by(before), held_photos(machine)
        await machine.die(silent=True, image=COPY)
        await asyncio.sleep(self._chance.choice((60.0, 3_600.0)))
        machine.become(identity)
        machine.open()
        after = held_hashes(machine.store.db)
        # The act that erased a stream here may be lost itself, and what it erased with it.
        purged = {each.hash for each in truth.saved.values() if erased.covers(each.stream)}
        gone = (before | purged) - after
        for (name, _), counted in truth.counted.items():
            if name == machine.name:
                # Its cuts may be lost too; it will write them anew for what it holds then.
                counted &= after
        truth.missing_since_restore.setdefault(machine.name, set()).update(gone)
        truth.lost_with_a_disk |= (gone & truth.saved.keys()) - self._elsewhere(machine)
        held = held_photos(machine)
        photos -= held
        # Of an erased job it had none any more; the copy may know of no erasing, and have none yet.
        of_erased = {
            address
            for address, photo in truth.photos.items()
            if photo.machine == machine.name and erased.covers(photo.job)
        }
        photos |= of_erased - held
        truth.photos_missing_since_restore.setdefault(machine.name, set()).update(photos)
        truth.photos_lost |= photos - self._photos_elsewhere(machine)
        truth.restored_at_s[machine.name] = asyncio.get_running_loop().time()
        if machine.is_hub:
            identity = self._renewed(machine)
            seal_own_logs(machine.replica)
            _renew_generation(machine.replica, self._chance)
            if self._options.hub_restores_per_day:
                # As the product does; worlds without go on as their seeds always had them.
                skip_numbers(machine.store, identity.own.subject.decode())
            machine.close()
            machine.become(identity)
            machine.open()
            await machine.act(lambda _: certificate_act(identity))
        elif self._chance.random() < 0.5:
            _renew_generation(machine.replica, self._chance)
            machine.close()
            machine.open()
        await self._reborn(machine)


def held_photos(machine: Machine) -> set[bytes]:
    """The addresses of all photos in the book that a machine holds whole."""
    return {each for each in machine.truth.photos if machine.replica.files.holds(each)}


def seal_own_logs(replica: Replica) -> None:
    """Seal all own heads for good, as a key does before it is laid down."""
    db, identity = replica.store.db, replica.identity
    with replica.store.transaction():
        rows = [
            logs.LogRow(*row)
            for row in db.execute(
                "SELECT log, stream, author, branch, base, base_hash, height, head, seal, changed "
                "FROM log WHERE author = ? AND height > base ORDER BY log",
                (identity.author,),
            )
        ]
        number = replica.store.get("mine", 0)
        for at in range(0, len(rows), SEAL_LEAVES_MAX):
            part = rows[at : at + SEAL_LEAVES_MAX]
            leaves = tuple(seal_leaf(row.stream, row.height, row.head) for row in part)
            seal = make_seal(replica.site, identity.author, identity.key, number, leaves)
            kept = logs.keep_seal(db, seal)
            for row in part:
                logs.cover(db, row, kept)


def _renew_generation(replica: Replica, chance: Random) -> None:
    with replica.store.transaction():
        replica.store.put("generation", chance.randbytes(8))
