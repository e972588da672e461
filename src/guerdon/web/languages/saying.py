"""How the console says things: texts by key in the reader's language, numbers, money, days and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, get_currency_precision, get_currency_symbol

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.web.languages.words import CATALOGUES, Said

LANGUAGES: Final = {"en": "English", "bn": "বাংলা (Bengali)", "hi": "हिन्दी (Hindi)"}
DIGITS: Final = ("", "latn", "own")
_LOCALES: Final = {"en": Locale("en", "GB"), "bn": Locale("bn", "BD"), "hi": Locale("hi", "IN")}
# Bengali is read in its own digits nearly everywhere, Hindi nearly nowhere.
_OWN_DIGITS: Final = {"bn": "০১২৩৪৫৬৭৮৯", "hi": "०१२३४५६७८९"}
_USUAL_DIGITS: Final = {"en": "latn", "bn": "own", "hi": "latn"}
_TABLES: Final = {key: str.maketrans("0123456789", own) for key, own in _OWN_DIGITS.items()}
_BACK: Final = {key: str.maketrans(own, "0123456789") for key, own in _OWN_DIGITS.items()}
_GROUPS: Final = {"en": "#,##0", "bn": "#,##,##0", "hi": "#,##,##0"}
# The names of large numbers, as they stand beside a chart.
_SHORT: Final = {
    "en": ((1_000_000, "M"), (1_000, "k")),
    "bn": ((10_000_000, " কোটি"), (100_000, " লাখ"), (1_000, " হা."), (0, "")),
    "hi": ((10_000_000, " क."), (100_000, " लाख"), (1_000, " ह."), (0, "")),
}


def choose_language(accepted: str) -> str:
    """Choose a language for somebody who never said one.

    Args:
        accepted: the header Accept-Language.

    Returns:
        One of `LANGUAGES`; English where none of them is accepted.
    """
    wanted = []
    for place, part in enumerate(accepted[:400].split(",")):
        tag, _, more = part.strip().partition(";")
        quality = more.strip().removeprefix("q=") or "1"
        try:
            weight = float(quality)
        except ValueError:
            continue
        if weight > 0:
            wanted.append((-weight, place, tag.strip().lower()))
    tags = [tag for _, _, tag in sorted(wanted)]
    return negotiate_locale(tags, list(LANGUAGES), sep="-") or "en"


@dataclass(frozen=True, slots=True)
class Saying:
    """Says things to one reader."""

    language: str
    """One of `LANGUAGES`."""
    digits: str = ""
    """`latn`, `own`, or empty for what is usual in the language."""

    def text(self, english: str, /, **values: object) -> str:
        """Say a sentence; its English is its key, and stands in where nobody has translated it yet."""
        said = self._said(english)
        text = said if isinstance(said, str) else said["other"]
        shown = {
            name: self._in_digits(str(value)) if isinstance(value, int) else value
            for name, value in values.items()
        }
        return text.format(**shown) if values else text

    def count(self, one: str, many: str, number: int) -> str:
        """Say a sentence about so many things."""
        shown = self.number(number)
        said = self._said(many)
        if self.language == "en":
            return (one if number == 1 else many).format(count=shown)
        if isinstance(said, str):
            return said.format(count=shown)
        return said.get(self._locale.plural_form(number), said["other"]).format(count=shown)

    def knows(self, english: str) -> bool:
        """Tell whether a sentence can be said in the reader's language."""
        return self.language == "en" or english in CATALOGUES[self.language]

    def problem(self, code: str) -> str:
        """Give a refusal's title."""
        said = CATALOGUES[self.language].get(f"problem {code}")
        return said if isinstance(said, str) else code.replace("_", " ").capitalize()

    def refusal(self, problem: Problem) -> str:
        """Say what was refused: its own sentence where it can be said, else its title beside the English."""
        if self.knows(problem.detail):
            return self.text(problem.detail)
        return f"{self.problem(problem.code)} ({problem.detail})"

    def number(self, value: Decimal | int | str) -> str:
        """Write a number with its groups, in the reader's digits, with a true minus."""
        exact = Decimal(value)
        places = max(0, -int(exact.as_tuple().exponent))
        pattern = _GROUPS[self.language] + ("." + "0" * places if places else "")
        # The separators of these languages are those of English; Babel would leave their digits alone too.
        return self._in_digits(str(format_decimal(exact, pattern, "en")).replace("-", "−"))

    def signed(self, value: Decimal | int | str) -> str:
        """Write a number that was added or taken."""
        said = self.number(value)
        return f"+{said}" if Decimal(value) > 0 else said

    def short(self, value: Decimal) -> str:
        """Write a number as it stands beside a chart: 41.3k, 2.1M, 3.4 lakh."""
        for size, mark in _SHORT[self.language]:
            if size and abs(value) >= size:
                return self.number(_plain((value / size).quantize(Decimal("0.1")))) + mark
        return self.number(_plain(value))

    def money(self, amount: Decimal, currency: str) -> str:
        """Write money."""
        # A price of a single unit may be finer than the currency itself.
        finer = -int(amount.normalize().as_tuple().exponent)
        return self._money(amount, currency, max(get_currency_precision(currency), finer))

    def money_whole(self, amount: Decimal, currency: str) -> str:
        """Write money rounded to whole units, as it stands among figures."""
        return self._money(amount.quantize(Decimal(1), ROUND_HALF_UP), currency, 0)

    @property
    def stop(self) -> str:
        """What ends a sentence."""
        return "." if self.language == "en" else "।"

    def day(self, at: date | datetime, zone: Zone | None = None) -> str:
        """Write a day with its year."""
        return self._date(at, zone, "d MMM y")

    def day_short(self, at: date | datetime, zone: Zone | None = None) -> str:
        """Write a day without its year."""
        return self._date(at, zone, "d MMM")

    def day_long(self, at: date | datetime, zone: Zone | None = None) -> str:
        """Write a day with the whole name of its month."""
        return self._date(at, zone, "d MMMM y")

    def month(self, day: date) -> str:
        """Name a month."""
        return self._date(day, None, "MMMM")

    def month_year(self, day: date) -> str:
        """Name a month with its year."""
        return self._date(day, None, "MMMM y")

    def month_short(self, day: date) -> str:
        """Name a month in three letters or so."""
        return self._date(day, None, "MMM")

    def clock(self, at: datetime, zone: Zone) -> str:
        """Write a time of day as the program's clocks show it."""
        return self._in_digits(str(format_time(zone.local(at), "HH:mm", locale=self._locale)))

    def moment(self, at: datetime, zone: Zone) -> str:
        """Write a day and a time."""
        return f"{self.day(at, zone)}, {self.clock(at, zone)}"

    @property
    def own_digits(self) -> str:
        """The ten digits of the reader's script."""
        return _OWN_DIGITS.get(self.language, "0123456789")

    @property
    def _locale(self) -> Locale:
        return _LOCALES[self.language]

    def _said(self, english: str) -> Said:
        words: Mapping[str, Said] = CATALOGUES[self.language]
        return words.get(english, english)

    def _money(self, amount: Decimal, currency: str, places: int) -> str:
        pattern = _GROUPS[self.language] + ("." + "0" * places if places else "")
        symbol = get_currency_symbol(currency, self._locale).replace("US$", "$")
        space = " " if symbol[-1].isalpha() else ""
        said = str(format_decimal(abs(amount), pattern, "en"))
        return ("−" if amount < 0 else "") + symbol + space + self._in_digits(said)

    def _date(self, at: date | datetime, zone: Zone | None, pattern: str) -> str:
        return self._in_digits(str(format_date(_local_day(at, zone), pattern, locale=self._locale)))

    def _in_digits(self, text: str) -> str:
        if self.language not in _OWN_DIGITS:
            return text
        chosen = self.digits or _USUAL_DIGITS[self.language]
        return text.translate(_TABLES[self.language] if chosen == "own" else _BACK[self.language])


def _plain(value: Decimal) -> Decimal:
    """Take off zeros behind the point."""
    return value.to_integral_value() if value == value.to_integral_value() else value.normalize()


def _local_day(at: date | datetime, zone: Zone | None) -> date:
    if isinstance(at, datetime):
        return zone.day_of(at) if zone is not None else at.date()
    return at
