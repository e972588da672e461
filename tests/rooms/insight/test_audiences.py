"""What SQL says of all accounts at an instant is what is worked out for each: wallets, tiers, consents, ids.

The rows are made by chance and no job has run over them: lots that became available or expired, holds that
lapsed, wallets that were given up, reviews that nobody booked, ladders that were changed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from guerdon.base.calendar import EPOCH_DAY, period_start
from guerdon.base.exact import BIGINT_MAX
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.insight.segments import Question, list_accounts_in, segments_of_all, why_one_by_one
from guerdon.ledger.audiences import wallets_of
from guerdon.ledger.wallets import load_wallets
from guerdon.members.accounts import list_accounts
from guerdon.members.audiences.source import Source
from guerdon.members.audiences.tiers import tiers_of
from guerdon.members.standing import StandingChanges, Wanted, load_standing, write_buckets, write_standing
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.expressions import compile_expression
from guerdon.rules.metrics import added, bucket_of
from guerdon.rules.scope import WalletViews, environment_of_account
from guerdon.rules.segments import Segment
from guerdon.rules.state import Bucket, GivenTier, TierState
from guerdon.rules.tiers import tier_at
from tests.rooms.engine.conftest import TENANT, prepare
from tests.rooms.insight.test_segments import tally

DEFINITION = Path(__file__).with_name("audiences.yaml").read_text("utf-8")
PROGRAM = compile_program(load_definition(DEFINITION), 1)
PEOPLE = 40
EDGES = [
    datetime(2027, 2, 28, 23, tzinfo=UTC),
    # The clocks of New York jump on 14 March at 07:00 and on 7 November at 06:00.
    datetime(2027, 3, 14, 5, tzinfo=UTC),
    datetime(2027, 3, 14, 7, tzinfo=UTC),
    datetime(2027, 4, 1, 4, tzinfo=UTC),
    datetime(2027, 11, 7, 6, tzinfo=UTC),
    datetime(2028, 1, 1, 5, tzinfo=UTC),
    datetime(2028, 2, 10, 5, tzinfo=UTC),
]
"""Lots, holds, given tiers and reviews begin and end at these instants, or beside them."""
INSTANTS = [
    one + beside
    for one in EDGES
    for beside in (timedelta(microseconds=-1), timedelta(0), timedelta(microseconds=1))
]


def near(chance: random.Random) -> datetime:
    """An instant that is asked for, or one close to it."""
    beside = chance.choice([timedelta(0), timedelta(0), timedelta(microseconds=1), timedelta(days=5)])
    return chance.choice(EDGES) + chance.choice([-1, 1]) * beside


def buckets(chance: random.Random) -> dict[tuple[str, date], Bucket]:
    """What somebody's orders counted."""
    found: dict[tuple[str, date], Bucket] = {}
    for _ in range(chance.choice([0, 1, 3, 9])):
        at = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=chance.randrange(24 * 510))
        if chance.random() < 0.3:
            at = near(chance)
        net, skus = chance.choice([5, 19, 50, 95, 120]), chance.sample("abcdef", 2)
        day = PROGRAM.zone.day_of(at)
        known = {one.identity: one for ladder in PROGRAM.ladders.values() for one in ladder.metrics}
        for metric in known.values():
            place = (metric.identity, bucket_of(metric, day))
            found[place], _ = added(metric, found.get(place), tally(metric, at, Decimal(net), skus))
    return found


def tiers(chance: random.Random, account_id: int) -> Iterator[tuple[int, str, TierState]]:
    """What was booked of somebody's tiers, some of it long ago."""
    for key, ladder in PROGRAM.ladders.items():
        if chance.random() < 0.25:
            continue
        earned = [tier.key for tier in ladder.tiers if tier.is_earned]
        given = chance.choice(["", "", *(tier.key for tier in ladder.tiers)])
        is_given = given and ladder.level_of(given) > 0
        before = EDGES[0] - timedelta(days=chance.choice([0, 40, 400]))
        anchor = period_start(ladder.review, PROGRAM.zone.day_of(before))
        after = [GivenTier(tier.key, near(chance)) for tier in ladder.tiers if chance.random() < 0.3]
        level = chance.choice([*earned, "gone"])
        yield account_id, key, TierState(
            level=given if is_given else level,
            since=datetime(2026, 12, 1, tzinfo=UTC),
            changes_at=chance.choice([None, near(chance), near(chance)]),
            anchor_level=chance.choice(earned),
            anchor_on=chance.choice([EPOCH_DAY, anchor, anchor]),
            definition=chance.choice([ladder.identity, ladder.identity, "another"]),
            earned=level if is_given else "",
            given=given,
            given_until=chance.choice([None, near(chance)]),
            given_next=tuple(after) if given else (),
        )  # fmt: skip


