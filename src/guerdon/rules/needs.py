"""What must be gathered before an event can be decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from guerdon.base.calendar import EPOCH_DAY
from guerdon.rules.challenges import Challenge
from guerdon.rules.coupons.standing import granted_money
from guerdon.rules.events import (
    Adjust,
    CancelRedemption,
    Choose,
    Event,
    GiveTier,
    JoinChallenge,
    LeaveChallenge,
    PriceCart,
    Redeem,
    ReturnOrder,
    SendUnits,
)
from guerdon.rules.giving import cause_draws, draws_of_gift
from guerdon.rules.limits import NO_LIMITS, Draw, all_draws, earning_draws, stock_draw
from guerdon.rules.metrics import Metric
from guerdon.rules.offering import CHOICE, choice_draw
from guerdon.rules.program import Campaign, Program, Reward
from guerdon.rules.seating import waiting_draw
from guerdon.rules.stepping import COMPLETED, FOLLOW_ONS
from guerdon.rules.takings import cooling_draw
from guerdon.rules.tickets import ticket_draw
from guerdon.rules.undo import draws_of, metrics_of

_AHEAD = timedelta(days=2)
"""A sender's clock may be a day ahead of ours, and then today's windows begin before the fact's."""


_WHATEVER_THEY_READ = frozenset(FOLLOW_ONS) - {COMPLETED}


class Needs(msgspec.Struct, frozen=True):
    """Names of all that one event may read or change, apart from the account's row and wallets."""

    lots: bool
    """Whether open lots are read although nothing has come due."""
    metrics: frozenset[str]
    """Metric identities whose buckets are read."""
    oldest_bucket_on: date
    """Buckets that begin earlier are not read."""
    counters: Mapping[str, Decimal]
    """The account's own counters, each with its bound."""
    shared: Mapping[str, Decimal]
    """Shared counters, each with the bound that its writing statement guards."""
    takings: frozenset[str] = frozenset()
    """Rewards that make wait between takings: those of the account are read."""


def needs_of(program: Program, event: Event, member_id: int | None) -> Needs:
    """Tell what deciding an event takes.

    Args:
        program: what decides.
        event: what happened.
        member_id: who acts, or None.

    Returns:
        The names to gather.
    """
    day = program.zone.day_of(event.occurred_at)
    if isinstance(event.command, ReturnOrder):
        own = _of_event(program, event, member_id, day)
        return _both(own, _of_return(program, event.command, day))
    return _of_event(program, event, member_id, day)


def _both(one: Needs, other: Needs) -> Needs:
    return Needs(
        lots=one.lots or other.lots,
        metrics=one.metrics | other.metrics,
        oldest_bucket_on=min(one.oldest_bucket_on, other.oldest_bucket_on),
        counters={**one.counters, **other.counters},
        shared={**one.shared, **other.shared},
        takings=one.takings | other.takings,
    )


def _of_event(program: Program, event: Event, member_id: int | None, day: date) -> Needs:
    campaigns = _campaigns(program, event)
    metrics = _metrics(program, event, campaigns)
    rewards = rewards_drawn(program, _rewards_of(event), campaigns)
    draws = _draws(program, event, campaigns, (member_id, day))
    draws += _of_rewards(program, event, rewards, (member_id, day))
    return Needs(
        lots=_spends(event) or _takes(event) or any(campaign.redeems for campaign in campaigns),
        metrics=frozenset(metric.identity for metric in metrics),
        oldest_bucket_on=_oldest(program, metrics, day),
        counters={draw.counter: draw.bound for draw in draws if not draw.shared},
        shared={draw.counter: draw.bound for draw in draws if draw.shared},
        takings=frozenset(one.key for one in rewards if one.cooling is not None),
    )


