"""What fails, fails alone: overflows, lost connections, broken commands in the middle of a batch."""

from __future__ import annotations

import zlib

import psycopg
import pytest

from guerdon.base.errors import Problem
from guerdon.engine.commands import Command, RedeemReward
from guerdon.engine.events import list_quarantine
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.members.identities import parse_ref
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids


def test_an_overflow_in_a_batch_of_256_harms_nobody_else(world: World) -> None:
    for number in range(16):
        world.enrol(f"m{number}")
    world.ask(world.event("huge.award", "m7", id="first"))
    commands: list[Command] = [world.order("3.00", f"m{number % 16}") for number in range(255)]
    commands.insert(128, world.event("huge.award", "m7", id="second"))
    answers = world.ask(*commands)
    assert [place for place, one in enumerate(answers) if not one.effects] == [128]
    assert {one.status for place, one in enumerate(answers) if place != 128} == {"applied"}
    assert world.rows("select count(*), sum(available) from wallets where wallet = 'points'") == [
        (16, 9_000_000_000_000_000_000 + 1600 + 255 * 3)
    ]
    world.verify()


def test_a_statement_that_fails_in_a_batch_of_256_harms_nobody_else(world: World) -> None:
    for number in range(16):
        world.enrol(f"m{number}")
    with world.database.connect("owner") as owner:
        owner.execute("alter table entries add constraint trap check (amount <> 666)")
        owner.commit()
    commands: list[Command] = [world.order("3.00", f"m{number % 16}") for number in range(255)]
    commands.insert(128, world.order("666.00", "m7", id="second"))
    answers = world.ask(*commands)
    assert [place for place, one in enumerate(answers) if one.status != "applied"] == [128]
    assert answers[128].problem is not None
    assert answers[128].problem.code == "internal_error"
    assert world.rows("select count(*) from events where id = 'second'") == [(0,)]
    assert world.rows("select count(*) from event_keys where id = 'second'") == [(0,)]
    assert world.rows("select sum(available) from wallets where wallet = 'points'") == [(1600 + 255 * 3,)]
    with world.database.transaction(TENANT) as tx:
        program_id = tx.execute("select program_id from programs").fetchall()[0][0]
        (kept,) = list_quarantine(tx, program_id, 10)
    assert (kept.id, kept.kind, kept.fault) == ("second", "IngestEvent", "CheckViolation")
    assert b"m7" not in zlib.decompress(kept.body)
    world.verify()


@pytest.mark.parametrize("code", ["53100", "58030"])
def test_a_server_that_cannot_write_is_told_of_with_nothing_kept(world: World, code: str) -> None:
    """A full disk is nobody's command's fault: all are asked to come again, nobody waits in quarantine."""
    world.enrol("anna")
    with world.database.connect("owner") as owner:
        owner.execute(
            "create function full_disk() returns trigger language plpgsql as"
            f" $$ begin raise exception 'could not extend file' using errcode = '{code}'; end $$"
        )
        owner.execute("create trigger full_disk before insert on entries execute function full_disk()")
        owner.commit()
    commands: list[Command] = [world.order("3.00") for _ in range(20)]
    answers = world.ask(*commands)
    assert {one.problem.code for one in answers if one.problem is not None} == {"database_unavailable"}
    assert len([one for one in answers if one.problem is None]) == 0
    assert world.rows("select count(*) from quarantine") == [(0,)]
    assert world.rows("select count(*) from events where type = 'order.paid'") == [(0,)]
    with world.database.connect("owner") as owner:
        owner.execute("drop trigger full_disk on entries")
        owner.commit()
    assert {one.status for one in world.ask(*commands)} == {"applied"}
    world.verify()


def test_whom_another_process_overtakes_looks_again(world: World) -> None:
    """A guard that fires four times and then no more is a race that was lost four times."""
    world.enrol("anna")
    with world.database.connect("owner") as owner:
        owner.execute("create sequence races")
        owner.execute("grant usage on sequence races to public")
        owner.execute(
            "create function race() returns trigger language plpgsql as $$ begin"
            " if nextval('races') <= 4 then raise exception 'faster' using errcode = '40001'; end if;"
            " return new; end $$"
        )
        owner.execute("create trigger race before insert on entries execute function race()")
        owner.commit()
    told: list[str] = []
    world.loop.watch = lambda done: told.extend(done.again)
    assert world.ask(world.order("3.00"))[0].status == "applied"
    assert told == ["serialization"] * 4
    assert world.rows("select count(*) from quarantine") == [(0,)]
    world.verify()


def test_a_lost_connection_is_replaced(world: World) -> None:
    world.enrol("anna")
    with world.database.connect("owner") as other:
        other.execute("reset role")
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            # A worker that vacuums may be there, which no engine has to do with.
            " and backend_type = 'client backend'"
        )
        other.commit()
    assert world.ask(world.order("3.00"))[0].status == "applied"
    world.verify()


class BrokenCommit:
    """A connection that is lost in the commit, before or after the server did it."""

    def __init__(self, tx: psycopg.Connection, *, done: bool) -> None:
        self._tx, self._done = tx, done

    def __getattr__(self, name: str) -> object:
        return getattr(self._tx, name)

    def commit(self) -> None:
        if self._done:
            self._tx.commit()
        self._tx.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("done", [True, False])
def test_a_connection_lost_in_the_commit_applies_once(world: World, done: bool) -> None:
    world.enrol("anna")
    writer = world.loop._writer
    writer._tx = BrokenCommit(writer._tx, done=done)  # type: ignore[assignment, arg-type]
    redeem = RedeemReward(
        tenant_id=TENANT, program="club", received_at=world.now, member=parse_ref("anna"), reward="voucher"
    )
    answers = world.ask(world.order("3.00"), redeem)
    assert [one.status for one in answers] == ["applied", "applied"]
    assert world.rows("select available from wallets where wallet = 'points'") == [(53,)]
    assert world.rows("select count(*) from redemptions") == [(1,)]
    world.verify()


def test_a_full_queue_refuses(world: World) -> None:
    loop = EngineLoop(world.database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=10))
    waiting = loop.submit_many([world.order() for _ in range(10)])
    with pytest.raises(Problem) as refused:
        loop.submit(world.order())
    assert refused.value.code == "overloaded"
    loop.stop(drain=False)
    with pytest.raises(Problem) as stopped:
        loop.submit(world.order())
    assert stopped.value.code == "shutting_down"
    loop.start()
    loop.stop(drain=False)
    assert {one.result(5).problem.code for one in waiting} == {"shutting_down"}  # type: ignore[union-attr]


def test_a_new_version_decides_from_the_next_batch_on(world: World) -> None:
    from guerdon.programs.programs import NewDefinition, apply_definition
    from guerdon.rules.definition import load_definition
    from tests.rooms.engine.conftest import NOW, PROGRAM

    world.enrol("anna")
    changed = PROGRAM.replace("amount: order.earning_base}", "amount: order.earning_base * 3}")
    with world.database.transaction(TENANT) as tx:
        apply_definition(tx, NewDefinition(load_definition(changed), changed, "test", NOW), make_ids())
    answer = world.ask(world.order("10.00"))[0]
    assert answer.balances["points"].available == "130"
    assert world.rows("select version from events order by event_id") == [(1,), (2,)]
