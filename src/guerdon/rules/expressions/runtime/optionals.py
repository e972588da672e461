"""Optional values at run time: a value, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.runtime.dynamic import as_int, as_map, missing, present
from guerdon.rules.expressions.runtime.kinds import NONE, Optional

_EMPTY: tuple[Any, ...] = ("", b"", [], (), {})


def some(value: Any) -> Optional:
    """Wrap a value.

    Args:
        value: any value.

    Returns:
        It, as an optional value.

    Raises:
        Failure: `missing_value`.
    """
    return Optional((present(value),))


def some_null(value: Any) -> Optional:
    """Wrap a value that may be a written null.

    Args:
        value: anything.

    Returns:
        It, as an optional value.
    """
    return Optional((value,))


def some_unless_zero(value: Any) -> Optional:
    """Wrap a value unless it is what its kind has for nothing: false, 0, an empty text, list or map.

    Args:
        value: any value.

    Returns:
        It, as an optional value, or none.

    Raises:
        Failure: `missing_value`.
    """
    return NONE if is_zero(present(value)) else Optional((value,))


def is_zero(value: Any) -> bool:
    """Say whether a value is what its kind has for nothing.

    Args:
        value: any value; an instant never is.

    Returns:
        True for false, 0, an empty text, list or map, no time, and none.
    """
    if isinstance(value, Optional):
        return not value.items
    return value is None or (hasattr(value, "__bool__") and not value) or value in _EMPTY


def has_value(optional: Any) -> bool:
    """Say whether an optional value is there.

    Args:
        optional: an optional value.

    Returns:
        Whether it is.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    return bool(_insist(optional).items)


def value_of(optional: Any) -> Any:
    """Take an optional value.

    Args:
        optional: an optional value.

    Returns:
        The value.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    items = _insist(optional).items
    if not items:
        raise Failure("missing_value", "the optional value is none; ask with hasValue() or give orValue(…)")
    return present(items[0])


def items_of(optional: Any) -> tuple[Any, ...]:
    """Give what a loop over an optional value goes through.

    Args:
        optional: an optional value.

    Returns:
        The value, or nothing.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    return _insist(optional).items


def first_of_loop(items: Sequence[Any]) -> Optional:
    """Wrap what a loop over an optional value made.

    Args:
        items: at most one value.

    Returns:
        It, as an optional value, or none.
    """
    return Optional((items[0],)) if items else NONE


def flat_first(items: Sequence[Any]) -> Optional:
    """Take the optional value that a loop over an optional value made.

    Args:
        items: at most one optional value.

    Returns:
        It, or none.

    Raises:
        Failure: `wrong_type`.
    """
    return _insist(items[0]) if items else NONE


def chosen(optional: Any, fallback: Callable[[], Any], unwraps: bool) -> Any:
    """Take an optional value, or something else where there is none.

    Args:
        optional: an optional value.
        fallback: gives something else.
        unwraps: whether the value itself is asked for.

    Returns:
        The value, or the optional value, or the fallback.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if not _insist(optional).items:
        return present(fallback())
    return present(optional.items[0]) if unwraps else optional


def lifted(run: Callable[[Any], Any]) -> Callable[[Any], Optional]:
    """Make a function of a value one of an optional value.

    Args:
        run: a function of one value.

    Returns:
        A function of an optional value, which leaves none as it is.
    """

    def through(optional: Any) -> Optional:
        items = _insist(optional).items
        return Optional((run(items[0]),)) if items else NONE

    return through


def attribute(value: Any, name: str) -> Optional:
    """Read a declared field that may be empty.

    Args:
        value: an object, or an optional one.
        name: the field.

    Returns:
        Its value or none.
    """
    return _read(value, lambda whole: getattr(whole, name, None))


def key(value: Any, name: Any) -> Optional:
    """Read a key that may be absent.

    Args:
        value: a map, or an optional one.
        name: the key.

    Returns:
        Its value or none.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    return _read(value, lambda whole: _under(as_map(whole), present(name)))


def index(value: Any, place: Any) -> Optional:
    """Read an item that a list may not have.

    Args:
        value: a list, or an optional one.
        place: from 0.

    Returns:
        The item or none.
    """
    return _read(value, lambda whole: whole[place] if 0 <= place < len(whole) else None)


def either(value: Any, name: Any) -> Optional:
    """Read an item that a list, or a key that a map may not have.

    Args:
        value: a list or map, or an optional one.
        name: an index or a key.

    Returns:
        The value or none.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    whole = value.items[0] if isinstance(value, Optional) and value.items else value
    if isinstance(whole, (list, tuple)):
        return index(value, as_int(name))
    return key(value, name)


def present_items(items: Iterable[Optional]) -> list[Any]:
    """Keep what is there of a list of optional values.

    Args:
        items: optional values.

    Returns:
        The values of those that have one.
    """
    return [value for item in items for value in _insist(item).items]


def present_entries(entries: Mapping[Any, Optional]) -> dict[Any, Any]:
    """Keep what is there of a map of optional values.

    Args:
        entries: key → optional value.

    Returns:
        Those that have a value.
    """
    return {name: value for name, item in entries.items() for value in _insist(item).items}


def _insist(value: Any) -> Optional:
    if isinstance(value, Optional):
        return value
    if value is None:
        missing()
    raise Failure("wrong_type", "expected an optional value")


def _read(value: Any, read: Callable[[Any], Any]) -> Optional:
    whole = value
    if isinstance(value, Optional):
        if not value.items:
            return NONE
        whole = value.items[0]
    found = read(present(whole))
    return NONE if found is None else Optional((found,))


def _under(known: Mapping[Any, Any], name: Any) -> Any:
    if isinstance(name, bool) and not any(one is name for one in known):
        return None  # to Python, true is the key 1
    try:
        return known[name]  # metrics and wallets are made when they are read so
    except KeyError:
        return None
