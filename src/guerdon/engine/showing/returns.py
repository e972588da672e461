"""What a return undid, as it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guerdon.base.exact import plain_text, scaled_text
from guerdon.base.ids import number_text, parse_number
from guerdon.rewards.cards import CardRow, in_use
from guerdon.rules.decision import Returned, TenderBack, Undone, UnitsUndone
from guerdon.rules.program import Program


def return_view(program: Program, returned: Returned) -> dict[str, Any]:
    """Show what came back and what that undid.

    Args:
        program: for the scales of its wallets.
        returned: as decided.

    Returns:
        JSON; money and units are decimal strings.
    """
    digits = program.digits
    shipping = (returned.shipping, returned.shipping_tax, returned.shipping + returned.shipping_tax)
    sums = [sum(column) for column in zip(*_moneys(returned), shipping, strict=True)]
    return {
        "id": returned.id,
        "order": returned.order,
        "lines": [
            {
                "id": line.id,
                "quantity": plain_text(line.quantity),
                "refund": _money((line.net, line.tax, line.total), digits),
            }
            for line in returned.lines
        ],
        "shipping": _money(shipping, digits) if returned.with_shipping else None,
        "refund": _money(tuple(sums), digits),
        "units": {one.wallet: units_view(one, program.scales.get(one.wallet, 0)) for one in returned.units},
        "tenders": [_tender(one, digits) for one in returned.tenders],
        "undone": [_undone(one) for one in returned.undone],
        "complete": returned.is_last,
    }


def with_cards(view: Mapping[str, Any], cards: Mapping[int, CardRow]) -> dict[str, Any]:
    """Add where the money is now that came back for gift cards.

    Args:
        view: of `return_view`.
        cards: the cards that had paid, and those that took their place, by account.

    Returns:
        The same; a tender says `onto` where another card took the place of the one that had paid, and
        `blocked` where the money lies on a card that pays nothing.
    """
    return {**view, "tenders": [_placed(one, cards) for one in view.get("tenders", ())]}


def _placed(tender: Mapping[str, Any], cards: Mapping[int, CardRow]) -> dict[str, Any]:
    paid = parse_number("gft", tender.get("gift_card", "")) or 0
    if paid not in cards or "wallet" not in tender:
        return dict(tender)
    card = cards[in_use(cards, paid)]
    onto = {"onto": number_text("gft", card.account_id)} if card.account_id != paid else {}
    return {**tender, **onto, **({"blocked": True} if card.blocked_at is not None else {})}


def units_view(one: UnitsUndone, scale: int) -> dict[str, str]:
    """Show what a return did to a wallet.

    Args:
        one: as decided.
        scale: the wallet's decimal places.

    Returns:
        Decimal strings; `expired` only where something did.
    """
    shown = {
        "taken": scaled_text(one.taken, scale),
        "given_back": scaled_text(one.given_back, scale),
        "debt": scaled_text(one.debt, scale),
    }
    return {**shown, "expired": scaled_text(one.expired, scale)} if one.expired else shown


def _moneys(returned: Returned) -> list[tuple[int, int, int]]:
    return [(line.net, line.tax, line.total) for line in returned.lines]


def _money(amounts: tuple[int, ...], digits: int) -> dict[str, str]:
    return {
        name: scaled_text(amount, digits)
        for name, amount in zip(("net", "tax", "total"), amounts, strict=True)
    }


def _tender(one: TenderBack, digits: int) -> dict[str, str]:
    shown = {
        "kind": one.kind,
        "amount": scaled_text(one.amount, digits),
        "wallet": one.wallet,
        "gift_card": number_text("gft", one.card) if one.card else "",
    }
    return {name: value for name, value in shown.items() if value}


def _undone(one: Undone) -> dict[str, str]:
    number = number_text("red", one.redemption_id) if one.redemption_id is not None else ""
    shown = {
        "kind": one.kind,
        "campaign": one.campaign,
        "reward": one.reward,
        "badge": one.badge,
        "redemption": number,
        "code": one.code,
        "kept": one.kept,
    }
    return {name: value for name, value in shown.items() if value}
