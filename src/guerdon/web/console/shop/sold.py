"""An order as its page shows it: lines with what was taken off, what came back, what is left to come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from guerdon.base.exact import scaled_decimal
from guerdon.engine.events import StoredEvent
from guerdon.rewards.cards import CardRow, in_use
from guerdon.rules.decision import Effect, Returned, Shortfall, Undone, UnitsUndone
from guerdon.rules.difference.voice import as_words
from guerdon.rules.orders import Order, OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.web.console.opened import Opened
from guerdon.web.console.story import Line
from guerdon.web.languages.saying import Saying

_NOTHING: Final = Decimal(0)
STATES: Final = {
    "paid": "paid",
    "changed": "changed",
    "part": "partly returned",
    "returned": "returned",
    "cancelled": "cancelled",
}
"""What a state is called; `say.text` translates it."""
TENDERS: Final = {
    "": "Paid otherwise",
    "points": "Points",
    "store_credit": "Store credit",
    "gift_card": "Gift card",
    "rest": "As it was paid",
    "card": "Bank card",
    "cash": "Cash",
}
"""What pays an order; other kinds are said as the shop calls them."""
REASONS: Final = {
    "insufficient_units": "not enough was left",
    "stopped_at_zero": "the balance stops at zero",
    "limit_reached": "its limit was reached",
    "checkout_expired": "it was paid too late",
    "redemption_used": "it was used already",
    "redemption_sent": "it was sent already",
    "redemption_expired": "its time was over",
    "coupon_not_used": "it was not used",
    "coupon_used": "it was used by then",
    "unknown_wallet": "its wallet is gone",
    "unknown_reward": "the reward is gone",
    "out_of_stock": "none was left",
    "budget_spent": "its limit was reached",
    "balance_too_small": "not enough was left",
    "coupon_expired": "its time was over",
    "coupon_cancelled": "it was given back by then",
    "coupon_held": "another cart held it",
    "discount_not_met": "what remains would not bring it",
    "gift_card_blocked": "the card was blocked",
    "reward_cooling": "it cannot be taken again so soon",
    "order_of_another_member": "its order was paid by another member, so it ended",
}


class _Stored(msgspec.Struct):
    data: OrderInput


_BODIES: Final = msgspec.json.Decoder(_Stored)


def sent_of(stored: StoredEvent) -> OrderInput:
    """Read an order as it was sent, without what was sealed.

    Args:
        stored: the event that paid it.

    Returns:
        The order.
    """
    return _BODIES.decode(stored.text).data


def order_of(stored: StoredEvent, program: Program) -> Order:
    """Read an order with its figures.

    Args:
        stored: the event that paid it.
        program: whose settings read it.

    Returns:
        The order.
    """
    return read_order(sent_of(stored), program.order_settings, stored.channel, stored.store)


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of an order."""

    id: str
    name: str
    sku: str
    quantity: Decimal
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    total: Decimal
    offs: tuple[Line, ...]
    """What each campaign and coupon took off, where its checkout told."""
    left: Decimal
    """How much of it has not come back."""


@dataclass(frozen=True, slots=True)
class ReturnView:
    """What came back at one time."""

    at: datetime
    id: str
    kind: str
    """`returned`, `cancelled` or `changed`."""
    lines: tuple[tuple[str, Decimal, Decimal], ...]
    """Name, quantity and refund."""
    shipping: Decimal | None
    refund: Decimal
    tenders: tuple[Line, ...]
    """How the refund goes back, where a checkout had taken any of it."""
    units: tuple[Line, ...]
    undone: tuple[str, ...]
    shortfalls: tuple[str, ...]
    elsewhere: tuple[str, ...]
    """Where money of gift cards is that lies on another card now, or on a blocked one."""


def state_of(came: Sequence[StoredEvent]) -> str:
    """Say how an order stands.

    Args:
        came: what came back of it.

    Returns:
        One of `STATES`.
    """
    kinds = {one.type for one in came}
    if "order.cancelled" in kinds:
        return "cancelled"
    if any(one.is_last for one in map(_returned, came)):
        return "returned"
    if "order.returned" in kinds:
        return "part"
    return "changed" if came else "paid"


def refund_of(returned: Returned, digits: int) -> Decimal:
    """Sum up the money that goes with what came back.

    Args:
        returned: what came back.
        digits: decimal places of the currency.

    Returns:
        Lines and shipping, tax included.
    """
    minor = sum(line.total for line in returned.lines) + returned.shipping + returned.shipping_tax
    return scaled_decimal(minor, digits)


