"""A segment that SQL finds at once holds exactly the accounts that are in it when each is looked at."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.insight.segments import (
    Question,
    count_accounts,
    list_accounts_in,
    segments_of_all,
    why_one_by_one,
)
from guerdon.members.accounts import list_accounts
from guerdon.members.audiences.values import Asked, value_of
from guerdon.members.standing import Wanted, load_standing, write_buckets
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.metrics import Metric, Tally, added, bucket_of, key_of_value, taken_out, value_on
from guerdon.rules.metrics.metric import unit_start
from guerdon.rules.metrics.tallies import instant_text, number_key
from guerdon.rules.program import Program
from guerdon.rules.state import Bucket
from tests.rooms.engine.conftest import TENANT, prepare

FOLDS = {
    "orders": "",
    "spend": "value: order.net",
    "skus": "distinct: 'order.lines.map(l, l.sku)'",
    "days": "streak: day",
    "weeks": "streak: {of: week, forgives: 1}",
    "months": "streak: {of: month, forgives: 2}",
    "record": "streak: {of: day, forgives: 1, longest: true}",
    "least": "min: order.net",
    "best": "max: order.net",
    "last_order": "last: event.time",
    "last_net": "last: order.net",
}
WINDOWS = {
    "ever": "all_time",
    "year": "calendar_year",
    "quarter": "calendar_quarter",
    "month": "calendar_month",
    "week": "calendar_week",
    "lately": "{rolling: 30d}",
    "half": "{rolling: 6mo}",
    "own": "membership_year",
    "spring": "{starts: 2027-03-01, ends: 2027-05-31}",
}
METRICS = "\n".join(
    f"  {fold}_{window}: {{event: order.paid{', ' if said else ''}{said}, window: {span}}}"
    for fold, said in FOLDS.items()
    for window, span in WINDOWS.items()
)
SEGMENTS = {
    "many": "metrics.orders_lately >= 2",
    "spenders": "metrics.spend_year > 100.5 && metrics.skus_half <= 3",
    "gone": "has(metrics.last_order_ever) && now - metrics.last_order_ever > duration('40d')",
    "never": "!has(metrics.last_order_ever)",
    "big": "metrics.best_ever >= 90 || metrics.weeks_ever > 1",
    "steady": "metrics.months_ever >= 2 ? metrics.days_own == 0 : metrics.least_year < 20",
    "mean": "metrics.spend_ever / metrics.orders_ever > 40",
    "runners": "account.owner.attributes.persona == 'runner' && metrics.orders_ever > 0",
    "tall": "account.attributes.shoe > 42 || 'heavy' in account.badges",
    "families": "account.kind == 'household' && account.members >= 2",
    "old": "account.owner.joined_at < timestamp('2027-01-01T00:00:00Z') && metrics.orders_own > 1",
    "hidden": "account.owner.attributes.secret == 'x'",
    "saving": "wallets.points.available > 5",
    "gold": "account.tiers.club.level > 0",
    "told": "account.owner.consents['email'] && metrics.orders_ever > 0",
    "backwards": "account.kind.reverse() == 'nosrep' && metrics.orders_ever > 0",
}
ONE_BY_ONE = {"backwards"}
DEFINITION = f"""
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {{unit: points, rounding: floor}}
attributes:
  persona: {{type: string}}
  shoe: {{type: decimal}}
  secret: {{type: string, personal: true}}
badges:
  heavy: {{name: Heavy}}
metrics:
{METRICS}
ladders:
  club: {{metric: spend_year, review: calendar_year, tiers: {{bronze: {{from: 0}}, gold: {{from: 150}}}}}}
campaigns:
  base_earn: {{trigger: order.paid, then: [{{award: {{wallet: points, amount: order.net}}}}]}}
