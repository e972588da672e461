"""What undoing an order may read and change, told before anything is locked."""

from __future__ import annotations

from guerdon.rules.coupons.standing import granted_money
from guerdon.rules.events import PaidOrder
from guerdon.rules.giving import cause_draws
from guerdon.rules.limits import Draw, all_draws
from guerdon.rules.metrics import Metric
from guerdon.rules.program import Program
from guerdon.rules.spending import freed_draws
from guerdon.rules.tickets import ticket_draw
from guerdon.rules.undo.earned import earned_draws
from guerdon.rules.undo.things import owners_of
from guerdon.rules.undo.units import decisions_of


def metrics_of(paid: PaidOrder) -> tuple[Metric, ...]:
    """List the metrics that counted an order.

    Args:
        paid: the order.

    Returns:
        Those of the version that decided.
    """
    return paid.program.metrics_by_event.get(paid.event.type, ())


def draws_of(paid: PaidOrder, live: Program) -> list[Draw]:
    """List the counters that an order may have drawn from, and the warranties for its lines.

    Args:
        paid: the order.
        live: the version that stands, by which a warranty is taken back.

    Returns:
        Limits, budgets and stock, with the bounds of the version that decided.
    """
    day = paid.program.zone.day_of(paid.event.occurred_at)
    draws: list[Draw] = []
    for campaign in owners_of(paid):
        draws += all_draws(campaign.limits, f"campaign/{campaign.key}", paid.member_id, day)
    draws += [ticket_draw(one) for one in paid.program.draws.values() if one.kind == "raffle"]
    for decision in decisions_of(paid):
        for made in (paid.chosen.get(one.redemption_id, one) for one in decision.redemptions):
            draws += [draw for draw, _, _ in freed_draws(paid.program, made, (paid.member_id, day))]
            draws += cause_draws(made.particulars.cause) if made.particulars.cause else ()
            reward = paid.program.rewards.get(made.reward)
            if reward is not None and reward.money is not None:
                draws.append(granted_money(made.redemption_id, reward.money))
    draws += [draw for _, draw in earned_draws(paid)]
    for taken in paid.warranties:
        taken_on = day if taken.taken_at is None else live.zone.day_of(taken.taken_at)
        draws += [draw for draw, _, _ in freed_draws(live, taken, (taken.member_id, taken_on))]
    for capture, _ in paid.captures:
        draws += [draw for draw, _ in capture.draws]
    return draws


def redemptions_of(paid: PaidOrder) -> set[int]:
    """List the redemptions that an order made or used, and the warranties for its lines.

    Args:
        paid: the order.

    Returns:
        Their numbers.
    """
    numbers: set[int] = set()
    for decision in decisions_of(paid):
        numbers.update(made.redemption_id for made in decision.redemptions)
        numbers.update(decision.used)
    numbers.update(taken.redemption_id for taken in paid.warranties)
    return numbers
