"""Boards are begun, built, followed and given up, whatever happens in between."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from guerdon.engine.boards.keeper import Follower
from guerdon.engine.teams import acting
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rules.definition import load_definition
from tests.rooms.engine.conftest import TENANT, make_ids
from tests.rooms.play.conftest import DEFINITION, Boards


def apply(boards: Boards, text: str) -> None:
    with boards.database.transaction(TENANT) as tx:
        new = NewDefinition(load_definition(text), text, "test", boards.now)
        apply_definition(tx, new, make_ids())


def test_a_board_that_says_something_else_is_counted_anew(boards: Boards) -> None:
    for name, grams in (("anna", 5), ("bela", 30), ("chris", 12)):
        boards.come(name)
        boards.recycle(name, grams)
    boards.settle()
    apply(boards, DEFINITION.replace("window: month, shows: 3}", "window: month, shows: 3, least: 10}"))
    boards.settle()
    rows = boards.rows("select value from board_rows where board = 'recyclers' order by value")
    assert rows == [(Decimal(12),), (Decimal(30),)]
    counts = boards.rows("select sum(count) from board_ranges where board = 'recyclers'")
    assert counts == [(Decimal(2),)]
    apply(boards, DEFINITION.replace("  recyclers: {metric: recycled, window: month, shows: 3}\n", ""))
    boards.settle()
    assert boards.rows("select count(*) from board_rows where board = 'recyclers'") == [(0,)]
    assert boards.rows("select count(*) from boards where board = 'recyclers'") == [(0,)]


def test_a_reader_that_is_lost_in_the_middle_leaves_nothing_out(
    boards: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("anna", "bela"):
        boards.come(name)
    boards.settle()
    boards.recycle("anna", 5)

    def lost(name: str, *_: object) -> None:
        raise RuntimeError(name)

    # It has written the board, and not noted how far it read.
    with monkeypatch.context() as patch:
        patch.setattr("guerdon.infra.failpoints.reach", lost)
        follower = Follower(boards.database, boards.loop.programs, lambda: boards.now)
        with pytest.raises(RuntimeError, match="boards_followed"):
            follower.catch_up()
    boards.recycle("bela", 7)
    boards.settle()
    boards.check()


class Crews:
    """Two teams, and who was in which from when to when, by a plain list."""

    def __init__(self, boards: Boards) -> None:
        self.boards = boards
        self.teams: list[int] = []
        self.inside: dict[str, int] = {}
        self.spells: list[Spell] = []
        for name in ("anna", "bela"):
            with boards.database.transaction(TENANT) as tx:
                made = acting.found(tx, boards.joiner(name), "crew", f"Crew of {name}", make_ids())
            self.teams.append(made.team_id)
            self._enter(name, made.team_id)

    def _enter(self, name: str, team: int) -> None:
        self.inside[name] = team
        self.spells.append(Spell(name, team, self.boards.today))

    def size(self, team: int) -> int:
        return list(self.inside.values()).count(team)

    def join(self, name: str, team: int) -> None:
        if name not in self.inside and self.size(team) < 3:
            with self.boards.database.transaction(TENANT) as tx:
                acting.join(tx, self.boards.joiner(name), team)
            self._enter(name, team)

    def leave(self, name: str) -> None:
        if name in self.inside and self.size(self.inside[name]) > 1:
            with self.boards.database.transaction(TENANT) as tx:
                acting.leave(tx, self.boards.joiner(name), self.inside.pop(name))
            next(one for one in reversed(self.spells) if one.name == name).end = self.boards.today

    def expected(self) -> dict[tuple[date, int], int]:
        found: dict[tuple[date, int], int] = {}
        for spell in self.spells:
            for day, grams in self.boards.people[spell.name].facts:
                if day >= spell.first and (spell.end is None or day < spell.end):
                    key = (day.replace(day=1), spell.team)
                    found[key] = found.get(key, 0) + grams
        return found


@dataclass
class Spell:
    """A time in a team."""

    name: str
    team: int
    first: date
    end: date | None = None


@pytest.mark.parametrize("seed", [3, 4])
def test_teams_have_what_was_done_while_in_them(boards: Boards, seed: int) -> None:
    chance = random.Random(seed)
    names = ("anna", "bela", "chris", "dora")
    for name in names:
        boards.come(name)
    crews = Crews(boards)
    for _ in range(40):
        name = chance.choice(names)
        act = chance.randrange(6)
        if act < 3:
            boards.recycle(name, chance.randrange(1, 9))
        elif act == 3:
            boards.later(hours=30)
        elif name in crews.inside:
            crews.leave(name)
        else:
            crews.join(name, chance.choice(crews.teams))
    boards.settle()
    rows = boards.rows("select opens_on, participant, value from board_rows where board = 'crews'")
    assert {(opens_on, team): int(value) for opens_on, team, value in rows} == crews.expected()
    assert boards.audit() == []


def test_the_team_of_an_account_that_was_merged_has_the_other(boards: Boards) -> None:
    for name in ("anna", "bela", "chris"):
        boards.come(name)
    with boards.database.transaction(TENANT) as tx:
        team = acting.found(tx, boards.joiner("anna"), "crew", "Mill Lane", make_ids())
        acting.join(tx, boards.joiner("chris"), team.team_id)
    boards.recycle("anna", 5)
    boards.recycle("bela", 7)
    boards.merge("anna", "bela")
    boards.settle()
    assert boards.rows("select value from board_rows where board = 'crews'") == [(Decimal(12),)]
    led = boards.rows("select captain from teams")[0][0]
    assert led in {boards.people["bela"].account, boards.people["chris"].account}
    assert boards.audit() == []
