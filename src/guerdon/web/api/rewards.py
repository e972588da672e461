"""The catalogue as a member may see it, with what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import plain_text, scaled_text
from guerdon.engine.looking.offers import Looker, load_offers
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref, resolve
from guerdon.programs.counters import load_counters
from guerdon.programs.holds import load_lapsed
from guerdon.rules.limits import stock_draw
from guerdon.rules.offering import Offer, choice_draw
from guerdon.rules.program import Program, Reward
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.taking.shapes import Rewards, RewardShape
from guerdon.web.api.taking.shown import in_first_language
from guerdon.web.outline import operation
from guerdon.wiring import Live

ROUTER: Final = APIRouter(tags=["Rewards"])
Reading = Annotated[Call, Depends(admitted("rewards:read"))]


@ROUTER.get("/v1/programs/{program}/rewards", summary="The catalogue", **operation(Rewards))
def catalogue(
    call: Reading, program: str, member: Annotated[str | None, Query(max_length=260)] = None
) -> Response:
    """All rewards; with `member` those that are for that member, with its price, and what is missing."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        offers = _offers(tx, call, live, member) if member is not None else {}
        left = _left(tx, live, call.now)
    shown = [
        _shown(live.program, reward, left, offers.get(key))
        for key, reward in live.program.rewards.items()
        if key not in offers or offers[key].is_seen
    ]
    return answer(Rewards(data=shown, next=None))


def _offers(tx: Tx, call: Call, live: Live, member: str) -> dict[str, Offer]:
    ref = parse_ref(member)
    found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
    if found is None:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    looker = Looker(live.program_id, live.program, found.account_id, found.member_id)
    return load_offers(tx, looker, call.now)


def _left(tx: Tx, live: Live, now: datetime) -> dict[str, int]:
    """Tell how much is left of all stock, by counter."""
    draws = [
        draw
        for reward in live.program.rewards.values()
        for draw in (
            stock_draw(reward.key, reward.stock) if reward.stock is not None else None,
            *(choice_draw(reward, choice) for choice in reward.stock_by_choice),
        )
        if draw is not None
    ]
    counters = [draw.counter for draw in draws]
    taken = load_counters(tx, live.program_id, counters)
    for counter, amount in load_lapsed(tx, live.program_id, counters, now).items():
        # Carts that nobody paid in time hold nothing, whether or not it was let go.
        taken[counter] = taken.get(counter, Decimal(0)) - amount
    return {draw.counter: max(0, int(draw.bound - taken.get(draw.counter, Decimal(0)))) for draw in draws}


def _shown(program: Program, reward: Reward, left: Mapping[str, int], offer: Offer | None) -> RewardShape:
    written = program.definition.rewards[reward.key]
    price = dict(reward.price) if offer is None else offer.price
    choices = {choice: choice_draw(reward, choice) for choice in reward.stock_by_choice}
    return RewardShape(
        key=reward.key,
        kind=reward.kind,
        name=in_first_language(program, written.name) or reward.key,
        price=_units(program, price.items()),
        worth=_money(program, written.worth) if written.worth is not None else None,
        tiers=sorted(reward.tiers),
        stock_left=None if reward.stock is None else left[stock_draw(reward.key, reward.stock).counter],
        available=None if offer is None else not offer.missing and not offer.reason,
        missing={} if offer is None else _units(program, offer.missing.items()),
        reason=None if offer is None else offer.reason or None,
        choices=reward.choices,
        choices_left={choice: left[draw.counter] for choice, draw in choices.items() if draw is not None},
        price_by_tier={tier: _units(program, one) for tier, one in reward.price_by_tier.items()},
        ready_at=None if offer is None else offer.ready_at,
        at_least=reward.at_least,
        at_most=reward.at_most,
        needs=_units(program, reward.needs),
        leaves=_units(program, reward.leaves),
        opens_at=_instant(program, reward.opens),
        ends_at=_instant(program, reward.until),
        cause=reward.gift.cause if reward.gift is not None else None,
        partner=reward.partner or None,
        place=in_first_language(program, written.place),
        at=written.at.isoformat() if written.at is not None else None,
        sku=written.sku,
        collection=written.collection,
    )


def _units(program: Program, amounts: Iterable[tuple[str, int]]) -> dict[str, str]:
    return {wallet: scaled_text(units, program.scales[wallet]) for wallet, units in amounts}


def _instant(program: Program, local: datetime | None) -> datetime | None:
    return None if local is None else local.replace(tzinfo=program.zone.info)


def _money(program: Program, amount: Decimal) -> str:
    """Write money with the places of the currency, or with its own where it has more."""
    units = amount.scaleb(program.digits)
    whole = units == units.to_integral_value()
    return scaled_text(int(units), program.digits) if whole else plain_text(amount)