def lines_of(
    order: Order, quote: Mapping[str, Any], came: Sequence[StoredEvent], told: tuple[Opened, Saying]
) -> list[LineView]:
    """Show an order's lines.

    Args:
        order: as it was paid.
        quote: of its checkout; empty where it came of none.
        came: what came back of it.
        told: names and the reader's language.

    Returns:
        A view of each.
    """
    offs = {line["id"]: line.get("discounts", ()) for line in quote.get("lines", ())}
    back: dict[str, Decimal] = {}
    for line in (line for one in came for line in _returned(one).lines):
        back[line.id] = back.get(line.id, _NOTHING) + line.quantity
    return [
        LineView(
            line.id,
            line.name or line.sku or line.id,
            line.sku if line.name else "",
            line.quantity,
            line.subtotal,
            line.discount,
            line.tax,
            line.total,
            tuple(off_line(one, told) for one in offs.get(line.id, ())),
            max(_NOTHING, line.quantity - back.get(line.id, _NOTHING)),
        )
        for line in order.lines
    ]


def off_line(off: Mapping[str, str], told: tuple[Opened, Saying]) -> Line:
    """Say what one source took off.

    Args:
        off: as a quote has it: an amount, and a campaign, or a reward with its code, or a wallet.
        told: names and the reader's language.

    Returns:
        Name and money.
    """
    opened, say = told
    amount = say.money(-Decimal(off["amount"]), opened.program.definition.currency)
    return Line(_source(opened, off.get("campaign", ""), off.get("reward", ""), off.get("code", "")), amount)


def _source(opened: Opened, campaign: str, reward: str, code: str) -> str:
    if reward:
        return opened.voice.reward(reward) + (f" ({code})" if code else "")
    return as_words(campaign).capitalize()


def taken_off(effects: Sequence[Effect], opened: Opened, say: Saying) -> tuple[Line, ...]:
    """List what campaigns and coupons took off the whole order.

    Args:
        effects: as decided.
        opened: for names and the currency.
        say: the reader's language.

    Returns:
        Name and money of each.
    """
    digits, currency = opened.program.digits, opened.program.definition.currency
    return tuple(
        Line(
            _source(opened, one.campaign, one.reward, one.code),
            say.money(-scaled_decimal(one.amount, digits), currency),
        )
        for one in effects
        if one.kind == "discount"
    )


def paid_with(stored: StoredEvent, opened: Opened, say: Saying) -> tuple[Line, ...]:
    """List what paid an order, as far as it was told.

    Args:
        stored: the event that paid it.
        opened: for names and the currency.
        say: the reader's language.

    Returns:
        Tender and money; of units, how many stand for it.
    """
    units = [
        f"{say.number(opened.units(one.wallet, one.amount))} {opened.unit(one.wallet)}"
        for one in stored.decided.effects
        if one.kind == "pay" and tender_of(opened, one.wallet) == "points"
    ]
    shown = []
    for one in sent_of(stored).payments:
        label = say.text(TENDERS.get(one.kind or "", as_words(one.kind or "").capitalize()))
        if one.kind == "points" and units:
            label = ", ".join(units)
        shown.append(Line(label, say.money(one.amount, opened.program.definition.currency)))
    return tuple(shown)


def tender_of(opened: Opened, wallet: str) -> str:
    """Say what kind of payment a wallet is.

    Args:
        opened: the program.
        wallet: its key; one that is gone was points.

    Returns:
        `points`, `store_credit` or `gift_card`.
    """
    written = opened.program.definition.wallets.get(wallet)
    return written.tender if written is not None else "points"


def shortfall_text(one: Shortfall, opened: Opened, say: Saying) -> str:
    """Say what was promised and could not be had.

    Args:
        one: as decided.
        opened: for names.
        say: the reader's language.

    Returns:
        A sentence's worth, such as `50 points: not enough was left`.
    """
    reason = say.text(REASONS.get(one.reason, as_words(one.reason)))
    return f"{_short_of(one, opened, say)}: {reason}"


def _short_of(one: Shortfall, opened: Opened, say: Saying) -> str:
    """Name what could not be had."""
    if one.kind == "units":
        return f"{say.number(one.amount)} {opened.unit(one.name)}"
    if one.kind == "reward":
        return opened.voice.reward(one.name)
    if one.kind == "coupon":
        return say.text("A coupon")
    if one.kind == "checkout":
        return say.text("The checkout {name}", name=one.name)
    amount = say.money(one.amount, opened.program.definition.currency)
    if one.kind == "gift_card":
        return say.text("{amount} of the gift card {name}", amount=amount, name=one.name)
    if one.kind == "discount":
        is_reward = one.name in opened.program.rewards
        name = opened.voice.reward(one.name) if is_reward else as_words(one.name).capitalize()
        return say.text("{amount} of the discount {name}", amount=amount, name=name)
    name = counter_name(one.name, opened)
    if is_of_money(one.name):
        return say.text("{amount} of the budget of {name}", amount=amount, name=name)
    return say.text("A use of {name}", name=name)


def is_of_money(counter: str) -> bool:
    """Tell counters of money from counters of uses, pieces and units.

    Args:
        counter: such as `campaign/bag_of_pens/budget/ever`.

    Returns:
        True for budgets in money, and for what coupons with money on them have left.
    """
    return counter.split("/")[2] in ("budget", "money")


