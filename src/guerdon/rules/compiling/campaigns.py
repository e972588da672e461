"""Campaigns as compiled: when they fire, for whom, and what they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from guerdon.rules import definition as written
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.compiling.wallets import cost_of, expiry_of
from guerdon.rules.expressions import BOOL, DECIMAL
from guerdon.rules.parts import Award, Campaign, Multiply, Redeem, Schedule, Wallet
from guerdon.rules.promotions import limits_of
from guerdon.rules.reads import inactive_because

_WEEKDAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}


class Place(NamedTuple):
    """Where a campaign stands in the document."""

    at: str
    then: str
    """Where its effects stand."""


def campaign_of(
    work: Compiling,
    key: str,
    one: written.Campaign,
    wallets: Mapping[str, Wallet],
    place: Place | None = None,
) -> Campaign:
    """Compile a campaign.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.
        wallets: the compiled wallets.
        place: where it stands, if not under `campaigns`.

    Returns:
        The campaign.
    """
    effects = one.then
    place = place or Place(f"/campaigns/{key}", f"/campaigns/{key}/then")
    made = Campaign(
        key=key,
        trigger=one.trigger,
        priority=one.priority,
        when=work.expression(one.when, one.trigger, BOOL),
        audience=work.expression(one.audience, one.trigger, BOOL),
        channels=frozenset(one.channels) if one.channels else None,
        stores=frozenset(one.stores) if one.stores else None,
        schedule=_schedule(one.schedule) if one.schedule else None,
        limits=limits_of(one.limits),
        awards=tuple(
            _award(work, f"{place.then}/{number}/award", effect, one.trigger, wallets)
            for number, effect in enumerate(effects)
            if isinstance(effect, written.Award)
        ),
        multipliers=tuple(
            _multiplier(work, effect, one.trigger)
            for effect in effects
            if isinstance(effect, written.Multiply)
        ),
        redeems=tuple(
            Redeem(effect.reward, work.expression(effect.while_, one.trigger, BOOL))
            for effect in effects
            if isinstance(effect, written.Redeem)
        ),
        grants=tuple(effect.reward for effect in effects if isinstance(effect, written.Grant)),
        badges=tuple(effect.badge for effect in effects if isinstance(effect, written.Badge)),
    )
    _check_budget(work, place.at, made, wallets)
    return msgspec.structs.replace(made, inactive=inactive_because(one, made))


def _check_budget(work: Compiling, at: str, campaign: Campaign, wallets: Mapping[str, Wallet]) -> None:
    """A budget in money can only be kept where it is known what things cost."""
    budget, rewards = campaign.limits.budget, work.definition.rewards
    if budget is None or budget.money is None:
        return
    unknown = [f"wallet {one.wallet}" for one in campaign.awards if wallets[one.wallet].cost is None]
    unknown += [f"reward {key}" for key in campaign.grants if cost_of(rewards[key]) is None]
    for name in unknown:
        detail = f"the {name} says neither `cost` nor `worth`, so it cannot be counted in money"
        work.fault(f"{at}/limits/budget/money", "cost_unknown", detail)


def _award(
    work: Compiling, at: str, effect: written.Award, trigger: str, wallets: Mapping[str, Wallet]
) -> Award:
    wallet = wallets[effect.wallet]
    expires = wallet.expires if effect.expires is None else expiry_of(effect.expires)
    idle = [one is not None and one.from_activity for one in (wallet.expires, expires)]
    if expires != wallet.expires and (idle[1] or (idle[0] and expires is None)):
        # Idleness is one instant on the wallet, so single lots can neither have it nor be spared.
        detail = "expiry from the last activity holds for a whole wallet, and an award cannot change it"
        work.fault(f"{at}/expires", "expiry_of_wallet", detail)
    amount = work.expression(effect.amount, trigger, DECIMAL)
    reads = amount.reads if amount is not None else frozenset()
    return Award(
        wallet=effect.wallet,
        amount=amount,  # type: ignore[arg-type]  # a missing one is a fault, and faults end the compilation
        order_based=any(path.split(".")[0] in ("order", "cart") for path in reads),
        pending=wallet.pending if effect.pending is None else span_of(effect.pending),
        expires=expires,
    )


def _multiplier(work: Compiling, effect: written.Multiply, trigger: str) -> Multiply:
    return Multiply(
        wallet=effect.wallet,
        by=work.expression(effect.by, trigger, DECIMAL),  # type: ignore[arg-type]  # as above
        of=frozenset(effect.of) if effect.of else None,
        adds=effect.combine == "add",
        where=work.expression(effect.where, f"{trigger}/line", BOOL),
    )


def _schedule(one: written.Schedule) -> Schedule:
    return Schedule(
        days=frozenset(_WEEKDAYS[day] for day in one.days) if one.days else None,
        from_time=one.from_,
        to_time=one.to,
        starts=one.starts,
        ends=one.ends,
    )
