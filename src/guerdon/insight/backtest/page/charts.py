"""Charts as plain shapes: where each line, bar and word of a picture stands, worked out in exact decimals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final, NamedTuple

from guerdon.insight.backtest.page.wording import grouped, month_name

WIDTH: Final = 352
"""Of every picture, so that its words have one size wherever it stands."""
LEFT: Final = 44
RIGHT: Final = 276
"""Where lines end; their labels stand behind it."""
EDGE: Final = 344
TOP: Final = 16
BOTTOM: Final = 150
HEIGHT: Final = 176
_BAR_STEP: Final = 38
_LINES: Final = 4
_LABEL_GAP: Final = 15
_CHARACTERS: Final = 30
_UNITS: Final = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (1, ""))


class Tick(NamedTuple):
    """A line of the scale, or a word below it."""

    at: Decimal
    text: str


class Bar(NamedTuple):
    """One bar, from the axis."""

    x: Decimal
    y: Decimal
    width: Decimal
    height: Decimal
    is_past: bool
    """Whether it belongs to what is compared with."""
    says: str
    """What a reader who rests on it is told."""


class Line(NamedTuple):
    """One line with the label at its end."""

    path: str
    end_x: Decimal
    end_y: Decimal
    label_y: Decimal
    label: str
    is_past: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture over months."""

    key: str
    """Names it on its page."""
    title: str
    unit: str
    """What the scale counts, such as `thousand points`."""
    says: str
    """One sentence, for those who cannot see it."""
    ticks: tuple[Tick, ...]
    months: tuple[Tick, ...]
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    wash: str = ""
    """The area under the subject's line."""


class Row(NamedTuple):
    """One horizontal bar under its name."""

    name: str
    full_name: str
    figure: str
    text_y: int
    bar_y: int
    width: Decimal
    past_width: Decimal | None
    """Of the bar of what is compared with, if there is one."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One picture of horizontal bars."""

    key: str
    says: str
    height: int
    rows: tuple[Row, ...]


class Series(NamedTuple):
    """Figures by month."""

    months: Sequence[str]
    values: Sequence[Decimal]
    past: Sequence[Decimal] | None = None
    """The same months of what is compared with."""


class Scale(NamedTuple):
    """A scale from zero."""

    top: Decimal
    factor: int
    """What its figures are divided by to be read."""
    word: str
    ticks: tuple[Tick, ...]

    def y(self, value: Decimal) -> Decimal:
        """Say how high a value stands.

        Args:
            value: in what the scale counts; below 0 it stands on the axis.

        Returns:
            Its place from the top of the picture.
        """
        return _tenth(BOTTOM - (BOTTOM - TOP) * max(value, Decimal(0)) / self.top)


def scale_of(values: Sequence[Decimal]) -> Scale:
    """Choose a scale from zero whose lines are round figures.

    Args:
        values: what is to be shown.

    Returns:
        The scale; one up to 1 where all is nothing.
    """
    most = max([*values, Decimal(0)]) or Decimal(1)
    rough = most / _LINES
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(power * of for of in (1, 2, Decimal("2.5"), 5, 10) if power * of >= rough)
    count = int((most / step).to_integral_value(ROUND_CEILING))
    factor, word = next((one for one in _UNITS if step * count >= one[0]), _UNITS[-1])
    top = step * count
    ticks = tuple(
        Tick(_tenth(BOTTOM - (BOTTOM - TOP) * step * place / top), _short(step * place / factor))
        for place in range(count + 1)
    )
    return Scale(top, factor, word, ticks)


def month_bars(key: str, title: str, unit: str, series: Series, scale: Scale) -> Chart:
    """Draw what happened in each month.

    Args:
        key: names the chart on its page.
        title: what is counted.
        unit: in what, such as `points`.
        series: the figures.
        scale: shared by charts that stand together.

    Returns:
        The chart.
    """
    step = Decimal(EDGE - LEFT) / len(series.months)
    wide = min(step * Decimal("0.7"), Decimal(26))
    bars: list[Bar] = []
    for place, month in enumerate(series.months):
        pair = [] if series.past is None else [(series.past[place], True)]
        pair.append((series.values[place], False))
        start = LEFT + step * place + (step - wide) / 2
        for turn, (value, is_past) in enumerate(pair):
            y = scale.y(value)
            says = f"{month_name(month, True)}: {grouped(format(value, 'f'))}"
            width = _tenth(wide / len(pair))
            bars.append(Bar(_tenth(start + width * turn), y, width, BOTTOM - y, is_past, says))
    says = f"{title}: {_course(series)}"
    centers = [LEFT + step * place + step / 2 for place in range(len(series.months))]
    return Chart(
        key, title, _unit(scale, unit), says, scale.ticks, _names(series.months, centers), tuple(bars)
    )


