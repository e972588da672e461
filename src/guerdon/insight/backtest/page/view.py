"""What the report page shows, laid out from report.json alone: the page can say nothing that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from guerdon.insight.backtest.page.charts import (
    Chart,
    Rows,
    Series,
    month_bars,
    month_line,
    rows_of,
    scale_of,
)
from guerdon.insight.backtest.page.wording import (
    Report,
    compared_headline,
    counted,
    grouped,
    headline,
    instant_name,
    money,
    month_name,
    signed,
    unit_price,
)

BARS_AT_MOST: Final = 12
FLOWS: Final = ("issued", "spent", "expired")
_BOOK: Final = (("Issued", "issued", "+"), ("Spent", "spent", "−"), ("Expired", "expired", "−"))
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class TableView:
    """A table: the figures behind a picture."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    words: int = 1
    """How many of its first columns are words and no figures."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page: a sentence, pictures, figures."""

    key: str
    title: str
    says: str
    charts: tuple[Chart, ...] = ()
    rows: Rows | None = None
    is_half: bool = False
    """Whether two of its kind stand side by side where there is room."""
    book: tuple[tuple[str, str], ...] = ()
    """Names and figures of a sum; the last of them is its result."""
    table: TableView | None = None
    shown: tuple[TableView, ...] = ()
    """Tables that stand open."""


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole page."""

    program: str
    title: str
    headline: str
    facts: str
    notes: tuple[str, ...]
    sections: tuple[Section, ...]


def page_view(
    report: Report, second: Report | None = None, names: Sequence[str] = ("first", "second")
) -> PageView:
    """Lay out the page of a backtest.

    Args:
        report: as report.json has it; with `comparison` where there are two.
        second: that of the second definition.
        names: what the two definitions are called.

    Returns:
        The page.
    """
    two = _Two(report, second, (names[0], names[-1]))
    said = headline(report)
    if second is not None:
        said = compared_headline(report, second, report["comparison"])
    sections = [*two.changes(), *two.wallets(), *two.ladders(), *two.campaigns()]
    return PageView(
        program=report["program"],
        title=f"Backtest of {report['program']}",
        headline=said,
        facts=two.facts(),
        notes=tuple(two.notes()),
        sections=tuple(sections),
    )


class _Two:
    """One report, or two of which the second is the subject and the first what it is compared with."""

    def __init__(self, report: Report, second: Report | None, names: tuple[str, str]) -> None:
        self.first = report
        self.second = second
        self.subject = second if second is not None else report
        self.names = names

    def money(self, text: str) -> str:
        return money(text, self.subject["currency"])

    def facts(self) -> str:
        one = self.first
        said = f"To {instant_name(one['until'])}, decided by the code that runs live."
        if self.second is None:
            return said
        words = [counted(one["orders"], "order"), counted(one["accounts"], "account")]
        return f"{words[0]} of {words[1]}, {money(one['revenue'], one['currency'])}. {said}"

    def notes(self) -> Iterator[str]:
        one = self.first
        if self.second is not None:
            yield f"First: {self.names[0]}, grey. Second: {self.names[1]}."
        if one["rejected"]:
            yield f"{counted(one['rejected'], 'line')} could not be read; rejects.ndjson says why."
        if one["duplicates"]:
            yield f"{counted(one['duplicates'], 'event')} came twice and counted once."
        if one["after_until"]:
            yield f"{counted(one['after_until'], 'event')} came after the end and was left out."

    def wallets(self) -> Iterator[Section]:
        for key, wallet in self.subject["wallets"].items():
            past = self.first["wallets"].get(key) if self.second is not None else None
            months = sorted({*wallet["by_month"], *(past["by_month"] if past is not None else ())})
            if months:
                yield self._wallet(key, wallet, past, _every_month(months))
            else:
                yield Section(f"wallet-{key}", _titled(key), f"No {key} were issued, spent or expired.")

    def _wallet(self, key: str, wallet: Report, past: Report | None, months: list[str]) -> Section:
        series = {name: _series(wallet, past, months, name) for name in (*FLOWS, "outstanding")}
        flows = [value for name in FLOWS for value in (*series[name].values, *(series[name].past or ()))]
        scale = scale_of(flows)
        charts = [
            month_bars(f"{key}-{name}", f"{_titled(name)} by month", key, series[name], scale)
            for name in FLOWS
        ]
        ends = ("second", "first") if past is not None else ("", "")
        charts.append(
            month_line(f"{key}-outstanding", "Outstanding at month’s end", key, series["outstanding"], ends)
        )
        if "cost" in wallet:
            owed = _series(wallet, past, months, "liability")
            unit = self.subject["currency"]
            title = f"Liability, at {unit_price(wallet['cost'], unit)} each"
            charts.append(month_line(f"{key}-liability", title, unit, owed, ends))
        says = f"{self._left(key, wallet)} outstanding at the end."
        if past is not None:
            says = f"Under the second definition {says[:-1]}; under the first {self._left('', past)}."
        return Section(
            key=f"wallet-{key}",
            title=_titled(key),
            says=says,
            charts=tuple(charts),
            book=self._book(wallet),
            table=self._months(key, wallet, past, months),
        )

    def _left(self, key: str, wallet: Report) -> str:
        cost = f", a liability of {self.money(wallet['liability'])}," if "cost" in wallet else ""
        words = f"{grouped(wallet['outstanding'])} {key}".strip() + cost
        return f"{words} are" if key else words.rstrip(",")

    def _book(self, wallet: Report) -> tuple[tuple[str, str], ...]:
        rows = [
            (word, f"{sign if Decimal(wallet[name]) else ''}{grouped(wallet[name])}")
            for word, name, sign in _BOOK
        ]
        if "adjusted" in wallet:
            rows.append(("Adjusted and transferred", signed(wallet["adjusted"])))
        return (*rows, ("Outstanding", grouped(wallet["outstanding"])))

    def _months(self, key: str, wallet: Report, past: Report | None, months: list[str]) -> TableView:
        names = [*FLOWS, "outstanding", *(("liability",) if "cost" in wallet else ())]
        sides = [wallet] if past is None else [past, wallet]
        labels = [""] if past is None else ["first ", "second "]
        columns = [f"{label}{name}" for name in names for label in labels]
        rows = []
        for month in months:
            cells = [self._cell(side, month, name) for name in names for side in sides]
            rows.append((month_name(month, True), *cells))
        total = [self._shown(side.get(name, "0"), name) for name in names for side in sides]
        return TableView(
            f"{_titled(key)} by month", ("Month", *map(_titled, columns)), tuple(rows), ("All", *total)
        )

    def _cell(self, side: Report, month: str, name: str) -> str:
        return self._shown(_at(side, month, name), name)

    def _shown(self, text: str, name: str) -> str:
        return self.money(text) if name == "liability" else grouped(text)

    def ladders(self) -> Iterator[Section]:
        for key, ladder in self.subject["ladders"].items():
            past = self.first["ladders"].get(key) if self.second is not None else None
            population, reached = ladder["population"], ladder["reached"]
            items = []
            for tier, count in population.items():
                before = Decimal(past["population"].get(tier, 0)) if past is not None else None
                items.append((_titled(tier), grouped(count), Decimal(count), before))
            top = list(population)[-1]
            says = f"{counted(population[top], 'account')} {_are(population[top])} in {top} at the end"
            yield Section(
                key=f"ladder-{key}",
                title=f"Tiers of {key}",
                says=f"{says}, and {grouped(reached.get(top, 0))} ever reached it.{self._moved(key)}",
                rows=rows_of(f"tiers-{key}", f"Accounts in each tier of {key} at the end.", items),
                table=_tier_table(key, ladder, past),
                is_half=True,
            )

    def _moved(self, ladder: str) -> str:
        if self.second is None:
            return ""
        moved = self.first["comparison"]["ladders"].get(ladder)
        if moved is None:
            return ""
        up, down = counted(moved["higher"], "account"), grouped(moved["lower"])
        return f" {up} {'ends' if moved['higher'] == 1 else 'end'} higher than under the first, {down} lower."

    def campaigns(self) -> Iterator[Section]:
        campaigns = self.subject["campaigns"]
        past = self.first["campaigns"] if self.second is not None else None
        names = list(dict.fromkeys([*campaigns, *(past or ())]))
        if not names:
            return
        ranked = sorted(names, key=lambda name: (-_weight(campaigns.get(name, {})), name))
        is_priced = any("cost" in campaigns.get(name, {}) for name in names)
        items = []
        for name in ranked[:BARS_AT_MOST]:
            one = campaigns.get(name, {})
            before = None if past is None else _weight(past.get(name, {}), is_priced)
            items.append((name, self._campaign_figure(one, is_priced), _weight(one, is_priced), before))
        more = f" The {BARS_AT_MOST} greatest are drawn." if len(names) > BARS_AT_MOST else ""
        kind = "What each campaign costs" if is_priced else "What each campaign gives"
        idle = sum(1 for name in campaigns if not campaigns[name]["fired"])
        fired = f"{len(campaigns) - idle} of {counted(len(campaigns), 'campaign')} did something.{more}"
        if is_priced:
            fired += (
                " Units cost when they are awarded, so what they buy costs nothing here;"
                " what a multiplier adds stands with the campaign that it multiplies."
            )
        yield Section(
            key="campaigns",
            title=kind,
            says=fired,
            rows=rows_of("campaign-bars", f"{kind}, the greatest first.", items),
            table=self._campaign_table(ranked, campaigns, past),
            is_half=True,
        )

    def _campaign_figure(self, one: Report, is_priced: bool) -> str:
        if is_priced and "cost" in one:
            return self.money(one["cost"])
        return _awarded(one) or f"{grouped(one.get('fired', 0))} times"

    def _campaign_table(self, names: list[str], campaigns: Report, past: Report | None) -> TableView:
        rows = []
        for name in names:
            one = campaigns.get(name, {})
            fired = [grouped(side.get(name, {}).get("fired", 0)) for side in _sides(campaigns, past)]
            cost = [
                self.money(side[name]["cost"]) if "cost" in side.get(name, {}) else "—"
                for side in _sides(campaigns, past)
            ]
            rows.append((name, _gave(one), *fired, *cost))
        labels = [""] if past is None else ["first ", "second "]
        columns = [_titled(f"{label}{word}") for word in ("fired", "cost") for label in labels]
        return TableView("Campaigns", ("Campaign", "Gave", *columns), tuple(rows), words=2)

    def changes(self) -> Iterator[Section]:
        if self.second is None:
            return
        for key, changes in self.first["comparison"]["changes"].items():
            counts = self.first["comparison"]["accounts"][key]["issued"]
            items = [
                (_size_name(one), grouped(one["accounts"]), Decimal(one["accounts"]), None)
                for one in changes["by_size"]
            ]
            if not items:
                continue
            yield Section(
                key=f"change-{key}",
                title=f"Whose {key} change",
                says=f"{counted(counts['more'], 'account')} {_get(counts['more'])} more {key}, "
                f"{grouped(counts['less'])} less, {grouped(counts['same'])} the same.",
                rows=rows_of(f"sizes-{key}", f"Accounts by how many {key} they get more or less.", items),
                shown=tuple(_tops(changes, key)),
            )


def _tops(changes: Report, wallet: str) -> Iterator[TableView]:
    for side, word in (("lose", "Who loses most"), ("gain", "Who gains most")):
        rows = [
            (one["account"], grouped(one["first"]), grouped(one["second"]), signed(one["change"]))
            for one in changes[side]
        ]
        if rows:
            columns = ("Account", f"First, {wallet}", f"Second, {wallet}", "Change")
            yield TableView(word, columns, tuple(rows))


def _size_name(one: Report) -> str:
    if one["change"] == "same":
        return "The same"
    least, below = Decimal(one["at_least"]), Decimal(one["below"])
    if below <= 1:
        return f"Less than 1 {one['change']}"
    return f"{grouped(one['at_least'])} to {_below(least, below)} {one['change']}"


def _below(least: Decimal, below: Decimal) -> str:
    places = max(0, -int(least.as_tuple().exponent))
    return grouped(format(below - Decimal(1).scaleb(-places), "f"))


def _tier_table(key: str, ladder: Report, past: Report | None) -> TableView:
    labels = [""] if past is None else ["first ", "second "]
    columns = [_titled(f"{label}{word}") for word in ("at the end", "ever reached") for label in labels]
    rows = []
    for tier in ladder["population"]:
        cells = []
        for word in ("population", "reached"):
            cells += [_count_of(side[word], tier) for side in _sides(ladder, past)]
        rows.append((tier, *cells))
    return TableView(f"Tiers of {key}", ("Tier", *columns), tuple(rows))


def _count_of(counts: Mapping[str, int], tier: str) -> str:
    return grouped(counts[tier]) if tier in counts else "—"


def _sides(subject: Report, past: Report | None) -> list[Report]:
    return [subject] if past is None else [past, subject]


def _series(wallet: Report, past: Report | None, months: list[str], name: str) -> Series:
    before = None if past is None else [Decimal(_at(past, month, name)) for month in months]
    return Series(months, [Decimal(_at(wallet, month, name)) for month in months], before)


def _at(wallet: Report, month: str, name: str) -> str:
    """Read a month's figure; what stands at the end of a month without a row stands since the last one."""
    row: Any = wallet["by_month"].get(month)
    if row is not None or name in FLOWS:
        return str(row[name]) if row is not None else "0"
    earlier = [one for one in wallet["by_month"] if one <= month]
    return str(wallet["by_month"][max(earlier)][name]) if earlier else "0"


