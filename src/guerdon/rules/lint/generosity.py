"""Awards that are worth more than what sets them off costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Final

from guerdon.rules.definition import Award, Definition, Reward
from guerdon.rules.difference import Voice
from guerdon.rules.expressions import EXACT, EvaluationError, Expression
from guerdon.rules.limits import NO_LIMITS
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.orders import LineInput, Order, OrderInput, read_order
from guerdon.rules.own_events import (
    BOARD_CLOSED,
    MEMBER_ANNIVERSARY,
    MEMBER_BIRTHDAY,
    ORDER_ANNIVERSARY,
    REFERRAL_JOINED,
    SEAT_CALLED_OFF,
    TIER_LOST,
    has_order,
)
from guerdon.rules.program import Campaign, Program
from guerdon.rules.scope import AccountView, EventView, MemberView, ProgramView, Scope, TierView, WalletView

_SIZES: Final = (1, 10, 100, 1_000, 10_000)
"""Orders of so many units of money are tried; of a hundred times as many where there are no cents."""
_ONCE: Final = frozenset({
    "member.enrolled",
    "tier.reached",
    "badge.earned",
    "checkout",
    # Time alone brings these, to each once in a year, or once in a window.
    MEMBER_BIRTHDAY,
    MEMBER_ANNIVERSARY,
    ORDER_ANNIVERSARY,
    BOARD_CLOSED,
    TIER_LOST,
    # Once in the life of an account; and once for a seat, by staff.
    REFERRAL_JOINED,
    SEAT_CALLED_OFF,
})  # fmt: skip
"""What cannot be repeated at will."""
_MONEY: Final = frozenset({"order.net", "order.subtotal", "order.total", "order.earning_base"})
_ENDLESS: Final = Decimal(10) ** 9


@dataclass(frozen=True, slots=True)
class _Return:
    """What an order of one size brings."""

    size: Decimal
    units: dict[str, Fraction]
    worth: Fraction
    leading: str
    """Pointer to the amount that brings the most."""


class _Any(dict[str, Any]):
    """A map in which every name has the same value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, key: str) -> Any:
        return self._value


def generous_awards(asked: Asked) -> Iterator[LintWarning]:
    """Find awards by which an order pays for itself, and awards for what costs nothing.

    An order earns at the highest tier's rate with every multiplier that may apply; what is limited counts
    only for very large orders, as it cannot be repeated.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        At most one warning for each trigger, and one for each free award without a limit.
    """
    definition = asked.definition
    program = asked.program
    worths = unit_worths(definition)
    voice = Voice(definition)
    for trigger, campaigns in sorted(program.by_trigger.items()):
        # What a quiz or a challenge brings is had once by whoever passes, or as its own limits say.
        active = [one for one in campaigns if not one.inactive and not one.is_prize]
        if has_order(trigger):
            found = _dearest(program, trigger, active, worths)
            if found is not None:
                yield _paid_back(found, voice)
        elif trigger not in _ONCE:
            yield from _free(definition, active, worths)


def unit_worths(definition: Definition) -> Mapping[str, Fraction]:
    """Say what one unit of each wallet can bring its owner.

    Args:
        definition: the definition.

    Returns:
        The most that checkout or any reward that is priced in this wallet alone gives for a unit.
    """
    worths: dict[str, Fraction] = {}
    for key, wallet in definition.wallets.items():
        every = [Fraction(wallet.worth)] if wallet.worth is not None else []
        every += [
            Fraction(reward.worth) / Fraction(reward.price[key])
            for reward in definition.rewards.values()
            if reward.worth is not None and list(reward.price) == [key]
        ]
        worths[key] = max(every, default=Fraction(0))
    return worths


def reward_worth(reward: Reward) -> Fraction:
    """Say what a reward is worth to whoever has it.

    Args:
        reward: as the definition says.

    Returns:
        Money: its worth, else its cost, else what its coupon takes off, at most; 0 where none of it is said.
    """
    off = reward.discount.amount or reward.discount.at_most if reward.discount is not None else None
    return Fraction(reward.worth or reward.cost or off or 0)


def share_of(reward: Reward) -> Fraction:
    """Say which share of any order a coupon takes off that says neither its worth nor a cap.

    Args:
        reward: as the definition says.

    Returns:
        Between 0 and 1; 0 where it is known by `reward_worth`, and where it depends on more than a sum.
    """
    off = reward.discount
    if off is None or off.percent is None or reward_worth(reward):
        return Fraction(0)
    is_plain = off.of in ("order", "lines") and off.every is None and off.buy is None
    return Fraction(off.percent) / 100 if is_plain else Fraction(0)


def prize_worth(definition: Definition, campaign: Campaign, scope: Scope) -> Fraction:
    """Say what a prize is worth to whoever gets it, with coupons in percent reckoned at the order it sees.

    Args:
        definition: says what units and rewards are worth.
        campaign: the prize, compiled.
        scope: what its amounts see.

    Returns:
        Money; an amount that cannot be worked out without a real member counts as nothing.
    """
    worths = unit_worths(definition)
    units = sum((_value(one.amount, scope) * worths[one.wallet] for one in campaign.awards), Fraction(0))
    size = Fraction(scope.order.net)
    granted = [definition.rewards[key] for key in campaign.grants]
    return units + sum((reward_worth(one) + share_of(one) * size for one in granted), Fraction(0))


