"""What a member may carry by the program's definition: reading values of the declared types."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from guerdon.base.errors import Fault
from guerdon.base.exact import BIGINT_MAX, plain_text
from guerdon.rules.definition import Datum

TEXT_LENGTH = 1_000
LIST_LENGTH = 100

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,18})?", re.ASCII)
_DECIMAL_DIGITS = 20
_DECIMAL_PLACES = 18
_JOINERS = frozenset("\u200c\u200d\u200e\u200f")
"""Invisible letters that Bengali, Hindi and right-to-left texts need."""


@dataclass(slots=True)
class Sorted:
    """Attributes that were read, apart by where they may be kept."""

    plain: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = field(default_factory=dict)
    """Kept under the member's own key alone."""
    removed: list[str] = field(default_factory=list)
    """Those set to null."""
    faults: list[Fault] = field(default_factory=list)


def is_clean(text: str) -> bool:
    """Tell whether a text is free of what cannot be seen: control letters, surrogates, switches of direction.

    Args:
        text: any text.

    Returns:
        Whether it may be kept and shown.
    """
    return text.isprintable() or all(
        letter.isprintable() or letter in _JOINERS or unicodedata.category(letter) == "Zs" for letter in text
    )


def read_attributes(sent: Any, declared: Mapping[str, Datum], *, removable: bool) -> Sorted:
    """Check attributes against their declarations.

    Args:
        sent: decoded JSON, numbers as int or exact Decimal.
        declared: the definition's `attributes`.
        removable: whether null removes an attribute.

    Returns:
        The values as kept (int, Decimal, text, bool, lists of them), with a fault for each wrong one.
    """
    result = Sorted()
    if not isinstance(sent, Mapping):
        result.faults.append(Fault("/attributes", "wrong_type", "expected an object of attributes"))
        return result
    for name, value in sent.items():
        pointer = f"/attributes/{escaped(name)}"
        datum = declared.get(name)
        if datum is None:
            result.faults.append(
                Fault(pointer, "attribute_unknown", unknown_detail("attribute", name, declared))
            )
        elif value is None and removable:
            result.removed.append(name)
        else:
            _read_into(result, name, value, datum)
    return result


def escaped(name: str) -> str:
    """Write a name as a part of a JSON pointer.

    Args:
        name: any text.

    Returns:
        It with `~` and `/` escaped (RFC 6901).
    """
    return name.replace("~", "~0").replace("/", "~1")


def unknown_detail(kind: str, name: str, known: Mapping[str, Any] | frozenset[str]) -> str:
    """Say that a name is unknown, and which known one is nearest.

    Args:
        kind: what it would be, such as `attribute`.
        name: as sent.
        known: the names that are known.

    Returns:
        A sentence.
    """
    near = difflib.get_close_matches(name[:100], sorted(known), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no {kind} of this name here{hint}"


def read_day(value: Any) -> date | None:
    """Read a calendar day.

    Args:
        value: decoded JSON.

    Returns:
        The day, None where it is not text such as `2027-02-01`.
    """
    if not isinstance(value, str) or _DAY.fullmatch(value) is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _read_into(result: Sorted, name: str, value: Any, datum: Datum) -> None:
    pointer = f"/attributes/{escaped(name)}"
    many = datum.type.startswith("list(")
    kind = datum.type.removeprefix("list(").removesuffix(")")
    if kind not in _READERS:
        detail = f"values of type {datum.type} cannot be carried by a member yet"
        result.faults.append(Fault(pointer, "attribute_type_unsupported", detail))
        return
    if many and (not isinstance(value, list) or len(value) > LIST_LENGTH):
        detail = f"expected a list of at most {LIST_LENGTH} values"
        result.faults.append(Fault(pointer, "attribute_invalid", detail))
        return
    places = [(f"{pointer}/{place}", one) for place, one in enumerate(value)] if many else [(pointer, value)]
    values = [_READERS[kind][0](one) for _, one in places]
    faults = list(_wrong(places, values, datum, kind))
    if faults:
        result.faults.extend(faults)
        return
    kept = result.personal if datum.personal else result.plain
    kept[name] = values if many else values[0]


def _wrong(places: list[tuple[str, Any]], values: list[Any], datum: Datum, kind: str) -> Iterator[Fault]:
    for (pointer, _), value in zip(places, values, strict=True):
        if value is None:
            yield Fault(pointer, "attribute_invalid", f"expected {_READERS[kind][1]}")
        elif datum.values is not None and not _is_listed(value, datum.values, kind):
            listed = ", ".join(datum.values)
            yield Fault(pointer, "attribute_value_not_listed", f"expected one of {listed}")


def _is_listed(value: Any, listed: tuple[str, ...], kind: str) -> bool:
    if kind in ("int", "decimal"):
        return plain_text(Decimal(value)) in {_plain(one) for one in listed}
    text = str(value).lower() if isinstance(value, bool) else value
    return text in listed


def _plain(listed: str) -> str:
    try:
        return plain_text(Decimal(listed))
    except InvalidOperation:
        return listed


def _read_text(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= TEXT_LENGTH and is_clean(value) else None


def _read_int(value: Any) -> int | None:
    number = _read_decimal(value)
    if number is None or number != int(number) or abs(number) > BIGINT_MAX:
        return None
    return int(number)


def _read_decimal(value: Any) -> Decimal | None:
    if isinstance(value, str):
        value = Decimal(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    if not number.is_finite() or number.adjusted() >= _DECIMAL_DIGITS:
        return None
    exponent = number.normalize().as_tuple().exponent
    return number if isinstance(exponent, int) and exponent >= -_DECIMAL_PLACES else None


def _read_bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_day_text(value: Any) -> str | None:
    day = read_day(value)
    return day.isoformat() if day is not None else None


_READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "string": (_read_text, f"text of at most {TEXT_LENGTH} characters without control characters"),
    "int": (_read_int, "a whole number"),
    "decimal": (_read_decimal, f"a decimal number of at most {_DECIMAL_PLACES} places"),
    "bool": (_read_bool, "true or false"),
    "date": (_read_day_text, "a day such as 2027-02-01"),
}
