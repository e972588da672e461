"""Figures of definitions: chosen at random for each world, and changed while it goes on."""

from __future__ import annotations

import random

from tests.world.days import Span

Figures = dict[str, str]
"""By name, as they stand in the text of a definition."""
CLUB_FIGURES: Figures = {
    "round": "floor",
    "pending": "3d",
    "lasts": "30d",
    "cash_round": "half_up",
    "cash_lasts": "2mo",
    "cash_end": ", end_of: month",
    "leaves_pending": "36h",
    "per_day": "6",
    "most": "15",
    "silver": "200",
    "silver_rate": "1.5",
    "gold": "600",
    "gold_rate": "2",
    "basket": "100",
    "part": "30",
    "cashback": "0.015",
    "recycle": "2",
    "grams": "300",
    "promo": "10",
    "mug": "100",
    "mugs": "12",
    "valid": "30d",
}
KIOSK_FIGURES: Figures = {
    "round": "half_even",
    "wood": "3",
    "wood_rate": "1.2",
    "stone": "6",
    "stone_rate": "2",
    "while": "40",
    "part": "100",
    "big": "5000",
    "regular": "5",
    "cake": "20",
    "posters": "30",
}
DEFAULTS = {"club": CLUB_FIGURES, "kiosk": KIOSK_FIGURES}
_ROUNDINGS = ("floor", "half_up", "half_even")
CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "club": {
        "round": _ROUNDINGS,
        "pending": ("0d", "1d", "3d", "36h", "1mo"),
        "lasts": ("2d", "10d", "30d", "1mo", "100h"),
        "cash_round": _ROUNDINGS,
        "cash_lasts": ("1mo", "2mo", "12mo", "45d"),
        "cash_end": (", end_of: month", ""),
        "leaves_pending": ("0d", "36h", "2d"),
        "per_day": ("4", "6", "20"),
        "most": ("9", "15", "40"),
        "silver_rate": ("1.25", "1.5", "1.333"),
        "gold_rate": ("2", "3"),
        "basket": ("50", "100", "130.10"),
        "part": ("7", "30", "33.3"),
        "cashback": ("0.015", "0.0333", "0.1"),
        "recycle": ("1", "2", "5"),
        "grams": ("300", "70", "999"),
        "promo": ("3", "10", "12"),
        "mug": ("60", "100", "101"),
        "mugs": ("3", "12", "40"),
        "valid": ("1d", "30d", "2mo"),
    },
    "kiosk": {
        "round": _ROUNDINGS,
        "wood_rate": ("1.2", "1.1"),
        "stone_rate": ("2", "3"),
        "while": ("40", "45", "60"),
        "part": ("100", "99", "33"),
        "big": ("5000", "900"),
        "regular": ("5", "1"),
        "cake": ("20", "33"),
        "posters": ("4", "30"),
    },
}
"""What a later version may change, too."""
AT_FIRST: dict[str, dict[str, tuple[str, ...]]] = {
    "club": {"silver": ("100", "200"), "gold": ("450", "600", "1000")},
    "kiosk": {"wood": ("2", "3"), "stone": ("5", "6", "9")},
}
"""Where a ladder's tiers begin is chosen once: what a change of that does is a world of its own."""


def first_figures(key: str, chance: random.Random) -> Figures:
    """Choose the figures of a program with which a world begins.

    Args:
        key: of the program.
        chance: seeded.

    Returns:
        All figures.
    """
    every = {**CHOICES[key], **AT_FIRST[key]}
    return {name: chance.choice(every[name]) for name in DEFAULTS[key]}


def changed(key: str, figures: Figures, chance: random.Random) -> Figures:
    """Change some figures, as a manager would while people earn and redeem.

    Args:
        key: of the program.
        figures: as they stand.
        chance: seeded.

    Returns:
        All figures, one to four of them new.
    """
    names = chance.sample(sorted(CHOICES[key]), chance.randint(1, 4))
    return {**figures, **{name: chance.choice(CHOICES[key][name]) for name in names}}


def span(text: str) -> Span:
    """Read a span as definitions write it: hours, days or months."""
    units = {"h": "hours", "d": "days", "o": "months"}
    return units[text[-1]], int(text.rstrip("hdmo"))
