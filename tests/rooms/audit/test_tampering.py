"""Whatever is changed in the tables behind the engine's back, verify finds it and names the row."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from psycopg import sql

from guerdon.infra.postgres import EmbeddedPostgres
from tests.rooms.audit.intruder import (
    COVERED,
    GONE_UNSEEN,
    NEVER_SWAPPED,
    Intruder,
    names,
    tampered,
    uncovered,
)


@pytest.fixture(scope="module")
def intruder(server: EmbeddedPostgres, template: str) -> Iterator[Intruder]:
    with tampered(server, template) as one:
        yield one


def test_every_table_is_covered_or_has_a_reason(intruder: Intruder) -> None:
    every = {(table, column) for table, column, _ in intruder.columns()}
    tables = {table for table, _ in every if table != "alembic_version"}
    excused = uncovered()
    whole = {name.removesuffix(".*") for name in excused if name.endswith(".*")}
    assert tables - whole == set(COVERED)
    assert all(len(reason) > 9 for reason in excused.values())
    single = {tuple(name.split(".")) for name in excused if not name.endswith(".*")}
    assert single <= every
    assert {table for table, _ in single} <= set(COVERED)


# Verify bears whatever it meets after it has named the row: that is seen in the long run, column by column.
@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.long)], ids=["named", "whole"])
@pytest.mark.parametrize("table", COVERED)
def test_a_changed_column_is_found(intruder: Intruder, table: str, whole: bool) -> None:
    excused, missed = uncovered(), []
    for name, column, kind in intruder.columns():
        place = f"{table}.{column}"
        if name != table or place in excused:
            continue
        count, found = intruder.after(intruder.change(table, column, kind), table, whole=whole)
        if count != 1:
            missed.append(f"{place}: the world has no row with it")
        elif not names(found, table):
            missed.append(f"{place}: {[one.detail for one in found]}")
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("tries", [8, pytest.param(30, marks=pytest.mark.long)])
@pytest.mark.parametrize("column", ["decision", "body"])
def test_any_flipped_byte_of_an_event_is_found(intruder: Intruder, column: str, tries: int) -> None:
    chance, missed = random.Random(3), []
    statement = sql.SQL(
        "update events set {0} = set_byte({0}, {1} % length({0}), (get_byte({0}, {1} % length({0})) # {2}))"
        " where event_id = (select event_id from events order by event_id offset {3} limit 1)"
    )
    for _ in range(tries):
        place, bit, event = chance.randrange(5_000), 1 << chance.randrange(7), chance.randrange(100)
        count, found = intruder.after(
            statement.format(sql.Identifier(column), *(sql.Literal(one) for one in (place, bit, event)))
        )
        assert count == 1
        if not names(found, "events") and not (column == "body" and intruder.pads(event, place, bit)):
            missed.append(f"byte {place} of event {event}, bit {bit}: {found}")
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("table", COVERED)
def test_a_row_too_much_is_found(intruder: Intruder, table: str) -> None:
    count, found = intruder.after(intruder.add(table), table)
    assert count == 1
    assert names(found, table), found


@pytest.mark.parametrize("table", [table for table in COVERED if table not in GONE_UNSEEN])
def test_a_row_that_is_gone_is_found(intruder: Intruder, table: str) -> None:
    count, found = intruder.after(intruder.delete(table), table)
    assert count == 1
    assert names(found, table), found


# A cart that holds nothing is a price that somebody was told, and one that was cancelled is nothing any more.
FOR_NOTHING = """
checkout_id not in
    (select checkout_id from guerdon.account_holds union select checkout_id from guerdon.shared_holds)
    and status <> 'confirmed'
"""


@pytest.mark.parametrize("tries", [5, pytest.param(20, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("table", "matters"),
    [
        ("account_holds", "true"),
        ("shared_holds", "true"),
        ("order_returns", "true"),
        ("coupon_codes", "true"),
        ("redemptions", "true"),
        ("checkouts", f"not ({FOR_NOTHING})"),
    ],
)
def test_whichever_row_is_gone_is_found(intruder: Intruder, table: str, matters: str, tries: int) -> None:
    rows = intruder.tx.execute(f"select ctid::text from guerdon.{table} where {matters}").fetchall()  # noqa: S608 - tables and conditions of ours
    intruder.tx.rollback()
    assert len(rows) >= 3
    chance, missed = random.Random(4), []
    for (place,) in chance.sample(rows, min(len(rows), tries)):
        statement = sql.SQL("delete from {0} where ctid = {1}::tid")
        count, found = intruder.after(statement.format(sql.Identifier(table), sql.Literal(place)))
        assert count == 1
        if not names(found, table):
            missed.append(f"{place}: {found}")
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("kind", ["units", "use", "redemption"])
def test_all_holds_of_a_kind_that_are_gone_are_found(intruder: Intruder, kind: str) -> None:
    statement = sql.SQL(
        "delete from account_holds where (account_id, checkout_id) ="
        " (select account_id, checkout_id from account_holds where kind = {0} order by 1, 2 limit 1)"
    )
    count, found = intruder.after(statement.format(sql.Literal(kind)))
    assert count >= 1
    missing = [one for one in found if one.table == "account_holds" and f" {kind} " in one.key]
    assert missing, found
    assert {one.found for one in missing} == {"none"}


@pytest.mark.parametrize("table", [table for table in COVERED if table not in NEVER_SWAPPED])
def test_two_rows_in_each_others_place_are_found(intruder: Intruder, table: str) -> None:
    count, found = intruder.after(intruder.swap(table), table)
    assert count == 2
    assert names(found, table), found
