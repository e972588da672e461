"""Values whose kind is known only at run time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, NoReturn

from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.runtime.budget import LONGEST_LIST, LONGEST_TEXT, spent
from guerdon.rules.expressions.runtime.kinds import Optional

LISTS = (list, tuple)
"""What Python holds lists of the language in."""


def missing() -> NoReturn:
    """Refuse an absent value.

    Raises:
        Failure: `missing_value`.
    """
    raise Failure("missing_value", "the value is absent here; ask with has(…) or give a default(…, fallback)")


def present(value: Any) -> Any:
    """Insist on a value.

    Args:
        value: anything.

    Returns:
        The same, if it is not None.

    Raises:
        Failure: `missing_value`.
    """
    return missing() if value is None else value


def _wrong(value: Any, expected: str) -> Failure:
    if value is None:
        return Failure("missing_value", f"the value is absent here; expected {expected}")
    return Failure("wrong_type", f"expected {expected}, found {_kind(value)}")


def _kind(value: Any) -> str:
    names: dict[type, str] = {bool: "bool", int: "int", Decimal: "decimal", str: "string", list: "list"}
    names |= {bytes: "bytes", tuple: "list", Fraction: "decimal"}
    names |= {datetime: "timestamp", timedelta: "duration"}
    return names.get(type(value), "map" if isinstance(value, Mapping) else type(value).__name__)


def as_bool(value: Any) -> bool:
    """Insist on a truth value.

    Args:
        value: anything.

    Returns:
        The same, if it is true or false.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if value is True or value is False:
        return bool(value)
    raise _wrong(value, "bool")


def as_text(value: Any) -> str:
    """Insist on a text.

    Args:
        value: anything.

    Returns:
        The same, if it is a text.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if isinstance(value, str):
        return value
    raise _wrong(value, "string")


def as_decimal(value: Any) -> Decimal:
    """Insist on a number.

    Args:
        value: anything.

    Returns:
        The number as a decimal.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if type(value) is Decimal:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise _wrong(value, "decimal")


def as_int(value: Any) -> int:
    """Insist on a whole number.

    Args:
        value: anything.

    Returns:
        The number as an int.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    number = as_decimal(value)
    above, below = number.as_integer_ratio()
    if below != 1:
        raise Failure("wrong_type", "expected a whole number, found decimal places")
    return above


def as_list(value: Any) -> Sequence[Any]:
    """Insist on a list.

    Args:
        value: anything.

    Returns:
        The same, if it is a list.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if isinstance(value, LISTS):
        return value
    raise _wrong(value, "list")


def as_map(value: Any) -> Mapping[Any, Any]:
    """Insist on a map.

    Args:
        value: anything.

    Returns:
        The same, if it is a map.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if isinstance(value, Mapping):
        return value
    raise _wrong(value, "map")


def as_items(value: Any) -> Collection[Any]:
    """Insist on something that a loop can go through.

    Args:
        value: anything.

    Returns:
        The same, if it is a list, or a map that stands for its keys.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if isinstance(value, (list, tuple, Mapping)):
        return value
    raise _wrong(value, "list or map")


def as_sized(value: Any) -> Collection[Any]:
    """Insist on something that has a size.

    Args:
        value: anything.

    Returns:
        The same, if it is a text, a list or a map.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if isinstance(value, (str, bytes, list, tuple, Mapping)):
        return value
    raise _wrong(value, "string, list or map")


def each(check: Callable[[Any], Any], value: Sequence[Any]) -> list[Any]:
    """Insist on the kind of all items.

    Args:
        check: one of the `as_…` functions.
        value: a list.

    Returns:
        What `check` gave for each item.
    """
    return [check(item) for item in value]


def field(value: Any, key: Any) -> Any:
    """Read a key of a free map.

    Args:
        value: anything.
        key: the key.

    Returns:
        The value under that key.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    known = as_map(value)
    if isinstance(key, bool) and not any(one is key for one in known):
        missing()  # to Python, true is the key 1
    found = known.get(key)
    return missing() if found is None else found


def at(value: Sequence[Any], index: int) -> Any:
    """Read one item of a list.

    Args:
        value: a list.
        index: from 0.

    Returns:
        The item.

    Raises:
        Failure: `missing_value`.
    """
    if 0 <= index < len(value):
        return present(value[index])
    raise Failure("missing_value", f"the list has no item {index}; it has {len(value)}")


