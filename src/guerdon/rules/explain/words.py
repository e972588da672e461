"""An explanation in words: each campaign with its reason, and the arithmetic of each award."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from guerdon.base.exact import multiply, plain_text, plus, scaled_text
from guerdon.rules.decision import Decision, Effect
from guerdon.rules.explain.returned import as_came
from guerdon.rules.explain.run import ACTED, Explanation, Outcome
from guerdon.rules.explain.short import short_in_words
from guerdon.rules.limits import EARNING_PERIODS
from guerdon.rules.program import Award, Campaign, Multiply
from guerdon.rules.reads import expressions_of
from guerdon.rules.stepping import exactly

_READ_AT_MOST: Final = 12
_PERSONAL: Final = "(personal)"
_ROUNDED: Final[Mapping[str, str]] = {
    "floor": "rounded down",
    "ceil": "rounded up",
    "half_up": "rounded half up",
    "half_even": "rounded half to even",
    "exact": "exactly",
}
_REASONS: Final[Mapping[str, str]] = {
    "not_active_yet": "it is accepted and does nothing yet",
    "other_trigger": "it is about something else",
    "other_channel": "it is for other channels",
    "other_store": "it is for other stores",
    "out_of_schedule": "it did not run at that time",
    "not_in_audience": "it is for others",
    "condition_false": "its condition does not hold",
    "limit_reached": "its limit was reached",
    "budget_spent": "its budget was spent",
    "earning_limit": "no more could be earned",
    "expression_error": "an expression could not be evaluated",
    "negative_amount": "its amount is less than 0",
    "nothing_to_award": "its amount comes to nothing",
    "insufficient_units": "there were too few units",
    "out_of_stock": "there was none left",
    "badge_held": "the badge was there already",
    "draw_over": "the draw was over",
    "drawn_when_paid": "it is drawn when the order is paid",
    "reward_not_for_tier": "the reward is for other tiers",
    "erased": "it reads personal values, and they were erased with the person",
    "personal_value_changed": "it reads personal values that are others by now",
}


_LIMITED: Final[Mapping[str, str]] = {
    "per_event": "one event earns no more",
    **{f"per_{per}": f"no more can be earned in one {per}" for per in EARNING_PERIODS},
    "balance": "the balance takes no more",
}


class Left(msgspec.Struct, frozen=True):
    """What a limit, a budget or a stock had left."""

    of: str
    """What is limited, such as `campaign/recycle` or `reward/mug`."""
    limit: str
    """`per_account`, `per_member`, `total`, `budget.money`, `budget.` and a wallet, or `stock`; of a wallet
    what limits earning: `per_day` and so on, or `balance`."""
    period: str
    """The period and its first local day, such as `month:2026-03-01`; `ever` where it never begins anew."""
    left: str
    """How much, before this event took anything: uses, money, whole units or pieces."""


def limits_left(decision: Decision) -> tuple[Left, ...]:
    """List what limits had left.

    Args:
        decision: as stored.

    Returns:
        One entry for each that was looked at, in the order of looking.
    """
    return tuple(_left(counter, left) for counter, left in decision.left.items())


def _left(counter: str, left: Decimal) -> Left:
    kind, owner, what, *period = counter.split("/")
    if kind == "wallet":
        since = period[0] if period else "ever"
        return Left(
            f"wallet/{owner}", f"per_{since.partition(':')[0]}" if period else what, since, plain_text(left)
        )
    names = {"account": "per_account", "total": "total", "stock": "stock", "budget": "budget.money"}
    names |= {"code": "uses", "money": "money"}
    limit = names.get(what, what if what.startswith("budget.") else "per_member")
    limit = "per_store" if what.startswith("store:") else limit
    return Left(f"{kind}/{owner}", limit, period[0] if period else "ever", plain_text(left))


def input_text(kept: Any) -> str:
    """Write what a decision recorded of a value in one line.

    Args:
        kept: a text, or a list or map of such.

    Returns:
        The text.
    """
    if isinstance(kept, Mapping):
        return ", ".join(f"{name}: {input_text(one)}" for name, one in kept.items())
    if isinstance(kept, list | tuple):
        return ", ".join(input_text(one) for one in kept)
    return str(kept)


class CampaignWords(msgspec.Struct, frozen=True):
    """One campaign's outcome, said."""

    campaign: str
    outcome: str
    said: str
    reads: Mapping[str, str]
    """What its expressions read: path and value."""
    sums: tuple[str, ...] = ()
    """The arithmetic of each award, and what else it did."""
    limits: tuple[Left, ...] = ()
    """What its limits, and those of the rewards that it gives, had left when they were looked at."""


