"""Conditions that never hold: contradictory bounds, and values that cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from guerdon.rules.definition import Definition, nearest_to
from guerdon.rules.expressions import tree
from guerdon.rules.expressions.tree import Node

Domain = Mapping[str, tuple[str, ...]]
"""Dotted path → the only texts that it can be."""

_BOUNDS: Final = frozenset({"<", "<=", ">", ">=", "=="})
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_NEVER_NEGATIVE: Final = ("order", "cart", "wallets")
_EVER_LESS: Final = frozenset({"order.tax", "cart.tax"})


@dataclass(frozen=True, slots=True)
class Bound:
    """A comparison of a path with a value that is known."""

    path: str
    sign: str
    value: Any


def domain_of(definition: Definition) -> Domain:
    """List the paths that can only be certain texts.

    Args:
        definition: the definition.

    Returns:
        Attributes with listed values, the keys of tiers, and what stands in lists of badges and segments.
    """
    domain: dict[str, tuple[str, ...]] = {
        "account.badges": tuple(marks_of(definition)),
        "account.segments": tuple(definition.segments),
    }
    for name, datum in definition.attributes.items():
        if datum.values is not None:
            for owner in ("account", "account.owner", "member"):
                domain[f"{owner}.attributes.{name}"] = datum.values
    for key, ladder in definition.ladders.items():
        domain[f"account.tiers.{key}.key"] = tuple(ladder.tiers)
    return domain


def marks_of(definition: Definition) -> Iterator[str]:
    """List what `account.badges` can hold.

    Args:
        definition: the definition.

    Yields:
        The badges, and with a colon and a number their levels from the second on.
    """
    for key, badge in definition.badges.items():
        yield key
        yield from (f"{key}:{number}" for number in range(2, len(badge.levels) + 1))


def channel_domain(channels: tuple[str, ...]) -> Domain:
    """List where a channel can be read.

    Args:
        channels: the only ones that there can be.

    Returns:
        The channel of an event, an order and a cart.
    """
    return {f"{root}.channel": channels for root in ("event", "order", "cart")}


def why_never(condition: Node, domain: Domain) -> str:
    """Say why a condition can never hold.

    Args:
        condition: typed tree of a truth.
        domain: what certain paths can be.

    Returns:
        A reason in words; nothing where it may hold for all that can be seen here.
    """
    if isinstance(condition, tree.Const):
        return "" if condition.value else "it is false whatever happens"
    if isinstance(condition, tree.Junction) and not condition.is_and:
        reasons = [why_never(term, domain) for term in condition.terms]
        return reasons[0] if all(reasons) else ""
    terms = list(_all_terms(condition))
    for term in terms:
        if term is not condition:
            reason = why_never(term, domain)
            if reason:
                return reason
    bounds = [bound for term in terms if (bound := _bound(term)) is not None]
    return _impossible_value([*bounds, *_memberships(terms)], domain) or _contradiction(bounds)


def _all_terms(condition: Node) -> Iterator[Node]:
    if isinstance(condition, tree.Junction) and condition.is_and:
        for term in condition.terms:
            yield from _all_terms(term)
    else:
        yield condition


def path_of(node: Node) -> str:
    """Write a path as the expression does.

    Args:
        node: any part of an expression.

    Returns:
        Dotted names, or nothing for what is no plain path.
    """
    names: list[str] = []
    while isinstance(node, tree.Field):
        names.append(node.name)
        node = node.base
    return ".".join([node.name, *reversed(names)]) if isinstance(node, tree.Root) else ""


def _bound(term: Node) -> Bound | None:
    if not isinstance(term, tree.Apply) or term.operation.name not in _BOUNDS or len(term.args) != 2:
        return None
    left, right = term.args
    sign = term.operation.name
    if isinstance(left, tree.Const):
        left, right, sign = right, left, _TURNED[sign]
    path = path_of(left)
    return Bound(path, sign, right.value) if path and isinstance(right, tree.Const) else None


def _memberships(terms: Iterable[Node]) -> Iterator[Bound]:
    """Find `'text' in path`, which says as much as that one of the path's texts is this one."""
    for term in terms:
        if isinstance(term, tree.Apply) and term.operation.name == "in" and len(term.args) == 2:
            wanted, path = term.args[0], path_of(term.args[1])
            if path and isinstance(wanted, tree.Const):
                yield Bound(path, "==", wanted.value)


def _impossible_value(bounds: Iterable[Bound], domain: Domain) -> str:
    for bound in bounds:
        known = domain.get(bound.path)
        if (
            bound.sign == "=="
            and known is not None
            and isinstance(bound.value, str)
            and bound.value not in known
        ):
            nearest = nearest_to(bound.value, known)
            hint = (
                f"did you mean '{nearest}'?"
                if nearest
                else f"it can be {', '.join(known)}"
                if known
                else "there is none"
            )
            return f"{bound.path} is never '{bound.value}'; {hint}"
    return ""


def _contradiction(bounds: Iterable[Bound]) -> str:
    by_path: dict[str, list[Bound]] = {}
    for bound in bounds:
        by_path.setdefault(bound.path, []).append(bound)
    for path, of_path in by_path.items():
        texts = {bound.value for bound in of_path if bound.sign == "==" and isinstance(bound.value, str)}
        if len(texts) > 1:
            return f"{path} cannot be {' and '.join(repr(text) for text in sorted(texts))} at once"
        reason = _empty_interval(path, [bound for bound in of_path if _is_number(bound.value)])
        if reason:
            return reason
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _empty_interval(path: str, bounds: list[Bound]) -> str:
    """Intersect the bounds of one number; a bound and whether it is inside."""
    natural = path.partition(".")[0] in _NEVER_NEGATIVE and path not in _EVER_LESS
    low: tuple[Any, bool] | None = (0, True) if natural else None
    high: tuple[Any, bool] | None = None
    for bound in bounds:
        inside = bound.sign in ("<=", ">=", "==")
        if bound.sign in (">", ">=", "==") and (low is None or _tighter(bound.value, inside, low, 1)):
            low = (bound.value, inside)
        if bound.sign in ("<", "<=", "==") and (high is None or _tighter(bound.value, inside, high, -1)):
            high = (bound.value, inside)
    if low is None or high is None or low[0] < high[0] or (low[0] == high[0] and low[1] and high[1]):
        return ""
    above = f"{'at least' if low[1] else 'more than'} {low[0]}"
    return f"{path} cannot be {above} and {'at most' if high[1] else 'less than'} {high[0]} at once"


def _tighter(value: Any, inside: bool, than: tuple[Any, bool], direction: int) -> bool:
    if value == than[0]:
        return than[1] and not inside
    return bool((value - than[0]) * direction > 0)
