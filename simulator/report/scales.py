"""Axes: from which value to which, and where the ticks stand that people like to read.

Holds no drawing. Invariant: whatever the values are (none, all the same, not even numbers), an axis
has a length, and its ticks ascend and lie on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from simulator.report.amounts import exact, number, scale_of

TICKS: Final = 5
LOG_FROM: Final = 30.0
"""From this ratio of largest to smallest on, a scale of decades shows more than an even one."""
DECADES_MAX: Final = 7
SMALLEST: Final = 1e-200
LARGEST: Final = 1e200
"""Amounts beyond these are drawn as these: nothing that is measured is so small or large."""
_NICE: Final = (1.0, 2.0, 5.0, 10.0)
_MIN: Final = 60
_H: Final = 60 * _MIN
_D: Final = 24 * _H
_TIME_STEPS: Final = (
    1, 2, 5, 10, 15, 30, _MIN, 2 * _MIN, 5 * _MIN, 10 * _MIN, 15 * _MIN, 30 * _MIN,
    _H, 2 * _H, 3 * _H, 6 * _H, 12 * _H, _D, 2 * _D, 7 * _D, 14 * _D,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and its words."""

    value: float
    words: str


@dataclass(frozen=True, slots=True)
class Axis:
    """From `least` to `most`; `unit` is that of the ticks' words."""

    least: float
    most: float
    ticks: tuple[Tick, ...]
    unit: str = ""
    log: bool = False

    def part(self, value: float) -> float:
        """Where a value lies, 0 at the beginning and 1 at the end; what lies beyond is held there.

        A value that is not a number raises ValueError.
        """
        if math.isnan(value):
            raise ValueError("not a number, so nowhere on an axis")
        held = min(max(value, self.least), self.most)
        if self.log:
            return math.log(held / self.least) / math.log(self.most / self.least)
        return (held - self.least) / (self.most - self.least)


def even(values: Iterable[float], unit: str = "", *, ticks: int = TICKS) -> Axis:
    """An axis of even steps of 1, 2 or 5, from zero where nothing lies below it."""
    known = [min(max(value, -LARGEST), LARGEST) for value in values if math.isfinite(value)]
    least, most = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    if most - least < SMALLEST:
        most = 1.0
    # Steps are even in the unit that is shown: tens of minutes, where hundreds of seconds are not.
    scale = scale_of(unit, max(-least, most))
    least, most = least / scale.divisor, most / scale.divisor
    step = _step(most - least, ticks)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    steps = [float(f"{at * step:.10g}") for at in range(first, last + 1)]
    marks = [each * scale.divisor for each in steps]
    shown = tuple(Tick(mark, _short(each)) for mark, each in zip(marks, steps, strict=True))
    return Axis(marks[0], marks[-1], shown, scale.unit)


def decades(values: Iterable[float], unit: str = "") -> Axis:
    """An axis on which each step is a multiple of the last; only of positive values.

    Raises ValueError where there is no positive value.
    """
    known = [value for value in values if SMALLEST <= value <= LARGEST]
    if not known:
        raise ValueError("a scale of decades needs a positive value")
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)) - 1e-12)
    if low >= high:
        high = low + 1
    # So few that they stand side by side on a telephone.
    fine = {1: (1.0, 2.0, 5.0), 2: (1.0, 3.0), 3: (1.0, 3.0)}.get(high - low, (1.0,))
    every = -(-(high - low) // DECADES_MAX)
    marks = [by * 10.0**at for at in range(low, high + 1, every) for by in fine]
    least, most = _nearest(min(known), max(known), low, high)
    shown = tuple(Tick(mark, _amount(mark, unit)) for mark in marks if least <= mark <= most)
    return Axis(least, most, shown, "" if unit in ("ms", "s", "B") else unit, log=True)


def fitting(values: Iterable[float], unit: str = "") -> Axis:
    """Decades where the range asks for them and no value stands in the way, else an even axis."""
    known = [value for value in values if math.isfinite(value)]
    if (
        known
        and min(known) >= SMALLEST
        and max(known) <= LARGEST
        and max(known) / min(known) >= LOG_FROM
    ):
        return decades(known, unit)
    return even(known, unit)


def over_time(moments: Iterable[float], *, ticks: int = TICKS) -> Axis:
    """An axis of seconds from the first moment, or 0, to the last, at whole seconds to days."""
    known = [min(max(at, -LARGEST), LARGEST) for at in moments if math.isfinite(at)]
    least, most = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    if most - least < SMALLEST:
        most = least + 1.0
    span = most - least
    fit = (float(step) for step in _TIME_STEPS if span / step <= ticks + 1)
    step = next(fit, 0.0) if span > ticks else 0.0
    step = step or (_step(span, ticks) if span <= ticks else _step(span / _D, ticks) * _D)
    words = _time_words(step, most)
    # A bare 0: its unit would touch the next name on a telephone.
    first, last = math.ceil(least / step - 1e-9), math.floor(most / step + 1e-9)
    marks = [at * step for at in range(first, last + 1)]
    return Axis(least, most, tuple(Tick(mark, words(mark) if mark else "0") for mark in marks))


def _nearest(smallest: float, largest: float, low: int, high: int) -> tuple[float, float]:
    """Ends of an axis of decades: the next of 1, 2 and 5 outside of the values."""
    marks = [by * 10.0**at for at in range(low - 1, high + 1) for by in (1.0, 2.0, 5.0)]
    least = max(mark for mark in marks if mark <= smallest)
    most = min((mark for mark in marks if mark >= largest), default=10.0**high)
    return (least, most) if most / least >= 10 else (10.0**low, 10.0**high)


def _step(span: float, ticks: int) -> float:
    """The step of 1, 2 or 5 that makes about so many ticks of a span."""
    rough = span / ticks
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next((nice for nice in _NICE if nice * power >= rough * 0.999), _NICE[-1])


def _short(value: float) -> str:
    """A tick's number: `25,000`, `2.5 M`, without the noise of its sum."""
    if abs(value) >= 1e9:
        return f"{number(value / 1e9)} G"
    return f"{number(value / 1e6)} M" if abs(value) >= 1e6 else number(value)


def _amount(value: float, unit: str) -> str:
    """A decade's tick, each in the unit that suits it: `500 ms` and `2 s` on one axis."""
    if unit == "ms":
        return exact(value / 1_000, "s") if value >= 1_000 else exact(float(f"{value:.6g}"), "ms")
    if unit in ("s", "B"):
        scale = scale_of(unit, value)
        return exact(float(f"{value / scale.divisor:.6g}"), scale.unit)
    return _short(value)


def _time_words(step: float, most: float) -> Callable[[float], str]:
    """How moments of an axis read, by its step: `30 s`, `1:30`, `10 min`, `6 h`, `2 d`."""
    if step < _MIN:
        if most <= 2 * _MIN:
            return lambda at: exact(float(f"{at:.6g}"), "s")
        return lambda at: f"{int(at) // 60}:{int(at) % 60:02}"
    if step < _H:
        return lambda at: exact(at / _MIN, "min")
    if step < _D:
        return lambda at: exact(at / _H, "h")
    return lambda at: exact(at / _D, "d")
