"""How the console says things: texts by key in the reader's language, numbers, days and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from guerdon.base.calendar import Zone
from guerdon.web.console.words import CATALOGUES

LANGUAGES: Final = {"en": "English", "bn": "বাংলা", "hi": "हिन्दी"}
_LOCALES: Final = {"en": "en_GB", "bn": "bn_BD", "hi": "hi_IN"}


@dataclass(frozen=True, slots=True)
class Saying:
    """Says things to one reader."""

    language: str
    """One of `LANGUAGES`."""

    def text(self, english: str, /, **values: object) -> str:
        """Say a sentence; its English is its key, and stands in where nobody has translated it yet."""
        words: Mapping[str, str] = CATALOGUES.get(self.language, {})
        said = words.get(english, english)
        return said.format(**values) if values else said

    def count(self, one: str, many: str, number: int) -> str:
        """Say a sentence about so many things."""
        return self.text(one if number == 1 else many, count=self.number(number))

    def number(self, value: Decimal | int | str) -> str:
        """Write a number with its groups, and a true minus."""
        exact = Decimal(value)
        places = max(0, -int(exact.as_tuple().exponent))
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return str(format_decimal(exact, pattern, self._locale)).replace("-", "−")

    def signed(self, value: Decimal | int | str) -> str:
        """Write a number that was added or taken."""
        said = self.number(value)
        return f"+{said}" if Decimal(value) > 0 else said

    def day(self, at: date | datetime, zone: Zone | None = None) -> str:
        """Write a day with its year."""
        return str(format_date(_local_day(at, zone), "d MMM y", locale=self._locale))

    def day_short(self, at: date | datetime, zone: Zone | None = None) -> str:
        """Write a day without its year."""
        return str(format_date(_local_day(at, zone), "d MMM", locale=self._locale))

    def day_long(self, at: date | datetime, zone: Zone | None = None) -> str:
        """Write a day with the whole name of its month."""
        return str(format_date(_local_day(at, zone), "d MMMM y", locale=self._locale))

    def month(self, day: date) -> str:
        """Name a month."""
        return str(format_date(day, "MMMM", locale=self._locale))

    def month_short(self, day: date) -> str:
        """Name a month in three letters or so."""
        return str(format_date(day, "MMM", locale=self._locale))

    def clock(self, at: datetime, zone: Zone) -> str:
        """Write a time of day as the program's clocks show it."""
        return str(format_time(zone.local(at), "HH:mm", locale=self._locale))

    def moment(self, at: datetime, zone: Zone) -> str:
        """Write a day and a time."""
        return f"{self.day(at, zone)}, {self.clock(at, zone)}"

    @property
    def _locale(self) -> str:
        return _LOCALES[self.language]


def _local_day(at: date | datetime, zone: Zone | None) -> date:
    if isinstance(at, datetime):
        return zone.day_of(at) if zone is not None else at.date()
    return at
