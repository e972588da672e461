"""The versions by which past events were decided, compiled when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.programs.version_audit import find_definition
from guerdon.rewards.coupons import find_bound
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.expressions import Expression
from guerdon.rules.giving import PLENTY, draws_of_gift
from guerdon.rules.pinned import with_campaigns_of
from guerdon.rules.program import Program

_PEOPLE = ("member", "account.owner", "account.attributes", "account.members", "account.kind")
_SEALED = ("order.attributes", "order.lines", "cart", "event.data")


class Version(NamedTuple):
    """A compiled version and what an audit needs to know of it."""

    program: Program
    shares: bool
    """Whether anything of it is shared by all accounts."""
    counts_by_people: bool
    """Whether a metric reads what is known about people, which no decision records."""
    counts_sealed: frozenset[str]
    """Types of events of which a metric may read what is sealed with the person's key."""
    reads_birthdays: bool
    """Whether a campaign or a segment reads birthdays, which decisions do not record either."""
    metrics_since: int = 1
    """The earliest version since which all of its metrics are counted as events come."""


class Versions:
    """Compiled versions of a tenant's programs."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[tuple[int, int], Version | None] = {}
        self._pinned: dict[tuple[int, int, int], Version] = {}

    def find(self, tx: Tx, program_id: int, number: int) -> Version | None:
        """Give a version.

        Args:
            tx: bound to the tenant.
            program_id: of which program.
            number: which one.

        Returns:
            The version, None where there is none that compiles.
        """
        key = (program_id, number)
        if key not in self._known:
            self._known[key] = self._with_since(tx, _load(tx, program_id, number), key)
        return self._known[key]

    def _with_since(self, tx: Tx, version: Version | None, key: tuple[int, int]) -> Version | None:
        """Tell since when its metrics are counted, from the texts of the versions before it."""
        program_id, number = key
        if version is None:
            return None
        before = self.find(tx, program_id, number - 1) if number > 1 else None
        if before is None:
            return version._replace(metrics_since=number)
        names, known = (
            {one.identity for one in program.metrics.values()}
            for program in (version.program, before.program)
        )
        return version._replace(metrics_since=before.metrics_since if names <= known else number)

    def bounds(self, tx: Tx, program_id: int, counter: str) -> set[Decimal]:
        """List the bounds that any version gave a shared counter: a cart that was let go leaves one behind.

        Args:
            tx: bound to the tenant.
            program_id: of which program.
            counter: its key.

        Returns:
            The bounds.
        """
        of_codes = find_bound(tx, program_id, counter)
        if of_codes is not None:
            return {of_codes}
        found: set[Decimal] = set()
        number = 1
        while (version := self.find(tx, program_id, number)) is not None:
            bound = _bound_of(version.program, counter)
            found |= {bound} if bound is not None else set()
            number += 1
        return found

    def pinned(self, tx: Tx, program_id: int, number: int, priced: int) -> Version | None:
        """Give a version that decides upon an order of a checkout.

        Args:
            tx: bound to the tenant.
            program_id: of which program.
            number: the version that was live.
            priced: the one that had priced the cart.

        Returns:
            The live one with the campaigns of the other, None where one of them is missing.
        """
        live, other = self.find(tx, program_id, number), self.find(tx, program_id, priced)
        if live is None or other is None or live is other:
            return live and other
        key = (program_id, number, priced)
        if key not in self._pinned:
            both = with_campaigns_of(live.program, other.program)
            self._pinned[key] = other._replace(program=both, shares=live.shares or other.shares)
        return self._pinned[key]


def _load(tx: Tx, program_id: int, number: int) -> Version | None:
    canonical = find_definition(tx, program_id, number)
    if canonical is None:
        return None
    try:
        program = compile_program(load_definition(canonical), number)
    except Problem:
        # What is wrong with the text is told where versions are checked.
        return None
    limits = [one.limits for one in program.campaigns] + [one.limits for one in program.rewards.values()]
    limits += [one.limits for one in program.promotions.automatic]
    shares = any(one.total is not None or one.budget is not None for one in limits)
    shares = shares or any(
        reward.stock is not None or reward.stock_by_choice or reward.gift is not None
        for reward in program.rewards.values()
    )
    sealed = frozenset(one.event for one in program.metrics.values() if _reads(_SEALED, one.when, one.value))
    birthdays = any(path.endswith(".birthday") for paths in program.personal_of.values() for path in paths)
    by_people = any(_reads(_PEOPLE, one.when, one.value) for one in program.metrics.values())
    return Version(program, shares, by_people, sealed, birthdays)


def _bound_of(program: Program, counter: str) -> Decimal | None:
    kind, owner, what, *rest = counter.split("/", 3)
    if kind == "cause":
        return _bound_of_cause(program, counter)
    reward = program.rewards.get(owner) if kind == "reward" else None
    if what == "stock":
        stock = None if reward is None else reward.stock_by_choice.get(rest[0]) if rest else reward.stock
        return None if stock is None else Decimal(stock)
    owned = [one.limits for one in program.campaigns if kind == "campaign" and one.key == owner]
    owned += [one.limits for one in program.promotions.automatic if one.source.owner == f"{kind}/{owner}"]
    owned += [reward.limits] if reward is not None else []
    for limits in owned:
        if what == "total":
            return limits.total
        if limits.budget is not None and what == "budget":
            return limits.budget.money
        if limits.budget is not None:
            return dict(limits.budget.units).get(what.removeprefix("budget."))
    return None


def _bound_of_cause(program: Program, counter: str) -> Decimal:
    gifts = [one.gift for one in program.rewards.values() if one.gift is not None]
    draws = [draw for gift in gifts for draw in draws_of_gift(gift)]
    return next((draw.bound for draw in draws if draw.counter == counter), PLENTY)


def _reads(roots: Sequence[str], *expressions: Expression | None) -> bool:
    paths = [path for one in expressions if one is not None for path in one.reads]
    return any(path == root or path.startswith(f"{root}.") for path in paths for root in roots)
