"""One run of the seeded world: some days of weather, then calm, then the last word of the checkers.

Builds the site, lets people, networks and fates act, asks the checkers on the way, heals, and waits
until all agree. Invariant: the outcome follows from the seed and the options alone.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from core.dispatch import acts
from replica.generation import former_authors
from replica.identity import Identity
from replica.logs import held_hashes
from simulator import checkers
from simulator.checkers import Violation
from simulator.device_clock import EPOCH_MS, DeviceClock, TrueClock
from simulator.draw import Options, chance_for, entropy_for
from simulator.hostile.forging import Forger
from simulator.hostile.phone import HostilePhone
from simulator.trace import Trace
from simulator.virtual_loop import Outcome, VirtualLoop
from simulator.virtual_loop import run as run_loop
from simulator.weather import Weather
from simulator.world.absence import be_away
from simulator.world.colleagues import Colleague
from simulator.world.disk import Disk, PlainDisk
from simulator.world.drawn import options_of
from simulator.world.fate import Fate, held_photos
from simulator.world.forgetting import Clerk, LateDays
from simulator.world.founding import found
from simulator.world.happenings import happenings
from simulator.world.machine import Machine, Part
from simulator.world.moving import Houses
from simulator.world.narrow import narrowed
from simulator.world.office import Dispatcher
from simulator.world.photos import Photographer
from simulator.world.points import watching
from simulator.world.recurring import Planner, make_once, make_recurring
from simulator.world.remembered import signatures_remembered
from simulator.world.shutting_out import ShuttingOut
from simulator.world.site import HUB_LETTERS, Site, found_site, make_hub
from simulator.world.talk import Frames, HubMeeting, Roaming
from simulator.world.truth import Truth
from simulator.world.upkeep import forget_for_good, look_after_store
from simulator.world.websockets import WebSockets
from simulator.world.worker import Worker

DAY_S: Final = 86_400.0
LOOK_EVERY_S: Final = 6 * 3_600.0
# After the weather has cleared all must agree within this time; a lost link is retried after
# at most two minutes and hubs meet every minute, so an hour is some thirty tries.
HEAL_S_MAX: Final = 3_600.0
# Phones meet one hub and then the other; or the only one again, which has made jobs meanwhile.
TURNS: Final = 2


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is, and whether all programs are replaced by later ones on the way.

    `hubs` is 1 or 2; `jobs_per_phone` are those that each worker has from the first moment on.
    """

    phones: int = 8
    days: int = 3
    entries_per_phone: int = 100
    dispatchers_per_hub: int = 2
    hostile: int = 0
    upgrades: bool = False
    hubs: int = 2
    jobs_per_phone: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to. `state` is the hash of all states of all machines at its end."""

    seed: int
    options: Options
    digest: str
    state: str
    entries: int
    phone_entries_min: int
    device_days: int
    steps: int
    count_by_event: dict[str, int]
    points: dict[str, int]


class World:
    """Everything in one run.

    Args:
        loop: the virtual loop.
        seed, options, size: what is drawn from.
        folder: where the machines keep their files.
    """

    def __init__(
        self, loop: VirtualLoop, seed: int, options: Options, size: Size, folder: Path
    ) -> None:
        self.loop = loop
        self.seed = seed
        self.options = options
        self.size = size
        self.truth = Truth()
        self.true_clock = TrueClock(loop.time)
        self.weather = Weather(loop, chance_for(seed, "weather"), options, loop.trace)
        self.failure: asyncio.Future[None] = loop.create_future()
        self.site: Site = found_site(seed, size.phones, size.hostile, size.hubs)
        names = [f"hub {letter}" for letter in HUB_LETTERS[: size.hubs]]
        self.houses = Houses()
        self.ways = self._ways()
        self.hubs = [
            self._machine(name, identity, folder)
            for name, identity in zip(names, self.site.hubs, strict=True)
        ]
        self.phones = [
            self._machine(f"phone {number}", identity, folder)
            for number, identity in enumerate(self.site.phones, 1)
        ]
        self.hostile = [
            self._hostile_phone(number, identity, names)
            for number, identity in enumerate(self.site.hostile, 1)
        ]
        self.worker_by_name = {phone.name: phone.worker for phone in self.phones}
        self.worker_by_name |= {phone.name: phone.forger.worker for phone in self.hostile}
        self._renewals = entropy_for(seed, "renewals")
        self.roaming = {
            phone.name: Roaming(
                phone, names, chance_for(seed, phone.name, "roaming"), self.ways, self.houses
            )
            for phone in self.phones
        }
        self.serving = {hub.name: self.ways.serving(hub, self._sent) for hub in self.hubs}
        self._shutting_out = ShuttingOut(self.hubs, entropy_for(seed, "joining again"))
        self.meetings = self._meetings()
        self._chances: dict[tuple[str, str], Random] = {}
        self.workers: list[Worker[Machine]] = []
        self.dispatchers: list[Dispatcher] = []

    def _meetings(self) -> dict[str, HubMeeting]:
        """Which hub dials the other; one that moves has to say so itself."""
        if len(self.hubs) < 2:
            return {}
        one, other = self.hubs
        dialling = [(other, one, chance_for(self.seed, "meeting"))]
        if self.options.hub_moves_per_day:
            dialling.append((one, other, chance_for(self.seed, "meeting back")))
        return {
            hub.name: HubMeeting(hub, peer.name, chance, self.ways, self.houses)
            for hub, peer, chance in dialling
        }

    def _ways(self) -> Frames | WebSockets:
        if not self.options.websockets:
            return Frames(self.weather)
        hostile = [_hostile_name(number) for number in range(1, len(self.site.hostile) + 1)]
        revocations = bool(self.options.revocations_per_day)
        return WebSockets(self.loop, self.weather, hostile, self._failed, revocations=revocations)

    def _machine(self, name: str, identity: Identity, folder: Path) -> Machine:
        chance = chance_for(self.seed, name, "clock")
        options, is_hub = self.options, name.startswith("hub")
        offset_ms = 0
        if not is_hub and options.clock_offset_ms_max:
            offset_ms = chance.randint(-options.clock_offset_ms_max, options.clock_offset_ms_max)
        drift_ppm = chance.uniform(-options.clock_drift_ppm_max, options.clock_drift_ppm_max)
        clock = DeviceClock(self.true_clock, offset_ms=offset_ms, drift_ppm=drift_ppm)
        return Machine(
            name,
            identity,
            self._disk(name, folder),
            clock,
            chance_for(self.seed, name, "machine"),
            self.weather,
            self.truth,
            self._failed,
        )

    def _disk(self, name: str, folder: Path) -> Disk:
        options, chance = self.options, chance_for(self.seed, name, "disk")
        if name.startswith("hub") or chance.random() >= options.torn_disks:
            return PlainDisk(folder / name.replace(" ", "-"))
        # Only here, since only tests install apsw.
        from simulator.world.torn_disk import TornDisk

        return TornDisk(
            chance,
            unordered_directory=chance.random() < 0.5,
            fills=bool(options.full_disks_per_day),
        )

    def _hostile_phone(self, number: int, identity: Identity, hubs: list[str]) -> HostilePhone:
        name = _hostile_name(number)
        chance = chance_for(self.seed, name)

        def told(changes: Iterable[acts.Change]) -> None:
            self.truth.will_write(changes, identity.own.subject)

        def now_ms() -> int:
            return EPOCH_MS + int(self.loop.time() * 1_000)

        return HostilePhone(
            name,
            Forger(identity, chance, now_ms, told),
            self.ways.dial,
            hubs,
            found_site(self.seed + 1, 1).hubs[0].site,
            chance,
            self.truth.points,
        )

    @property
    def machines(self) -> list[Machine]:
        """Hubs, then phones."""
        return [*self.hubs, *self.phones]

    # --- what is told to it

    def _failed(self, name: str, error: BaseException) -> None:
        if not self.failure.done():
            leaf = _first_leaf(error)
            if not isinstance(leaf, Violation):
                violation = Violation("crash", f"{name}: {type(leaf).__name__}: {leaf}")
                violation.__cause__ = leaf
                leaf = violation
            self.failure.set_exception(leaf)

    def _sent(self, peer: str, stream: bytes) -> None:
        """A machine sends a run; a phone is the peer, or the other hub."""
        worker = self.worker_by_name.get(peer)
        if worker is not None and not self.truth.may_hold(worker, stream):
            self._failed(peer, checkers.leak(peer, stream))

    # --- its days

    async def live(self) -> None:
        """Days of weather, then healing, with the checkers on the way."""
        await found(self)
        until_s = self.size.days * DAY_S
        async with asyncio.TaskGroup() as group:
            fates = [
                group.create_task(fate.befall(until_s), name=f"{name} fate")
                for name, fate in self._fates().items()
            ]
            passing = [
                group.create_task(part, name=name) for name, part in happenings(self, until_s)
            ]
            for machine in self.machines:
                machine.start(self._parts(machine))
            watch = group.create_task(self._watch(), name="watch")
            # They go on while the others heal: no calm is needed to get on beside them.
            attacks = [group.create_task(each.attack(), name=each.name) for each in self.hostile]
            await self._look(until_s)
            if fates:
                await asyncio.wait(fates)
            for task in passing:
                task.cancel()
            await self._top_up()
            if self.options.absence_days:
                chance = chance_for(self.seed, "absence")
                worker = chance.choice(self.workers)
                await be_away(self.options.absence_days, worker, self.dispatchers, chance)
            await self._heal()
            for attack in attacks:
                attack.cancel()
            watch.cancel()
        checkers.at_end(self)

    async def _watch(self) -> None:
        await self.failure

    def _fates(self) -> dict[str, Fate]:
        return {
            machine.name: Fate(
                machine,
                self.options,
                chance_for(self.seed, machine.name, "fate"),
                self._reborn,
                self._renewed,
                self._elsewhere,
                self._photos_elsewhere,
                self._shutting_out,
                self._upgrade_s(machine.name),
                self.houses.move if machine is self.hubs[0] else None,
            )
            for machine in self.machines
        }

    def _upgrade_s(self, name: str) -> float | None:
        """When a machine's program is replaced; hubs and phones in any order, within the days."""
        if not self.size.upgrades:
            return None
        return chance_for(self.seed, name, "upgrade").uniform(0.05, 0.9) * self.size.days * DAY_S

    def _parts(self, machine: Machine) -> list[Part]:
        """What a machine's program and its people do while the weather lasts."""
        return [
            *self._usual_parts(machine),
            *self._upkeep(machine),
            *self._parts_that_forget(machine),
            *self._parts_with_photos(machine),
            *self._parts_that_recur(machine),
            *self._parts_with_colleagues(machine),
        ]

    def _chance_of(self, machine: Machine, purpose: str) -> Random:
        """A person who comes back to a screen draws on; only the program begins anew."""
        named = (machine.name, purpose)
        return self._chances.setdefault(named, chance_for(self.seed, *named))

    def _upkeep(self, machine: Machine) -> list[Part]:
        """Where nothing is erased and no ballast lies, there is nothing to look after."""
        if not self.options.erasures_per_day and machine.ballast is None:
            return []
        return [partial(look_after_store, machine, partial(checkers.before_upkeep, self))]

    def _parts_that_forget(self, machine: Machine) -> list[Part]:
        per_day = self.options.erasures_per_day
        if not per_day:
            return []
        chance = self._chance_of(machine, "forgetting")
        part = (
            Clerk(machine, per_day / len(self.hubs), chance).erase
            if machine.is_hub
            else LateDays(machine, per_day / len(self.phones), chance).write_down
        )
        return [part]

    def _parts_with_photos(self, machine: Machine) -> list[Part]:
        per_day = self.options.photos_per_day
        if machine.is_hub or not per_day:
            return []
        return [Photographer(machine, per_day, self._chance_of(machine, "photos")).take]

    def _parts_that_recur(self, machine: Machine) -> list[Part]:
        per_day = self.options.recurrences_per_day
        if not machine.is_hub or not per_day:
            return []
        chance = self._chance_of(machine, "recurring")
        planner = Planner(machine, self.site.workers, per_day / len(self.hubs), chance)
        return [planner.plan, partial(make_recurring, machine)]

    def _parts_with_colleagues(self, machine: Machine) -> list[Part]:
        per_day = self.options.colleagues_per_day
        others = [phone for phone in self.phones if phone is not machine]
        if machine.is_hub or not per_day or not others:
            return []
        chance = self._chance_of(machine, "colleagues")
        colleague = Colleague(machine, others, per_day, chance, self._sent)
        return [colleague.listen, colleague.meet]

    def _usual_parts(self, machine: Machine) -> list[Part]:
        if machine.is_hub:
            parts: list[Part] = [self.serving[machine.name].serve]
            parts += [who.dispatch for who in self.dispatchers if who.hub is machine]
            if machine.name in self.meetings:
                parts.append(self.meetings[machine.name].meet)
            if self.options.hub_moves_per_day:
                parts.append(partial(self.houses.tell, machine))
            return parts
        roaming = self.roaming[machine.name]
        person = next(worker for worker in self.workers if worker.phone is machine)
        return [roaming.sync, roaming.roam, person.work]

    # --- fates

    async def _reborn(self, machine: Machine) -> None:
        """A machine is open again: what it had promised must be there."""
        checkers.at_reopening(self, machine)
        machine.start(self._parts(machine))

    def _renewed(self, hub: Machine) -> Identity:
        return make_hub(self.site.key, hub.identity.own.subject.decode(), self._renewals)

    def _elsewhere(self, machine: Machine) -> set[bytes]:
        return {
            entry_hash
            for other in self.machines
            if other is not machine and other.up
            for entry_hash in held_hashes(other.store.db)
        }

    def _photos_elsewhere(self, machine: Machine) -> set[bytes]:
        others = [other for other in self.machines if other is not machine and other.up]
        return set[bytes]().union(*map(held_photos, others))

    # --- checking on the way, and the end

    async def _look(self, until_s: float) -> None:
        while self.loop.time() + LOOK_EVERY_S < until_s:
            await asyncio.sleep(LOOK_EVERY_S)
            checkers.on_the_way(self)
        await asyncio.sleep(until_s - self.loop.time())

    async def _top_up(self) -> None:
        """Everybody is up again; who wrote less than the seed's measure writes some more."""
        for machine in self.machines:
            await machine.stop()
            if not machine.up:
                machine.open()
                checkers.at_reopening(self, machine)
            machine.disk.spare()
        for worker in self.workers:
            while _own_entries(worker.phone) < self.size.entries_per_phone:
                await worker.step()

    async def _heal(self) -> None:
        """The weather clears: in calm, each phone meets one hub and then the other."""
        self.weather.clear()
        for meeting in self.meetings.values():
            meeting.pause_s, meeting.stay_s = (30.0, 60.0), (300.0, 600.0)
        for hub in self.hubs:
            parts: list[Part] = [self.serving[hub.name].serve]
            if hub.name in self.meetings:
                parts.append(self.meetings[hub.name].meet)
            if self.options.hub_moves_per_day:
                parts.append(partial(self.houses.tell, hub))
            hub.start(parts)
        for each in self.hostile:
            each.wake()
        for turn in range(TURNS):
            for number, phone in enumerate(self.phones):
                await phone.stop()
                roaming = self.roaming[phone.name]
                roaming.go_to(self.hubs[(number + turn) % len(self.hubs)].name)
                phone.start([roaming.sync])
            deadline_s = self.loop.time() + HEAL_S_MAX
            while differing := checkers.differing(self):
                if self.loop.time() > deadline_s:
                    raise Violation("liveness", "; ".join(differing[:5]))
                await asyncio.sleep(60.0)
            if turn == 0 and self.options.recurrences_per_day:
                for hub in self.hubs:
                    await make_once(hub)
            # A photo that does not come is named by its checker, once others have had their say.
            while not checkers.photos_are_on_hubs(self):
                if self.loop.time() > deadline_s:
                    break
                await asyncio.sleep(60.0)
        for machine in self.machines:
            await machine.stop()
            if self.options.erasures_per_day:
                checkers.before_upkeep(self, machine)
                await forget_for_good(machine)


