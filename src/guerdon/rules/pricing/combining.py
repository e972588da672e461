"""How promotions go together: lanes of four kinds, one in another, and those that shut out all others."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from guerdon.rules.pricing.best_set import best_set
from guerdon.rules.pricing.bill import Bill, Run
from guerdon.rules.pricing.giving import give
from guerdon.rules.promotions import Choice, Promotion


class LaneNode(msgspec.Struct, frozen=True):
    """A lane with what stands in it, in the order in which it is tried."""

    choose: Choice
    within: tuple[Promotion | LaneNode, ...]


Node = Promotion | LaneNode


def combine(run: Run, promotions: Sequence[Promotion]) -> Bill:
    """Let promotions act on a cart.

    Args:
        run: the pricing.
        promotions: those that can act, the greater priority first.

    Returns:
        What the cart comes to. Of promotions that shut out others, the one that gives most stands alone,
        unless the others give as much together.
    """
    alone = [one for one in promotions if one.exclusive]
    bill = _priced(run, [one for one in promotions if not one.exclusive] if alone else promotions)
    best, rank = bill, _rank(bill)
    for one in alone:
        trial = _priced(run, [one])
        if trial.worth > best.worth or (trial.worth == best.worth and trial.given and _rank(trial) < rank):
            best, rank = trial, _rank(trial)
    return best


def _rank(bill: Bill) -> tuple[int, str, str]:
    return min((given.promotion.order for given in bill.given), default=(1 << 30, "", ""))


def _priced(run: Run, promotions: Sequence[Promotion]) -> Bill:
    bill = Bill(list(run.cart.subtotals), run.cart.shipping)
    for node in _nodes(run, promotions, 0):
        act(run, bill, node)
    return bill


def _nodes(run: Run, promotions: Sequence[Promotion], depth: int) -> list[Node]:
    """Put promotions into the lanes that they name; a lane has a priority of its own, whoever is in it."""
    if not any(len(one.lanes) > depth for one in promotions):
        return list(promotions)
    in_lane: dict[str, list[Promotion]] = {}
    found: list[tuple[tuple[int, str, str], Node]] = []
    for one in promotions:
        if len(one.lanes) > depth:
            in_lane.setdefault(one.lanes[depth], []).append(one)
        else:
            found.append((one.order, one))
    for key, some in in_lane.items():
        lane = run.program.promotions.lanes[key]
        node = LaneNode(lane.choose, tuple(_nodes(run, some, depth + 1)))
        found.append(((-lane.priority, key, "lane"), node))
    return [node for _, node in sorted(found, key=lambda one: one[0])]


def act(run: Run, bill: Bill, node: Node) -> bool:
    """Let one promotion or lane act.

    Args:
        run: the pricing.
        bill: what the cart comes to, changed where something acts.
        node: the promotion or lane.

    Returns:
        Whether anything acted.
    """
    if isinstance(node, Promotion):
        return give(run, bill, node)
    if node.choose == "all":
        every = [act(run, bill, inner) for inner in node.within]
        return any(every)
    if node.choose == "first":
        return any(act(run, bill, inner) for inner in node.within)
    if node.choose == "best" or len(node.within) == 1:
        return _best(run, bill, node.within)
    best = best_set(run, bill, node.within, act)
    acted = len(best.given) > len(bill.given)
    bill.become(best)
    return acted


def _best(run: Run, bill: Bill, nodes: Sequence[Node]) -> bool:
    """Take the one that gives most; the first of those that give as much."""
    best: Bill | None = None
    for node in nodes:
        trial = bill.copy()
        if act(run, trial, node) and (best is None or trial.worth > best.worth):
            best = trial
    if best is None:
        return False
    bill.become(best)
    return True


def reason_of(run: Run, promotion: Promotion, acted: Sequence[Promotion]) -> tuple[str, str]:
    """Say why a promotion that could have acted did not.

    Args:
        run: the pricing.
        promotion: which one.
        acted: those that did.

    Returns:
        A reason and its detail.
    """
    if id(promotion) in run.reasons:
        return run.reasons[id(promotion)]
    if promotion.exclusive or any(one.exclusive for one in acted):
        return "shut_out", ""
    lanes = run.program.promotions.lanes
    if any(lanes[lane].choose == "first" for lane in promotion.lanes):
        return "lane_first", ""
    return "lane_better", ""
