"""The first room: what this month brought, and what needs somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from fastapi import APIRouter, Response

from guerdon.base.exact import scaled_decimal
from guerdon.infra.tx import Tx
from guerdon.programs.keys import list_keys
from guerdon.programs.programs import list_programs
from guerdon.rewards.counting import count_to_hand_out
from guerdon.rules.difference.voice import as_words
from guerdon.web.console.chart import STITCHES, Bars, draw_bars, stitch_length, stitches
from guerdon.web.console.figures import Counted, Figures, Moved, load_figures
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.shop.rewards import HANDED_OUT
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_WAITING_AT_MOST: Final = 1_000
_KEY_ENDS_SOON: Final = timedelta(days=14)
_PATIENCE_SECONDS: Final = 1.5
"""How long a page waits for the sums of what was booked just now."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure beside the one of the month before."""

    now: Decimal
    """So far, today included."""
    whole: Decimal
    """Until yesterday."""
    before: Decimal
    """In as many whole days of the month before."""

    @property
    def percent(self) -> Decimal | None:
        """By how much whole days differ; None where there was nothing before."""
        if not self.before:
            return None
        grown = (self.whole - self.before) * 100 / abs(self.before)
        places = Decimal("0.1") if abs(grown) < 10 else Decimal(1)
        return grown.quantize(places, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Need:
    """Something that somebody should look at."""

    icon: str
    title: str
    detail: str
    path: str


@dataclass(frozen=True, slots=True)
class Book:
    """One wallet's month, in decimal units."""

    wallet: str
    unit: str
    issued: Compared
    spent: Compared
    opening: Decimal
    given_back: Decimal
    expired: Decimal
    owed: Decimal
    converted: Decimal
    other: Decimal
    outstanding: Decimal
    cost: str
    unit_cost: str
    currency: str
    """Of a wallet of money; empty for points."""
    path: str
    """Where what moved is listed."""


@ROUTER.get("/console")
@ROUTER.get("/console/")
def front(visit: Visitor) -> Response:
    """Lead to the first program's overview."""
    with visit.transaction() as tx:
        programs = list_programs(tx)
    if programs:
        return visit.go(f"/console/p/{programs[0].key}")
    return visit.page("nothing.html", place="overview")


@ROUTER.get("/console/p/{program}")
def overview(visit: Visitor, program: str) -> Response:
    """Say first what this month came to, then show the figures."""
    complete_at = visit.house.rollups.wait(visit.now, _PATIENCE_SECONDS)
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        if complete_at is None:
            return visit.page("summing.html", **framed(opened, "overview"))
        figures = load_figures(tx, opened.live, complete_at)
        needs = _needs(tx, visit, opened, figures)
    books = [_book(visit, opened, figures, key) for key in opened.wallets]
    first = next(iter(opened.wallets), "")
    return visit.page(
        "overview.html",
        **framed(opened, "overview"),
        figures=figures,
        books=books,
        needs=needs,
        chart=_chart(opened, figures, first) if first else None,
        table=_table(opened, figures, first) if first else (),
        orders=_compared(figures.orders),
        net=_compared(figures.net),
        sold=visit.saying.money_whole(
            scaled_decimal(figures.net.now, opened.program.digits), opened.program.definition.currency
        ),
        came_back=visit.saying.money_whole(
            scaled_decimal(figures.returned.now, opened.program.digits), opened.program.definition.currency
        )
        if figures.returned.now
        else "",
        tiers=_tiers(opened, figures),
        campaign=as_words,
    )


def _compared(counted: Counted) -> Compared:
    return Compared(Decimal(counted.now), Decimal(counted.whole), Decimal(counted.before))


def _book(visit: Visit, opened: Opened, figures: Figures, wallet: str) -> Book:
    scale = opened.program.scales[wallet]
    month: Moved = figures.by_month[wallet][-1]
    whole, before = figures.whole[wallet], figures.before[wallet]
    held = figures.outstanding.get(wallet, 0)
    tender = opened.program.wallets[wallet].tender
    # A unit of money costs what it is.
    cost = opened.program.wallets[wallet].cost if tender == "points" else None

    def units(amount: int) -> Decimal:
        return scaled_decimal(amount, scale)

    return Book(
        wallet=wallet,
        unit=opened.named(wallet, visit.saying),
        issued=Compared(units(month.issued), units(whole.issued), units(before.issued)),
        spent=Compared(units(month.spent), units(whole.spent), units(before.spent)),
        opening=units(held - month.sum),
        given_back=units(month.given_back),
        expired=units(month.expired),
        owed=units(month.owed),
        converted=units(month.converted),
        other=units(month.other),
        outstanding=units(held),
        cost=_money(visit, opened, _cents(opened, units(held) * cost)) if cost is not None else "",
        unit_cost=_money(visit, opened, cost) if cost is not None else "",
        currency=opened.unit(wallet) if tender != "points" else "",
        path=f"{opened.path}/{'gift-cards' if tender == 'gift_card' else 'transactions'}",
    )


def _money(visit: Visit, opened: Opened, amount: Decimal) -> str:
    return visit.saying.money(amount, opened.program.definition.currency)


def _cents(opened: Opened, amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-opened.program.digits), ROUND_HALF_UP)