def _hostile_name(number: int) -> str:
    return f"hostile phone {number}"


def _own_entries(machine: Machine) -> int:
    """How many entries a machine holds that it wrote, under whatever key."""
    authors = [machine.replica.author, *former_authors(machine.store)]
    (count,) = machine.store.db.execute(
        "SELECT coalesce(sum(height - base), 0) FROM log "
        f"WHERE author IN ({', '.join('?' * len(authors))})",
        authors,
    ).fetchone()
    return int(count)


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


# --- runs


def run_seed(
    seed: int,
    *,
    size: Size | None = None,
    options: Options | None = None,
    trace: Trace | None = None,
    parent: Path | None = None,
) -> Report:
    """Run a seed's world to its end; its disks are laid in `parent`, or in memory.

    Raises:
        Violation: a checker found something; its notes hold the seed and the options.
    """
    size = size or Size()
    options = options_of(seed) if options is None else options
    # An earlier world is in nobody's hands any more, and the loop sets aside what it finds.
    gc.collect()
    worlds: list[World] = []
    limits = narrowed(chance_for(seed, "limits"))
    with memory_folder(parent) as folder, watching() as seen, limits, signatures_remembered():

        async def main(loop: VirtualLoop) -> World:
            world = World(loop, seed, options, size, folder)
            worlds.append(world)
            await world.live()
            return world

        try:
            outcome = run_loop(main, seed, trace=trace)
            world = outcome.value
            world.truth.points.update(seen)
            return _report(world, outcome)
        except BaseExceptionGroup as errors:
            raise _violation_in(errors) from errors
        finally:
            for world in worlds:
                for machine in world.machines:
                    machine.close()
                    machine.disk.close()
            worlds.clear()


def _violation_in(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The violation of a group, or, where there is none, the first error."""
    found = errors.split(Violation)[0]
    return _first_leaf(errors if found is None else found)


@contextmanager
def memory_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder for the length of a block, in `parent`, or on a disk of memory if there is one.

    Simulated machines write so much that flash would be worn by it.
    """
    memory = Path("/dev/shm")
    parent = memory if parent is None and memory.is_dir() else parent
    with TemporaryDirectory(prefix="fieldlog-", dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _report(world: World, outcome: Outcome[World]) -> Report:
    state = blake2b(digest_size=16)
    entries = 0
    for machine in world.machines:
        streams = machine.store.db.execute("SELECT stream, leaf FROM stream ORDER BY stream")
        for stream, leaf in streams.fetchall():
            state.update(stream + leaf + machine.replica.state(stream).fingerprint())
        entries += _own_entries(machine)
    return Report(
        world.seed,
        world.options,
        outcome.digest,
        state.hexdigest(),
        entries,
        min(_own_entries(phone) for phone in world.phones),
        world.size.phones * world.size.days,
        outcome.steps,
        dict(sorted(world.loop.trace.count_by_kind.items())),
        dict(sorted(world.truth.points.items())),
    )