def wallets(tx: Tx, chance: random.Random, place: tuple[int, int]) -> None:
    """Write what somebody has, as it was booked at some instant."""
    program_id, account_id = place
    for key in (*PROGRAM.wallets, *PROGRAM.retired):
        if chance.random() < 0.25:
            continue
        booked = chance.choice([datetime(2027, 1, 1, tzinfo=UTC), near(chance)])
        idle = chance.choice([None, None, near(chance)])
        idle = idle if idle is None or idle > booked else None
        lots: dict[tuple[datetime, datetime | None], int] = {}
        for _ in range(chance.choice([0, 1, 2, 5])):
            ends = chance.choice([None, near(chance)])
            if ends is None or ends > booked:
                many = BIGINT_MAX // 2 if chance.random() < 0.03 else chance.choice([1, 2, 3, 7, 100, 12345])
                lots[chance.choice([booked, near(chance)]), ends] = many
        available = sum(units for (since, _), units in lots.items() if since <= booked)
        pending = sum(lots.values()) - available
        if available + pending > BIGINT_MAX:
            continue
        changes = [since for since, _ in lots if since > booked]
        changes += [ends for _, ends in lots if ends is not None]
        idle = idle if lots else None
        changes += [idle] if idle is not None else []
        held = 0
        for number in range(chance.choice([0, 0, 1, 2])):
            amount = chance.choice([1, 2, 50])
            held += amount
            tx.execute(
                "insert into account_holds"
                " (account_id, checkout_id, kind, name, program_id, amount, expires_at)"
                " values (%s, %s, 'units', %s, %s, %s, %s)",
                (account_id, UUID(int=number), key, program_id, amount, near(chance)),
            )
        tx.execute(
            "insert into wallets (account_id, wallet, program_id, available, pending, held, changes_at,"
            " idle_expires_at, debt) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (account_id, key, program_id, available, pending, held, min(changes, default=None), idle,
             chance.choice([0, 0, 0, 3])),
        )  # fmt: skip
        for (since, ends), units in lots.items():
            tx.execute(
                "insert into lots (account_id, wallet, expires_at, available_at, remaining)"
                " values (%s, %s, coalesce(%s, 'infinity'::timestamptz), %s, %s)",
                (account_id, key, ends, since, units),
            )


def people(tx: Tx, program_id: int) -> None:
    chance = random.Random(7)
    for number in range(1, PEOPLE + 1):
        account_id = number * 7_919_000_001
        created = chance.choice([datetime(2024, 2, 29, 12, tzinfo=UTC), near(chance) - timedelta(days=365)])
        tx.execute(
            "insert into accounts (account_id, program_id, kind, created_at, members, salt)"
            " values (%s, %s, %s, %s, 1, %s)",
            (account_id, program_id, chance.choice(["person", "person", "card"]), created, bytes(16)),
        )
        for place in range(chance.choice([0, 1, 2])):
            consents = {
                topic: {"given": chance.random() < 0.5, "at": "2027-01-01T00:00:00Z"}
                for topic in ("email", "sms")
                if chance.random() < 0.6
            }
            attributes = {"persona": "runner"} if chance.random() < 0.5 else {}
            tx.execute(
                "insert into members (account_id, member_id, program_id, role, joined_at, attributes,"
                " consents) values (%s, %s, %s, %s, %s, %s, %s)",
                (account_id, account_id * 10 + place, program_id, chance.choice(["owner", "owner", "buyer"]),
                 created, json.dumps(attributes), json.dumps(consents)),
            )  # fmt: skip
        write_buckets(tx, [(account_id, *place, one) for place, one in buckets(chance).items()])
        write_standing(tx, program_id, StandingChanges(tiers=list(tiers(chance, account_id))))
        wallets(tx, chance, (program_id, account_id))


@pytest.fixture
def club(database: Database) -> Iterator[tuple[Tx, int]]:
    prepare(database, DEFINITION)
    with database.transaction(TENANT) as tx:
        ((program_id,),) = tx.execute("select program_id from programs").fetchall()
        people(tx, program_id)
        yield tx, program_id


def asked(*texts: str) -> dict[str, Segment]:
    environment = environment_of_account(PROGRAM.definition, for_segment=True)
    return {text: Segment(text, compile_expression(text, environment)) for text in texts}


def compare(club: tuple[Tx, int], segments: dict[str, Segment], now: datetime) -> dict[str, int]:
    """Ask for segments in both ways; gives how many accounts each has."""
    tx, program_id = club
    whole = Question(program_id, PROGRAM, now)
    rows = list_accounts(tx, program_id, 0, 1000)
    alone = segments_of_all(tx, PROGRAM, list(segments.values()), rows, now)
    sizes = {}
    for key, segment in segments.items():
        assert why_one_by_one(PROGRAM, segment, now) == ""
        expected = [row.account_id for row in rows if key in alone[row.account_id]]
        assert list_accounts_in(tx, whole, segment, (0, 1000)) == (expected, None), (key, now)
        sizes[key] = len(expected)
    return sizes


def values(club: tuple[Tx, int], source: Source, path: str) -> dict[int, Any]:
    """What SQL says stands at a path, by account."""
    tx, program_id = club
    column = source.columns[path]
    statement = (
        f"select a.account_id, {column.text} from accounts a {source.join}"  # noqa: S608 - of what is tested
        " where a.program_id = %(program_id)s and a.kind <> 'card'"
    )
    parameters = {"program_id": program_id, **source.parameters, **column.parameters}
    return dict(tx.execute(statement, parameters).fetchall())


