"""Words and figures of the report page, from the decimal texts of report.json; never by way of a float."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from babel.dates import format_datetime
from babel.numbers import format_currency

Report = Mapping[str, Any]

MINUS: Final = "−"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def grouped(text: str | int) -> str:
    """Write a decimal text for readers.

    Args:
        text: such as `4519934` or `-12.50`.

    Returns:
        Such as `4,519,934` or `−12.50`.
    """
    whole, point, rest = str(text).lstrip("-").partition(".")
    sign = MINUS if str(text).startswith("-") else ""
    return f"{sign}{int(whole):,}{point}{rest}"


def signed(text: str | int) -> str:
    """Write a change for readers.

    Args:
        text: a decimal text.

    Returns:
        With `+` or `−`, and nothing before a zero.
    """
    return ("+" if Decimal(text) > 0 else "") + grouped(text)


def money(text: str, currency: str) -> str:
    """Write an amount of money for readers.

    Args:
        text: a decimal text in whole units.
        currency: ISO 4217 code.

    Returns:
        Such as `$4,596,039.58`; the minus stands before the sign of the currency.
    """
    shown: str = format_currency(abs(Decimal(text)), currency, locale="en")
    return (MINUS if Decimal(text) < 0 else "") + shown.replace("\xa0", " ")


def unit_price(text: str, currency: str) -> str:
    """Write what one unit costs, with all its digits.

    Args:
        text: a decimal text, more than zero.
        currency: ISO 4217 code.

    Returns:
        Such as `$0.006`.
    """
    shown: str = format_currency(Decimal(text), currency, locale="en", decimal_quantization=False)
    return shown.replace("\xa0", " ")


def month_name(month: str, with_year: bool = False) -> str:
    """Name a month for an axis or a row.

    Args:
        month: such as `2017-01`.
        with_year: whether the year is said.

    Returns:
        Such as `Jan` or `Jan 2017`.
    """
    year, number = month.split("-")
    name = _MONTHS[int(number) - 1]
    return f"{name} {year}" if with_year else name


def instant_name(text: str) -> str:
    """Name an instant.

    Args:
        text: RFC 3339, in the program's local time.

    Returns:
        Such as `1 January 2018, 00:00`.
    """
    return str(format_datetime(datetime.fromisoformat(text), "d MMMM y, HH:mm", locale="en"))


def counted(number: int, word: str) -> str:
    """Count things.

    Args:
        number: how many.
        word: one of them.

    Returns:
        Such as `1 account` or `2,469 accounts`.
    """
    return f"{grouped(number)} {word}{'' if number == 1 else 's'}"


def listing(texts: list[str]) -> str:
    """Join parts of a sentence.

    Args:
        texts: at least one.

    Returns:
        Such as `a, b and c`.
    """
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def headline(report: Report) -> str:
    """Say in one sentence what a program comes to.

    Args:
        report: as report.json has it.

    Returns:
        The sentence.
    """
    on = counted(report["orders"], "order") if report["orders"] else counted(report["events"], "event")
    worth = f" worth {money(report['revenue'], report['currency'])}" if report["orders"] else ""
    gave = [f"{grouped(one['issued'])} {key}" for key, one in report["wallets"].items() if _some(one)]
    to = counted(report["accounts"], "account")
    if not gave:
        return f"On {on}{worth}, this program gives nothing to {to}."
    left = [_left(key, one, report["currency"]) for key, one in report["wallets"].items() if _some(one)]
    return f"On {on}{worth}, this program gives {listing(gave)} to {to}. {' '.join(left)}"


def compared_headline(report: Report, second: Report, comparison: Report) -> str:
    """Say in one sentence what a second program changes.

    Args:
        report: of the first program.
        second: of the second.
        comparison: what changes for whom.

    Returns:
        The sentences.
    """
    said = []
    for key, counts in comparison["accounts"].items():
        change = Decimal(second["wallets"][key]["issued"]) - Decimal(report["wallets"][key]["issued"])
        more, less = counts["issued"]["more"], counts["issued"]["less"]
        if not (change or more or less):
            continue
        word = "as many" if not change else "more" if change > 0 else "fewer"
        amount = f"{grouped(str(abs(change)))} {word} {key}" if change else f"as many {key}"
        verbs = f"{counted(more, 'account')} {'gets' if more == 1 else 'get'} more and {grouped(less)} less"
        said.append(f"The second definition gives {amount}. {verbs}.")
    return " ".join(said) or "Both definitions give every account the same."


def _some(wallet: Report) -> bool:
    return bool(Decimal(wallet["issued"]))


def _left(key: str, wallet: Report, currency: str) -> str:
    left = Decimal(wallet["outstanding"])
    if not left:
        return f"No {key} are left at the end."
    cost = f", which will cost {money(wallet['liability'], currency)}" if "liability" in wallet else ""
    return f"{grouped(wallet['outstanding'])} {key} are left at the end{cost}."
