"""The numbers that each baseline does best with, as `make truth TRUTH=--sweep` found them.

Holds what was found on the tuning seeds and no search. Invariant: each is one of the sweep's.
"""

from __future__ import annotations

from typing import Final

from tests.truth.detectors import Rule, Sieve
from tests.truth.rounds import AnyRule
from tests.truth.stay_points import StayRule

CHOSEN: Final[dict[str, AnyRule]] = {
    "bare radius, best": Rule(50, 0, Sieve(50, made_up_too=False)),
    "radius with dwell, best": Rule(125, 300, Sieve(made_up_too=False)),
    "stay points, best": StayRule(75, 5.0, 60.0, Sieve(50, made_up_too=False)),
}
