"""How the values of a definition are read aloud."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from guerdon.base.exact import currency_digits
from guerdon.rules.definition import (
    WEEKDAYS,
    Budget,
    Dates,
    Definition,
    EarningLimits,
    Expiry,
    Limits,
    Rolling,
    Rounding,
    Schedule,
    Span,
    Streak,
    Text,
    canonical_data,
    number_text,
)

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
                  "October", "November", "December")  # fmt: skip
_DAYS: Final = {"mon": "Mondays", "tue": "Tuesdays", "wed": "Wednesdays", "thu": "Thursdays",
                "fri": "Fridays", "sat": "Saturdays", "sun": "Sundays"}  # fmt: skip
_ROUNDED: Final = {
    "floor": "down",
    "half_up": "half up",
    "half_even": "half to the even neighbour",
    "ceil": "up",
    "exact": "not at all, and refuses what does not fit,",
}
_WINDOWS: Final = {
    "all_time": "all time",
    "calendar_year": "the calendar year",
    "calendar_quarter": "the calendar quarter",
    "calendar_month": "the calendar month",
    "calendar_week": "the calendar week",
    "membership_year": "the member's own year",
}


class Voice:
    """Reads the values of one definition aloud, in English with the names of a reader's language."""

    def __init__(self, definition: Definition, languages: Sequence[str] = ()) -> None:
        """Take the definition whose names, units and currency are meant.

        Args:
            definition: the definition.
            languages: the reader's languages, the first one first; the program's own come after them.
        """
        self._definition = definition
        self._languages = (*languages, *definition.languages)
        self._digits = currency_digits(definition.currency)

    def text(self, text: Text) -> str:
        """Choose the words of a text.

        Args:
            text: in one language or several.

        Returns:
            The words for this reader.
        """
        return text.in_language(self._languages[0], self._languages[1:])

    def called(self, key: str, name: Text | None) -> str:
        """Name a part of the definition.

        Args:
            key: its key.
            name: its name for people, if it has one.

        Returns:
            The name, or the key written as words.
        """
        return self.text(name) if name is not None else as_words(key).capitalize()

    def reward(self, key: str) -> str:
        """Name a reward.

        Args:
            key: its key, known or not.

        Returns:
            The name for people.
        """
        reward = self._definition.rewards.get(key)
        return self.called(key, reward.name if reward is not None else None)

    def units(self, wallet: str, amount: str = "") -> str:
        """Name units of a wallet.

        Args:
            wallet: its key, known or not.
            amount: how many, already written; empty for none.

        Returns:
            Text such as `100 points`.
        """
        kept = self._definition.wallets.get(wallet)
        unit = self.text(kept.unit) if kept is not None else wallet
        return f"{amount} {unit}".strip()

    def money(self, amount: Decimal) -> str:
        """Write an amount of money.

        Args:
            amount: in whole units of the program's currency.

        Returns:
            Text such as `9.00 USD`; more places than the currency has are kept.
        """
        whole, _, places = number_text(amount).partition(".")
        shown = places.ljust(self._digits, "0")
        return f"{whole}{'.' if shown else ''}{shown} {self._definition.currency}"

    def prices(self, price: Iterable[tuple[str, Decimal]]) -> str:
        """Write what a reward costs.

        Args:
            price: wallets and whole units.

        Returns:
            Text such as `100 points`, or `nothing that can be paid`.
        """
        said = [self.units(wallet, number_text(amount)) for wallet, amount in price]
        return listed(said) or "nothing that can be paid"

    def budget(self, budget: Budget) -> str:
        """Read a budget.

        Args:
            budget: the budget.

        Returns:
            Text such as `5000.00 USD a month`.
        """
        sizes = [self.money(budget.money)] if budget.money is not None else []
        sizes += [self.units(key, number_text(amount)) for key, amount in (budget.units or {}).items()]
        return listed(sizes) + (f" a {budget.per}" if budget.per else " in all")

    def limits(self, limits: Limits) -> str:
        """Read limits.

        Args:
            limits: the limits.

        Returns:
            Text such as `at most once an account`, or `without limit`.
        """
        per = f" a {limits.per}" if limits.per else ""
        counts = (
            (limits.per_account, " for an account"),
            (limits.per_member, " for a member"),
            (limits.total, " in all"),
        )
        said = [f"at most {times(count)}{whom}{per}" for count, whom in counts if count is not None]
        if limits.budget is not None:
            short = ", the last one in part" if limits.when_short == "part" else ""
            said.append(f"within {self.budget(limits.budget)}{short}")
        return ", ".join(said) or "without limit"


def earning(limits: EarningLimits | None) -> str:
    """Read how much may be earned.

    Args:
        limits: of a wallet.

    Returns:
        Text such as `at most 500 by one event and 1000 a day`, or `without limit`.
    """
    if limits is None:
        return "without limit"
    said = [f"{number_text(limits.per_event)} by one event"] if limits.per_event is not None else []
    for per in ("day", "week", "month", "quarter", "year"):
        most = getattr(limits, f"per_{per}")
        said += [f"{number_text(most)} a {per}"] if most is not None else []
    if limits.balance is not None:
        said.append(f"up to a balance of {number_text(limits.balance)}")
    return f"at most {listed(said)}"


def as_words(key: str) -> str:
    """Write a key as words.

    Args:
        key: such as `travel_pouch`.

    Returns:
        Text such as `travel pouch`.
    """
    return key.replace("_", " ").replace("-", " ")