def month_line(key: str, title: str, unit: str, series: Series, names: tuple[str, str]) -> Chart:
    """Draw how something stood at the end of each month.

    Args:
        key: names the chart on its page.
        title: what stands so high.
        unit: in what.
        series: the figures.
        names: the labels of the subject and of what it is compared with.

    Returns:
        The chart.
    """
    scale = scale_of([*series.values, *(series.past or ())])
    gaps = max(len(series.months) - 1, 1)
    xs = [_tenth(LEFT + Decimal(RIGHT - LEFT) * place / gaps) for place in range(len(series.months))]
    if len(xs) == 1:
        xs = [Decimal(RIGHT)]
    ends = [(series.values, names[0], False)]
    if series.past is not None:
        ends.insert(0, (series.past, names[1], True))
    lines = []
    for values, name, is_past in ends:
        points = [f"{x} {scale.y(value)}" for x, value in zip(xs, values, strict=True)]
        end = scale.y(values[-1])
        figure = _short(values[-1] / scale.factor)
        label = f"{figure} {name}".strip()
        lines.append(Line("M" + "L".join(points), xs[-1], end, end + 4, label, is_past))
    if len(lines) == 2:
        lines = _apart(lines)
    wash = f"{lines[-1].path}L{xs[-1]} {BOTTOM}L{xs[0]} {BOTTOM}Z"
    says = f"{title}: {_course(series)}"
    months = _names(series.months, xs)
    return Chart(key, title, _unit(scale, unit), says, scale.ticks, months, (), tuple(lines), wash)


def rows_of(key: str, says: str, items: Sequence[tuple[str, str, Decimal, Decimal | None]]) -> Rows:
    """Draw horizontal bars, one under the other.

    Args:
        key: names the chart on its page.
        says: one sentence for those who cannot see it.
        items: name, figure as text, value, and the value of what it is compared with.

    Returns:
        The picture.
    """
    most = max((one for item in items for one in (item[2], item[3] or Decimal(0))), default=Decimal(1))
    most = most or Decimal(1)
    rows = []
    for place, (name, figure, value, past) in enumerate(items):
        top = place * _BAR_STEP
        short = name if len(name) <= _CHARACTERS else name[: _CHARACTERS - 1] + "…"
        width = _tenth(WIDTH * max(value, Decimal(0)) / most)
        past_width = None if past is None else _tenth(WIDTH * max(past, Decimal(0)) / most)
        rows.append(Row(short, name, figure, top + 13, top + 20, width, past_width))
    return Rows(key, says, max(len(items) * _BAR_STEP, _BAR_STEP), tuple(rows))


def _apart(lines: list[Line]) -> list[Line]:
    past, subject = lines
    gap = subject.label_y - past.label_y
    if abs(gap) >= _LABEL_GAP:
        return lines
    middle = (subject.label_y + past.label_y) / 2
    half = Decimal(_LABEL_GAP) / 2 * (1 if gap > 0 else -1)
    return [past._replace(label_y=_tenth(middle - half)), subject._replace(label_y=_tenth(middle + half))]


def _names(months: Sequence[str], xs: Sequence[Decimal]) -> tuple[Tick, ...]:
    every = -(-len(months) // 6)
    several = months[0][:4] != months[-1][:4]
    return tuple(
        Tick(_tenth(x), month_name(month) + (f" {month[2:4]}" if several else ""))
        for place, (month, x) in enumerate(zip(months, xs, strict=True))
        if place % every == 0
    )


def _course(series: Series) -> str:
    values = series.values
    first, last = month_name(series.months[0], True), month_name(series.months[-1], True)
    if len(values) == 1:
        return f"{grouped(format(values[0], 'f'))} in {first}."
    return (
        f"{grouped(format(values[0], 'f'))} in {first}, {grouped(format(values[-1], 'f'))} in {last},"
        f" most in a month {grouped(format(max(values), 'f'))}."
    )


def _unit(scale: Scale, unit: str) -> str:
    return f"{scale.word} {unit}".strip()


def _short(value: Decimal) -> str:
    """Write a figure of a scale in three digits or so."""
    if not value:
        return "0"
    places = max(0, 2 - value.adjusted())
    text = format(round(value, min(places, 3)), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return grouped(text)


def _tenth(value: Decimal) -> Decimal:
    rounded = value.quantize(Decimal("0.1"))
    return rounded if rounded % 1 else rounded.to_integral_value()