def _of_return(program: Program, command: ReturnOrder, day: date) -> Needs:
    """Tell what undoing takes: what the order's own version counted and drew, and the ladders that stand."""
    paid = command.paid
    if paid is None:
        return Needs(False, frozenset(), day, {}, {})
    counted = (*metrics_of(paid), *program.metrics_by_event.get(paid.event.type, ()))
    laddered = [metric for ladder in program.ladders.values() for metric in ladder.metrics]
    completed = [program.challenges.get(one.challenge) for one in paid.decision.reached]
    laddered += [step.metric for one in completed if one is not None for step in one.steps]
    sold_on = program.zone.day_of(paid.event.occurred_at)
    draws = draws_of(paid, program)
    return Needs(
        lots=True,
        metrics=frozenset(metric.identity for metric in (*counted, *laddered)),
        oldest_bucket_on=min(
            _oldest(program, [*counted, *laddered], day),
            *(metric.first_bucket(sold_on) for metric in counted),
            sold_on,
        ),
        counters={draw.counter: draw.bound for draw in draws if not draw.shared},
        shared={draw.counter: draw.bound for draw in draws if draw.shared},
    )


def _campaigns(program: Program, event: Event) -> list[Campaign]:
    trigger = event.type
    if isinstance(event.command, PriceCart):
        # A quote tells what the order will earn.
        trigger = "order.paid"
    elif isinstance(event.command, JoinChallenge):
        return [*_prizes(program, _moved(program, event)), *program.by_trigger.get("badge.earned", ())]
    elif event.command is not None and not isinstance(event.command, ReturnOrder | GiveTier):
        return []
    campaigns = list(program.by_trigger.get(trigger, ()))
    for follow_on in FOLLOW_ONS:
        if follow_on != COMPLETED:
            campaigns += program.by_trigger.get(follow_on, ())
    return [*campaigns, *_prizes(program, program.challenges_by_event.get(trigger, ()))]


def _prizes(program: Program, challenges: Collection[Challenge]) -> list[Campaign]:
    """List what reaching some challenges sets off."""
    if not challenges:
        return []
    prizes = {one.campaign for one in challenges}
    return [one for one in program.by_trigger.get(COMPLETED, ()) if one.key in prizes or not one.is_prize]


def _moved(program: Program, event: Event) -> tuple[Challenge, ...]:
    """List the challenges that an event may move, or that are joined with it."""
    if isinstance(event.command, JoinChallenge | LeaveChallenge):
        joined = program.challenges.get(event.command.challenge)
        return (joined,) if joined is not None else ()
    return program.challenges_by_event.get(event.type, ())


def _spends(event: Event) -> bool:
    command = event.command
    if isinstance(command, Adjust):
        return command.amount < 0
    return isinstance(command, Redeem | SendUnits)


def _takes(event: Event) -> bool:
    """Tell whether an order takes units for what its checkout promised, or a cart may."""
    taken = event.captured
    return isinstance(event.command, PriceCart) or (taken is not None and bool(taken.units or taken.rewards))


def _metrics(program: Program, event: Event, campaigns: Iterable[Campaign]) -> list[Metric]:
    # An order of a checkout may count in two metrics of one name: as it was, and as it is defined now.
    found = [*program.metrics_by_event.get(event.type, ())]
    found += [metric for ladder in program.ladders.values() for metric in ladder.metrics]
    names = set()
    challenges = _moved(program, event)
    found += [step.metric for one in challenges for step in one.steps]
    read = [*program.inputs_of.get(event.type, ())]
    read += program.inputs_of.get(COMPLETED, ()) if challenges else ()
    for path in read:
        root, _, name = path.partition(".")
        if root == "metrics":
            names.add(name)
    is_cart = isinstance(event.command, PriceCart)
    if is_cart or any(one.redeems or one.trigger in _WHATEVER_THEY_READ for one in campaigns):
        names.update(program.metrics)
    return [*found, *(program.metrics[name] for name in sorted(names) if name in program.metrics)]


def _oldest(program: Program, metrics: Iterable[Metric], day: date) -> date:
    """Calendar ladders are worked out from the first count on, other metrics only over their own window."""
    oldest = min((metric.first_bucket(day) for metric in metrics), default=day)
    for ladder in program.ladders.values():
        for metric in ladder.metrics:
            is_sliding = not metric.window.is_fixed and ladder.forgets
            first = metric.first_bucket(day - _AHEAD - ladder.looks_back) if is_sliding else EPOCH_DAY
            oldest = min(oldest, first)
    return oldest