def compare_tiers(club: tuple[Tx, int], instants: Sequence[datetime]) -> None:
    tx, program_id = club
    ids = [row.account_id for row in list_accounts(tx, program_id, 0, 1000)]
    known = {one.identity for ladder in PROGRAM.ladders.values() for one in ladder.metrics}
    standings = load_standing(tx, Wanted(ids, known))
    zone = PROGRAM.zone
    for key, ladder in PROGRAM.ladders.items():
        seen = set()
        for now in instants:
            expected = {}
            for account_id, one in standings.items():
                held = one.tiers.get(key)
                if held is None or held.definition != ladder.identity or held.is_due(now):
                    held = tier_at(ladder, held, one.counts(zone), zone, now)
                expected[account_id] = ladder.level_of(held.level)
            found = values(club, tiers_of(ladder, zone, now, "t0"), f"account.tiers.{key}.level")
            assert found == expected, (key, now)
            seen |= set(found.values())
        assert len(seen) > 2 or len(seen) == len(ladder.tiers), "people in several tiers"


def test_a_tier_is_the_one_that_is_held(club: tuple[Tx, int]) -> None:
    compare_tiers(club, [EDGES[3], EDGES[5], EDGES[6]])


@pytest.mark.long
def test_a_tier_is_the_one_that_is_held_at_every_edge(club: tuple[Tx, int]) -> None:
    compare_tiers(club, INSTANTS)


def test_a_wallet_has_what_time_left_in_it(club: tuple[Tx, int]) -> None:
    tx, program_id = club
    ids = [row.account_id for row in list_accounts(tx, program_id, 0, 1000)]
    taken = dict.fromkeys(PROGRAM.wallets, 0)
    for now in INSTANTS:
        settled = load_wallets(tx, ids, now, PROGRAM)
        for key, source in zip(PROGRAM.wallets, wallets_of(PROGRAM, list(PROGRAM.wallets), now), strict=True):
            views = {one: WalletViews(PROGRAM.scales, settled.get(one, {}))[key] for one in ids}
            for figure in ("available", "pending", "held"):
                expected = {one: getattr(view, figure) for one, view in views.items()}
                assert values(club, source, f"wallets.{key}.{figure}") == expected, (key, figure, now)
            taken[key] += sum(view.available > 0 and view.pending > 0 for view in views.values())
    assert all(count > 20 for count in taken.values()), "wallets with something of each"


# Each reads one thing, or compares two.
FACTS = [
    "wallets.points.available > 5", "wallets.points.held == 0",
    "wallets.later.pending >= wallets.points.pending",
    "wallets.later.available + wallets.points.pending < 100.5", "account.tiers.plain.key == 'b'",
    "account.tiers.plain.rate > 1", "'early' in account.tiers.plain.benefits",
    "account.tiers.soft.level >= 2",
    "account.tiers.own_days.key in ['b', 'c']", "size(account.tiers.plain.benefits) == 0",
    "account.tiers.either.level > account.tiers.both.level", "account.owner.consents['email']",
    "has(account.owner.consents.sms)", "'email' in account.owner.consents",
    "account.owner.consents.?sms.orValue(true)",
    "account.id.endsWith('0')", "account.owner.id.startsWith('mem_')", "account.owner.id == ''",
    "account.owner.attributes.persona == 'runner'", "has(account.owner.attributes.phone_of)",
    "account.owner.role == 'owner'", "metrics.lately > 20", "metrics.best >= 95", "metrics.own_days > 1",
    "now - account.owner.joined_at > duration('400d')", "now.getMonth() == 2", "size(account.badges) == 0",
    "account.owner.attributes.phone_of == 'x'", "!has(account.scores.churn)",
]  # fmt: skip


def condition(chance: random.Random, deep: int = 3) -> str:
    if deep == 0 or chance.random() < 0.2:
        return chance.choice(FACTS)
    parts = [condition(chance, deep - 1) for _ in range(3)]
    forms = ["({} && {})", "({} || {})", "!({})", "({} ? {} : {})"]
    return chance.choice(forms).format(*parts)


def test_a_condition_holds_for_the_accounts_for_which_it_holds(club: tuple[Tx, int]) -> None:
    chance = random.Random(11)
    sizes: set[int] = set()
    for now in chance.sample(INSTANTS, 2):
        found = compare(club, asked(*(condition(chance, 2) for _ in range(4))), now)
        sizes |= set(found.values())
    found = compare(club, asked(*FACTS), EDGES[4])
    assert len(sizes.union(found.values())) > 12, "conditions that choose some and not others"


@pytest.mark.long
def test_many_conditions_hold_for_the_accounts_for_which_they_hold(club: tuple[Tx, int]) -> None:
    chance = random.Random(12)
    for now in INSTANTS:
        compare(club, asked(*(condition(chance) for _ in range(12))), now)