def counter_name(counter: str, opened: Opened) -> str:
    """Name what a counter belongs to.

    Args:
        counter: such as `campaign/bag_of_pens/total/ever`.
        opened: for names.

    Returns:
        The campaign's or reward's name, or the batch's number.
    """
    kind, _, rest = counter.partition("/")
    owner = rest.partition("/")[0]
    if kind == "reward":
        return opened.voice.reward(owner)
    return as_words(owner).capitalize() if kind == "campaign" else owner


def returns_of(
    came: Sequence[StoredEvent],
    names: Mapping[str, str],
    cards: Mapping[int, CardRow],
    told: tuple[Opened, Saying],
) -> list[ReturnView]:
    """Show what came back.

    Args:
        came: the events that told of it.
        names: of the order's lines, by id.
        cards: those that it came back onto, and those that took their place.
        told: names and the reader's language.

    Returns:
        A view of each, in their order.
    """
    return [_return(one, names, cards, told) for one in came]


def cards_of(came: Sequence[StoredEvent]) -> set[int]:
    """List the gift cards that returns put something back on.

    Args:
        came: the events that told of what came back.

    Returns:
        Accounts of the cards that had paid.
    """
    return {one.card for event in came for one in _returned(event).tenders if one.lots}


def _return(
    event: StoredEvent, names: Mapping[str, str], cards: Mapping[int, CardRow], told: tuple[Opened, Saying]
) -> ReturnView:
    opened, say = told
    returned, digits = _returned(event), opened.program.digits
    lines = ((line.id, line.quantity, scaled_decimal(line.total, digits)) for line in returned.lines)
    shipping = scaled_decimal(returned.shipping + returned.shipping_tax, digits)
    kinds = {"order.cancelled": "cancelled", "order.edited": "changed"}
    return ReturnView(
        at=event.occurred_at,
        id=returned.id,
        kind=kinds.get(event.type, "returned"),
        lines=tuple((names.get(line, line), quantity, refund) for line, quantity, refund in lines),
        shipping=shipping if returned.with_shipping else None,
        refund=refund_of(returned, digits),
        tenders=tuple(
            Line(
                say.text(TENDERS.get(one.kind, as_words(one.kind).capitalize())),
                say.money(scaled_decimal(one.amount, digits), opened.program.definition.currency),
            )
            for one in returned.tenders
            if one.amount
        ),
        units=tuple(line for one in returned.units for line in _units(one, opened, say)),
        undone=tuple(filter(None, (_undone(one, opened, say) for one in returned.undone))),
        shortfalls=tuple(shortfall_text(one, opened, say) for one in event.decided.shortfalls),
        elsewhere=tuple(
            text for one in returned.tenders if one.lots for text in _where(one.card, cards, say)
        ),
    )


def _where(paid: int, cards: Mapping[int, CardRow], say: Saying) -> Iterator[str]:
    card = cards[in_use(cards, paid)]
    if card.account_id != paid:
        old, new = cards[paid].ending, card.ending
        yield say.text("It came onto the gift card …{new}, which took the place of …{old}.", new=new, old=old)
    if card.blocked_at is not None:
        yield say.text(
            "The gift card …{ending} is blocked: what came back lies on it and pays nothing.",
            ending=card.ending,
        )


def _units(one: UnitsUndone, opened: Opened, say: Saying) -> Iterator[Line]:
    def written(amount: int) -> str:
        return f"{say.signed(opened.units(one.wallet, amount))} {opened.unit(one.wallet)}"

    if one.taken:
        yield Line(say.text("Taken back"), written(-one.taken))
    if one.given_back:
        yield Line(say.text("Given back"), written(one.given_back))
    if one.expired:
        yield Line(say.text("Gone before, so not taken"), written(one.expired))
    if one.debt:
        yield Line(say.text("Of it owed, for it was spent"), written(-one.debt))


def _undone(one: Undone, opened: Opened, say: Saying) -> str:
    if one.kind == "limit":
        return ""
    if one.kind == "challenge":
        return say.text("Not reached any more: {name}", name=as_words(one.campaign.partition(":")[2]))
    if one.kind == "badge":
        said = say.text("Badge taken back: {name}", name=as_words(one.badge))
    elif one.kind == "coupon":
        said = say.text("A coupon can be used again")
    else:
        said = say.text("Taken back: {name}", name=opened.voice.reward(one.reward))
    if not one.kept:
        return said
    what = opened.voice.reward(one.reward) if one.reward else say.text("A coupon")
    return say.text("{name} stays as it is", name=what) + f": {say.text(REASONS.get(one.kept, one.kept))}"


def _returned(event: StoredEvent) -> Returned:
    returned = event.decided.returned
    assert returned is not None, "an event that came back of an order says what"
    return returned
