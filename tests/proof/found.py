"""What a part of a proof found, and what it counted on the way.

Holds no work. Invariant: a proof that says how often something befell it has counted that itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Found:
    """Violations in sentences, and how often what happened (by plural: "power cuts")."""

    violations: list[str]
    happened: Counter[str] = field(default_factory=Counter)
