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
_KEPT_BACK = 4_000
"""So much of the work is left for a quick answer where the search comes to no end."""
WORK_AT_MOST = 31_000
"""A search that works more (`Run.weight`) gives what it has found, and says so: some 3 ms of the 5 ms that it
may take, for a busy machine takes longer than the one by which work was weighed."""


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
    done, outer = bill, run.until
    # A lane within a lane has what is left to the outer one.
    run.until = min(outer or run.work + WORK_AT_MOST, run.work + WORK_AT_MOST)
    for group in _apart(run, bill, nodes):
        done = _Search(run, group, act).best(done)
    run.until = outer
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
        self.slack = [self._slack(nodes[place:]) for place in range(len(nodes) + 1)]
        self.last_moving = max((place for place, node in enumerate(nodes) if _moves(node)), default=-1)

    def best(self, bill: Bill) -> Bill:
        """Search all sets, or the few most promising where they are too many."""
        self.found = bill
        self.stops_at = self.run.until - _KEPT_BACK
        self._seed(bill)
        is_whole = len(self.nodes) <= EXACT_AT_MOST and self._branch(bill, 0, None)
        if not is_whole:
            self.run.bounded = True
            self.stops_at = self.run.until
            self._grow(bill)
        return self.found

    def _slack(self, nodes: Sequence[Any]) -> int:
        """Tell how many minor units may fall otherwise where sums are spread over lines."""
        every = self.run.settings.per != "line"
        spread = [node for node in nodes if every or not isinstance(node, Promotion) or node.is_spread]
        return len(spread) * len(self.run.everything)

    def _seed(self, bill: Bill) -> None:
        """Take all together, and each alone, as something to be beaten."""
        whole = bill.copy()
        for node in self.nodes:
            self.act(self.run, whole, node)
        self._keep(whole)
        for node in self.nodes:
            alone = bill.copy()
            self.act(self.run, alone, node)
            self._keep(alone)

    def _grow(self, bill: Bill) -> None:
        """Take one after the other where it leaves more to be had, or whatever acts where time is up."""
        grown = bill
        for place, node in enumerate(self.nodes):
            more = grown.copy()
            if self.act(self.run, more, node) and (
                self.run.work > self.stops_at or self._rest(more, place) >= self._rest(grown, place)
            ):
                grown = more
        self._keep(grown)

    def _rest(self, bill: Bill, place: int) -> int:
        """Tell what it comes to where all that follow act too."""
        trial = bill.copy()
        for node in self.nodes[place + 1 :]:
            self.act(self.run, trial, node)
        return trial.worth

    def _keep(self, bill: Bill) -> None:
        if bill.worth > self.found.worth or (bill.given and not self.found.given):
            self.found = bill

    def _branch(self, bill: Bill, place: int, most: tuple[int, ...] | None) -> bool:
        """Try the sets that go on from here; `most` is what can still come, where the caller knows it.

        Whether all were tried is what comes back.
        """
        if place == len(self.nodes):
            self._keep(bill)
            return True
        if self.run.work > self.stops_at:
            return False
        if len(self.nodes) > TRIED_THROUGH:
            most = most or self._most(bill, place)
            if self._cannot_win(most, place):
                return True
        more, tried = bill.copy(), True
        acted = self.act(self.run, more, self.nodes[place])
        if acted:
            # What acts as it was taken to leaves the bound as it is.
            same = most is not None and most[0] == more.worth and not _has_steps(self.nodes[place])
            known = most[1:] if same and most is not None and len(most) > 1 else None
            tried = self._branch(more, place + 1, known)
            if self._cannot_win(most, place):
                return tried
        # What nothing looks at afterwards is never worth leaving out.
        if not acted or place < self.last_moving or len(self.nodes) <= TRIED_THROUGH:
            return self._branch(bill, place + 1, None) and tried
        return tried

    def _cannot_win(self, most: tuple[int, ...] | None, place: int) -> bool:
        return most is not None and most[-1] + self.slack[place] <= self.found.worth

    def _most(self, bill: Bill, place: int) -> tuple[int, ...]:
        """Bound what can still come: all that follow, conditions on money and budgets taken as met.

        A discount takes no less off more money, and one that acts before another costs it at most what it
        takes itself; so no set of these gives more than all of them where each would act. Where that does not
        hold, as in a lane that chooses anew, the most that may come of it is added and nothing taken off.
        Given is what it comes to after each of them.
        """
        trial, lanes = bill.copy(), 0
        found = []
        self.run.optimistic = bill
        try:
            for node in self.nodes[place:]:
                if isinstance(node, Promotion):
                    self.act(self.run, trial, node)
                else:
                    lanes += self._most_of(bill, node)
                found.append(trial.worth + lanes)
        finally:
            self.run.optimistic = None
        return tuple(found)

    def _most_of(self, bill: Bill, node: Any) -> int:
        if isinstance(node, Promotion):
            alone = bill.copy()
            self.act(self.run, alone, node)
            return alone.worth - bill.worth
        each = [self._most_of(bill, inner) for inner in node.within]
        return max(each) if node.choose in ("best", "first") else sum(each)


def _has_steps(node: Any) -> bool:
    return not isinstance(node, Promotion) or any(one.steps for one in node.discounts)


def _moves(node: Any) -> bool:
    if isinstance(node, Promotion):
        unsteady = any(one.is_unsteady for one in node.discounts)
        return unsteady or node.moves or node.limits.budget is not None
    return True
