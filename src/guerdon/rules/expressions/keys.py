"""What must be true of a few paths for a condition to be true, so that an index leaves out most of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from guerdon.rules.expressions import tree
from guerdon.rules.expressions.errors import FAILURES
from guerdon.rules.expressions.expression import Expression
from guerdon.rules.expressions.runtime import dynamic, exact

Step = tuple[str, str]
"""`attribute`, `item` or `each`, and the name that is read."""
EACH: Step = ("each", "")
_ORDERED = (int, Decimal, Fraction, datetime, timedelta)
_TRANSPARENT: frozenset[Callable[..., Any]] = frozenset(
    (
        dynamic.as_decimal, dynamic.as_int, dynamic.as_text, dynamic.as_bool,
        exact.decimal_of, exact.fraction_of, dynamic.as_list, dynamic.as_items,
    )
)  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True, slots=True)
class Path:
    """A way from the scope to values; through a list it leads to each of its items."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        words = ["[]" if how == "each" else f".{name}" for how, name in self.steps]
        return "".join(words).lstrip(".")

    @property
    def root(self) -> str:
        """The root name that it begins with."""
        return self.steps[0][1]

    def leaves(self, scope: Any) -> list[Any]:
        """Read the values.

        Args:
            scope: object with the root names as attributes.

        Returns:
            All values at the end of the path; what is absent or of another kind on the way is left out.
        """
        values = [scope]
        for how, name in self.steps:
            values = _stepped(values, how, name)
        return values


def _stepped(values: list[Any], how: str, name: str) -> list[Any]:
    found: list[Any] = []
    for value in values:
        try:
            if how == "each":
                found.extend(value)
            else:
                found.append(getattr(value, name) if how == "attribute" else value[name])
        except FAILURES:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Key:
    """A necessary condition on one path."""

    path: Path
    values: frozenset[Any] | None = None
    """At least one value of the path is one of these."""
    bound: Any = None
    """Or: the value of the path is at least (`sign` `>=`, `>`) or at most (`<=`, `<`) this."""
    sign: str = ""

    def holds(self, scope: Any) -> bool:
        """Test the key.

        Args:
            scope: object with the root names as attributes.

        Returns:
            False only where the condition cannot be true.
        """
        leaves = self.path.leaves(scope)
        if self.values is not None:
            return any(_hashable(leaf) and leaf in self.values for leaf in leaves)
        return any(_admits(leaf, self.sign, self.bound) for leaf in leaves)


def _hashable(value: Any) -> bool:
    return not isinstance(value, (list, dict, set)) and value is not None


def _admits(leaf: Any, sign: str, bound: Any) -> bool:
    if not isinstance(leaf, _ORDERED):
        return False
    try:
        above = leaf > bound
    except TypeError:
        return False
    if leaf == bound:
        return sign in (">=", "<=")
    return bool(above) == (sign[0] == ">")


def index_keys(expression: Expression) -> tuple[Key, ...]:
    """Find keys of a condition.

    Args:
        expression: a condition.

    Returns:
        Keys that all hold whenever the condition is true; none when nothing simple must be true.
    """
    return tuple(_keys(expression.tree, True, {}))


_Places = dict[int, tuple[Step, ...]]
"""Loop slot → the path of the items that it goes through."""


def _keys(node: tree.Node, wanted: bool, places: _Places) -> list[Key]:
    """Find keys that hold whenever the node is `wanted`."""
    if isinstance(node, tree.Junction):
        parts = [_keys(term, wanted, places) for term in node.terms]
        return _merged(parts) if node.is_and is wanted else _alternatives(parts)
    if isinstance(node, tree.Loop):
        return _loop(node, places) if wanted else []
    if isinstance(node, tree.Apply):
        return _applied(node, wanted, places)
    steps = _steps(node, places)
    return [] if steps is None else [Key(Path(steps), frozenset((wanted,)))]