def at_any(value: Any, key: Any) -> Any:
    """Read one item of a list, or one key of a map.

    Args:
        value: anything.
        key: an index or a key.

    Returns:
        The item.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if isinstance(value, LISTS):
        return at(value, as_int(key))
    return field(value, key)


def equal(left: Any, right: Any) -> bool:
    """Compare two values of any kind; different kinds are not equal.

    Args:
        left: a value.
        right: a value.

    Returns:
        Whether they are the same.

    Raises:
        Failure: `missing_value`, `iteration_limit`.
    """
    return _equal(present(left), present(right), [LONGEST_LIST * 2])


def _equal(left: Any, right: Any, budget: list[int]) -> bool:
    budget[0] -= 1
    if budget[0] < 0:
        raise spent()
    if isinstance(left, LISTS):
        return (
            isinstance(right, LISTS)
            and len(left) == len(right)
            and all(_equal(one, other, budget) for one, other in zip(left, right, strict=True))
        )
    if isinstance(left, Mapping):
        return (
            isinstance(right, Mapping)
            and left.keys() == right.keys()
            and all(_equal(value, right[key], budget) for key, value in left.items())
        )
    if isinstance(left, Optional):
        both = isinstance(right, Optional) and len(left.items) == len(right.items)
        return both and all(map(partial(_equal, budget=budget), left.items, right.items))
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def unequal(left: Any, right: Any) -> bool:
    """Compare two values of any kind; different kinds are not equal.

    Args:
        left: a value.
        right: a value.

    Returns:
        Whether they differ.
    """
    return not equal(left, right)


def less(left: Any, right: Any) -> bool:
    """Compare two values that are both numbers, texts, truths, instants or lengths of time.

    Args:
        left: a value.
        right: a value.

    Returns:
        Whether the first is less.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if isinstance(left, str):
        return left < as_text(right)
    if isinstance(left, bool):
        return left < as_bool(right)
    if isinstance(left, bytes) and isinstance(right, bytes):
        return left < right
    if isinstance(left, datetime) and isinstance(right, datetime):
        return left < right
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return left < right
    return as_decimal(left) < as_decimal(right)


def less_or_equal(left: Any, right: Any) -> bool:
    """Compare two values that are both numbers, texts, truths, instants or lengths of time.

    Args:
        left: a value.
        right: a value.

    Returns:
        Whether the first is not greater.
    """
    return not less(right, left)


def add(left: Any, right: Any) -> Any:
    """Add two numbers or join two texts or two lists.

    Args:
        left: a value.
        right: a value of the same kind.

    Returns:
        The sum.

    Raises:
        Failure: `missing_value`, `wrong_type`, `text_too_long`, `iteration_limit`.
    """
    if isinstance(left, str):
        return join_text(left, as_text(right))
    if isinstance(left, bytes) and isinstance(right, bytes):
        return join_bytes(left, right)
    if isinstance(left, LISTS):
        return join_lists(left, as_list(right))
    return as_decimal(left) + as_decimal(right)


def join_text(left: str, right: str) -> str:
    """Join two texts.

    Args:
        left: a text.
        right: a text.

    Returns:
        One after the other.

    Raises:
        Failure: `text_too_long`.
    """
    joined = left + right
    if len(joined) > LONGEST_TEXT:
        raise Failure("text_too_long", f"a text may have {LONGEST_TEXT} characters")
    return joined


def join_bytes(left: bytes, right: bytes) -> bytes:
    """Join bytes.

    Args:
        left: bytes.
        right: bytes.

    Returns:
        One after the other.

    Raises:
        Failure: `text_too_long`.
    """
    if len(left) + len(right) > LONGEST_TEXT:
        raise Failure("text_too_long", f"bytes that are joined may be {LONGEST_TEXT}")
    return left + right


def join_lists(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    """Join two lists.

    Args:
        left: a list.
        right: a list.

    Returns:
        One after the other.

    Raises:
        Failure: `iteration_limit`.
    """
    if len(left) + len(right) > LONGEST_LIST * 2:
        raise spent()
    return [*left, *right]


def holds(item: Any, items: Any) -> bool:
    """Look for a value in a list, or among the keys of a map.

    Args:
        item: a value.
        items: a list, set or map.

    Returns:
        Whether it is there.

    Raises:
        Failure: `missing_value`, `wrong_type`, `iteration_limit`.
    """
    present(item)
    if isinstance(items, (set, frozenset)):
        return item in items
    if isinstance(items, Mapping):
        return item in items
    budget = [LONGEST_LIST * 2]
    return any(_equal(item, one, budget) for one in as_list(items))


def is_null(value: Any, other: Any) -> bool:
    """Compare with null a value that may itself be null, but is never absent.

    Args:
        value: anything.
        other: anything, one of both is null.

    Returns:
        Whether both are null.
    """
    return value is None and other is None
