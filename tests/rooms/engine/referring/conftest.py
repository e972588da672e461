"""A club whose members invite others, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from guerdon.base.ids import parse_number
from guerdon.circles.codes import Inviter, code_for
from guerdon.engine.answers import Answer
from guerdon.engine.audit.run import Audit
from guerdon.engine.commands import EnrolMember, MergeAccounts
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.engine.referring.deciding import Decision, decide
from guerdon.engine.referring.due import Desk, settle_referrals
from guerdon.infra.db import Database
from guerdon.members.identities import member_ref, normal_ref, resolve
from guerdon.members.privacy import Erasure, erase_member
from guerdon.members.profiles import Profile
from guerdon.programs.programs import list_programs
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids, prepare

CLUB = """
program: club
name: Club
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: floor, pending: 0d, expires: never, debt: allowed}
campaigns:
  base_earn: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net}}]}
metrics:
  brought: {event: referral.completed}
rewards:
  mug: {kind: product, price: {points: 5000}, stock: 50}
badges:
  host: {name: Host}
referral:
  friend: [{award: {wallet: points, amount: "50"}}]
  advocate:
    when: order.channel != 'pos'
    then: [{award: {wallet: points, amount: "200 + event.data.net * 0.1"}}]
    limits: {per_account: 20}
  minimum: "30.00"
  ladder:
    - {from: 3, then: [{grant: mug}, {badge: host}]}
"""


class Club(World):
    """What a test says and sees of invitations."""

    def enrol(self, external: str, **more: Any) -> Answer:
        refs = [normal_ref("external", external)]
        if "email" in more:
            refs.append(normal_ref("email", more["email"]))
        profile = Profile(identities=tuple(refs), external_id=external, **more)
        command = EnrolMember(tenant_id=TENANT, program="club", received_at=self.now, profile=profile)
        return self.ask(command)[0]

    def code(self, answer: Answer) -> str:
        account, member = parse_number("acc", answer.account), parse_number("mem", answer.member)
        assert account is not None
        assert member is not None
        with self.database.transaction(TENANT) as tx:
            who = Inviter(list_programs(tx)[0].program_id, account, member)
            return code_for(tx, self.loop.vault(TENANT), who, self.now)

    @property
    def desk(self) -> Desk:
        with self.database.transaction(TENANT) as tx:
            return Desk(self.database, self.loop, TENANT, list_programs(tx)[0])

    def settle(self) -> int:
        return settle_referrals(self.desk, self.now)

    def points(self, answer: Answer) -> int:
        account = parse_number("acc", answer.account)
        with self.database.transaction(TENANT) as tx:
            found = "select available + pending from wallets where account_id = %s"
            rows = tx.execute(found, (account,)).fetchall()
        return int(rows[0][0]) if rows else 0

    def buys(self, subject: str, amount: str, order: str, **attributes: Any) -> Answer:
        channel = attributes.pop("channel", "web")
        lines = [{"id": "1", "sku": "A", "quantity": 1, "price": amount}]
        data = {"id": order, "lines": lines, "channel": channel, "attributes": attributes}
        return self.ask(self.event("order.paid", subject, data=data))[0]

    def returns(self, order: str, **what: Any) -> Answer:
        data = {"order": order, "id": f"back-{order}", **(what or {"all": True})}
        return self.ask(self.event("order.returned", None, data=data))[0]

    def decide(self, external: str, *, approve: bool) -> None:
        desk = self.desk
        ref = normal_ref("external", external)
        with self.database.transaction(TENANT) as tx:
            found = resolve(tx, self.loop.vault(TENANT), desk.program.program_id, [ref])[ref]
            decide(tx, desk.scene, Decision(found.member_id, approve, "key_test", self.now), make_ids())

    def erase(self, who: Answer) -> None:
        member = parse_number("mem", who.member)
        assert member is not None
        with self.database.transaction(TENANT) as tx:
            place = list_programs(tx)[0].program_id
            gone = Erasure(self.loop.vault(TENANT), place, member_ref(member), "test", self.now)
            erase_member(tx, gone, make_ids())

    def merge(self, one: Answer, into: Answer) -> None:
        goes, stays = parse_number("acc", one.account), parse_number("acc", into.account)
        assert goes is not None
        assert stays is not None
        said = self.ask(
            MergeAccounts(
                tenant_id=TENANT,
                program="club",
                received_at=self.now,
                account_id=goes,
                into_account=stays,
            )
        )[0]
        assert said.problem is None

    def audit(self) -> None:
        with self.database.transaction(TENANT) as tx:
            assert list(Audit(tx, self.loop.vault(TENANT), now=self.now).run()) == []

    def states(self) -> list[tuple[Any, ...]]:
        return self.rows("select state, reasons, friends, told from referral_completions order by event_id")


def club_on(database: Database, definition: str = CLUB) -> Iterator[Club]:
    prepare(database, definition)
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
    loop.start()
    yield Club(database, loop)
    loop.stop()


@pytest.fixture
def club(database: Database) -> Iterator[Club]:
    yield from club_on(database)
