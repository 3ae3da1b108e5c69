"""Records as no run would write them: any text, any number, any length. Holds no test.

Invariant: every record is one that its JSON can say.
"""

from __future__ import annotations

from hypothesis import strategies as st

from simulator.report.record import (
    CutOff,
    Figure,
    Finding,
    Latency,
    Record,
    SeedOutcome,
    Series,
)

TEXTS = st.text(max_size=12)
ANY_NUMBERS = st.floats() | st.integers(-(2**63), 2**63)
NUMBERS = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)
COUNTS = st.integers(0, 2**40)
SETTINGS = st.dictionaries(
    TEXTS,
    st.recursive(
        st.none() | st.booleans() | COUNTS | TEXTS,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
        max_leaves=4,
    ),
    max_size=4,
)
UNITS = st.sampled_from(("", "ms", "s", "B", "MB", "B/s", "entries/s", "phones")) | TEXTS


def several(of: st.SearchStrategy, most: int = 3) -> st.SearchStrategy:
    """A tuple of some."""
    return st.lists(of, max_size=most).map(tuple)


@st.composite
def series(draw: st.DrawFn, numbers: st.SearchStrategy = NUMBERS) -> Series:
    """A series whose moments and values are as many."""
    pairs = draw(st.lists(st.tuples(numbers, numbers), max_size=6))
    at_s, values = zip(*pairs, strict=True) if pairs else ((), ())
    return Series(draw(TEXTS), draw(UNITS), at_s, values)


def records(numbers: st.SearchStrategy = NUMBERS) -> st.SearchStrategy[Record]:
    """Any record, with numbers of a kind."""
    return st.builds(
        Record,
        kind=st.sampled_from(("live", "seeded")) | TEXTS,
        scenario=SETTINGS,
        began=TEXTS,
        took_s=numbers,
        command=TEXTS,
        target=TEXTS,
        machine=SETTINGS,
        versions=st.dictionaries(TEXTS, TEXTS, max_size=2),
        findings=several(
            st.builds(Finding, st.sampled_from(("failed", "warned")) | TEXTS, TEXTS, TEXTS)
        ),
        figures=several(st.builds(Figure, TEXTS, numbers, UNITS, TEXTS, st.none() | st.booleans())),
        series=several(series(numbers)),
        latencies=several(
            st.builds(
                Latency,
                TEXTS,
                COUNTS,
                numbers,
                numbers,
                numbers,
                numbers,
                several(st.tuples(numbers, COUNTS)),
            ),
        ),
        counts=st.dictionaries(TEXTS, COUNTS, max_size=3),
        conflicts=st.dictionaries(TEXTS, COUNTS, max_size=3),
        truth=st.dictionaries(TEXTS, numbers, max_size=3),
        cut_off=several(
            st.builds(
                CutOff,
                st.integers(-900_000_000, 900_000_000),
                st.integers(-1_800_000_000, 1_800_000_000),
                COUNTS,
            )
        ),
        seeds=several(
            st.builds(
                SeedOutcome, COUNTS, TEXTS, COUNTS, COUNTS, several(TEXTS), TEXTS, TEXTS, TEXTS
            )
        ),
    )
