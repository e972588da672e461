"""Checkouts, pure: a cart is priced, paid in part with units, and what it promises is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import round_scaled, scaled_decimal, scaled_text, to_scaled
from guerdon.base.ids import Chance
from guerdon.rules import holds
from guerdon.rules.cards.codes import is_of_cards
from guerdon.rules.cards.paying import Card, CardShare, pay_with_cards
from guerdon.rules.coupons.giving import given_codes
from guerdon.rules.coupons.standing import REASONS, KnownCode, granted_money, why_not_granted
from guerdon.rules.decision import Decision
from guerdon.rules.draft import Draft
from guerdon.rules.events import Capture, CardPaid, Discounted, Event, Promised
from guerdon.rules.limits import Draw, stock_draw
from guerdon.rules.offering import check_for_cart, price_pinned
from guerdon.rules.orders import AmountInput, OrderInput, read_order
from guerdon.rules.parts import Reward
from guerdon.rules.paying import Payment, Purse, pay
from guerdon.rules.pinned import tier_views
from guerdon.rules.pricing import Cart, GivenCoupon, Priced, price, view_of
from guerdon.rules.program import Program
from guerdon.rules.promotions import CHECKOUT, Source
from guerdon.rules.reaching.foreseeing import Foreseen, foresee
from guerdon.rules.seating import check_line
from guerdon.rules.segments import see_segments
from guerdon.rules.spending import REFUSALS, cart_draws
from guerdon.rules.state import Hold, HoldKind, Lot, State
from guerdon.rules.step import step

_NOTHING, _ONE = Decimal(0), Decimal(1)
_REWARDS_AT_MOST = 20
_PAID = "order.paid"
_HUNDRED = Fraction(100)


class CouponState(msgspec.Struct, frozen=True):
    """A code that was given out, as gathered."""

    redemption_id: int
    account_id: int
    reward: str
    status: str
    """`issued`, `used` or `cancelled`."""
    expires_at: datetime | None
    known: KnownCode | None = None
    """The code of a batch or a shared one, which nobody redeemed."""


class Opening(msgspec.Struct, frozen=True):
    """What is asked of a checkout."""

    checkout: str
    """The checkout's id, a UUID as text."""
    cart: Cart
    expires_at: datetime
    """When what it holds lapses."""
    redemption_ids: Sequence[int]
    """Numbers for the rewards of the cart, as many as it names."""
    coupons: Mapping[str, CouponState] = {}
    """By code, those of the cart's codes that are known."""
    cards: tuple[Card, ...] = ()
    """The gift cards that pay, in the order in which the cart names them."""


class Quoted(msgspec.Struct, frozen=True):
    """A priced cart with all that follows from it."""

    priced: Priced
    payments: tuple[Payment, ...]
    """What units pay of it, whether as a tender or as a discount."""
    cards: tuple[CardShare, ...]
    """What gift cards pay of the rest."""
    due: int
    """What is left to be paid, minor units."""
    spends: Mapping[str, int]
    """Units that it takes, for paying and for rewards, by wallet in its scale."""
    free: Mapping[str, int]
    """Units that are left to spend after it, by wallet in its scale."""
    order: OrderInput
    """The order that it becomes."""
    capture: Capture
    paid: Decision
    """What the order would set off if it were paid now."""
    challenges: tuple[Foreseen, ...] = ()
    """In which challenges it would move the account."""


def quote(
    program: Program, state: State, event: Event, opening: Opening, chance: Chance
) -> tuple[State, Quoted]:
    """Price a cart and hold what it promises; `exactly()` is entered by the caller.

    Args:
        program: the version that prices; it stays with the checkout.
        state: the account (number 0 for a guest), who buys, and the shared counters.
        event: of type `checkout`, at the instant of pricing.
        opening: the cart, and how long it is held.
        chance: seeded randomness.

    Returns:
        The state with what is held, and nothing else changed; and the quote.

    Raises:
        Problem: what is wrong with units to spend or with rewards of the cart, with its pointer.
    """
    draft = Draft(program, state, event, chance)
    draft.settle()
    draft.let_go_of(opening.checkout)
    purse = _purse(program, draft)
    priced, payments = _price(draft, opening, purse)
    rewards = _rewards(draft, opening, priced)
    spends = _spends(draft, payments, rewards)
    due = priced.total - sum(one.minor for one in payments if not _is_discount(program, one))
    cards = pay_with_cards(opening.cards, due)
    member = state.member.member_id if state.member is not None else None
    capture = Capture(
        checkout=opening.checkout,
        version=program.version,
        draws=tuple((one.draw, one.amount) for one in priced.draws),
        units={one.wallet: one.units for one in payments},
        coupons=tuple(
            opening.coupons[one.source.code].redemption_id
            for one in priced.taken
            if one.source.code in opening.coupons and _is_used_at_once(program, opening, one.source.code)
        ),
        rewards=tuple(
            Promised(number, reward.key, price_pinned(program, reward))
            for number, reward in zip(opening.redemption_ids, rewards, strict=False)
        ),
        discounts=_discounts(program, priced, opening.coupons),
        cards=tuple(
            CardPaid(one.account, program.card_wallet or "", one.minor) for one in cards if one.minor
        ),
        tiers={key: one.key for key, one in tier_views(program, draft.tiers, {}).items()} if member else {},
    )
    _set_aside(draft, promised_holds(program, capture, (member, draft.day), opening.expires_at))
    order = priced.placed(_tenders(program, payments, cards))
    due -= sum(one.minor for one in cards)
    free = {key: max(one.free, 0) for key, one in draft.wallets.items()}
    taken = tuple(
        msgspec.structs.replace(one, lots=(Lot(draft.now, None, one.units),)) for one in capture.cards
    )
    paid, challenges = _earned(draft, order, msgspec.structs.replace(capture, cards=taken))
    quoted = Quoted(priced, payments, cards, due, spends, free, order, capture, paid, challenges)
    return _held_only(state, draft), quoted


