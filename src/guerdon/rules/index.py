"""Which campaigns can apply at all: each key of each condition is a column of bits, and few bits remain."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, Generic, Protocol, TypeVar

from guerdon.rules.expressions import Expression
from guerdon.rules.expressions.errors import FAILURES
from guerdon.rules.expressions.keys import EACH, Key, Path, Step, index_keys

ROOTS = frozenset({"event", "order", "cart", "account", "member", "metrics", "program", "store"})
"""What an index may read before anything is decided; not wallets, which effects change in between."""
_MOST_BOUNDS = 1024
_FAMILIES: tuple[tuple[type, ...], ...] = ((int, Decimal, Fraction), (datetime,), (timedelta,))


class Conditional(Protocol):
    """What can be indexed: anything with a condition."""

    @property
    def when(self) -> Expression | None:
        """The condition, or None when there is none."""


C = TypeVar("C", bound=Conditional)


class CampaignIndex(Generic[C]):
    """Finds the campaigns whose conditions can be true."""

    __slots__ = ("_all", "_campaigns", "_columns")

    def __init__(
        self,
        campaigns: Iterable[C],
        roots: Collection[str] = ROOTS,
        usable: Callable[[Key], bool] | None = None,
    ) -> None:
        """Index campaigns.

        Args:
            campaigns: in the order in which they are evaluated.
            roots: root names whose values do not change while they are evaluated.
            usable: tells which keys tell for good, where values do change in between; None takes all.
        """
        self._campaigns = tuple(campaigns)
        self._all = (1 << len(self._campaigns)) - 1
        grouped: dict[tuple[Path, str], dict[int, Key]] = {}
        for number, campaign in enumerate(self._campaigns):
            keys = [key for one in _conditions(campaign) for key in index_keys(one)]
            for key in _telling(filter(usable, keys) if usable else keys, roots):
                # A second key of one campaign on one path only narrows further: the first is enough.
                grouped.setdefault(_column_of(key), {}).setdefault(number, key)
        self._columns: list[Callable[[Any], int]] = [
            _among(path, keys, self._all) if family == "among" else _bounded(path, keys, self._all)
            for (path, family), keys in grouped.items()
        ]

    def candidates(self, scope: Any) -> tuple[C, ...]:
        """Find the campaigns whose conditions can be true.

        Args:
            scope: what the conditions will be evaluated with.

        Returns:
            Every campaign whose condition is true, and few others, in the order given.
        """
        bits = self._all
        for column in self._columns:
            bits &= column(scope)
            if not bits:
                return ()
        campaigns = self._campaigns
        if bits == self._all:
            return campaigns
        found = []
        while bits:
            low = bits & -bits
            found.append(campaigns[low.bit_length() - 1])
            bits ^= low
        return tuple(found)


def _conditions(campaign: Conditional) -> list[Expression]:
    """List what must all hold; what has an audience too needs both."""
    both = (campaign.when, getattr(campaign, "audience", None))
    return [one for one in both if one is not None]


def _telling(keys: Iterable[Key], roots: Collection[str]) -> list[Key]:
    """Choose the keys that are worth their time: beside a known value, a bound on items of a list is not."""
    usable = [key for key in keys if key.path.root in roots]
    if not any(key.values is not None for key in usable):
        return usable
    return [key for key in usable if key.values is not None or EACH not in key.path.steps]


def _column_of(key: Key) -> tuple[Path, str]:
    if key.values is not None:
        return key.path, "among"
    family = next(number for number, kinds in enumerate(_FAMILIES) if isinstance(key.bound, kinds))
    return key.path, f"{key.sign[0]}{family}"


def _bits(numbers: Iterable[int]) -> int:
    bits = 0
    for number in numbers:
        bits |= 1 << number
    return bits


def _getter(steps: Sequence[Step]) -> Callable[[Any], Any] | None:
    """Read the one value of steps without lists as fast as Python can; None where there is no step."""
    hows = [how for how, _ in steps]
    if not steps:
        return None
    if "item" not in hows:
        return attrgetter(".".join(name for _, name in steps))
    if len(steps) == 1:
        return itemgetter(steps[0][1])
    last = hows.index("item")
    if last == len(steps) - 1 and last:
        base, name = attrgetter(".".join(name for _, name in steps[:-1])), steps[-1][1]
        return lambda value: base(value)[name]

    def read(value: Any) -> Any:
        for how, name in steps:
            value = value[name] if how == "item" else getattr(value, name)
        return value

    return read


def _among(path: Path, keys: dict[int, Key], every: int) -> Callable[[Any], int]:
    table: dict[Any, int] = {}
    for number, key in keys.items():
        for value in key.values or ():
            table[value] = table.get(value, 0) | 1 << number
    free = every & ~_bits(keys)
    table = {value: bits | free for value, bits in table.items()}
    read = _getter(path.steps)
    if read is None or EACH in path.steps:
        return _among_leaves(path, table, free)

    def column(scope: Any) -> int:
        try:
            return table.get(read(scope), free)
        except FAILURES:
            return free

    return column


def _among_leaves(path: Path, table: dict[Any, int], free: int) -> Callable[[Any], int]:
    leaves = _leaves_of(path)

    def column(scope: Any) -> int:
        bits = free
        found = leaves(scope)
        try:
            for leaf in found:
                if leaf in table:
                    bits |= table[leaf]
        except TypeError:
            # A list or a map cannot be looked up, and equals no constant.
            return free | _union(_looked_up(table, leaf) for leaf in found)
        return bits

    return column


def _looked_up(table: dict[Any, int], leaf: Any) -> int:
    try:
        return table.get(leaf, 0)
    except TypeError:
        return 0


def _union(masks: Iterable[int]) -> int:
    bits = 0
    for mask in masks:
        bits |= mask
    return bits


def _bounded(path: Path, keys: dict[int, Key], every: int) -> Callable[[Any], int]:
    """Order the bounds; those that a value passes are a prefix (at least) or a suffix (at most) of them."""
    free = every & ~_bits(keys)
    ordered = sorted(keys.items(), key=lambda pair: pair[1].bound)
    is_least = ordered[0][1].sign[0] == ">"
    bounds = [key.bound for _, key in ordered]
    masks = _prefixes([number for number, _ in ordered] if is_least else [n for n, _ in reversed(ordered)])
    width = -(-len(bounds) // _MOST_BOUNDS)
    # Of very many bounds only each `width`-th mask is kept; between two, the wider one is taken.
    kept = [masks[min(count, len(bounds))] | free for count in range(0, len(bounds) + width, width)]
    kinds = next(kinds for kinds in _FAMILIES if isinstance(bounds[0], kinds))
    leaves = _leaves_of(path)

    def passed(leaf: Any) -> int:
        if not isinstance(leaf, kinds):
            return free
        # Bounds that equal the value count as passed, also where they are strict: a candidate too many.
        try:
            count = bisect_right(bounds, leaf) if is_least else len(bounds) - bisect_left(bounds, leaf)
        except TypeError:
            return free  # an instant without a zone compares with nothing
        return kept[-(-count // width)]

    choose = max if is_least else min

    def column(scope: Any) -> int:
        found = leaves(scope)
        if len(found) > 1:
            try:
                return passed(choose(found))
            except TypeError:
                return free | _union(passed(leaf) for leaf in found)
        return passed(found[0]) if found else free

    return column


def _prefixes(numbers: Sequence[int]) -> list[int]:
    masks = [0]
    for number in numbers:
        masks.append(masks[-1] | 1 << number)
    return masks


def _leaves_of(path: Path) -> Callable[[Any], Sequence[Any]]:
    """Read all values of a path, at once for a whole list; where one item is odd, one by one."""
    parts: list[list[Step]] = [[]]
    for step in path.steps:
        if step == EACH:
            parts.append([])
        else:
            parts[-1].append(step)
    others = [_getter(part) for part in parts[1:]]
    head = _getter(parts[0]) or (lambda scope: scope)
    slowly = path.leaves

    def leaves(scope: Any) -> Sequence[Any]:
        try:
            values: tuple[Any, ...] = (head(scope),)
            for get in others:
                inner = values[0] if len(values) == 1 else chain.from_iterable(values)
                values = tuple(inner if get is None else map(get, inner))
        except FAILURES:
            return slowly(scope)
        return values

    return leaves
