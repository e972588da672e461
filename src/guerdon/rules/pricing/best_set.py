"""The set of a lane's promotions that gives most, found by branch and bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from guerdon.rules.expressions import EvaluationError
from guerdon.rules.pricing.bill import Bill, Run
from guerdon.rules.promotions import Promotion

Act = Callable[[Run, Bill, Any], bool]

EXACT_AT_MOST = 12
"""So many candidates that touch common lines are tried in all their sets."""
TRIED_THROUGH = 7
"""So few are tried without any bound."""
TRIES_AT_MOST = 1_250
"""A search that tries more gives what it has found, and says so: about 5 ms."""


def best_set(run: Run, bill: Bill, nodes: Sequence[Any], act: Act) -> Bill:
    """Find the set that gives most, each set applied in the order given.

    Args:
        run: the pricing; says `bounded` where not all sets could be tried.
        bill: what the cart comes to before; not changed.
        nodes: promotions or lanes in the order in which they act.
        act: how one of them acts.

    Returns:
        What the cart comes to with the best set.
    """
    done = bill
    for group in _apart(run, bill, nodes):
        done = _Search(run, group, act).best(done)
    return done


def _apart(run: Run, bill: Bill, nodes: Sequence[Any]) -> list[list[Any]]:
    """Split candidates into groups that touch no common line; few stay together."""
    if len(nodes) <= EXACT_AT_MOST or run.most is not None:
        return [list(nodes)]
    groups: list[tuple[set[int], list[tuple[int, Any]]]] = []
    for place, node in enumerate(nodes):
        touched, members = _touched(run, bill, node), [(place, node)]
        apart = []
        for other, inside in groups:
            if other & touched:
                touched |= other
                members += inside
            else:
                apart.append((other, inside))
        groups = [*apart, (touched, members)]
    return [[node for _, node in sorted(inside, key=lambda one: one[0])] for _, inside in groups]


def _touched(run: Run, bill: Bill, node: Any) -> set[int]:
    """Name the lines that a candidate changes or looks at; −1 is the shipping."""
    every = {-1, *run.everything}
    if not isinstance(node, Promotion) or node.moves or node.gifts:
        return every
    if run.refusal(node, bill)[0]:
        return set()
    found: set[int] = set()
    for one in node.discounts:
        if one.of == "shipping":
            found.add(-1)
        elif one.where is None:
            found |= every - {-1}
        else:
            try:
                found |= set(run.matching(one.where, one.where_moves, bill))
            except EvaluationError:
                # What has no value as the cart stands may have one after others, on any line.
                return every
    return found


class _Search:
    def __init__(self, run: Run, nodes: Sequence[Any], act: Act) -> None:
        self.run = run
        self.nodes = nodes
        self.act = act
        self.found: Bill
        self.stops_at = 0
        self.last_moving = max((place for place, node in enumerate(nodes) if _moves(node)), default=-1)

    def best(self, bill: Bill) -> Bill:
        """Search all sets, or the few most promising where they are too many."""
        self.found = bill
        self._seed(bill)
        if len(self.nodes) > EXACT_AT_MOST:
            self.run.bounded = True
            return self.found
        self.stops_at = self.run.tries + TRIES_AT_MOST
        self._branch(bill, 0, None)
        return self.found

    def _seed(self, bill: Bill) -> None:
        """Take all together, each alone, and greedily one after the other, as something to be beaten."""
        whole, greedy = bill.copy(), bill
        for node in self.nodes:
            self.act(self.run, whole, node)
        self._keep(whole)
        far = EXACT_AT_MOST < len(self.nodes) <= 4 * EXACT_AT_MOST
        for place, node in enumerate(self.nodes):
            alone = bill.copy()
            self.act(self.run, alone, node)
            self._keep(alone)
            more = greedy.copy()
            if (
                far
                and self.act(self.run, more, node)
                and self._rest(more, place) >= self._rest(greedy, place)
            ):
                greedy = more
        self._keep(greedy)

    def _rest(self, bill: Bill, place: int) -> int:
        """Tell what it comes to where all that follow act too."""
        trial = bill.copy()
        for node in self.nodes[place + 1 :]:
            self.act(self.run, trial, node)
        return trial.worth

    def _keep(self, bill: Bill) -> None:
        if bill.worth > self.found.worth or (bill.given and not self.found.given):
            self.found = bill

    def _branch(self, bill: Bill, place: int, most: tuple[int, ...] | None) -> None:
        """Try the sets that go on from here; `most` is what can still come, where the caller knows it."""
        if place == len(self.nodes):
            self._keep(bill)
            return
        if self.run.tries > self.stops_at:
            self.run.bounded = True
            return
        if len(self.nodes) > TRIED_THROUGH:
            most = most or self._most(bill, place)
            if most[-1] <= self.found.worth:
                return
        more = bill.copy()
        acted = self.act(self.run, more, self.nodes[place])
        if acted:
            # What acts as it was taken to leaves the bound as it is.
            same = most is not None and most[0] == more.worth and not _has_steps(self.nodes[place])
            self._branch(more, place + 1, most[1:] if same and most is not None and len(most) > 1 else None)
        # What nothing looks at afterwards is never worth leaving out.
        if not acted or place < self.last_moving or len(self.nodes) <= TRIED_THROUGH:
            self._branch(bill, place + 1, None)

    def _most(self, bill: Bill, place: int) -> tuple[int, ...]:
        """Bound what can still come: all that follow, conditions on money and budgets taken as met.

        A discount takes no less off more money, and one that acts before another costs it at most what it
        takes itself; so no set of these gives more than all of them where each would act. Given is what it
        comes to after each of them.
        """
        trial = bill.copy()
        found = []
        self.run.optimistic = bill
        try:
            for node in self.nodes[place:]:
                self.act(self.run, trial, node)
                found.append(trial.worth)
        finally:
            self.run.optimistic = None
        return tuple(found)


def _has_steps(node: Any) -> bool:
    return not isinstance(node, Promotion) or any(one.steps for one in node.discounts)


def _moves(node: Any) -> bool:
    if isinstance(node, Promotion):
        return node.moves or node.limits.budget is not None
    return True