def release(program: Program, state: State, event: Event, checkout: str = "") -> State:
    """Let go of what a checkout holds, and of what has lapsed.

    Args:
        program: any version.
        state: the account and the shared counters.
        event: gives the instant.
        checkout: its id, a UUID as text; empty lets go only of what has lapsed.

    Returns:
        The state with less held, and nothing else changed.
    """
    draft = Draft(program, state, event, Chance(bytes(8)))
    draft.let_go(holds.lapsed(draft.holds, draft.now) + holds.lapsed(draft.shared_holds, draft.now))
    draft.let_go_of(checkout)
    return _held_only(state, draft)


def _held_only(before: State, draft: Draft) -> State:
    """Keep what is held, and nothing else: the next event books what time has done, with its transactions."""
    account = before.account
    wallets = {
        key: wallet
        if (now := draft.wallets.get(key, wallet)).held == wallet.held
        else msgspec.structs.replace(wallet, held=now.held)
        for key, wallet in account.wallets.items()
    }
    return State(
        account=msgspec.structs.replace(account, wallets=wallets, counters=draft.counters, holds=draft.holds),
        member=before.member,
        shared=msgspec.structs.replace(before.shared, counters=draft.shared, holds=draft.shared_holds),
    )


def _purse(program: Program, draft: Draft) -> Purse:
    spending = program.definition.spending
    most = spending.at_most_percent
    return Purse(
        wallets=program.wallets,
        states=draft.wallets,
        digits=program.digits,
        clamp=spending.short == "clamp",
        share=Fraction(1) if most is None else Fraction(most) / _HUNDRED,
        least_minor=0 if spending.minimum is None else to_scaled(spending.minimum, program.digits),
    )


def _as_discount(program: Program) -> bool:
    return program.definition.spending.as_ == "discount"


def _is_discount(program: Program, payment: Payment) -> bool:
    """Tell whether units that pay are a discount: only points can be."""
    return _as_discount(program) and program.wallets[payment.wallet].tender == "points"


def _price(draft: Draft, opening: Opening, purse: Purse) -> tuple[Priced, tuple[Payment, ...]]:
    """Price the cart, and let units pay: after it is priced, or as the last discount on it."""
    program, cart, event = draft.program, opening.cart, draft.event
    member = draft.before.member
    scope = draft.scope(CHECKOUT)
    if draft.before.account.account_id:
        # A guest has no account, and so is in no segment.
        see_segments(program.segments_of, scope, CHECKOUT)
    view = view_of(
        scope,
        member.member_id if member is not None else None,
        {**draft.counters, **draft.shared},
        coupons=_coupons(draft, opening),
        source=event.source,
    )
    asked = cart.sent.spend
    if asked and draft.before.account.account_id == 0:
        raise Problem.at("/spend", "member_missing", "only a member has units to spend")
    priced = price(program, cart, view, event.occurred_at)
    if not asked:
        return priced, ()
    points, money = _by_tender(program, asked)
    payments = pay(purse, points, priced.net if _as_discount(program) else priced.total)
    due = priced.total
    if payments and _as_discount(program):
        off = tuple((one.wallet, one.minor) for one in payments)
        view = msgspec.structs.replace(view, units_off=off)
        priced = price(program, cart, view, event.occurred_at)
        due = priced.total
    elif payments:
        due -= sum(one.minor for one in payments)
    # Money that the shop owes pays like money: without the bounds that hold for points.
    return priced, payments + pay(purse._replace(share=Fraction(1), least_minor=0), money, due)


