"""Awards: exact amounts, multiplied, rounded last, cut by budgets, and put into lots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import Number, multiply, plus, round_ratio, round_scaled, scaled_decimal, spread
from guerdon.rules import limits
from guerdon.rules.decision import Effect, Entry
from guerdon.rules.draft import Draft
from guerdon.rules.limits import Draw
from guerdon.rules.program import Award, Campaign, Multiply, Wallet
from guerdon.rules.scope import Scope
from guerdon.rules.state import Lot


class Part(msgspec.Struct):
    """What one award of one campaign comes to."""

    campaign: Campaign
    award: Award
    exact: Number
    """In whole units, before multipliers and rounding."""
    units: int = 0
    """In the wallet's scale, after everything."""
    refusal: tuple[str, str] = ("", "")
    """Why it comes to nothing: a reason and its detail."""
    cut: int = 0
    """Units that a limit of earning kept away, in the wallet's scale."""
    limit: str = ""
    """Which limit did."""


class Factor(msgspec.Struct, frozen=True):
    """What one multiplier of one campaign does."""

    campaign: Campaign
    multiplier: Multiply
    by: Number


def apply_factors(parts: Sequence[Part], factors: Sequence[Factor]) -> set[str]:
    """Multiply the exact amounts: products of factors, and one factor of all bonuses that are added up.

    Args:
        parts: the awards, changed in place.
        factors: the multipliers of the event.

    Returns:
        Keys of the campaigns whose multiplier had something to multiply.
    """
    used: set[str] = set()
    for part in parts:
        product: Number = 1
        bonuses: Number = 0
        for factor in factors:
            if not _applies(factor.multiplier, part):
                continue
            if part.exact:
                used.add(factor.campaign.key)
            if factor.multiplier.adds:
                bonuses = plus(bonuses, plus(factor.by, -1))
            else:
                product = multiply(product, factor.by)
        # Bonuses below 1 are taken off; they never take more than there is.
        part.exact = multiply(part.exact, multiply(product, max(plus(1, bonuses), 0)))
    return used


def factor_of(scope: Scope, multiplier: Multiply) -> Number:
    """Work out what a multiplier comes to on an order, where it may be about some of its lines.

    Args:
        scope: what expressions see, with the order where there is one.
        multiplier: the multiplier.

    Returns:
        Its factor; for some lines, weighed by what each line brought to the earning base.

    Raises:
        EvaluationError: an expression has no value.
    """
    by: Number = multiplier.by.evaluate(scope)
    if multiplier.where is None:
        return by
    lines = scope.order.lines
    whole = sum(line.earning_minor for line in lines)
    meant = 0
    for line in lines:
        scope.line = line
        if multiplier.where.evaluate(scope):
            meant += line.earning_minor
    return 1 + (Fraction(by) - 1) * Fraction(meant, whole) if meant else 1


def sent_factors(draft: Draft, parts: Sequence[Part]) -> None:
    """Multiply what an order's lines say of themselves, as carts that were priced here do.

    Args:
        draft: the decision.
        parts: the awards, changed in place where they follow from the order.
    """
    order = draft.event.order
    if order is None or not [line for line in order.sold if line.factors]:
        return
    whole = sum(figures.earning for figures in order.figures)
    for part in parts if whole else ():
        if part.award.order_based:
            wallet = part.award.wallet
            weighed = sum(
                (
                    figures.earning * Fraction(line.factors.get(wallet, 1))
                    for line, figures in zip(order.sold, order.figures, strict=True)
                ),
                Fraction(0),
            )
            part.exact = multiply(part.exact, weighed / whole)


def _applies(multiplier: Multiply, part: Part) -> bool:
    if multiplier.wallet != part.award.wallet:
        return False
    return part.award.order_based if multiplier.of is None else part.campaign.key in multiplier.of


def round_parts(draft: Draft, parts: Sequence[Part]) -> None:
    """Round the awards of an event, each wallet over its own scope, and split the totals over campaigns.

    Args:
        draft: the decision.
        parts: the awards with their exact amounts; `units` is filled in, or `refusal` where a wallet cannot
            take its sum.
    """
    by_wallet: dict[str, list[Part]] = {}
    for part in parts:
        by_wallet.setdefault(part.award.wallet, []).append(part)
    for key, of_wallet in by_wallet.items():
        try:
            _round_wallet(draft, draft.program.wallets[key], of_wallet)
            if not draft.fits(key, sum(part.units for part in of_wallet)):
                raise Problem("amount_too_large", f"the wallet {key} cannot hold so much")
        except Problem as problem:
            for part in of_wallet:
                part.units, part.refusal = 0, (problem.code, problem.detail)