def times(count: int) -> str:
    """Say how often.

    Args:
        count: the number.

    Returns:
        `once`, `twice` or `5 times`.
    """
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def listed(words: Collection[str], joint: str = "and") -> str:
    """Join words as a sentence does.

    Args:
        words: the words.
        joint: what stands before the last of them.

    Returns:
        Text such as `a, b and c`; empty for no words.
    """
    every = list(words)
    return f" {joint} ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


def coded(text: str) -> str:
    """Mark a text as something that is written in the definition.

    Args:
        text: an expression, a key, a word.

    Returns:
        It between backticks, on one line.
    """
    return f"`{' '.join(text.split())}`"


def amount_of(expression: str) -> str:
    """Read an amount.

    Args:
        expression: a number or an expression.

    Returns:
        The bare number, or the expression between backticks.
    """
    return expression if _NUMBER.fullmatch(expression) else coded(expression)


def condition(expression: str | None) -> str:
    """Read a condition.

    Args:
        expression: its text, or None.

    Returns:
        Text such as `when …`, or `always`.
    """
    return "always" if expression is None else f"when {coded(expression)}"


def span(length: Span) -> str:
    """Read a length of time.

    Args:
        length: the span.

    Returns:
        Text such as `14 days`.
    """
    parts = (
        (length.months, "month"),
        (length.days, "day"),
        (length.hours, "hour"),
        (length.minutes, "minute"),
    )
    said = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return listed(said) or "no time"


def moment(at: date | datetime) -> str:
    """Read a local date or a local time.

    Args:
        at: in the program's time zone.

    Returns:
        Text such as `1 February 2027` or `1 February 2027 at 19:00`.
    """
    day = f"{at.day} {_MONTHS[at.month - 1]} {at.year}"
    return f"{day} at {clock(at.time())}" if isinstance(at, datetime) else day


def names(text: Text | None) -> str:
    """Read a text in all its languages.

    Args:
        text: the text, or None.

    Returns:
        Text such as `“Silver” (en) and “সিলভার” (bn)`.
    """
    if text is None:
        return "by its key"
    if not text.translations:
        return f"“{text.plain}”"
    return listed([f"“{words}” ({language})" for language, words in text.translations])


def clock(at: time) -> str:
    """Read a time of day.

    Args:
        at: the time.

    Returns:
        Text such as `17:00`.
    """
    return at.isoformat("seconds" if at.second else "minutes")


def schedule(one: Schedule | None) -> str:
    """Read a schedule.

    Args:
        one: the schedule, or None.

    Returns:
        Text such as `on Fridays, from 17:00 to 21:00`, or `at all times`.
    """
    if one is None:
        return "at all times"
    said = []
    if one.days is not None:
        said.append(f"on {listed([_DAYS[day] for day in WEEKDAYS if day in one.days])}")
    if one.from_ is not None or one.to is not None:
        said.append(f"from {clock(one.from_ or time.min)} to {clock(one.to) if one.to else 'midnight'}")
    if one.starts is not None:
        said.append(f"beginning on {moment(one.starts)}")
    if one.ends is not None:
        said.append(f"ending with {moment(one.ends)}")
    return ", ".join(said) or "at all times"


def expiry(one: Expiry | str | None) -> str:
    """Read when units are gone.

    Args:
        one: the rule or `never`.

    Returns:
        Text such as `12 months from earning, to the end of the month`, or `for ever`.
    """
    if not isinstance(one, Expiry):
        return "for ever"
    since = "from earning" if one.from_ == "earned" else "from the last activity"
    return f"{span(one.after)} {since}" + (f", to the end of the {one.end_of}" if one.end_of else "")


def rounding(one: Rounding) -> str:
    """Read how units are rounded.

    Args:
        one: the rounding.

    Returns:
        Text such as `down by order`.
    """
    return f"{_ROUNDED[one.mode]} by {one.per}"


def window(one: str | Rolling | Dates) -> str:
    """Read over which time a metric counts.

    Args:
        one: the window.

    Returns:
        Text such as `the calendar year` or `the last 30 days`.
    """
    if isinstance(one, Dates):
        return f"the time from {moment(one.starts)} to {moment(one.ends)}"
    return f"the last {span(one.rolling)}" if isinstance(one, Rolling) else _WINDOWS[one]


def streak_words(one: Streak | str | None) -> str:
    """Read a streak.

    Args:
        one: a word or all that is said of it, or None.

    Returns:
        Text such as `weeks in a row (1 may be missed)`.
    """
    if one is None:
        return "no streak"
    row = Streak(of=one) if isinstance(one, str) else one  # type: ignore[arg-type]  # the models allow only periods
    missed = f" ({row.forgives} may be missed)" if row.forgives else ""
    return f"longest run of {row.of}s{missed}" if row.longest else f"{row.of}s in a row{missed}"


def plainly(value: object) -> str:
    """Read any value of a definition as it is written there.

    Args:
        value: a value of the models.

    Returns:
        Text between backticks, `nothing`, `yes` or `no`.
    """
    written = canonical_data(value)
    if isinstance(written, bool):
        return "yes" if written else "no"
    if written is None or written in ([], {}):
        return "nothing"
    if isinstance(written, str) and _NUMBER.fullmatch(written):
        return written
    if isinstance(written, list) and all(isinstance(item, str) for item in written):
        return listed([coded(item) for item in written])
    return coded(written if isinstance(written, str) else json.dumps(written, ensure_ascii=False))
