"""Account rows: locked in one order, written in one statement."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg
import pytest

from guerdon.infra.tx import set_tenant
from guerdon.members.accounts import (
    AccountUpdate,
    ask_accounts,
    count_behind,
    list_accounts,
    list_behind,
    load_accounts,
    lock_accounts,
    mark_counted,
    write_accounts,
)
from tests.rooms.members.people import Shop, make_shop
from tests.rooms.places import NOW


def test_rows_are_locked_and_written(shop: Shop) -> None:
    one, two = shop.one(name="A").account_id, shop.one(name="B").account_id
    with shop.tx() as tx:
        rows = lock_accounts(tx, shop.program_id, [two, one, two, 7])
        assert list(rows) == sorted([one, two])
        write_accounts(
            tx, [AccountUpdate(one, NOW, NOW + timedelta(hours=1), 5, 3), AccountUpdate(7, NOW, NOW, 1, 3)]
        )
        write_accounts(tx, [])
        assert lock_accounts(tx, shop.program_id, []) == {}
        assert lock_accounts(tx, shop.program_id + 1, [one]) == {}
    with shop.tx() as tx, tx.pipeline():
        asked = ask_accounts(tx, shop.program_id, [one, two])
        found = asked()
    assert (found[one].last_occurred_at, found[one].last_booked_at, found[one].next_seq) == (
        NOW,
        NOW + timedelta(hours=1),
        5,
    )
    assert found[two] == rows[two]
    with shop.tx() as tx:
        assert list_behind(tx, shop.program_id, 3, 10) == [], "to the other nothing has happened"
        assert list_behind(tx, shop.program_id, 4, 10) == [one]
        assert count_behind(tx, shop.program_id, 4) == 1
        mark_counted(tx, [one], 4)
        assert count_behind(tx, shop.program_id, 4) == 0
        mark_counted(tx, [one], 3)
    with shop.tx() as tx:
        assert load_accounts(tx, shop.program_id, [one, two]) == found
        assert [row.account_id for row in list_accounts(tx, shop.program_id)] == [one, two]
        assert [row.account_id for row in list_accounts(tx, shop.program_id, after=one)] == [two]
        assert [row.account_id for row in list_accounts(tx, shop.program_id, limit=1)] == [one]


def test_another_tenant_neither_reads_nor_writes(shop: Shop) -> None:
    account = shop.one(name="A").account_id
    with make_shop(shop.database, "other").tx() as tx:
        assert lock_accounts(tx, shop.program_id, [account]) == {}
        write_accounts(tx, [AccountUpdate(account, NOW, NOW, 99, 1)])
        assert list_accounts(tx, shop.program_id) == []
    with shop.tx() as tx:
        assert load_accounts(tx, shop.program_id, [account])[account].next_seq == 1


def test_a_row_cannot_be_given_to_another_tenant(shop: Shop) -> None:
    shop.one(name="A")
    other = make_shop(shop.database, "other")
    statement = "update accounts set tenant_id = %s"
    with shop.tx() as tx, pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        tx.execute(statement, (other.tenant_id,))
    insert = (
        "insert into accounts (tenant_id, account_id, program_id, kind, created_at, salt)"
        " values (%s, 1, 42, 'person', %s, '')"
    )
    with shop.tx() as tx, pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        tx.execute(insert, (other.tenant_id, NOW))


def test_opposite_orders_do_not_deadlock(shop: Shop) -> None:
    accounts = [shop.one(external_id=f"m{n}").account_id for n in range(8)]
    errors: list[BaseException] = []
    ready = threading.Barrier(4)

    def add(place: int) -> None:
        try:
            with shop.database.connect() as tx:
                ready.wait(10)
                for _ in range(15):
                    set_tenant(tx, shop.tenant_id)
                    rows = lock_accounts(tx, shop.program_id, accounts[:: 1 if place % 2 else -1])
                    write_accounts(
                        tx,
                        [
                            AccountUpdate(row.account_id, NOW, NOW, row.next_seq + 1, 1)
                            for row in rows.values()
                        ],
                    )
                    tx.commit()
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            errors.append(error)

    threads = [threading.Thread(target=add, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with shop.tx() as tx:
        assert {row.next_seq for row in load_accounts(tx, shop.program_id, accounts).values()} == {61}
