"""The scalars of a definition: exact numbers, local times, names."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from guerdon.rules.definition.scalars.meant import date_meant, flag_meant, number_meant
from guerdon.rules.definition.scalars.problems import refusal, shown
from guerdon.rules.definition.scalars.words import number_text

MAX_WHOLE_DIGITS: Final = 18
MAX_PLACES: Final = 12
NAME_PATTERN: Final = r"[a-z][a-z0-9_]{0,62}"
PROGRAM_PATTERN: Final = r"[a-z][a-z0-9-]{0,62}"
EVENT_PATTERN: Final = r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*"
MAX_EVENT_TYPE: Final = 128
PICTURE_PATTERN: Final = r"(https://[^\s\"'<>\\]+|[A-Za-z0-9][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*)"
MAX_COUNT: Final = 1_000_000_000

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_OFFSET = re.compile(r".*[0-9](Z|[+-][0-9]{2}:?[0-9]{2})", re.IGNORECASE)


def read_decimal(value: object) -> Decimal:
    """Read an exact number.

    Args:
        value: digits as text, an int or a Decimal; never a float.

    Returns:
        The number, of at most 18 digits before and 12 after the point.

    Raises:
        PydanticCustomError: `expected_number`, `number_too_large`, `too_many_decimals`.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = Decimal(format(Decimal(value), "f"))
    elif isinstance(value, Decimal | int) and not isinstance(value, bool) and Decimal(value).is_finite():
        number = Decimal(value)
    else:
        detail = f"a number was expected, such as 1 or 0.01, not {shown(value)}"
        raise refusal("expected_number", detail, nearest=number_meant(value))
    if number.adjusted() >= MAX_WHOLE_DIGITS:
        raise refusal("number_too_large", f"at most {MAX_WHOLE_DIGITS} digits before the point are kept")
    if places_of(number) > MAX_PLACES:
        raise refusal("too_many_decimals", f"at most {MAX_PLACES} digits after the point are kept")
    return number


def places_of(number: Decimal) -> int:
    """Count the decimal places that a number needs.

    Args:
        number: a finite number.

    Returns:
        Digits after the point, trailing zeros left out.
    """
    text = number_text(number)
    return len(text.partition(".")[2])


def _read_whole(value: object) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    detail, meant = f"a whole number was expected, not {shown(value)}", number_meant(value)
    raise refusal("expected_whole_number", detail, nearest=meant if _WHOLE.fullmatch(meant) else "")


def _read_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    detail = f"true or false was expected, not {shown(value)}"
    raise refusal("expected_true_or_false", detail, expected="true or false", nearest=flag_meant(value))


def _read_string(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return str(value)
    code = "empty_text" if isinstance(value, str) else "expected_text"
    raise refusal(code, f"a text was expected, not {shown(value)}")


def matching(pattern: str, code: str, what: str, longest: int) -> BeforeValidator:
    """Make a validator of texts of one form.

    Args:
        pattern: the whole text, as a regular expression.
        code: the code of the fault, a stable snake_case word.
        what: what was expected, the beginning of a sentence.
        longest: characters at most.

    Returns:
        The validator.
    """
    compiled = re.compile(pattern)

    def check(value: object) -> object:
        if isinstance(value, str) and len(value) <= longest and compiled.fullmatch(value):
            return str(value)
        raise refusal(code, f"{what}, not {shown(value)}", expected=pattern)

    return BeforeValidator(check)


def _read_time(value: object) -> time:
    if isinstance(value, time):
        return value
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0))  # type: ignore[index]
    except (TypeError, ValueError):
        raise refusal("bad_time", f"a time of day was expected, such as 17:00, not {shown(value)}") from None


def _read_moment(value: object) -> date | datetime:
    if isinstance(value, date):
        return value
    text = value if isinstance(value, str) else ""
    if _OFFSET.fullmatch(text) and ":" in text:
        detail = f"times are local to the program's time zone and carry no offset, unlike {shown(value)}"
        raise refusal("offset_not_allowed", detail)
    try:
        if _DATE.fullmatch(text):
            return _in_range(date.fromisoformat(text))
        if _DATETIME.fullmatch(text):
            return _in_range(datetime.fromisoformat(text))
    except ValueError:
        raise refusal("bad_date", f"{shown(value)} is not in the calendar between 1970 and 9000") from None
    detail = f"a date was expected, such as 2027-02-01 or 2027-02-01T19:00, not {shown(value)}"
    raise refusal("bad_date", detail, nearest=date_meant(value))


def _read_day(value: object) -> date:
    found = _read_moment(value)
    if isinstance(found, datetime):
        raise refusal("bad_date", f"a whole day was expected, such as 2027-02-01, not {shown(value)}")
    return found


def _in_range(value: date) -> date:
    if not 1970 <= value.year <= 9000:
        raise ValueError(value.year)
    return value


_NUMBER_SCHEMA = {"type": ["number", "string"], "pattern": r"^[+-]?[0-9]+(\.[0-9]+)?$"}
_WHOLE_SCHEMA = {"type": ["integer", "string"], "pattern": "^[+-]?[0-9]+$"}

Exact = Annotated[Decimal, BeforeValidator(read_decimal), WithJsonSchema(_NUMBER_SCHEMA)]
Whole = Annotated[int, BeforeValidator(_read_whole), WithJsonSchema(_WHOLE_SCHEMA)]
Flag = Annotated[bool, BeforeValidator(_read_flag), WithJsonSchema({"enum": [True, False, "true", "false"]})]
Line = Annotated[str, BeforeValidator(_read_string)]
Name = Annotated[
    str,
    matching(NAME_PATTERN, "bad_name", "a name of small letters, digits and _ was expected", 63),
    WithJsonSchema({"type": "string", "pattern": f"^{NAME_PATTERN}$"}),
]
Count = Annotated[Whole, Field(ge=1, le=MAX_COUNT)]
Picture = Annotated[
    str,
    matching(PICTURE_PATTERN, "bad_picture", "a picture was expected, https://… or the name of a file", 500),
    WithJsonSchema({"type": "string", "pattern": f"^{PICTURE_PATTERN}$"}),
]
ProgramKey = Annotated[
    str,
    matching(PROGRAM_PATTERN, "bad_name", "a key of small letters, digits and - was expected", 63),
    WithJsonSchema({"type": "string", "pattern": f"^{PROGRAM_PATTERN}$"}),
]
EventType = Annotated[
    str,
    matching(
        EVENT_PATTERN, "bad_event_type", "an event type such as order.paid was expected", MAX_EVENT_TYPE
    ),
    WithJsonSchema({"type": "string", "pattern": f"^{EVENT_PATTERN}$"}),
]
TimeOfDay = Annotated[
    time,
    PlainValidator(_read_time),
    WithJsonSchema({"type": "string", "pattern": f"^{_TIME.pattern}$", "examples": ["17:00"]}),
]
Moment = Annotated[
    date | datetime,
    PlainValidator(_read_moment),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^({_DATE.pattern}|{_DATETIME.pattern})$",
            "examples": ["2027-02-01", "2027-02-01T19:00"],
        }
    ),
]
Day = Annotated[
    date,
    PlainValidator(_read_day),
    WithJsonSchema({"type": "string", "pattern": f"^{_DATE.pattern}$", "examples": ["2027-02-01"]}),
]