def _draws(
    program: Program, event: Event, campaigns: Collection[Campaign], who_when: tuple[int | None, date]
) -> list[Draw]:
    member_id, day = who_when
    draws: list[Draw] = []
    for campaign in campaigns:
        draws += all_draws(campaign.limits, f"campaign/{campaign.key}", member_id, day)
        draws += [Draw(campaign.after, Decimal(1), shared=False)] if campaign.after else []
        draws += [ticket_draw(campaign.draw)] if campaign.draw is not None else []
    if campaigns:
        draws += _of_earning(program, day)
    if isinstance(event.command, PriceCart):
        draws += event.command.draws
        draws += _of_promotions(program, member_id, day)
    taken = event.captured
    if taken is not None:
        draws += [draw for draw, _ in taken.draws]
    return draws


def _of_earning(program: Program, day: date) -> Iterator[Draw]:
    for key, wallet in program.wallets.items():
        if wallet.caps is not None:
            yield from earning_draws(wallet.caps, key, day)


def _of_rewards(
    program: Program, event: Event, rewards: Iterable[Reward], who_when: tuple[int | None, date]
) -> Iterator[Draw]:
    """List what the rewards draw that an event is about, or gives back."""
    member_id, day = who_when
    if isinstance(event.command, CancelRedemption | Choose):
        # What is given back was drawn on the day of the taking, by whoever took it; a choice is as well.
        taken_at, by = event.command.taken_at, event.command.member_id
        day = program.zone.day_of(taken_at) if taken_at is not None else day
        member_id = by if by is not None else member_id
        cause = event.command.particulars.cause
        yield from cause_draws(cause) if cause else ()
    for reward in rewards:
        yield from all_draws(reward.limits, f"reward/{reward.key}", member_id, day)
        yield from [stock_draw(reward.key, reward.stock)] if reward.stock is not None else []
        yield from filter(None, (choice_draw(reward, one) for one in reward.stock_by_choice))
        yield from [waiting_draw(reward.key)] if reward.has_line else []
        if reward.cooling is not None:
            yield cooling_draw(reward.key)
        if not isinstance(event.command, CancelRedemption):
            yield from draws_of_gift(reward.gift)
        elif reward.money is not None:
            yield granted_money(event.command.redemption_id, reward.money)


def rewards_drawn(program: Program, named: Iterable[str], campaigns: Iterable[Campaign]) -> list[Reward]:
    """Find the rewards that an event may give out, and what can be chosen of them.

    Args:
        program: what decides.
        named: keys of rewards that the event itself is about.
        campaigns: those that may give rewards.

    Returns:
        In order of their keys.
    """
    keys = set(named)
    for campaign in campaigns:
        keys.update(campaign.grants)
        keys.update(redeem.reward for redeem in campaign.redeems)
    for key in list(keys):
        reward = program.rewards.get(key)
        keys.update(reward.choices if reward is not None and reward.kind == CHOICE else ())
    return [program.rewards[key] for key in sorted(keys) if key in program.rewards]


def _of_promotions(program: Program, member_id: int | None, day: date) -> list[Draw]:
    """List what a cart may draw; most of a thousand promotions have no limits, and take no time."""
    limited = [one for one in program.promotions.automatic if one.limits is not NO_LIMITS]
    return [draw for one in limited for draw in all_draws(one.limits, one.source.owner, member_id, day)]


def _rewards_of(event: Event) -> set[str]:
    """Name the rewards that an event is about."""
    if isinstance(event.command, Redeem):
        return {event.command.reward}
    if isinstance(event.command, CancelRedemption):
        return {event.command.reward, event.command.particulars.chosen_from}
    if isinstance(event.command, Choose):
        return {event.command.reward}
    if isinstance(event.command, PriceCart):
        return set(event.command.rewards)
    taken = event.captured
    return {one.reward for one in taken.rewards} if taken is not None else set()
