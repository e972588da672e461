"""Discounts of an order's cart, judged again on what remains: whether they would still be given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import round_scaled, scaled_decimal
from guerdon.rules.decision import Decision, Shortfall, Undone
from guerdon.rules.draft import Draft
from guerdon.rules.events import Capture, Discounted, PaidOrder
from guerdon.rules.limits import Draw
from guerdon.rules.orders import Order, OrderInput
from guerdon.rules.owing import free
from guerdon.rules.pricing import GivenCoupon, Priced, price, read_cart, view_of
from guerdon.rules.program import Program
from guerdon.rules.promotions import CHECKOUT, Source
from guerdon.rules.segments import see_segments
from guerdon.rules.undo.lines import Part
from guerdon.rules.undo.policies import policy_of
from guerdon.rules.undo.units import share_of_money

_ZERO = Decimal(0)


def undo_discounts(draft: Draft, paid: PaidOrder, part: Part) -> list[Undone]:
    """Give back what an order's discounts drew: money by the share that comes back, uses where they fall.

    A use falls where the discount would not be given on what remains. What it took off the lines that stay
    is not charged here; it is named, so that the shop can.

    Args:
        draft: the decision about the return.
        paid: the order.
        part: what comes back.

    Returns:
        The uses that are free again.
    """
    undone: list[Undone] = []
    handled = {_named(one) for earlier in paid.earlier for one in earlier.undone}
    for capture, decision in paid.captures:
        _free_money(draft, paid, part, (capture, decision))
        for one, rest in _fallen(draft, paid, part, capture):
            if _named(_use_of(one)) in handled:
                continue
            freed = _free_uses(draft, (capture, decision), one)
            restored = _restore(draft, paid, one) if one.redemption_id is not None else None
            undone += [restored] if restored is not None else [_use_of(one)] if freed else []
            if rest:
                amount = scaled_decimal(rest, paid.program.digits)
                name = one.campaign or one.reward
                draft.shortfalls.append(Shortfall("discount", name, amount, "discount_not_met"))
        undone += _of_old(draft, paid, part, (capture, decision))
    return undone


def _named(one: Undone) -> tuple[str, str, str, int | None]:
    return one.kind, one.campaign, one.code, one.redemption_id


def _use_of(one: Discounted) -> Undone:
    if one.redemption_id is not None:
        return Undone("coupon", reward=one.reward, redemption_id=one.redemption_id)
    if one.campaign:
        return Undone("limit", one.campaign)
    return Undone("coupon", reward=one.reward, code=one.code)


def _fallen(draft: Draft, paid: PaidOrder, part: Part, capture: Capture) -> Iterator[tuple[Discounted, int]]:
    """List the discounts that would not be given any more, as far as each one's policy lets it fall.

    With each goes what it had taken off the lines that stay, in minor units.
    """
    if capture.only_reports:
        return
    gone: Mapping[str, int] | None = None
    for one in capture.discounts:
        policy = policy_of(paid, one.campaign, one.reward)
        if part.is_last and policy != "keep":
            yield one, 0
        elif policy == "reevaluate":
            gone = _unmet(draft, paid, part, capture) if gone is None else gone
            if _name(one) in gone:
                yield one, gone[_name(one)]


def _name(one: Discounted) -> str:
    return f"campaign {one.campaign}" if one.campaign else f"coupon {one.code}"


def _unmet(draft: Draft, paid: PaidOrder, part: Part, capture: Capture) -> dict[str, int]:
    """Name the discounts that would not be given on what remains, with what they took off what remains.

    One that the order as a whole would not bring either, by what is known now, cannot be judged and stands.
    One that an earlier return let fall is not named again.
    """
    assert paid.event.order is not None and part.remains is not None  # noqa: PT018 - something remains
    whole = _priced(draft, paid, paid.event.order, capture)
    remains = _priced(draft, paid, part.remains, capture)
    judged = bool(paid.earlier) and part.stood is not None and capture.checkout not in paid.fresh
    stood = _priced(draft, paid, part.stood, capture) if judged and part.stood is not None else whole
    if whole is None or remains is None or stood is None:
        return {}
    stands = {_label(one.source) for one in remains.taken if one.lines + one.shipping}
    stood_before = {_label(one.source) for one in stood.taken if one.lines + one.shipping}
    quantities = {line.id: Fraction(line.quantity) for line in part.remains.sold}
    rests: dict[str, Fraction] = {
        _label(one.source): Fraction(0)
        for one in whole.taken
        if one.lines + one.shipping and _label(one.source) in stood_before - stands
    }
    for line in whole.lines:
        left = quantities.get(line.sold.id, Fraction(0))
        for source, amount in line.discounts:
            if left and _label(source) in rests:
                rests[_label(source)] += amount * left / Fraction(line.sold.quantity)
    return {label: round_scaled(rest, 0, "half_up") for label, rest in rests.items()}


def _label(source: Source) -> str:
    return f"campaign {source.key}" if source.kind == "campaign" else f"coupon {source.code}"


def _priced(draft: Draft, paid: PaidOrder, order: Order, capture: Capture) -> Priced | None:
    """Price an order again, with the discounts that it had and no others."""
    program = _with_only(paid.priced_by.get(capture.version, paid.program), capture)
    event = msgspec.structs.replace(paid.event, type=CHECKOUT, order=None, capture=None)
    scope = Draft(program, draft.before, event, draft.chance).scope(CHECKOUT)
    if draft.before.account.account_id:
        see_segments(program.segments_of, scope, CHECKOUT)
    coupons = {one.code: GivenCoupon(one.reward) for one in capture.discounts if one.code}
    view = view_of(scope, paid.member_id, {}, coupons=coupons, source=event.source)
    try:
        cart = read_cart(_as_cart(order, tuple(coupons)), program.order_settings, order.channel, order.store)
    except Problem:
        return None
    return price(program, cart, view, event.occurred_at)


def _with_only(program: Program, capture: Capture) -> Program:
    keys = {one.campaign for one in capture.discounts}
    automatic = tuple(one for one in program.promotions.automatic if one.source.key in keys)
    promotions = msgspec.structs.replace(program.promotions, automatic=automatic, index=None)
    return msgspec.structs.replace(program, promotions=promotions)


def _as_cart(order: Order, codes: tuple[str, ...]) -> OrderInput:
    """Write what remains as the cart that it would be: lines at their prices, without what was charged."""
    lines = tuple(
        msgspec.structs.replace(
            line,
            price=None,
            subtotal=scaled_decimal(figures.subtotal, order.digits),
            discount=None,
            order_discount=None,
            tax=None,
            total=None,
            factors={},
        )
        for line, figures in zip(order.sold, order.figures, strict=True)
    )
    return OrderInput(
        order.id, lines, order.currency or None, coupons=codes, attributes=dict(order.attributes)
    )


def _free_money(draft: Draft, paid: PaidOrder, part: Part, took: tuple[Capture, Decision]) -> None:
    capture, decision = took
    shares = part.as_first() if capture.checkout in paid.fresh else part
    drawn = _drawn(decision)
    for draw in _draws(capture):
        if _is_money(draw):
            amount = share_of_money(drawn.get(draw.counter, _ZERO), shares, paid.program.digits)
            if amount:
                free(draft, draw, amount)


def _free_uses(draft: Draft, took: tuple[Capture, Decision], one: Discounted) -> bool:
    """Give back one use of each counter that a discount drew from."""
    capture, decision = took
    owner = f"campaign/{one.campaign}/" if one.campaign else f"{one.owner}/"
    alike = sum(1 for each in capture.discounts if each.owner == one.owner and each.campaign == one.campaign)
    drawn = _drawn(decision)
    freed = False
    for draw in _draws(capture):
        if draw.counter.startswith(owner) and not _is_money(draw) and _is_about(draw, one):
            of_code = draw.counter.split("/")[2] == "code"
            amount = drawn.get(draw.counter, _ZERO) / (1 if of_code else alike)
            if amount:
                free(draft, draw, amount)
                freed = True
    return freed


def _is_about(draw: Draw, one: Discounted) -> bool:
    kind, _, what, *rest = draw.counter.split("/")
    return kind != "coupon" or what != "code" or rest == [str(one.place)]


def _restore(draft: Draft, paid: PaidOrder, one: Discounted) -> Undone:
    assert one.redemption_id is not None
    return restore(draft, paid, one.redemption_id, one.reward)


def restore(draft: Draft, paid: PaidOrder, number: int, reward: str = "") -> Undone:
    """Let a coupon that an order used be used again.

    Args:
        draft: the decision about the return.
        paid: the order.
        number: the coupon's redemption.
        reward: what it is of, where that is known.

    Returns:
        What was undone.
    """
    if paid.redemptions.get(number) != "used":
        return Undone("coupon", reward=reward, redemption_id=number, kept="coupon_not_used")
    draft.restored.append(number)
    return Undone("coupon", reward=reward, redemption_id=number)


def _drawn(decision: Decision) -> dict[str, Decimal]:
    drawn: dict[str, Decimal] = {}
    for counter, amount in decision.drawn:
        drawn[counter] = drawn.get(counter, _ZERO) + amount
    return drawn


def _draws(capture: Capture) -> list[Draw]:
    return list({one.counter: one for one, _ in capture.draws}.values())


def _is_money(draw: Draw) -> bool:
    """Tell counters of money, which divides, from counters of uses."""
    what = draw.counter.split("/")[2]
    return what.startswith("budget") or what == "money"


def _of_old(draft: Draft, paid: PaidOrder, part: Part, took: tuple[Capture, Decision]) -> Iterator[Undone]:
    """Undo, with the whole order, the coupons that no discount names."""
    capture, decision = took
    named = {one.redemption_id for one in capture.discounts}
    handled = {one.redemption_id for earlier in paid.earlier for one in earlier.undone}
    for number in decision.used:
        if part.is_last and number not in named | handled and policy_of(paid) != "keep":
            yield restore(draft, paid, number)
