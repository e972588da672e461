"""The catalogue as a member may see it, with what is missing."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import plain_text, scaled_text
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref, resolve
from guerdon.programs.counters import load_counters
from guerdon.programs.holds import load_lapsed
from guerdon.rules.limits import stock_draw
from guerdon.rules.offering import why_not_offered
from guerdon.rules.program import Program, Reward
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.shapes import Rewards, RewardShape
from guerdon.web.api.standing import Shown, show_standing
from guerdon.web.outline import operation
from guerdon.wiring import Live

ROUTER: Final = APIRouter(tags=["Rewards"])
Reading = Annotated[Call, Depends(admitted("rewards:read"))]


@ROUTER.get("/v1/programs/{program}/rewards", summary="The catalogue", **operation(Rewards))
def catalogue(
    call: Reading, program: str, member: Annotated[str | None, Query(max_length=260)] = None
) -> Response:
    """All rewards; with `member`, whether that member can take each now, and what is missing."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        standing = _standing(tx, call, live, member) if member is not None else None
        left = _stock_left(tx, live, call.now)
    local = live.program.zone.local(call.now).replace(tzinfo=None)
    shown = [
        _shown(live.program, reward, left.get(key), standing, local)
        for key, reward in live.program.rewards.items()
    ]
    return answer(Rewards(data=shown, next=None))


def _standing(tx: Tx, call: Call, live: Live, member: str) -> Shown:
    ref = parse_ref(member)
    found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
    if found is None:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    return show_standing(tx, live.program, found.account_id, call.now)


def _stock_left(tx: Tx, live: Live, now: datetime) -> dict[str, int]:
    stocked = {key: one.stock for key, one in live.program.rewards.items() if one.stock is not None}
    counters = {key: stock_draw(key, stock).counter for key, stock in stocked.items()}
    taken = load_counters(tx, live.program_id, list(counters.values()))
    for counter, amount in load_lapsed(tx, live.program_id, list(counters.values()), now).items():
        # Carts that nobody paid in time hold nothing, whether or not it was let go.
        taken[counter] = taken.get(counter, Decimal(0)) - amount
    return {key: max(0, stock - int(taken.get(counters[key], Decimal(0)))) for key, stock in stocked.items()}


def _shown(
    program: Program, reward: Reward, left: int | None, standing: Shown | None, local: datetime
) -> RewardShape:
    written = program.definition.rewards[reward.key]
    missing: dict[str, str] = {}
    reason = None
    if standing is not None:
        for wallet, units in reward.price:
            lacking = units - standing.spendable.get(wallet, 0)
            if lacking > 0:
                missing[wallet] = scaled_text(lacking, program.scales[wallet])
        held = {one.tier for one in standing.tiers.values()}
        held |= {f"{ladder}.{one.tier}" for ladder, one in standing.tiers.items()}
        reason = _reason(reward, left, held, local)
    languages = program.definition.languages
    return RewardShape(
        key=reward.key,
        kind=reward.kind,
        name=written.name.in_language(languages[0] if languages else "en", languages)
        if written.name is not None
        else reward.key,
        price={wallet: scaled_text(units, program.scales[wallet]) for wallet, units in reward.price},
        worth=_money(program, written.worth) if written.worth is not None else None,
        tiers=sorted(reward.tiers),
        stock_left=left,
        available=None if standing is None else not missing and reason is None,
        missing=missing,
        reason=reason,
        choices=reward.choices,
    )


def _money(program: Program, amount: Decimal) -> str:
    """Write money with the places of the currency, or with its own where it has more."""
    units = amount.scaleb(program.digits)
    whole = units == units.to_integral_value()
    return scaled_text(int(units), program.digits) if whole else plain_text(amount)


def _reason(reward: Reward, left: int | None, held: set[str], local: datetime) -> str | None:
    if not reward.price:
        return "reward_not_for_sale"
    return why_not_offered(reward, held, local) or ("out_of_stock" if left == 0 else None)
