"""Functions of whole lists at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.runtime.budget import LONGEST_LIST, spent
from guerdon.rules.expressions.runtime.dynamic import LISTS, as_text, present
from guerdon.rules.expressions.runtime.kinds import NONE, Optional
from guerdon.rules.expressions.runtime.wording import texts

_ORDERED: tuple[tuple[type, ...], ...] = (
    (str,), (bool,), (int, Decimal, Fraction), (datetime,), (timedelta,), (bytes,)
)  # fmt: skip
_DEEPEST = 32


def bounded(run: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse lists that are too long to be gone through as a whole.

    Args:
        run: a function whose first argument is a list.

    Returns:
        The same function for lists of at most `LONGEST_LIST` items.
    """

    def checked(items: Sequence[Any], *rest: Any) -> Any:
        if len(items) > LONGEST_LIST:
            raise spent()
        return run(items, *rest)

    return checked


@bounded
def slice_of(items: Sequence[Any], start: int, end: int) -> list[Any]:
    """Cut a part out of a list.

    Args:
        items: a list.
        start: index of the first item.
        end: index after the last one.

    Returns:
        The part.

    Raises:
        Failure: `bad_argument`.
    """
    if not 0 <= start <= end <= len(items):
        raise Failure(
            "bad_argument", f"a slice lies within 0 and {len(items)} and ends where it starts or later"
        )
    return list(items[start:end])


@bounded
def flattened(items: Sequence[Any], depth: int = 1) -> list[Any]:
    """Put the items of inner lists in the place of these lists.

    Args:
        items: a list, perhaps of lists.
        depth: how many layers of lists to open.

    Returns:
        One list.

    Raises:
        Failure: `bad_argument`, `iteration_limit`.
    """
    if not 0 <= depth <= _DEEPEST:
        raise Failure("bad_argument", f"flatten opens 0 to {_DEEPEST} layers")
    made = list(items)
    for _ in range(depth):
        if not any(isinstance(item, LISTS) for item in made):
            break
        if sum(len(item) if isinstance(item, LISTS) else 1 for item in made) > LONGEST_LIST:
            raise spent()
        made = [one for item in made for one in (item if isinstance(item, LISTS) else (item,))]
    return made


@bounded
def ordered(items: Sequence[Any]) -> list[Any]:
    """Sort a list.

    Args:
        items: values of one kind that has an order.

    Returns:
        The same values, the least first.

    Raises:
        Failure: `wrong_type`, `missing_value`.
    """
    _comparable(items)
    return sorted(items)


def ordered_by_key(pairs: Sequence[Sequence[Any]]) -> list[Any]:
    """Sort a list by what was computed for each item.

    Args:
        pairs: a key and an item each.

    Returns:
        The items, that with the least key first; where keys are equal, in their order.

    Raises:
        Failure: `wrong_type`, `missing_value`.
    """
    _comparable([pair[0] for pair in pairs])
    return [pair[1] for pair in sorted(pairs, key=lambda pair: pair[0])]


def _comparable(items: Sequence[Any]) -> None:
    if not items:
        return
    first = present(items[0])
    kinds = next((kinds for kinds in _ORDERED if isinstance(first, kinds)), None)
    is_bool = isinstance(first, bool)
    if kinds is None or not all(
        isinstance(present(item), kinds) and isinstance(item, bool) is is_bool for item in items
    ):
        raise Failure("wrong_type", "a list is sorted by values of one kind: numbers, texts, truths or times")


@bounded
def distinct(items: Sequence[Any]) -> list[Any]:
    """Leave out what stands in a list already.

    Args:
        items: a list.

    Returns:
        Each value once, at its first place.

    Raises:
        Failure: `iteration_limit`.
    """
    budget = [LONGEST_LIST * 2]
    made: dict[Any, Any] = {}
    for item in items:
        made.setdefault(_frozen(item, budget), item)
    return list(made.values())


def _frozen(value: Any, budget: list[int]) -> Any:
    """Make a hashable stand-in that is equal exactly where two values are."""
    budget[0] -= 1
    if budget[0] < 0:
        raise spent()
    if isinstance(value, LISTS):
        return "list", tuple(_frozen(item, budget) for item in value)
    if isinstance(value, Mapping):
        pairs = ((_frozen(name, budget), _frozen(item, budget)) for name, item in value.items())
        return "map", frozenset(pairs)
    if isinstance(value, Optional):
        return "optional", tuple(_frozen(item, budget) for item in value.items)
    return isinstance(value, bool), value


@bounded
def turned(items: Sequence[Any]) -> list[Any]:
    """Turn a list round.

    Args:
        items: a list.

    Returns:
        Its items from last to first.
    """
    return list(items[::-1])


def turned_any(value: Any) -> Any:
    """Turn a list or a text round.

    Args:
        value: a list or a text.

    Returns:
        The same from last to first.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    return turned(value) if isinstance(value, LISTS) else texts.reverse(as_text(value))


def first(items: Sequence[Any]) -> Optional:
    """Take the first item.

    Args:
        items: a list.

    Returns:
        It, or none of an empty list.
    """
    return Optional((present(items[0]),)) if items else NONE


def last(items: Sequence[Any]) -> Optional:
    """Take the last item.

    Args:
        items: a list.

    Returns:
        It, or none of an empty list.
    """
    return Optional((present(items[-1]),)) if items else NONE


def counted(length: int) -> list[int]:
    """Count from 0.

    Args:
        length: how many numbers.

    Returns:
        0 and so on.

    Raises:
        Failure: `bad_argument`, `iteration_limit`.
    """
    if length < 0:
        raise Failure("bad_argument", "a range has 0 or more items")
    if length > LONGEST_LIST:
        raise spent()
    return list(range(length))
