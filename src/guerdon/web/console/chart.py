"""Charts as figures for an SVG: horizontal hairlines, an axis from zero, labels at the marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

_LEFT, _RIGHT, _TOP, _BASE = 46, 752, 22, 212
_BAR: Final = 19
_GAP: Final = 2
_STEPS: Final = (1, 2, 5)
_STITCH: Final = 16
STITCHES: Final = 20


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in the drawing's units."""

    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A hairline with its value."""

    y: int
    value: Decimal


@dataclass(frozen=True, slots=True)
class Bars:
    """Two bars for each month, side by side."""

    ticks: tuple[Tick, ...]
    pairs: tuple[tuple[Bar, Bar], ...]
    """What it is compared with, and the subject."""
    left: int = _LEFT
    right: int = _RIGHT
    base: int = _BASE
    width: int = _BAR


def draw_bars(compared: Sequence[Decimal], subject: Sequence[Decimal]) -> Bars:
    """Lay out two series of figures, which are not negative."""
    greatest = max((*compared, *subject), default=Decimal(0))
    step = _step(greatest)
    count = max(1, int((greatest / step).to_integral_value(ROUND_CEILING)))
    top = step * count
    slot = (_RIGHT - _LEFT) // max(len(subject), 1)
    inset = (slot - 2 * _BAR - _GAP) // 2

    def bar(place: int, second: int, value: Decimal) -> Bar:
        height = int(max(value, Decimal(0)) / top * (_BASE - _TOP))
        # What is there at all is seen.
        height = max(height, 2) if value > 0 else 0
        return Bar(_LEFT + place * slot + inset + second * (_BAR + _GAP), _BASE - height, height)

    pairs = tuple(
        (bar(place, 0, one), bar(place, 1, two))
        for place, (one, two) in enumerate(zip(compared, subject, strict=True))
    )
    ticks = tuple(
        Tick(_BASE - int(Decimal(number) / count * (_BASE - _TOP)), step * number)
        for number in range(count + 1)
    )
    return Bars(ticks, pairs)


def stitches(part: Decimal, whole: Decimal) -> int:
    """Count the stitches that are sewn; the last one only when the whole is reached."""
    if whole <= 0:
        return STITCHES
    return max(0, min(STITCHES, int(part * STITCHES / whole)))


def stitch_length(count: int) -> int:
    """Say how long a seam of so many stitches is, in the drawing's units."""
    return max(0, count * _STITCH - 5)


def _step(greatest: Decimal) -> Decimal:
    """Choose 1, 2 or 5 times a power of ten, so that there are three to five hairlines."""
    power = Decimal(1)
    while True:
        for factor in _STEPS:
            if power * factor * 4 >= greatest:
                return power * factor
        power *= 10