segments:
""" + "\n".join(f"  {key}: {json.dumps(text)}" for key, text in SEGMENTS.items())
PROGRAM = compile_program(load_definition(DEFINITION), 1)
PEOPLE = 40
LOOKED_AT = [
    datetime(2027, 2, 28, 23, tzinfo=UTC),
    datetime(2027, 3, 1, 4, 59, tzinfo=UTC),
    datetime(2027, 3, 1, 5, 1, tzinfo=UTC),
    datetime(2027, 5, 31, 12, tzinfo=UTC),
    datetime(2027, 12, 31, 12, tzinfo=UTC),
    datetime(2028, 2, 29, 12, tzinfo=UTC),
]


def tally(metric: Metric, at: datetime, net: Decimal, skus: list[str]) -> Tally:
    """What an order counts in a metric, written once more."""
    day = PROGRAM.zone.day_of(at)
    if metric.streak is not None:
        return Tally(keys=(unit_start(metric.streak.of, day).isoformat(),))
    if metric.fold == "distinct":
        return Tally(keys=tuple(key_of_value(sku) for sku in skus))
    if metric.fold == "last":
        time = instant_text(at)
        return Tally(keys=(time if metric.is_instant else f"{time}|{number_key(net)}",))
    if metric.fold in ("min", "max"):
        return Tally(keys=(number_key(net),))
    return Tally(net if metric.value is not None else Decimal(1))


def life(chance: random.Random) -> dict[tuple[str, date], Bucket]:
    """Buckets of somebody who bought now and then, and brought some of it back."""
    buckets: dict[tuple[str, date], Bucket] = {}
    for _ in range(chance.choice([0, 1, 2, 5, 12])):
        days = chance.choice([chance.randrange(420), chance.randrange(20), 360 + chance.randrange(60)])
        at = datetime(2026, 12, 20, tzinfo=UTC) + timedelta(days=days, minutes=chance.randrange(1440))
        net = Decimal(chance.choice(["0.10", "19.99", "50", "99.5", "120.25"]))
        skus = chance.sample("abcdef", 2)
        is_back = chance.random() < 0.2
        for metric in PROGRAM.metrics.values():
            day = PROGRAM.zone.day_of(at)
            if metric.window.covers(day):
                place, counted = (metric.identity, bucket_of(metric, day)), tally(metric, at, net, skus)
                made, _ = added(metric, buckets.get(place), counted)
                buckets[place] = taken_out(metric, made, counted) if is_back else made
    return buckets


def people(tx: Tx, program_id: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(1, PEOPLE + 1):
        account_id = seed * 1000 + number
        created = chance.choice(
            [datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2026, 3, 1, 4, 30, tzinfo=UTC)]
        ) + timedelta(days=chance.choice([0, 0, chance.randrange(400)]))
        kind = chance.choice(["person", "household"])
        values = (account_id, program_id, kind, created, chance.randrange(1, 4), bytes(16))
        tx.execute(
            "insert into accounts (account_id, program_id, kind, created_at, members, salt)"
            " values (%s, %s, %s, %s, %s, %s)",
            values,
        )
        for place in range(chance.choice([0, 1, 2])):
            attributes: dict[str, Any] = {}
            if chance.random() < 0.7:
                attributes["persona"] = chance.choice(["runner", "hiker"])
            if chance.random() < 0.7:
                attributes["shoe"] = chance.choice([41, 42.5, 43])
            tx.execute(
                "insert into members (account_id, member_id, program_id, role, joined_at, attributes)"
                " values (%s, %s, %s, %s, %s, %s)",
                (account_id, account_id * 10 + place, program_id, chance.choice(["owner", "buyer"]),
                 created + timedelta(days=chance.randrange(500)), json.dumps(attributes)),
            )  # fmt: skip
        if chance.random() < 0.3:
            tx.execute(
                "insert into badges (account_id, badge, earned_at) values (%s, 'heavy', now())", (account_id,)
            )
        write_buckets(tx, [(account_id, *place, bucket) for place, bucket in life(chance).items()])


@pytest.fixture
def club(database: Database) -> Iterator[tuple[Tx, Program, int]]:
    prepare(database, DEFINITION)
    with database.transaction(TENANT) as tx:
        ((program_id,),) = tx.execute("select program_id from programs").fetchall()
        for seed in range(1, 4):
            people(tx, program_id, seed)
        yield tx, PROGRAM, program_id


def test_each_metric_has_the_value_for_all_that_it_has_for_one(club: tuple[Tx, Program, int]) -> None:
    tx, program, program_id = club
    rows = list_accounts(tx, program_id, 0, 1000)
    identities = [metric.identity for metric in program.metrics.values()]
    standings = load_standing(tx, Wanted([row.account_id for row in rows], identities))
    seen = set()
    for now in LOOKED_AT:
        day = program.zone.day_of(now)
        for key, metric in program.metrics.items():
            joined = value_of(metric, Asked(day, program.zone.name), "m0")
            statement = f"select a.account_id, {joined.column.text} from accounts a {joined.join}"  # noqa: S608 - of what is tested
            found: dict[int, Any] = dict(tx.execute(statement, joined.parameters).fetchall())
            expected = {
                row.account_id: value_on(metric, standings[row.account_id].counts(program.zone), day)
                for row in rows
            }
            assert found == expected, (key, now)
            if len({str(one) for one in found.values()}) > 2:
                seen.add(key)
    assert len(seen) > 80, "values that differ from account to account"


def test_a_segment_holds_the_accounts_that_are_in_it(club: tuple[Tx, Program, int]) -> None:
    tx, program, program_id = club
    ways = {key: why_one_by_one(program, one, LOOKED_AT[0]) for key, one in program.segments.items()}
    assert {key for key, reason in ways.items() if reason} == ONE_BY_ONE
    rows = list_accounts(tx, program_id, 0, 1000)
    active = list(program.segments.values())
    told: dict[str, set[int]] = {}
    for now in LOOKED_AT:
        whole = Question(program_id, program, now)
        counted = count_accounts(tx, whole, [one for one in active if one.key not in ONE_BY_ONE])
        alone = segments_of_all(tx, program, active, rows, now)
        for key, segment in program.segments.items():
            expected = [row.account_id for row in rows if key in alone[row.account_id]]
            assert list_accounts_in(tx, whole, segment, (0, 1000)) == (expected, None), (key, now)
            first, more = list_accounts_in(tx, whole, segment, (0, 3))
            rest, _ = list_accounts_in(tx, whole, segment, (more, 1000)) if more is not None else ([], None)
            assert [*first, *rest] == expected
            told.setdefault(key, set()).add(len(expected))
            assert key in ONE_BY_ONE or counted[key] == len(expected)
    never = {"hidden", "saving", "told"}
    assert {key for key, counts in told.items() if counts == {0}} == never
    assert all(counts != {len(rows)} for counts in told.values())
