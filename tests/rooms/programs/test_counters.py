"""Counters that all accounts share: never more than the bound, whatever happens at once."""

from __future__ import annotations

import threading
from decimal import Decimal

import psycopg
import pytest

from guerdon.infra.db import Database
from guerdon.programs.counters import ask_counters, ask_take, load_counters, lock_counters, take
from tests.rooms.places import make_tenant

PROGRAM = 42


def test_missing_counters_are_made_and_taken_from(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        assert lock_counters(tx, PROGRAM, ["b", "a", "a"]) == {"a": Decimal(0), "b": Decimal(0)}
        assert lock_counters(tx, PROGRAM, []) == {}
        takings = {"a": (Decimal("2.50"), Decimal("2.5")), "b": (Decimal(7), None)}
        assert take(tx, PROGRAM, takings) == []
        assert take(tx, PROGRAM, {}) == []
    with database.transaction(tenant_id) as tx:
        assert load_counters(tx, PROGRAM, ["a", "b", "c"]) == {"a": Decimal("2.50"), "b": Decimal(7)}
        assert load_counters(tx, PROGRAM + 1, ["a"]) == {}


def test_the_guard_names_what_would_go_over(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        lock_counters(tx, PROGRAM, ["a", "b", "c"])
        takings = {
            "a": (Decimal(5), Decimal(5)),
            "b": (Decimal("5.01"), Decimal(5)),
            "c": (Decimal(-1), None),
            "never_locked": (Decimal(1), None),
        }
        assert take(tx, PROGRAM, takings) == ["b", "c", "never_locked"]
        assert load_counters(tx, PROGRAM, ["a", "b", "c"]) == {
            "a": Decimal(5),
            "b": Decimal(0),
            "c": Decimal(0),
        }


def test_giving_back_works_above_a_lowered_bound(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        lock_counters(tx, PROGRAM, ["a"])
        assert take(tx, PROGRAM, {"a": (Decimal(10), Decimal(10))}) == []
        assert take(tx, PROGRAM, {"a": (Decimal(-2), Decimal(3))}) == []
        assert take(tx, PROGRAM, {"a": (Decimal(1), Decimal(3))}) == ["a"]
        assert load_counters(tx, PROGRAM, ["a"]) == {"a": Decimal(8)}


def test_a_counter_is_never_negative(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        lock_counters(tx, PROGRAM, ["a"])
        with pytest.raises(psycopg.errors.CheckViolation):
            tx.execute("update shared_counters set used = -1")


def test_questions_travel_together_in_a_pipeline(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx, tx.pipeline():
        locked = ask_counters(tx, PROGRAM, ["a", "b"])
        failed = ask_take(tx, PROGRAM, {"a": (Decimal(1), Decimal(0)), "b": (Decimal(1), None)})
        assert locked() == {"a": Decimal(0), "b": Decimal(0)}
        assert failed() == ["a"]


def test_many_draw_at_once_and_get_exactly_what_there_is(database: Database) -> None:
    tenant_id = make_tenant(database)
    taken: list[str] = []
    ready = threading.Barrier(8)
    errors: list[BaseException] = []

    def draw(place: int) -> None:
        keys = ["x", "y"] if place % 2 else ["y", "x"]
        try:
            ready.wait(10)
            with database.connect() as tx:
                for _ in range(20):
                    tx.execute(f"set local guerdon.tenant = '{tenant_id}'")
                    used = lock_counters(tx, PROGRAM, keys)
                    wanted = {key: (Decimal(1), Decimal(50)) for key in keys if used[key] < 50}
                    assert take(tx, PROGRAM, wanted) == [], "what was locked and read holds"
                    tx.commit()
                    taken.extend(wanted)
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            errors.append(error)

    threads = [threading.Thread(target=draw, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert (taken.count("x"), taken.count("y")) == (50, 50)
    with database.transaction(tenant_id) as tx:
        assert load_counters(tx, PROGRAM, ["x", "y"]) == {"x": Decimal(50), "y": Decimal(50)}
