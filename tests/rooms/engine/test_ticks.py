"""Ticks find who is due, and book it once."""

from __future__ import annotations

from datetime import timedelta

from guerdon.engine.ticks import run_due
from tests.rooms.engine.conftest import NOW, World


def test_due_accounts_are_ticked_until_none_is_left(world: World) -> None:
    for number in range(5):
        world.enrol(f"m{number}")
        world.ask(world.order("600.00", f"m{number}"))
    assert run_due(world.database, world.loop, NOW) == 0
    matured = NOW + timedelta(days=15)
    assert run_due(world.database, world.loop, matured) == 5
    assert world.rows("select distinct available, pending from wallets where wallet = 'later'") == [(25, 0)]
    assert run_due(world.database, world.loop, matured) == 0
    gone = NOW + timedelta(days=800)
    assert run_due(world.database, world.loop, gone) > 0
    assert world.rows("select distinct available from wallets where wallet = 'points'") == [(0,)]
    assert run_due(world.database, world.loop, gone) == 0
    assert world.rows("select count(*) from transactions where kind = 'expire'") == [(5,)]
    world.verify()