def _loop(node: tree.Loop, places: _Places) -> list[Key]:
    source = _steps(node.source, places)
    if node.kind not in ("exists", "exists_one") or node.second is not None or source is None:
        return []
    if node.test is None:
        return []
    return _keys(node.test, True, {**places, node.slot: (*source, EACH)})


def _applied(node: tree.Apply, wanted: bool, places: _Places) -> list[Key]:
    name = node.operation.name
    if name == "!":
        return _keys(node.args[0], not wanted, places)
    if node.operation.run in _TRANSPARENT:
        return _keys(node.args[0], wanted, places)
    if name == "in" and wanted:
        return _membership(node, places)
    if name in _TURNED and len(node.args) == 2:
        return _comparison(node, name if wanted else _OPPOSITE[name], places)
    return []


def _membership(node: tree.Apply, places: _Places) -> list[Key]:
    item, items = node.args
    if isinstance(item, tree.Const):
        steps = _steps(items, places)
        return [] if steps is None else _among((*steps, EACH), [item.value])
    steps, values = _steps(item, places), _constants(items)
    return [] if steps is None or values is None else _among(steps, values)


def _constants(node: tree.Node) -> Sequence[Any] | None:
    if isinstance(node, tree.Const):
        return list(node.value) if isinstance(node.value, (frozenset, tuple, list)) else None
    parts = node.items if isinstance(node, tree.Items) else ()
    values = [part.value for part in parts if isinstance(part, tree.Const)]
    return values if parts and len(values) == len(parts) else None


def _comparison(node: tree.Apply, sign: str, places: _Places) -> list[Key]:
    left, right = node.args
    if isinstance(left, tree.Const):
        left, right, sign = right, left, _TURNED[sign]
    steps = _steps(left, places)
    if steps is None or not isinstance(right, tree.Const):
        return []
    if sign == "==":
        return _among(steps, [right.value])
    if sign == "!=" or isinstance(right.value, bool) or not isinstance(right.value, _ORDERED):
        return []
    return [Key(Path(steps), bound=right.value, sign=sign)]


def _among(steps: tuple[Step, ...], values: Iterable[Any]) -> list[Key]:
    found = list(values)
    if not all(_hashable(value) for value in found):
        return []
    return [Key(Path(steps), frozenset(found))]


def _steps(node: tree.Node, places: _Places) -> tuple[Step, ...] | None:
    """Give the path that a node reads, if it reads one and does nothing else."""
    names: list[Step] = []
    while True:
        if isinstance(node, tree.Field):
            names.append(("item" if node.by_item else "attribute", node.name))
            node = node.base
        elif isinstance(node, tree.Apply) and node.operation.run in _TRANSPARENT:
            node = node.args[0]
        else:
            break
    if isinstance(node, tree.Root):
        return (("attribute", node.name), *reversed(names))
    if isinstance(node, tree.Variable) and node.slot in places:
        return (*places[node.slot], *reversed(names))
    return None


def _merged(parts: Iterable[list[Key]]) -> list[Key]:
    """Join what several terms demand together, the narrowest of each kind first met last."""
    return list(dict.fromkeys(key for keys in parts for key in keys))


def _alternatives(parts: list[list[Key]]) -> list[Key]:
    """Keep what each of several alternatives demands, in its widest form."""
    first, *others = parts
    found: list[Key] = []
    for key in first:
        wide: Key | None = key
        for keys in others:
            wide = next((made for other in keys if wide and (made := _either(wide, other))), None)
        if wide is not None:
            found.append(wide)
    return found


def _either(one: Key, other: Key) -> Key | None:
    if one.path != other.path:
        return None
    if one.values is not None and other.values is not None:
        return Key(one.path, one.values | other.values)
    if one.values is None and other.values is None and one.sign[0] == other.sign[0]:
        return _wider(one, other)
    return None


def _wider(one: Key, other: Key) -> Key | None:
    try:
        if one.bound == other.bound:
            return one if "=" in one.sign else other
        return one if (one.bound < other.bound) == (one.sign[0] == ">") else other
    except TypeError:
        return None
