"""What a person wants simulated: a size, a scenario, a planted bug, faults with and without.

Knows how to say itself as a command line, so that whatever is found can be done again. Holds no
running of seeds in numbers (see `campaign`). Invariant: the words that it gives mean itself.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from typing import Final

from simulator.draw import HOSTILE_FAULTS, Options
from simulator.scenario.scenario import Scenario
from simulator.trace import Trace
from simulator.world.campaign import Failure, attempt
from simulator.world.drawn import options_of
from simulator.world.run import Report, Size
from simulator.world.sized import size_of

# Options of the command line, each with the field of `Size` that it gives.
SIZE_OPTIONS: Final = (
    ("phones", "phones"),
    ("days", "days"),
    ("entries", "entries_per_phone"),
    ("hostile", "hostile"),
    ("hubs", "hubs"),
    ("dispatchers", "dispatchers_per_hub"),
    ("jobs", "jobs_per_phone"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be simulated; `called` is what the command line calls the scenario by."""

    size: Size = field(default_factory=Size)
    scenario: Scenario | None = None
    called: str = ""
    plant: str = ""
    without: tuple[str, ...] = ()
    having: tuple[str, ...] = ()

    def options_of(self, seed: int) -> Options:
        """The faults of a seed's world."""
        return options_of(seed, without=self.without, having=self.having, scenario=self.scenario)

    def attempt(self, seed: int, trace: Trace | None = None) -> Report | Failure:
        """Run a seed; what it came to."""
        return attempt(seed, self.size, self.plant, self.without, self.having, self.scenario, trace)

    def lacking(self, *faults: str) -> Wanted:
        """The same without some faults more."""
        return replace(self, without=(*self.without, *faults))

    def sized(self, **sizes: int | bool) -> Wanted:
        """The same in another size; see `Size` for the names."""
        return replace(self, size=replace(self.size, **sizes))  # type: ignore[arg-type]

    def usual_size(self) -> Size:
        """The size that it has where the command line says nothing of it."""
        return Size() if self.scenario is None else size_of(self.scenario)

    def words(self) -> str:
        """What stands after the seed on a command line that means this, with a space before."""
        told = [shlex.quote(self.called)] if self.called else []
        usual = self.usual_size()
        for option, name in SIZE_OPTIONS:
            if getattr(self.size, name) != getattr(usual, name):
                told.append(f"--{option} {getattr(self.size, name)}")
        if self.size.upgrades != usual.upgrades:
            told.append("--upgrades" if self.size.upgrades else "--no-upgrades")
        told += [f"--plant {self.plant}"] if self.plant else []
        told += [f"--with {','.join(self.having)}"] if self.having else []
        told += [f"--without {','.join(self.without)}"] if self.without else []
        return "".join(f" {each}" for each in told)

    def contradiction(self) -> str:
        """Why this can't be simulated, as a sentence; '' where it can."""
        websockets = "websockets" in self.having or (
            self.scenario is not None and self.scenario.options.websockets
        )
        if websockets and "websockets" not in self.without and self._hostile_frames():
            return "what TLS carries is whole: websockets and hostile frames do not go together"
        if self.size.hubs < 2 and "hub_moves" in self._given_faults() - set(self.without):
            return "a hub that moves needs another that tells where it went: say --hubs 2"
        return ""

    def may_tear(self) -> bool:
        """Whether some seed's disks may tear, which needs apsw."""
        if "torn_writes" in self.without:
            return False
        draws = self.scenario is None or self.scenario.seeded.drawn
        return draws or "torn_writes" in self._given_faults()

    def _hostile_frames(self) -> bool:
        return bool(HOSTILE_FAULTS & self._given_faults() - set(self.without))

    def _given_faults(self) -> set[str]:
        given = () if self.scenario is None else self.scenario.options.faults()
        return {*given, *self.having}