def _series(opened: Opened, figures: Figures, wallet: str) -> tuple[list[Decimal], list[Decimal]]:
    scale, months = opened.program.scales[wallet], figures.by_month[wallet]
    issued = [scaled_decimal(month.issued, scale) for month in months]
    return [scaled_decimal(month.spent, scale) for month in months], issued


def _chart(opened: Opened, figures: Figures, wallet: str) -> Bars:
    return draw_bars(*_series(opened, figures, wallet))


def _table(opened: Opened, figures: Figures, wallet: str) -> list[tuple[object, Decimal, Decimal, Decimal]]:
    scale = opened.program.scales[wallet]
    rows: list[tuple[object, Decimal, Decimal, Decimal]] = []
    for day, moved in zip(figures.months, figures.by_month[wallet], strict=True):
        shown = (scaled_decimal(one, scale) for one in (moved.issued, moved.spent, moved.expired))
        rows.append((day, *shown))  # type: ignore[arg-type]  # three of them
    return rows


def _tiers(opened: Opened, figures: Figures) -> list[tuple[str, list[tuple[str, int, int]]]]:
    shown = []
    for ladder, levels in figures.tiers.items():
        total = sum(count for _, count in levels)
        rows = [
            (
                opened.tier(ladder, level),
                count,
                stitch_length(max(stitches(Decimal(count), Decimal(total)), int(count > 0)) if total else 0),
            )
            for level, count in levels
        ]
        shown.append((as_words(ladder).capitalize(), rows))
    return shown


def _needs(tx: Tx, visit: Visit, opened: Opened, figures: Figures) -> list[Need]:
    say, found = visit.saying, []
    if opened.waiting:
        words = ("{count} command lies in quarantine", "{count} commands lie in quarantine")
        title = say.count(*words, opened.waiting)
        detail = say.text("The engine could not apply them; nothing of them was stored.")
        found.append(Need("alert", title, detail, f"{opened.path}/quarantine"))
    for one in figures.ending:
        amount = say.number(opened.units(one.wallet, one.units))
        unit = opened.named(one.wallet, say)
        title = say.text("{amount} {unit} expire within 30 days", amount=amount, unit=unit)
        detail = say.text("The first of them on {day}", day=say.day_long(one.first_on))
        place = "gift-cards" if one.wallet == opened.program.card_wallet else "members"
        found.append(Need("clock", title, detail, f"{opened.path}/{place}"))
    waiting = count_to_hand_out(tx, opened.live.program_id, HANDED_OUT, _WAITING_AT_MOST)
    if waiting:
        words = ("{count} reward waits to be handed out", "{count} rewards wait to be handed out")
        title = say.count(*words, waiting)
        detail = say.text("Members have taken them; somebody packs, sends or hands them over.")
        found.append(Need("gift", title, detail, f"{opened.path}/redemptions"))
    for key in list_keys(tx):
        ends = key.expires_at
        if key.revoked_at is None and ends is not None and visit.now < ends <= visit.now + _KEY_ENDS_SOON:
            title = say.text("The key {name} ends soon", name=key.name)
            found.append(Need("key", title, say.moment(ends, opened.program.zone), "/console/keys"))
    if visit.staff.initial:
        title = say.text("Choose a password of your own")
        detail = say.text("The present one was given to you, and others may have seen it.")
        found.append(Need("lock", title, detail, "/console/account"))
    return found


SEAM: Final = stitch_length(STITCHES)
"""The length of a whole seam in the drawing's units."""