def _every_month(months: list[str]) -> list[str]:
    """Fill in months in which nothing happened."""
    first, last = months[0], months[-1]
    year, number = map(int, first.split("-"))
    found = []
    while (month := f"{year}-{number:02}") <= last:
        found.append(month)
        year, number = (year + 1, 1) if number == 12 else (year, number + 1)
    return found


def _weight(one: Report, is_priced: bool = True) -> Decimal:
    if is_priced and "cost" in one:
        return Decimal(one["cost"])
    if is_priced and not one.get("awarded"):
        return _NOTHING
    return sum((Decimal(units) for units in one.get("awarded", {}).values()), _NOTHING)


def _awarded(one: Report) -> str:
    return ", ".join(f"{grouped(units)} {wallet}" for wallet, units in one.get("awarded", {}).items())


def _gave(one: Report) -> str:
    parts = [_awarded(one)] if one.get("awarded") else []
    for word, verb in (("redeemed", "redeemed"), ("granted", "granted"), ("badges", "badge")):
        parts += [f"{verb} {what} {grouped(count)} times" for what, count in one.get(word, {}).items()]
    if not parts:
        return "multiplied what others gave" if one.get("fired") else "nothing"
    return "; ".join(parts)


def _titled(text: str) -> str:
    return text[:1].upper() + text[1:]


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _get(count: int) -> str:
    return "gets" if count == 1 else "get"
