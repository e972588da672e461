"""What is gathered after a batch is the state that the fold came to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from guerdon.engine.apply import apply
from guerdon.engine.batch import _fold_all
from guerdon.engine.commands import Command, Job, RedeemReward
from guerdon.engine.gather import Place, add_missing_lots, gather
from guerdon.engine.intake import read_item
from guerdon.infra.tx import set_tenant
from guerdon.members.identities import parse_ref
from guerdon.rules.state import AccountState
from tests.rooms.engine.conftest import TENANT, World, make_ids


class Nobody:
    def deliver(self, answers: Sequence[object]) -> None:
        """Take no notice."""


def mixed(world: World, chance: random.Random, count: int) -> list[Command]:
    commands: list[Command] = []
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    for _ in range(count):
        moment += timedelta(hours=chance.randrange(1, 900))
        who = f"m{chance.randrange(4)}"
        kind = chance.randrange(4)
        if kind < 2:
            amount = f"{chance.randrange(0, 40000) / 100:.2f}"
            commands.append(world.order(amount, who, time=moment.isoformat(), historical=True))
        elif kind == 2:
            data = {"sku": "A", "grams": 1}
            commands.append(
                world.event("item.recycled", who, data=data, time=moment.isoformat(), historical=True)
            )
        else:
            reward = chance.choice(["mug", "voucher"])
            commands.append(
                RedeemReward(
                    tenant_id=TENANT,
                    program="club",
                    received_at=moment,
                    member=parse_ref(who),
                    reward=reward,
                )
            )
    return commands


def comparable(state: AccountState) -> AccountState:
    # Wallets without lots are equal with `lots` gathered or not; an untouched bucket may be gathered beside.
    return msgspec.structs.replace(state, owner=None)


@pytest.mark.parametrize("seed", range(8))
def test_gathering_after_apply_finds_the_folded_state(world: World, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(4):
        world.ask(
            world.order("150.00", f"m{number}", time="2024-01-01T00:00:00Z", historical=True, enrol=True)
        )
    live = world.loop.programs.load((TENANT, "club"))
    place = Place(
        world.loop.vault(TENANT),
        live.program_id,
        live.program,
        make_ids(),
        live.counts_members,
        live.pinned,
        live.recorded,
        live.metrics_since,
    )
    with world.database.connect() as tx:
        for _ in range(3):
            commands = mixed(world, chance, 24)
            jobs = [Job(command, Nobody(), 0) for command in commands]
            for job in jobs:
                job.name(place.ids)
            set_tenant(tx, TENANT)
            gathered = gather(tx, place, [read_item(job, live.program) for job in jobs])
            assert gathered is not None
            add_missing_lots(tx, gathered, gathered.accounts)
            folded = _fold_all(tx, gathered)
            assert not folded.failed
            apply(tx, gathered, folded)
            tx.commit()
            set_tenant(tx, TENANT)
            after = gather(tx, place, [read_item(job, live.program) for job in jobs])
            assert after is not None
            add_missing_lots(tx, after, after.accounts)
            tx.rollback()
            assert after.accounts.keys() == folded.accounts.keys()
            for account_id, state in folded.accounts.items():
                assert comparable(after.accounts[account_id]) == comparable(state)
                assert after.rows[account_id].next_seq == folded.next_seq[account_id]
            assert {key: used for key, used in after.shared.items() if used} == {
                key: used for key, used in folded.shared.items() if used
            }
    world.verify()