def _round_wallet(draft: Draft, wallet: Wallet, parts: list[Part]) -> None:
    if wallet.scope == "campaign":
        for campaign in sorted({part.campaign.key for part in parts}):
            _round_together(wallet, [part for part in parts if part.campaign.key == campaign])
    elif wallet.scope == "line" and draft.event.order is not None:
        _round_by_line(draft, wallet, parts)
    else:
        _round_together(wallet, list(parts))


def _round_together(wallet: Wallet, parts: list[Part]) -> None:
    if not parts:
        return
    if len(parts) == 1:
        parts[0].units = round_scaled(parts[0].exact, wallet.scale, wallet.rounding)
        return
    parts.sort(key=lambda part: part.campaign.key)
    total: Number = 0
    for part in parts:
        total = plus(total, part.exact)
    units = spread(round_scaled(total, wallet.scale, wallet.rounding), [part.exact for part in parts])
    for part, share in zip(parts, units, strict=True):
        part.units = share


def _round_by_line(draft: Draft, wallet: Wallet, parts: list[Part]) -> None:
    """Round what each line brought, by its share of the earning base, and apart what no line brought."""
    order = draft.event.order
    ordered = [part for part in parts if part.award.order_based]
    weights = [line.earning_minor for line in order.lines] if order is not None else []
    whole = sum(weights)
    if not whole or not ordered:
        _round_together(wallet, list(parts))
        return
    _round_together(wallet, [part for part in parts if not part.award.order_based])
    total = sum((Fraction(part.exact) for part in ordered), Fraction(0)) * 10**wallet.scale
    denominator = total.denominator * whole
    units = sum(round_ratio(total.numerator * weight, denominator, wallet.rounding) for weight in weights)
    ordered.sort(key=lambda part: part.campaign.key)
    for part, share in zip(ordered, spread(units, [part.exact for part in ordered]), strict=True):
        part.units = share


def keep_budgets(draft: Draft, parts: Iterable[Part]) -> None:
    """Cut awards to what their campaigns' budgets have left, and draw from the budgets.

    Args:
        draft: the decision.
        parts: the awards with their rounded units, changed in place; `refusal` of one that gets nothing says
            `budget_spent`.
    """
    for part in parts:
        campaign, wallet = part.campaign, draft.program.wallets[part.award.wallet]
        if campaign.limits.budget is None or not part.units:
            continue
        draws = budget_draws(campaign, wallet, draft.day)
        granted = min((_affordable(draft, draw, cost, wallet) for draw, cost in draws), default=part.units)
        if granted < part.units:
            part.units = max(granted, 0) if campaign.limits.part_when_short else 0
            if not part.units:
                part.refusal = ("budget_spent", "")
        for draw, cost in draws:
            draft.draw(draw, scaled_decimal(part.units, wallet.scale) * cost)


def budget_draws(campaign: Campaign, wallet: Wallet, day: date) -> list[tuple[Draw, Decimal]]:
    """List the budgets that pay for what a campaign awards in a wallet.

    Args:
        campaign: the campaign.
        wallet: the wallet.
        day: local day of the fact.

    Returns:
        Each counter, and how much of it a whole unit takes.
    """
    owner = f"campaign/{campaign.key}"
    draws: list[tuple[Draw, Decimal]] = []
    units = limits.units_draw(campaign.limits, owner, wallet.key, day)
    if units is not None:
        draws.append((units, Decimal(1)))
    money = limits.money_draw(campaign.limits, owner, day)
    if money is not None and wallet.cost:
        draws.append((money, wallet.cost))
    return draws


def _affordable(draft: Draft, draw: Draw, cost: Decimal, wallet: Wallet) -> int:
    room = Fraction(max(draft.room(draw), Decimal(0))) / Fraction(cost)
    return round_scaled(room, wallet.scale, "floor")


def post_awards(draft: Draft, parts: Iterable[Part]) -> None:
    """Put awarded units into lots and note one ledger transaction a wallet.

    Args:
        draft: the decision.
        parts: the awards with their final units.
    """
    entries: dict[str, list[Entry]] = {}
    for part in parts:
        if not part.units:
            continue
        key = part.award.wallet
        lot = _lot(draft, part)
        came, *went = draft.add_units(key, lot, part.campaign.key)
        issued = Entry("issued", -part.units, source=part.campaign.key)
        entries.setdefault(key, []).extend((came, issued, *went))
        draft.effects.append(
            Effect(part.campaign.key, "award", wallet=key, amount=part.units, cut=part.cut, limit=part.limit)
        )
    for key, of_wallet in entries.items():
        draft.post("award", key, tuple(of_wallet))


def _lot(draft: Draft, part: Part) -> Lot:
    award, zone, occurred_at = part.award, draft.program.zone, draft.event.occurred_at
    expires = award.expires
    return Lot(
        available_at=zone.after(occurred_at, award.pending),
        expires_at=None
        if expires is None or expires.from_activity
        else expires.instant(draft.program.zone, occurred_at),
        remaining=part.units,
    )
