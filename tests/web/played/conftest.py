"""A club in which a bit of everything is played, and a superuser who may do anything to its tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from guerdon.base.findings import Finding
from guerdon.engine.audit import Audit
from guerdon.engine.sharing.making import visit
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.members.crypto import Vault
from guerdon.programs.tenants import tenant_id_of
from tests.databases import superuser
from tests.web.boards.conftest import BOARDS
from tests.web.boards.conftest import Club as Recyclers
from tests.web.community.conftest import CAMPAIGNS, COMMUNITY, PAID, photo
from tests.web.conftest import PROGRAM, Api, order
from tests.web.draws.test_draws import DRAWS
from tests.web.quizzes.conftest import QUIZZES, Player
from tests.web.referrals.conftest import REFERRAL

CLUB = "/v1/programs/club"
NOON = "2026-11-21T12:00:00Z"
END = datetime(2026, 12, 1, 12, tzinfo=UTC)
_GIVING = """
causes:
  wells: {name: Wells, charity: Wells e.V., match: "0.5", match_at_most: "3.00"}
sharing: {of: [purchase]}
"""
_REWARDS = """rewards:
  any: {kind: donation, price: {points: 1}, cause: wells, worth: "0.01"}
  walk: {kind: event, price: {points: 1}, seats: 1, at: 2027-03-01T19:00}
"""
DEFINITION = (
    PROGRAM.replace("timezone:", "languages: [en, bn]\ntimezone:")
    .replace("events:\n", "events:\n  item.repaired: {evidence: staff, data: {hours: int}}\n")
    .replace("metrics:\n", "metrics:\n  recycled: {event: item.recycled, value: event.data.grams}\n")
    .replace("campaigns:\n", COMMUNITY + CAMPAIGNS)
    .replace("rewards:\n", _REWARDS)
    + BOARDS.replace("badges:\n", "badges:\n  knower: {name: Knower}\n").replace(
        "challenges:\n", "challenges:\n  alone: {metric: recycled, goal: 30, prize: [{badge: knower}]}\n"
    )
    + QUIZZES.replace("badges:\n  knower: {name: Knower}\n", "")
    + DRAWS
    + REFERRAL
    + _GIVING
)


class Played:
    """What was played, and a superuser's transaction in which it is damaged and never committed."""

    def __init__(self, api: Api, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.tx = connection
        self.tenant = tenant_id_of(api.tenant)
        self.vault: Vault = api.house.vault(self.tenant)

    def columns(self) -> list[tuple[str, str, str]]:
        rows = self.tx.execute(
            "select table_name, column_name, data_type from information_schema.columns"
            " where table_schema = 'guerdon' order by 1, 2"
        ).fetchall()
        self.tx.rollback()
        return rows

    def after(self, statement: str) -> tuple[int, list[Finding]]:
        """Do damage without triggers and keys, have everything worked out again, and undo it."""
        try:
            # The log is signed meanwhile.
            self.tx.execute("set transaction isolation level repeatable read")
            self.tx.execute("set local session_replication_role = replica; set local search_path = guerdon")
            count = self.tx.execute(statement.encode()).rowcount
            self.tx.execute(f"set local role guerdon_app; set local guerdon.tenant = '{self.tenant}'")
            return count, list(Audit(self.tx, self.vault, now=END).run())
        finally:
            self.tx.rollback()


async def play(api: Api) -> None:
    """Let four members do a bit of everything, until a month and a draw are over."""
    club = Recyclers(api)
    await club.enrol("ananya", "ben", attributes={"size": "m"})
    code = (await club.look("invitations?member=ananya"))["code"]
    await club.enrol("carla", referral_code=code)
    for name in ("ananya", "ben", "carla"):
        paid = order(f"paid-{name}", member=name, data={**PAID, "id": f"order-{name}"}, time=NOON)
        await club.done("events", paid)
        body = {"wallet": "points", "amount": "2000", "reason": "a start"}
        await club.done(f"accounts/{club.accounts[name]}/adjustments", body)
        await club.done("leaderboards/recyclers/join", {"member": name, "name": f"{name} the Great"})
    await club.done("teams", {"member": "ananya", "kind": "crew", "name": "Ravens"})
    for name, grams in (("ananya", 120), ("ben", 40)):
        await club.recycle(name, grams)
    await _tell(club)
    await Player(api, "ananya").play("quick")
    await club.done("redemptions", {"member": "ben", "reward": "any", "quantity": 250})
    for number, decision in enumerate(("approve", "refuse", "")):
        deed = await club.done(
            "deeds",
            {"member": "ben", "type": "item.repaired", "data": {"hours": 2}, "receipt": f"R-{number}"},
        )
        if decision:
            more = {"reason": "It shows nothing."} if decision == "refuse" else None
            await club.done(f"deeds/{deed['id']}/{decision}", more)
    seat = await club.done("redemptions", {"member": "ananya", "reward": "walk"})
    await club.done("rewards/walk/waiting", {"member": "ben"})
    await club.done("rewards/walk/waiting", {"member": "carla"})
    await club.done(f"redemptions/{seat['id']}/cancel")
    await club.tick("2026-12-01T12:00:00Z")
    await club.tick("2026-12-01T12:00:00Z")
    _look(club, END)
    await club.tick("2026-12-01T12:00:00Z")
    await club.done("causes/wells/payouts", {"period": "2026-11", "reference": "transfer 4711"})
    await club.settle()
    await club.tick("2026-12-01T12:00:00Z")
    await club.settle()


async def _tell(club: Recyclers) -> None:
    """Posts with a photo, a like and a report, a question with an answer, a share with a visit."""
    one = await club.done("posts", {"member": "ananya", "text": "It holds all", "photo": photo()})
    question = await club.done("posts", {"member": "ananya", "text": "Does it hold?", "kind": "question"})
    for each in (one, question):
        await club.done(f"moderation/posts/{each['id']}", {"decision": "approve", "reason": ""})
    answer = await club.done(f"posts/{question['id']}/answers", {"member": "ben", "text": "It does, I say."})
    await club.done(f"moderation/posts/{answer['id']}", {"decision": "approve", "reason": ""})
    await club.done(f"posts/{one['id']}/likes", {"member": "ben"})
    await club.done(f"posts/{one['id']}/reports", {"member": "ben", "why": "rude"})
    share = await club.done("shares", {"member": "ananya", "of": "purchase", "what": "BP-40"})
    _look(club, datetime(2026, 11, 21, 15, tzinfo=UTC))
    await club.done("members", {"external_id": "dana", "share": share["code"]})
    claimed = await club.done(
        f"shares/{share['code']}/claims", {"member": "ananya", "url": "https://social.example/1"}
    )
    await club.done(f"moderation/posts/{claimed['id']}", {"decision": "approve", "reason": ""})


def _look(club: Recyclers, at: datetime) -> None:
    """Let somebody look at what was shared."""
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)
    with house.database.transaction(tenant) as tx:
        ((code,),) = tx.execute("select code from shares").fetchall()
        visit(tx, house.vault(tenant), (house.program(tx, "club"), code), ("203.0.113.7", at))


@pytest.fixture
async def played(bare: Api, server: EmbeddedPostgres) -> AsyncIterator[Played]:
    applied = await bare.apply(DEFINITION)
    assert applied.status_code == 201, applied.text
    await play(bare)
    with bare.house.database.transaction(tenant_id_of(bare.tenant)) as tx:
        (name,) = tx.execute("select current_database()").fetchone() or ("",)
    connection = superuser(server, name)
    connection.autocommit = False
    with connection:
        yield Played(bare, connection)


__all__ = ["END", "Played", "played"]