def _by_tender(
    program: Program, asked: Mapping[str, Decimal]
) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Tell points from money among what is to be spent; a wallet that is not known counts as points."""
    points: dict[str, Decimal] = {}
    money: dict[str, Decimal] = {}
    for key, amount in asked.items():
        wallet = program.wallets.get(key)
        (points if wallet is None or wallet.tender == "points" else money)[key] = amount
    return points, money


def _coupons(draft: Draft, opening: Opening) -> dict[str, GivenCoupon]:
    known = {code: one.known for code, one in opening.coupons.items() if one.known is not None}
    given = given_codes(draft, opening.cart, known)
    for code in opening.cart.sent.coupons:
        if code not in opening.coupons and is_of_cards(code):
            given[code] = GivenCoupon("", "coupon_is_gift_card", REASONS["coupon_is_gift_card"])
    for code, coupon in opening.coupons.items():
        if coupon.known is not None:
            continue
        problem = _refusal(draft, coupon)
        money = _money_on(draft.program, coupon)
        if problem or money is None:
            given[code] = GivenCoupon(coupon.reward, problem)
            continue
        left = round_scaled(max(draft.room(money), _NOTHING), draft.program.digits, "floor")
        problem = "" if left else "coupon_used"
        given[code] = GivenCoupon(coupon.reward, problem, remaining=left, money=money)
    return given


def _money_on(program: Program, coupon: CouponState) -> Draw | None:
    reward = program.rewards.get(coupon.reward)
    if coupon.known is not None or reward is None or reward.money is None:
        return None
    return granted_money(coupon.redemption_id, reward.money)


def _is_used_at_once(program: Program, opening: Opening, code: str) -> bool:
    coupon = opening.coupons[code]
    return coupon.known is None and _money_on(program, coupon) is None


def _refusal(draft: Draft, coupon: CouponState) -> str:
    """Say why a coupon cannot be used, or nothing."""
    name = str(coupon.redemption_id)
    return why_not_granted(
        coupon.status,
        coupon.expires_at,
        draft.now,
        is_another=coupon.account_id != draft.before.account.account_id,
        is_held=any(hold.kind == "redemption" and hold.name == name for hold in draft.holds.values()),
    )


def _rewards(draft: Draft, opening: Opening, priced: Priced) -> list[Reward]:
    """Find the rewards that come with the cart, all of which must be had now, beside what its prices draw."""
    names = opening.cart.sent.rewards
    if len(names) > _REWARDS_AT_MOST:
        raise Problem.at("/rewards", "too_many_rewards", f"a cart names at most {_REWARDS_AT_MOST} rewards")
    if names and draft.before.account.account_id == 0:
        raise Problem.at("/rewards", "member_missing", "only a member can take rewards")
    drawn: dict[str, Decimal] = {}
    for one in priced.draws:
        drawn[one.draw.counter] = drawn.get(one.draw.counter, _NOTHING) + one.amount
    rewards = [_reward(draft, name, f"/rewards/{place}", drawn) for place, name in enumerate(names)]
    for place, reward in enumerate(rewards):
        counter = stock_draw(reward.key, 0).counter
        held = draft.before.shared.holds.get((opening.checkout, "shared", counter))
        try:
            # What this very cart held already is its own, whoever came to wait meanwhile.
            own = held.amount if held is not None else _NOTHING
            check_line(draft, reward, drawn.get(counter, _NOTHING), own=own)
        except Problem as problem:
            raise Problem.at(f"/rewards/{place}", problem.code, problem.detail) from None
    return rewards


def _reward(draft: Draft, name: str, pointer: str, drawn: dict[str, Decimal]) -> Reward:
    reward = draft.program.rewards.get(name)
    if reward is None:
        raise Problem.at(pointer, "unknown_reward", f"this program has no reward {name!r}")
    if not reward.price:
        raise Problem.at(pointer, "reward_not_for_sale", "this reward is granted and has no price")
    if reward.choices:
        detail = "something is chosen of this reward: take it by a redemption"
        raise Problem.at(pointer, "choice_missing", detail)
    try:
        reward = check_for_cart(draft, reward)
    except Problem as problem:
        raise Problem.at(pointer, problem.code, problem.detail) from None
    member = draft.before.member
    for draw, amount, code in cart_draws(reward, member.member_id if member is not None else None, draft.day):
        drawn[draw.counter] = drawn.get(draw.counter, _NOTHING) + amount
        if draft.room(draw) < drawn[draw.counter]:
            raise Problem.at(pointer, code, REFUSALS[code])
    return reward


def _spends(draft: Draft, payments: Sequence[Payment], rewards: Sequence[Reward]) -> dict[str, int]:
    spends: dict[str, int] = {}
    for one in payments:
        spends[one.wallet] = spends.get(one.wallet, 0) + one.units
    for reward in rewards:
        for wallet, units in reward.price:
            spends[wallet] = spends.get(wallet, 0) + units
    for wallet, units in spends.items():
        state = draft.wallet(wallet)
        if units > state.free:
            scale = draft.program.wallets[wallet].scale
            needed = scaled_text(units, scale)
            there = scaled_text(max(state.free, 0), scale)
            detail = f"{needed} of {wallet} are needed and {there} are available"
            raise Problem.at("/rewards", "insufficient_units", detail)
    return spends


def _discounts(
    program: Program, priced: Priced, coupons: Mapping[str, CouponState]
) -> tuple[Discounted, ...]:
    found = []
    for one in priced.taken:
        amount, source = one.lines + one.shipping, one.source
        if amount and source.kind == "campaign":
            found.append(Discounted(source.key, amount))
        elif amount and source.kind == "coupon":
            found.append(_by_code(program, amount, source, coupons.get(source.code)))
    return tuple(found)


def _by_code(program: Program, amount: int, source: Source, coupon: CouponState | None) -> Discounted:
    """Write what a code took off, with what leads back to it when the order comes back."""
    known = coupon.known if coupon is not None else None
    if known is not None:
        return Discounted("", amount, source.key, source.code, owner=known.owner, place=known.place)
    is_used = coupon is not None and _money_on(program, coupon) is None
    number = coupon.redemption_id if coupon is not None and is_used else None
    return Discounted("", amount, source.key, source.code, number)


def _tenders(
    program: Program, payments: Sequence[Payment], cards: Sequence[CardShare]
) -> tuple[AmountInput, ...]:
    paid = [
        (one.minor, program.wallets[one.wallet].tender) for one in payments if not _is_discount(program, one)
    ]
    paid += [(one.minor, "gift_card") for one in cards if one.minor]
    return tuple(AmountInput(scaled_decimal(minor, program.digits), kind=kind) for minor, kind in paid)


def promised_holds(
    program: Program, capture: Capture, who_when: tuple[int | None, date], expires_at: datetime
) -> tuple[Hold, ...]:
    """Tell what must be held for a promise to be kept.

    Args:
        program: the version that priced.
        capture: what was promised.
        who_when: number of who buys, None for a guest; and the local day of pricing.
        expires_at: when it is held no longer.

    Returns:
        The holds, one for each figure that they bind.
    """
    amounts: dict[tuple[HoldKind, str], Decimal] = {}

    def add(kind: HoldKind, name: str, amount: Decimal) -> None:
        amounts[kind, name] = amounts.get((kind, name), _NOTHING) + amount

    draws = list(capture.draws)
    for promised in capture.rewards:
        reward = program.rewards[promised.reward]
        draws += [(draw, amount) for draw, amount, _ in cart_draws(reward, *who_when)]
        for wallet, units in promised.price.items() or reward.price:
            add("units", wallet, Decimal(units))
    for wallet, units in capture.units.items():
        add("units", wallet, Decimal(units))
    for draw, amount in draws:
        add("shared" if draw.shared else "use", draw.counter, amount)
    for number in capture.coupons:
        add("redemption", str(number), _ONE)
    return tuple(
        Hold(capture.checkout, kind, name, amount, expires_at) for (kind, name), amount in amounts.items()
    )


def _set_aside(draft: Draft, made: Sequence[Hold]) -> None:
    """Bind the figures that holds are on."""
    for hold in made:
        if hold.kind == "units":
            state = draft.wallet(hold.name)
            draft.wallets[hold.name] = msgspec.structs.replace(state, held=state.held + int(hold.amount))
        elif hold.kind != "redemption":
            draft.draw(Draw(hold.name, _NOTHING, shared=hold.kind == "shared"), hold.amount)
    mine = {hold.key: hold for hold in made if hold.kind != "shared"}
    shared = {hold.key: hold for hold in made if hold.kind == "shared"}
    draft.holds = {**draft.holds, **mine} if mine else draft.holds
    draft.shared_holds = {**draft.shared_holds, **shared} if shared else draft.shared_holds


def _earned(draft: Draft, order: OrderInput, capture: Capture) -> tuple[Decision, tuple[Foreseen, ...]]:
    """Decide what the order would set off, by the very step that decides it when it is paid."""
    program, event = draft.program, draft.event
    if draft.before.account.account_id == 0:
        return Decision(version=program.version), ()
    paid = msgspec.structs.replace(
        event,
        type=_PAID,
        command=None,
        order=read_order(order, program.order_settings, event.channel, event.store),
        capture=capture,
    )
    before, chance = draft.state(), draft.chance.without_lots()
    after, decision = step(program, before, paid, chance)
    if not program.challenges_by_event.get(_PAID):
        return decision, ()
    stood, stands = (Draft(program, one, paid, chance) for one in (before, after))
    return decision, foresee(stood, stands, decision)
