"""Codes that a cart gives, as pricing takes them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from guerdon.base.exact import round_scaled
from guerdon.rules.coupons.standing import REASONS, Asking, KnownCode, met_limit, why_not
from guerdon.rules.draft import Draft
from guerdon.rules.limits import Draw
from guerdon.rules.pricing import Cart, GivenCoupon


def given_codes(draft: Draft, cart: Cart, codes: Mapping[str, KnownCode]) -> dict[str, GivenCoupon]:
    """Judge the codes of a cart, one after the other.

    A code counts as used by those behind it, so that two codes of one batch cannot take the same last use.

    Args:
        draft: the account and the shared counters, without what this cart held before.
        cart: what is bought.
        codes: by code as given, those of batches.

    Returns:
        What pricing takes, by code as given.
    """
    member = draft.before.member
    asking = Asking(
        account_id=draft.before.account.account_id,
        member_id=member.member_id if member is not None else None,
        channel=cart.channel,
        store=cart.store,
        now=draft.now,
        day=draft.day,
    )
    claimed: dict[str, int] = {}
    met: set[tuple[int, int]] = set()
    found = {}

    def room(draw: Draw) -> Decimal:
        return draft.room(draw) - claimed.get(draw.counter, 0)

    for code, known in codes.items():
        place = (known.batch_id, known.place)
        problem = why_not(known, asking, room)
        if not problem and place in met:
            problem = "coupon_given_twice"
        met.add(place)
        if problem:
            limit = met_limit(known, asking, room) if problem == "limit_reached" else None
            said = REASONS[problem] if limit is None else limit.said(asking.day)
            found[code] = GivenCoupon(known.reward, problem, said)
            continue
        uses, money = known.uses(asking.member_id, asking.day, asking.store), known.money
        for draw in uses:
            claimed[draw.counter] = claimed.get(draw.counter, 0) + 1
        left = None if money is None else round_scaled(room(money), draft.program.digits, "floor")
        found[code] = GivenCoupon(known.reward, remaining=left, uses=uses, money=money)
    return found
