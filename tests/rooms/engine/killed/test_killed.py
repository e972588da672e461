"""Whoever is killed while something becomes due, or is told: each prize comes exactly once."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.rooms.engine.killed.acts import AFTER, Club
from tests.rooms.engine.killed.process import live

ENGINE = ("before_lock", "after_write", "in_commit", "after_commit")
PLACES = {
    "boards": ("boards_followed", "board_closed", "told", *ENGINE),
    "raffle": ("raffle_drawn", "told", *ENGINE),
    "referrals": ("referral_reviewed", "told", *ENGINE),
    "reversals": ("told", *ENGINE),
    "posts": ("told", *ENGINE),
    "shares": ("told", *ENGINE),
    "seats": ("told", *ENGINE),
    "crowd": ENGINE,
}
SHORT = {
    "boards": "after_write:2",
    "raffle": "told:1",
    "referrals": "told:7",
    "reversals": "after_commit:3",
    "posts": "in_commit:2",
    "shares": "told:1",
    "seats": "told:1",
    "crowd": "after_commit:2",
}
WALLETS = {"raffle": "luck", "seats": "luck", "crowd": "bonus"}
TABLE = os.environ.get("GUERDON_KILLS_TABLE", "")
"""A file to which each kill adds a line."""


def besiege(club: Club, kind: str, *failpoints: str) -> None:
    """Kill a process at each of some places, one after the other, and see that all came to what it must.

    One that comes to its end without passing there was not killed, and leaves nothing to the next.
    """
    expected = getattr(club, kind)()
    act = "crowd" if kind == "crowd" else "ticks"
    killed = [
        place for place in failpoints if live(club.database.conninfo, act, AFTER, place) == -signal.SIGKILL
    ]
    assert killed, "nobody was killed"
    assert live(club.database.conninfo, act, AFTER) == 0
    for _ in range(2):
        lost, doubled = _wrong(kind, club.has(WALLETS.get(kind, "points")), expected)
        _note(kind, killed, (lost, doubled))
        assert (lost, doubled) == (0, 0)
        # What is told twice is one.
        club.due()
    assert club.audit() == []
    if kind == "seats":
        assert club.rows("select status, count(*) from redemptions group by 1") == [("cancelled", 35)]
        assert club.rows("select state, reason, count(*) from seat_waits group by 1, 2") == [
            ("passed", "reward_called_off", 5)
        ]
    if kind in ("referrals", "reversals"):
        assert club.rows("select count(*) from redemptions where status <> 'cancelled'") == [(1,)]
        assert club.rows("select count(*) from badges") == [(1,)]


def _wrong(kind: str, had: Counter[str], expected: Counter[str]) -> tuple[int, int]:
    """Count what is missing, and what is there that nobody was to have."""
    if kind == "raffle":
        had = Counter({"one": max(had.values()), "others": sum(had.values()) - max(had.values())})
    return (expected - had).total(), (had - expected).total()


def _note(kind: str, killed: list[str], outcome: tuple[int, int]) -> None:
    if TABLE:
        with Path(TABLE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, "killed": killed, "outcome": outcome}) + "\n")


@pytest.mark.parametrize("kind", list(SHORT))
def test_a_kill_of_each_kind(club: Club, kind: str) -> None:
    besiege(club, kind, SHORT[kind])


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "place"), [(kind, place) for kind, places in PLACES.items() for place in places]
)
def test_kills_at_each_place_one_after_the_other(club: Club, kind: str, place: str) -> None:
    besiege(club, kind, *(f"{place}:{nth}" for nth in (1, 2, 1, 3, 1, 2)))


@pytest.mark.long
@pytest.mark.parametrize("kind", list(PLACES))
def test_kills_at_all_places_one_after_the_other(club: Club, kind: str) -> None:
    besiege(club, kind, *(f"{place}:{nth}" for nth in (1, 2, 3) for place in PLACES[kind]))
