"""Money of an order of which something came back: what each way of paying has of the refund."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import msgspec

from guerdon.base.exact import scaled_decimal
from guerdon.base.ids import number_text
from guerdon.rules.decision import Entry, Shortfall, TenderBack
from guerdon.rules.draft import Draft
from guerdon.rules.events import CardPaid, PaidOrder
from guerdon.rules.spending import arrive, lasting
from guerdon.rules.state import Lot
from guerdon.rules.undo.lines import Part

_NONE = Fraction(0)
_ALL = Fraction(1)


def by_money(paid: PaidOrder, part: Part, shipping: int) -> Part:
    """Give the part by the money that is refunded: shipping that is kept is not paid back.

    Args:
        paid: the order with its earlier returns.
        part: what comes back.
        shipping: what is refunded of it now, with its tax, minor units.

    Returns:
        The same part, its shares those of all that was paid.
    """
    order = paid.event.order
    total = order.total_minor if order is not None else 0
    if total <= 0:
        return msgspec.structs.replace(part, before=_NONE, after=_NONE)
    before = sum(
        one.shipping + one.shipping_tax + sum(line.total for line in one.lines) for one in paid.earlier
    )
    now = before + shipping + sum(line.total for line in part.lines)
    shares = [min(Fraction(one, total), _ALL) for one in (before, now)]
    return msgspec.structs.replace(part, before=shares[0], after=max(shares))


def is_money(paid: PaidOrder, wallet: str) -> bool:
    """Tell whether a wallet is money that the shop owes.

    Args:
        paid: the order, whose version knows its wallets.
        wallet: the wallet's key.

    Returns:
        True for store credit and gift cards.
    """
    known = paid.program.wallets.get(wallet)
    return known is not None and known.tender != "points"


def refund_tenders(draft: Draft, paid: PaidOrder, part: Part, money: Part) -> tuple[TenderBack, ...]:
    """Work out what goes back to each way of paying that a checkout took, and give cards' shares back.

    What cards paid goes back to them (the engine books it on their accounts) or becomes store credit here.

    Args:
        draft: the decision about the return.
        paid: the order.
        part: what comes back, by the shares of points.
        money: the same by the shares of money (`by_money`).

    Returns:
        One for each kind and each card; nothing for an order that only the shop was paid.
    """
    if not any(capture.units or capture.cards for capture, _ in paid.captures):
        return ()
    back = [*_units(paid, part, money), *_cards(draft, paid, money)]
    refunded = sum(line.total for line in part.lines)
    order = paid.event.order
    if order is not None and part.with_shipping:
        refunded += order.shipping_minor + order.tax_minor - sum(one.tax for one in order.figures)
    rest = refunded - sum(one.amount for one in back)
    return (*back, TenderBack("rest", rest)) if rest > 0 else tuple(back)


def _units(paid: PaidOrder, part: Part, money: Part) -> Iterator[TenderBack]:
    order = paid.event.order
    sums: dict[str, int] = {}
    for kind, minor in order.payments if order is not None else ():
        sums[kind] = sums.get(kind, 0) + minor
    for kind, shares in (("points", part), ("store_credit", money)):
        was, now = shares.shares(sums.get(kind, 0))
        if now > was:
            yield TenderBack(kind, now - was)


def _cards(draft: Draft, paid: PaidOrder, money: Part) -> Iterator[TenderBack]:
    lasts = draft.program.zone.after(draft.event.occurred_at, paid.program.given_back_lasts)
    for capture, _ in paid.captures:
        shares = money.as_first() if capture.checkout in paid.fresh else money
        for card in capture.cards:
            lots = lasting(_share(card.lots, shares), lasts)
            if lots:
                yield _give_back(draft, paid, (capture.checkout, card), lots)


def _share(taken: tuple[Lot, ...], shares: Part) -> tuple[Lot, ...]:
    lots = []
    for lot in taken:
        was, now = shares.shares(lot.remaining)
        if now > was:
            lots.append(msgspec.structs.replace(lot, remaining=now - was))
    return tuple(lots)


def _give_back(draft: Draft, paid: PaidOrder, of: tuple[str, CardPaid], lots: tuple[Lot, ...]) -> TenderBack:
    checkout, card = of
    amount = sum(lot.remaining for lot in lots)
    into = _credit_of(draft, paid)
    if into:
        entries = (Entry("redeemed", -amount, source="checkout"), Entry("converted", amount, source=into))
        draft.post("convert", card.wallet, entries)
        draft.post("convert", into, arrive(draft, into, lots, "converted", card.wallet))
        return TenderBack("store_credit", amount, card.account, into)
    if card.wallet not in draft.program.wallets and card.wallet not in draft.program.retired:
        name = number_text("gft", card.account)
        missing = scaled_decimal(amount, paid.program.digits)
        draft.shortfalls.append(Shortfall("gift_card", name, missing, "unknown_wallet"))
        return TenderBack("gift_card", amount, card.account)
    return TenderBack("gift_card", amount, card.account, card.wallet, lots, checkout)


def _credit_of(draft: Draft, paid: PaidOrder) -> str:
    """Name the buyer's store credit that takes what cards paid, where the program says so."""
    if paid.program.definition.returns.gift_cards_to == "card" or not draft.before.account.account_id:
        return ""
    wallets = [key for key, one in draft.program.wallets.items() if one.tender == "store_credit"]
    return wallets[0] if wallets else ""