def in_words(explanation: Explanation) -> tuple[CampaignWords, ...]:
    """Say an explanation.

    Args:
        explanation: of one decision.

    Returns:
        One entry for each campaign, in the order of evaluation.
    """
    campaigns = {one.key: one for one in explanation.program.campaigns}
    with exactly():
        return tuple(_campaign(explanation, campaigns[one.campaign], one) for one in explanation.outcomes)


def _campaign(explanation: Explanation, campaign: Campaign, outcome: Outcome) -> CampaignWords:
    reads = _reads(campaign, outcome.scope, explanation.decision.personal)
    limits = _limits(explanation.decision, campaign)
    if outcome.outcome != ACTED:
        said = _REASONS.get(outcome.outcome, outcome.outcome)
        asked = {"not_in_audience": campaign.audience, "condition_false": campaign.when}.get(outcome.outcome)
        if asked is not None:
            said += f": {asked.source}"
        elif outcome.detail:
            said += f": {outcome.detail}"
        return CampaignWords(campaign.key, outcome.outcome, said, reads, limits=limits)
    said = (
        f"its condition holds: {campaign.when.source}" if campaign.when is not None else "it has no condition"
    )
    if campaign.audience is not None:
        said = f"it is for this account: {campaign.audience.source}; {said}"
    sums = tuple(_sums(explanation, campaign, outcome))
    return CampaignWords(campaign.key, ACTED, said, reads, sums, limits)


def _limits(decision: Decision, campaign: Campaign) -> tuple[Left, ...]:
    rewards = {*campaign.grants, *(one.reward for one in campaign.redeems)}
    wallets = {one.wallet for one in campaign.awards}
    owners = {f"campaign/{campaign.key}"}
    owners |= {f"reward/{key}" for key in rewards} | {f"wallet/{key}" for key in wallets}
    return tuple(one for one in limits_left(decision) if one.of in owners)


def _sums(explanation: Explanation, campaign: Campaign, outcome: Outcome) -> Iterator[str]:
    awards = iter(campaign.awards)
    for effect in outcome.effects:
        if effect.kind == "award":
            award = next((one for one in awards if one.wallet == effect.wallet), None)
            yield _award(explanation, award, outcome, effect)
        elif effect.kind == "multiply":
            factor = plain_text(effect.factor) if effect.factor is not None else "a quotient"
            yield f"multiplies {effect.wallet} by {factor}"
        elif effect.kind == "badge":
            yield f"gives the badge {effect.badge}"
        elif effect.kind == "ticket":
            yield f"gives ticket {effect.amount} of the draw {effect.draw.partition('@')[0]}" + (
                f", which wins prize {effect.prize}" if effect.prize else ""
            )
    for kind, verb in (("redeem", "redeems"), ("grant", "grants")):
        for reward in dict.fromkeys(one.reward for one in outcome.effects if one.kind == kind):
            count = sum(1 for one in outcome.effects if one.kind == kind and one.reward == reward)
            yield f"{verb} {reward}" + (f" {count} times" if count > 1 else "")