def _dearest(
    program: Program, trigger: str, campaigns: list[Campaign], worths: Mapping[str, Fraction]
) -> _Return | None:
    """Find the largest order that is paid back in full."""
    unit = 1 if program.digits else 100
    for number in reversed(_SIZES):
        size = Decimal(number * unit)
        counted = [one for one in campaigns if one.limits == NO_LIMITS or number == _SIZES[-1]]
        found = _brought(program, scope_of_order(program, trigger, size), counted, worths)
        if found.worth >= Fraction(size):
            return found
    return None


def _brought(
    program: Program, scope: Scope, campaigns: list[Campaign], worths: Mapping[str, Fraction]
) -> _Return:
    holding = [one for one in campaigns if may_hold(one.when, scope)]
    units: dict[str, Fraction] = {}
    leading, most = "", Fraction(0)
    for campaign in holding:
        for award, place in zip(campaign.awards, _places(program.definition, campaign.key), strict=True):
            amount = _value(award.amount, scope)
            for other in holding:
                for one in other.multipliers:
                    applies = award.order_based if one.of is None else campaign.key in one.of
                    if one.wallet == award.wallet and applies:
                        amount *= max(_value(one.by, scope), Fraction(1))
            units[award.wallet] = units.get(award.wallet, Fraction(0)) + amount
            worth = amount * worths[award.wallet]
            if worth > most:
                leading, most = f"/campaigns/{campaign.key}/then/{place}/award/amount", worth
    worth = sum((count * worths[wallet] for wallet, count in units.items()), Fraction(0))
    return _Return(scope.order.net, units, worth, leading)


def _places(definition: Definition, campaign: str) -> list[int]:
    return [at for at, effect in enumerate(definition.campaigns[campaign].then) if isinstance(effect, Award)]


def _value(expression: Expression, scope: Scope) -> Fraction:
    """An amount that cannot be worked out without a real member counts as nothing."""
    try:
        with localcontext(EXACT):
            return max(Fraction(expression(scope)), Fraction(0))
    except EvaluationError:
        return Fraction(0)


def may_hold(condition: Expression | None, scope: Scope) -> bool:
    """Tell whether a condition may hold: one on the order's size is judged, any other may.

    Args:
        condition: None for none.
        scope: as `scope_of_order` makes it.

    Returns:
        False where it cannot.
    """
    if condition is None or not condition.reads or not condition.reads <= _MONEY:
        return True
    try:
        with localcontext(EXACT):
            return bool(condition(scope))
    except EvaluationError:
        return False


def scope_of_order(program: Program, trigger: str, size: Decimal) -> Scope:
    """Make what conditions see of an order, or a cart, of some size by the best of members.

    Args:
        program: for tiers and settings.
        trigger: the event type, or `checkout`.
        size: money of its one line.

    Returns:
        The scope.
    """
    line = LineInput(id="1", sku="any", subtotal=size)
    order: Order = read_order(OrderInput(id="any", lines=(line,)), program.order_settings, "web", "")
    at = datetime(2000, 1, 1, tzinfo=UTC)
    tiers = {
        key: TierView(best.key, place, best.rate, best.benefits)
        for key, ladder in program.ladders.items()
        for place, best in [max(enumerate(ladder.tiers), key=lambda one: one[1].rate)]
    }
    scope = Scope()
    scope.event = EventView(trigger, at, "any", "web", "", {})
    scope.order = scope.cart = order
    scope.member = MemberView(joined_at=at)
    scope.account = AccountView(0, "person", {}, scope.member, 1, tiers, ())
    scope.metrics = _Any(size)  # type: ignore[assignment]  # read by name alone, as the real one is
    scope.wallets = _Any(WalletView(_ENDLESS, _ENDLESS, Decimal(0)))
    scope.program = ProgramView(program.key, program.currency)
    scope.store, scope.now = "", at
    return scope


def _paid_back(found: _Return, voice: Voice) -> LintWarning:
    wallet = max(found.units, key=lambda key: (found.units[key], key))
    key = found.leading.split("/")[2]
    units = voice.units(wallet, str(int(found.units[wallet])))
    worth = voice.money(Decimal(int(found.worth * 100)) / 100)
    return LintWarning(
        "award_exceeds_trigger",
        found.leading,
        f"campaign `{key}`",
        f"An order of {voice.money(found.size)} can bring {units}, worth {worth}: it pays for itself.",
        "Lower the amount or a multiplier, ask for a minimum (`when: order.net >= …`), or set `limits`.",
    )


def _free(
    definition: Definition, campaigns: list[Campaign], worths: Mapping[str, Fraction]
) -> Iterator[LintWarning]:
    for campaign in campaigns:
        limits = campaign.limits
        bounded = (limits.per_account, limits.per_member, limits.total, limits.budget)
        gives = [award for award in campaign.awards if worths[award.wallet]] or campaign.grants
        if gives and all(one is None for one in bounded):
            places = [at for at, one in enumerate(definition.campaigns[campaign.key].then)
                      if one.effect in ("award", "grant")]  # fmt: skip
            yield LintWarning(
                "free_award_unlimited",
                f"/campaigns/{campaign.key}/then/{places[0]}",
                f"campaign `{campaign.key}`",
                f"Each `{campaign.trigger}` costs nothing, gives something of worth, and may come "
                "again and again.",
                "Set `limits: {per_account: 1}`, with `per: month` if it may come back.",
            )
