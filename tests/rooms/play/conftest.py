"""The engine's world with leaderboards, and a model of them that is slow and plain."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from guerdon.engine.audit.run import Audit
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.joining import Joiner, join, leave
from guerdon.engine.boards.keeper import Follower
from guerdon.engine.commands import MergeAccounts
from guerdon.engine.community.forgetting import forget_person
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault
from guerdon.members.identities import member_ref
from guerdon.members.privacy import Erasure
from guerdon.rules.program import Program
from tests.rooms.engine.conftest import MASTER_KEY, NOW, PROGRAM, TENANT, World, make_ids, prepare
from tests.rooms.engine.test_units import account_of

BOARDS = """
teams:
  crew: {size: 3, join: open}
leaderboards:
  recyclers: {metric: recycled, window: month, shows: 3}
  joiners: {metric: recycled, window: month, opt_in: true}
  spenders: {metric: yearly_spend, least: 20}
  lately: {metric: recycled, window: {rolling: 10d}}
  streaks: {metric: weeks}
  students: {metric: recycled, audience: account.owner.attributes.persona == 'student'}
  crews: {metric: recycled, window: month, team: crew}
"""
DEFINITION = PROGRAM.replace(
    "metrics:\n", "metrics:\n  recycled: {event: item.recycled, value: event.data.grams}\n"
    "  weeks: {event: item.recycled, streak: week}\n"
) + BOARDS  # fmt: skip


EVER = date(1970, 1, 1)


class Person:
    """Somebody with an account, and what the model knows of them."""

    def __init__(self, name: str, account: int, member: int) -> None:
        self.name = name
        self.account = account
        self.member = member
        self.facts: list[tuple[date, int]] = []
        """Local days and grams."""
        self.spent: Counter[int] = Counter()
        """Cents by year."""
        self.joined = False
        self.gone = False


class Boards(World):
    """The world, and what is on its boards."""

    def __init__(self, world: World) -> None:
        super().__init__(world.database, world.loop)
        self.vault = Vault(MASTER_KEY, TENANT)
        self.people: dict[str, Person] = {}

    @property
    def program(self) -> Program:
        live = self.loop.programs.find((TENANT, "club")) or self.loop.programs.load((TENANT, "club"))
        return live.program

    @property
    def at(self) -> Following:
        return Following(self.program_id, self.program, self.now)

    @property
    def program_id(self) -> int:
        return self.loop.programs.load((TENANT, "club")).program_id

    @property
    def today(self) -> date:
        return self.program.zone.day_of(self.now)

    def settle(self) -> None:
        """Bring the boards up to what is committed, by the world's own clock."""
        follower = Follower(self.database, self.loop.programs, lambda: self.now)
        for _ in range(1_000):
            if not follower.catch_up() and follower.complete_at is not None:
                return
        raise AssertionError("it never caught up")

    def come(self, name: str, **more: object) -> Person:
        account = account_of(self.enrol(name, **more))
        member = self.rows(f"select member_id from members where account_id = {account}")[0][0]  # noqa: S608 - of the test
        self.people[name] = Person(name, account, member)
        return self.people[name]

    def recycle(self, who: str, grams: int, at: datetime | None = None) -> None:
        at = at or self.now
        data = {"sku": "A", "grams": grams}
        answer = self.ask(self.event("item.recycled", who, data=data, time=at.isoformat()))[0]
        assert answer.problem is None, answer.problem
        self.people[who].facts.append((self.program.zone.day_of(at), grams))

    def joiner(self, who: str) -> Joiner:
        person = self.people[who]
        return Joiner(self.at, self.vault, person.account, person.member)

    def join(self, who: str, board: str = "joiners", name: str = "") -> None:
        with self.database.transaction(TENANT) as tx:
            join(tx, self.joiner(who), board, name or f"{who} the Great")
        if board == "joiners":
            self.people[who].joined = True

    def leave(self, who: str, board: str = "joiners") -> None:
        with self.database.transaction(TENANT) as tx:
            leave(tx, self.joiner(who), board)
        if board == "joiners":
            self.people[who].joined = False

    def erase(self, who: str) -> None:
        person = self.people[who]
        with self.database.transaction(TENANT) as tx:
            ref = member_ref(person.member)
            forget_person(tx, Erasure(self.vault, self.program_id, ref, "test", self.now), make_ids())
        person.gone = True

    def merge(self, gone: str, into: str) -> None:
        one, other = self.people[gone], self.people[into]
        command = MergeAccounts(
            tenant_id=TENANT, program="club", received_at=self.now, account_id=one.account,
            into_account=other.account,
        )  # fmt: skip
        answer = self.ask(command)[0]
        assert answer.problem is None, answer.problem
        other.facts += one.facts
        other.spent += one.spent
        other.joined |= one.joined
        one.gone, one.facts, one.spent = True, [], Counter()

    def stored(self) -> dict[tuple[str, date], dict[int, Decimal]]:
        """What is on the boards of accounts."""
        found: dict[tuple[str, date], dict[int, Decimal]] = {}
        for board, opens_on, participant, value in self.rows(
            "select board, opens_on, participant, value from board_rows where board <> 'crews'"
        ):
            found.setdefault((board, opens_on), {})[participant] = value
        return found

    def expected(self) -> dict[tuple[str, date], dict[int, Decimal]]:
        """What is to be on the boards of accounts, by the model alone."""
        found: dict[tuple[str, date], dict[int, Decimal]] = {}
        for person in self.people.values():
            for board, opens_on, value in () if person.gone else self._values(person):
                if value > 0:
                    found.setdefault((board, opens_on), {})[person.account] = Decimal(value)
        return found

    def _values(self, person: Person) -> Iterator[tuple[str, date, Decimal | int]]:
        months: Counter[date] = Counter()
        for day, grams in person.facts:
            months[day.replace(day=1)] += grams
        for month, total in months.items():
            # A board begins with the window in which it was applied.
            if month >= self.program.zone.day_of(NOW).replace(day=1):
                yield "recyclers", month, total
                yield "joiners", month, total * person.joined
        for year, cents in person.spent.items():
            yield "spenders", date(year, 1, 1), Decimal(cents) / 100 if cents >= 2000 else 0
        since = self.today - timedelta(days=10)
        yield "lately", EVER, sum(grams for day, grams in person.facts if day > since)
        yield "streaks", EVER, self._streak(person)

    def _streak(self, person: Person) -> int:
        weeks = {day - timedelta(days=day.weekday()) for day, _ in person.facts}
        week = self.today - timedelta(days=self.today.weekday())
        week -= timedelta(days=0 if week in weeks else 7)
        length = 0
        while week in weeks:
            length, week = length + 1, week - timedelta(days=7)
        return length

    def check(self) -> None:
        """Compare rows, and counts of ranges, with the model and with the rows."""
        assert {key: some for key, some in self.stored().items() if key[0] != "students"} == self.expected()
        wrong = self.rows(
            """select r.board, r.opens_on, r.from_score, r.count, r.actual from (
                select r.*, (select count(*) from board_rows w where (w.program_id, w.board, w.opens_on)
                        = (r.program_id, r.board, r.opens_on) and w.score >= r.from_score
                        and w.score < coalesce((select n.from_score from board_ranges n
                            where (n.program_id, n.board, n.opens_on) = (r.program_id, r.board, r.opens_on)
                            and n.from_score > r.from_score order by 1 limit 1), '\xffff')) as actual
                from board_ranges r) r where r.count <> r.actual"""
        )
        assert wrong == []
        assert self.audit() == []

    def audit(self) -> list[tuple[str, str]]:
        """Work all out again, as `verify` does."""
        with self.database.transaction(TENANT) as tx:
            tx.execute("set transaction isolation level repeatable read, read only")
            found = list(Audit(tx, self.vault, now=self.now).run())
        return [(one.table, one.code) for one in found]


