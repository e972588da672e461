"""Sample members: who they are, what they are like, when they joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from guerdon.base.calendar import Zone
from guerdon.connect.samples.names import FAMILY, GIVEN

PERSONAS: Final[Mapping[str, int]] = {"student": 32, "commuter": 28, "traveller": 22, "outdoor": 18}
"""Kinds of members and how many of a hundred each has."""
_LANGUAGES: Final[Mapping[str, int]] = {"en": 58, "bn": 23, "hi": 19}
_AGES: Final[Mapping[str, tuple[int, int]]] = {
    "student": (18, 26),
    "commuter": (24, 61),
    "traveller": (22, 68),
    "outdoor": (20, 57),
}
_AREAS: Final = (
    201,
    212,
    315,
    347,
    516,
    518,
    551,
    585,
    607,
    609,
    631,
    646,
    716,
    718,
    732,
    845,
    848,
    856,
    908,
    914,
)
_NUMBERS_AN_AREA: Final = 100
"""555-0100 to 555-0199 are kept free for stories, so that no sample rings at somebody's home."""
_EARLY_PER_CENT: Final = 45
_EARLY_DAYS: Final = 28
_PHONE_PER_CENT: Final = 62
_BIRTHDAY_PER_CENT: Final = 70
_CONSENT_PER_CENT: Final = 68
TRICKS: Final[Mapping[str, int]] = {"splitter": 6, "recycler": 6, "returner": 8}
"""What a few of a thousand do: pay one basket as many, bring back heaps, return what they earned on."""


@dataclass(frozen=True, slots=True)
class Person:
    """A sample member."""

    external_id: str
    name: str
    email: str
    phone: str
    """Empty where none was told."""
    birthday: date | None
    language: str
    persona: str
    joined_at: datetime
    """UTC."""
    emails_allowed: bool
    trick: str = ""
    """One of `TRICKS`; empty for nearly everybody."""

    @property
    def subject(self) -> str:
        """The reference by which events name this member."""
        return f"external:{self.external_id}"

    def profile(self) -> dict[str, Any]:
        """Write the person the way the API takes an enrolment.

        Returns:
            The body of `POST …/members`; what was not told is left out.
        """
        told: dict[str, Any] = {
            "external_id": self.external_id,
            "email": self.email,
            "phone": self.phone,
            "name": self.name,
            "birthday": self.birthday.isoformat() if self.birthday else "",
            "language": self.language,
        }
        rest = {"attributes": {"persona": self.persona}, "consents": {"email": self.emails_allowed}}
        return {name: value for name, value in told.items() if value} | rest


def make_people(seed: int, count: int, days: Sequence[date], zone: Zone) -> list[Person]:
    """Make members; fewer of them are the first ones of more.

    Args:
        seed: decides everything.
        count: how many.
        days: local days on which they may join, in order.
        zone: the shop's calendar.

    Returns:
        The people, in the order of their external ids.
    """
    people = []
    taken: dict[str, int] = {}
    for number in range(count):
        person = _make_person(Random(f"{seed}:person:{number}"), number, days, zone)
        person = replace(person, trick=_trick(Random(f"{seed}:trick:{number}")))
        name, _, domain = person.email.partition("@")
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:
            person = replace(person, email=f"{name}{taken[name]}@{domain}")
        people.append(person)
    return people


def weighted(chance: Random, weights: Mapping[str, int]) -> str:
    """Draw one of several words.

    Args:
        chance: the dice.
        weights: word → weight.

    Returns:
        A word.
    """
    return chance.choices(list(weights), list(weights.values()))[0]


def _make_person(chance: Random, number: int, days: Sequence[date], zone: Zone) -> Person:
    language = weighted(chance, _LANGUAGES)
    persona = weighted(chance, PERSONAS)
    given, family = chance.choice(GIVEN[language]), chance.choice(FAMILY[language])
    early = chance.randrange(100) < _EARLY_PER_CENT
    joined_on = days[chance.randrange(min(_EARLY_DAYS, len(days)) if early else len(days))]
    joined_at = zone.start_of(joined_on) + timedelta(seconds=chance.randrange(9 * 3600, 21 * 3600))
    youngest, oldest = _AGES[persona]
    born_on = date(joined_on.year - chance.randint(youngest, oldest), 1, 1) + timedelta(
        days=chance.randrange(365)
    )
    return Person(
        external_id=f"BC-{number + 1:04d}",
        name=f"{given[0]} {family[0]}",
        email=f"{given[1]}.{family[1]}@example.com".lower(),
        phone=_phone(number) if chance.randrange(100) < _PHONE_PER_CENT else "",
        birthday=born_on if chance.randrange(100) < _BIRTHDAY_PER_CENT else None,
        language=language,
        persona=persona,
        joined_at=joined_at,
        emails_allowed=chance.randrange(100) < _CONSENT_PER_CENT,
    )


def _trick(chance: Random) -> str:
    left = chance.randrange(1_000)
    for trick, count in TRICKS.items():
        if left < count:
            return trick
        left -= count
    return ""


def _phone(number: int) -> str:
    place, area = divmod(number, len(_AREAS))
    return f"+1{_AREAS[area]}55501{place:02d}" if place < _NUMBERS_AN_AREA else ""