def _award(explanation: Explanation, award: Award | None, outcome: Outcome, effect: Effect) -> str:
    program = explanation.program
    wallet = program.wallets[effect.wallet]
    units = f"{scaled_text(effect.amount, wallet.scale)} {wallet.key}"
    if award is None or outcome.scope is None:
        return units
    exact = award.amount(outcome.scope)
    said = f"{award.amount.source} = {_number(exact)}"
    product, bonuses = _factors(explanation, outcome.campaign, award)
    for key, by in product:
        exact = multiply(exact, by)
        said += f", × {_number(by)} by {key}"
    if bonuses:
        total: Any = 1
        for _, by in bonuses:
            total = plus(total, plus(by, -1))
        exact = multiply(exact, max(total, 0))
        said += f", × {_number(total)} by {' and '.join(key for key, _ in bonuses)} together"
    if product or bonuses:
        said += f" = {_number(exact)}"
    scope = {"line": "line by line", "campaign": "by itself"}.get(
        wallet.scope, "with all awards of the event"
    )
    whole = f"{scaled_text(effect.amount + effect.cut, wallet.scale)} {wallet.key}"
    said += f"; {_ROUNDED[wallet.rounding]} {scope}: {whole}"
    return f"{said}; {_LIMITED[effect.limit]}: {units}" if effect.cut else said


def _factors(
    explanation: Explanation, campaign: str, award: Award
) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """List the factors that applied to an award: those that multiply, and those that are added up."""
    product: list[tuple[str, Any]] = []
    bonuses: list[tuple[str, Any]] = []
    campaigns = {one.key: one for one in explanation.program.campaigns}
    trigger = campaigns[campaign].trigger
    for outcome in explanation.outcomes:
        other = campaigns[outcome.campaign]
        if outcome.outcome != ACTED or outcome.scope is None or other.trigger != trigger:
            continue
        for factor in other.multipliers:
            if _applies(factor, campaign, award):
                (bonuses if factor.adds else product).append((other.key, factor.by(outcome.scope)))
    return product, bonuses


def _applies(factor: Multiply, campaign: str, award: Award) -> bool:
    if factor.wallet != award.wallet:
        return False
    return award.order_based if factor.of is None else campaign in factor.of


def _reads(campaign: Campaign, scope: Any, personal: Sequence[str]) -> dict[str, str]:
    """Show what a campaign read; personal values stay where they are."""
    paths = sorted({path for one in expressions_of(campaign) for path in one.reads})[:_READ_AT_MOST]
    if scope is None:
        return {path: _PERSONAL for path in paths if path in personal}
    found = {path: _PERSONAL if path in personal else _value_at(scope, path) for path in paths}
    return {path: text for path, text in found.items() if text is not None}


def _value_at(scope: Any, path: str) -> str | None:
    value = scope
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal | Fraction):
        return _number(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"{len(value)} entries" if any(not isinstance(one, str) for one in value) else ", ".join(value)
    return value if isinstance(value, str) else None


def _number(value: Any) -> str:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}" if value.denominator != 1 else str(value.numerator)
    return plain_text(value) if isinstance(value, Decimal) else str(value)


def as_data(explanation: Explanation) -> dict[str, Any]:
    """Show an explanation as JSON.

    Args:
        explanation: of one decision.

    Returns:
        Version, instants, what was read, each campaign's outcome, and where running it again differs.
    """
    event, decision = explanation.event, explanation.decision
    return {
        "program": explanation.program.key,
        "program_version": explanation.program.version,
        "type": event.type,
        "source": event.source,
        "id": event.id,
        "order": event.order.id if event.order is not None else None,
        "time": event.occurred_at.isoformat(),
        "booked_at": event.booked_at.isoformat(),
        "late": decision.late,
        "inputs": dict(decision.inputs),
        "personal": list(decision.personal),
        "limits": [msgspec.structs.asdict(one) for one in limits_left(decision)],
        "campaigns": [
            {
                "campaign": one.campaign,
                "outcome": one.outcome,
                "said": one.said,
                "reads": dict(one.reads),
                "sums": list(one.sums),
                "limits": [msgspec.structs.asdict(left) for left in one.limits],
            }
            for one in in_words(explanation)
        ],
        "short": list(short_in_words(decision)),
        "returned": [as_came(one) for one in explanation.came],
        "same": not explanation.differences,
        "differences": list(explanation.differences),
    }