@pytest.fixture
def boards(database: Database) -> Iterator[Boards]:
    prepare(database, DEFINITION)
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
    loop.start()
    yield Boards(World(database, loop))
    loop.stop()


def live_at_random(boards: Boards, seed: int, steps: int) -> None:
    """Let people recycle, buy and give back, late and in time, join, leave, merge and go, in some order."""
    chance = random.Random(seed)
    for name in ("anna", "bela", "chris", "dora", "emil", "fay"):
        boards.come(name)
    for step in range(steps):
        here = [one.name for one in boards.people.values() if not one.gone]
        who = chance.choice(here)
        act = chance.randrange(12)
        if act < 5:
            late = timedelta(hours=chance.choice([0, 0, 1, 30, 400, 800]))
            boards.recycle(who, chance.choice([1, 2, 2, 3, 50]), boards.now - late)
        elif act < 7:
            buy(boards, who, chance, f"order-{step}")
        elif act >= 9 and len(here) > 4:
            _go(boards, who, chance.choice([one for one in here if one != who]), act)
        else:
            _do(boards, who, act, chance)
    boards.settle()


def _go(boards: Boards, who: str, other: str, act: int) -> None:
    if act == 9:
        boards.merge(who, other)
    elif act == 10:
        boards.erase(who)
    else:
        boards.settle()


def _do(boards: Boards, who: str, act: int, chance: random.Random) -> None:
    if act == 7:
        boards.leave(who) if boards.people[who].joined else boards.join(who)
    elif act == 8:
        boards.later(hours=chance.choice([1, 20, 24 * 8]))
    else:
        boards.settle()


def buy(boards: Boards, who: str, chance: random.Random, order: str) -> None:
    """Let somebody buy something for ten and something for twenty, and perhaps bring the first one back."""
    lines = [{"id": "1", "price": "10.00"}, {"id": "2", "price": "20.00"}]
    answer = boards.ask(boards.event("order.paid", who, data={"id": order, "lines": lines}))[0]
    assert answer.problem is None, answer.problem
    year = boards.today.year
    boards.people[who].spent[year] += 3000
    if chance.random() < 0.6:
        back = boards.event("order.returned", None, data={"order": order, "lines": [{"id": "1"}]})
        assert boards.ask(back)[0].problem is None
        boards.people[who].spent[year] -= 1000


__all__ = ["BOARDS", "DEFINITION", "Boards", "boards", "live_at_random"]
