"""What people suffer from in other engines, tried with callers that come at once."""

from __future__ import annotations

import pytest

from guerdon.base.ids import parse_number
from guerdon.engine.commands import CancelRedemption, RedeemReward
from guerdon.engine.loop import EngineLoop
from guerdon.members.identities import parse_ref
from tests.rooms.engine.conftest import PROGRAM, TENANT, World
from tests.rooms.engine.crowds import CLIENTS, crowd, live


def test_a_redemption_that_everybody_takes_back_at_once_comes_back_once(
    world: World, engines: list[EngineLoop]
) -> None:
    """Two rollbacks of one redemption in the same millisecond [voucherify]; a lost use [medusa 16595]."""
    world.enrol("anna")
    where = {"tenant_id": TENANT, "program": "club", "received_at": world.now}
    taking = RedeemReward(**where, member=parse_ref("anna"), reward="mug")  # type: ignore[arg-type]
    (taken,) = crowd(engines, [taking])
    number = parse_number("red", str(taken.redemptions[0]["id"]))
    assert number is not None
    back = CancelRedemption(**where, redemption_id=number)  # type: ignore[arg-type]
    answers = crowd(engines, [back] * CLIENTS)
    codes = [one.problem.code if one.problem is not None else "" for one in answers]
    assert sorted(codes) == ["", *["redemption_cancelled"] * (CLIENTS - 1)]
    assert world.rows("select available from wallets where wallet = 'points'") == [(100,)]
    assert world.rows("select used from shared_counters where counter = 'reward/mug/stock'") == [(0,)]
    assert world.rows("select count(*) from transactions where kind = 'cancel'") == [(1,)]
    world.verify()


@pytest.mark.parametrize("gone", ["order.cancelled", "order.returned"])
def test_an_order_whose_status_is_toggled_earns_once(world: World, gone: str) -> None:
    """Awarded again by settling, replaying or toggling an order's status [odoo 214137, wpswings 104]."""
    world.enrol("anna")
    left = []
    data = {"order": "A"} if gone == "order.cancelled" else {"order": "A", "all": True}
    for _ in range(3):
        world.ask(world.order("12.50", order="A"))
        left += world.rows("select available from wallets where wallet = 'points'")
        world.ask(world.event(gone, "anna", data=data))
    # The first return takes the 12 away, and being paid once more brings nothing.
    assert left == [(112,), (100,), (100,)]
    assert world.rows("select available from wallets where wallet = 'points'") == [(100,)]
    awards = "select count(*) from transactions where kind = 'award' and wallet = 'points'"
    assert world.rows(awards) == [(2,)]
    world.verify()


def test_switching_a_promotion_writes_one_version_and_touches_nobody(world: World) -> None:
    """Toggling a promotion blocks on a large catalogue [saleor 14888]."""
    for number in range(20):
        world.enrol(f"m{number}")
    tables = "select relname from pg_class where relnamespace = 'guerdon'::regnamespace and relkind = 'r'"
    names = [row[0] for row in world.rows(tables)]

    def stamps() -> dict[str, set[str]]:
        return {
            name: {row[0] for row in world.rows(f"select xmin::text || ctid::text from {name}")}  # noqa: S608 - our tables
            for name in names
            if world.rows(f"select has_table_privilege('{name}', 'select')") == [(True,)]
        }

    before = stamps()
    live(world, PROGRAM.replace("limits: {per_account: 2, total: 1000}", "limits: {total: 1}"))
    after = stamps()
    written = {name: len(after[name] - before[name]) for name in after if after[name] != before[name]}
    assert written.pop("audit", 1) == 1
    assert written == {"program_versions": 1, "programs": 1}
