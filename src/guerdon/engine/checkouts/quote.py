"""A quote as it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from guerdon.base.exact import plain_text, scaled_text
from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer
from guerdon.rules.checkout import Quoted
from guerdon.rules.pricing import PricedLine, PricedShipping
from guerdon.rules.program import Program
from guerdon.rules.promotions import Source

_SUGGESTED = 3
_SECRET = frozenset({"code", "redemption"})


def write_quote(
    program: Program, quoted: Quoted, answer: Answer, checkout: str | None, expires_at: datetime
) -> dict[str, Any]:
    """Write a quote.

    Args:
        program: for currency and scales.
        quoted: what was priced.
        answer: what the order would set off, with balances as they stand now.
        checkout: the checkout's id, None for a preview.
        expires_at: when what is held lapses; nothing is held for a preview.

    Returns:
        JSON-ready data, money and units as decimal strings.
    """
    priced = quoted.priced
    money = _Money(priced.digits)
    written: dict[str, Any] = {
        "checkout": checkout,
        "status": "open" if checkout is not None else "preview",
        "order": priced.sent.id,
        "program_version": priced.version,
        "currency": priced.currency,
        "lines": [_line(money, line) for line in priced.lines],
        "shipping": _shipping(money, priced.shipping),
        "totals": {name: money[minor] for name, minor in _totals(program, quoted).items()},
        "gifts": [
            {"campaign": one.source.key, "sku": one.sku, "quantity": str(one.quantity), "line": one.line}
            for one in priced.gifts
        ],
        "earns": earned(program, quoted),
        "spends": {key: scaled_text(units, program.scales[key]) for key, units in quoted.spends.items()},
        "gift_cards": [
            {
                "id": number_text("gft", one.account),
                "ending": one.ending,
                "pays": money[one.minor],
                "left": money[one.left],
            }
            for one in quoted.cards
        ],
        "effects": _without_codes(answer.effects),
        "skipped": [
            *(
                _plain({**_source(one.source), "reason": one.reason, "detail": one.detail})
                for one in priced.skipped
            ),
            *answer.skipped,
        ],
        "suggestions": _suggestions(program, quoted, answer),
        "challenges": _challenges(quoted, answer),
        "bounded": priced.bounded,
    }
    if checkout is not None:
        written["expires_at"] = expires_at.isoformat().replace("+00:00", "Z")
    return written


def _paid_by(program: Program, quoted: Quoted) -> dict[str, int]:
    """Sum up what is paid with points, and with money that the shop owes where the program knows any."""
    tenders = {one.tender for one in program.wallets.values()} | {"points"}
    sums = {f"paid_with_{name}": 0 for name in ("points", "store_credit", "gift_card") if name in tenders}
    for one in quoted.payments:
        sums[f"paid_with_{program.wallets[one.wallet].tender}"] += one.minor
    if quoted.cards:
        sums["paid_with_gift_card"] += sum(one.minor for one in quoted.cards)
    return sums


def with_effects(quote: Mapping[str, Any], answer: Answer, *, late: bool) -> dict[str, Any]:
    """Turn the quote of an open checkout into that of a confirmed one.

    Args:
        quote: as it was answered.
        answer: what the order set off.
        late: whether it had expired by then.

    Returns:
        The quote with what became of it.
    """
    return {**quote, "status": "confirmed", "effects": list(answer.effects), "late": late}


def earned(program: Program, quoted: Quoted) -> dict[str, str]:
    """Sum up what the order would earn.

    Args:
        program: for the scales of its wallets.
        quoted: what was priced.

    Returns:
        Units by wallet, as decimal strings.
    """
    sums: dict[str, int] = {}
    for effect in quoted.paid.effects:
        if effect.kind == "award":
            sums[effect.wallet] = sums.get(effect.wallet, 0) + effect.amount
    return {key: scaled_text(units, program.scales[key]) for key, units in sums.items()}


class _Money(dict[int, str]):
    """Minor units as decimal strings; hundreds of discounts of a cart are few different amounts."""

    def __init__(self, digits: int) -> None:
        self.digits = digits

    def __missing__(self, minor: int) -> str:
        text = self[minor] = scaled_text(minor, self.digits)
        return text


def _totals(program: Program, quoted: Quoted) -> dict[str, int]:
    priced = quoted.priced
    return {
        "subtotal": priced.subtotal,
        "discount": priced.discount,
        "net": priced.net,
        "shipping": priced.shipping.amount - priced.shipping.discount,
        "tax": priced.tax,
        "total": priced.total,
        **_paid_by(program, quoted),
        "due": quoted.due,
    }


def _shipping(money: _Money, shipping: PricedShipping) -> dict[str, Any]:
    return {
        "amount": money[shipping.amount],
        "discount": money[shipping.discount],
        "tax": money[shipping.tax],
        "total": money[shipping.total],
        "discounts": _offs(money, shipping.discounts),
    }


def _line(money: _Money, line: PricedLine) -> dict[str, Any]:
    sold = line.sold
    return {
        "id": sold.id,
        "sku": sold.sku,
        "quantity": str(sold.quantity),
        "subtotal": money[line.subtotal],
        "discount": money[line.discount],
        "net": money[line.net],
        "tax": money[line.tax],
        "total": money[line.total],
        "discounts": _offs(money, line.discounts),
        "added": line.added,
    }


def _offs(money: _Money, offs: Sequence[tuple[Source, int]]) -> list[dict[str, str]]:
    return [
        {"campaign": source.key, "amount": money[amount]}
        if source.kind == "campaign"
        else {**_source(source), "amount": money[amount]}
        for source, amount in offs
        if amount
    ]


def _source(source: Source) -> dict[str, str]:
    if source.kind == "campaign":
        return {"campaign": source.key}
    if source.kind == "coupon":
        return _plain({"reward": source.key, "code": source.code})
    return {"wallet": source.key}


def _suggestions(program: Program, quoted: Quoted, answer: Answer) -> list[dict[str, Any]]:
    """Name the rewards that are nearest, with what is missing after this cart."""
    near: list[tuple[Fraction, str, dict[str, str]]] = []
    if not answer.member:
        return []
    for key, reward in program.rewards.items():
        missing: dict[str, int] = {}
        for wallet, units in reward.price:
            there = quoted.free.get(wallet, 0)
            if units > there:
                missing[wallet] = units - there
        # What not everybody may have, or has for another price, is no suggestion.
        is_for_all = not reward.tiers and reward.audience is None and not reward.price_by_tier
        if is_for_all and len(missing) == 1:
            (wallet, units), price = next(iter(missing.items())), dict(reward.price)
            shown = {wallet: scaled_text(units, program.scales[wallet])}
            near.append((Fraction(units, price[wallet]), key, shown))
    near.sort(key=lambda one: one[:2])
    return [{"reward": key, "missing": missing} for _, key, missing in near[:_SUGGESTED]]


def _challenges(quoted: Quoted, answer: Answer) -> list[dict[str, Any]]:
    """Tell in which challenges the order moves the account, and what that brings."""
    return [
        {
            "challenge": one.challenge,
            "before": plain_text(one.before),
            "value": plain_text(one.value),
            "goal": None if one.goal is None else plain_text(one.goal),
            "times": one.times,
            "prize": _without_codes([each for each in answer.effects if each.get("campaign") == one.campaign])
            if one.times
            else [],
        }
        for one in quoted.challenges
    ]


def _without_codes(effects: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out codes and numbers of what is only promised."""
    return [
        {kind: what if isinstance(what, str) else _open_part(what) for kind, what in effect.items()}
        if any(_may_tell(what) for what in effect.values())
        else effect
        for effect in effects
    ]


def _may_tell(what: Any) -> bool:
    return not isinstance(what, str) and not _SECRET.isdisjoint(what)


def _open_part(what: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in what.items() if name not in _SECRET}


def _plain(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
