"""A club in which everything that comes later is due at once, and what each member must have of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from guerdon.base.ids import Chance, parse_number
from guerdon.circles.codes import Inviter, code_for
from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit
from guerdon.engine.boards.keeper import Follower
from guerdon.engine.commands import (
    AdjustBalance,
    Command,
    EnrolMember,
    IngestEvent,
    JoinChallenge,
    Once,
    RedeemReward,
)
from guerdon.engine.community.moderating import Decision, Moderator, decide
from guerdon.engine.community.posting import Author, Desk, Written, like, write
from guerdon.engine.sharing.making import share, trace, visit
from guerdon.engine.ticks import run_due_of
from guerdon.members.crypto import Vault
from guerdon.members.identities import normal_ref, parse_ref, resolve
from guerdon.members.profiles import Profile
from guerdon.members.states import load_keys
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rewards.seats.waiting import join
from guerdon.rules.definition import load_definition
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids

MANY: Final = 40
CLUB: Final = """
program: club
name: Club
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: floor, pending: 0d, expires: never, debt: allowed}
  luck: {scale: 0, rounding: floor, pending: 0d, expires: never}
  bonus: {scale: 0, rounding: floor, pending: 0d, expires: never}
events:
  item.recycled: {data: {grams: int}}
metrics:
  recycled: {event: item.recycled, value: event.data.grams}
  orders: {event: order.paid}
rewards:
  mug: {kind: product, price: {points: 5000}, stock: 50}
  evening: {kind: event, price: {luck: 10}, seats: 35, at: 2026-12-24}
badges:
  host: {name: Host}
leaderboards:
  recyclers:
    metric: recycled
    window: month
    prizes:
      - {rank: 1, prize: [{award: {wallet: points, amount: "1000"}}]}
      - {rank: 2-5, prize: [{award: {wallet: points, amount: "100"}}]}
      - {rank: 6-40, prize: [{award: {wallet: points, amount: "10"}}]}
draws:
  summer:
    kind: raffle
    trigger: order.paid
    drawn_at: 2026-11-30T18:00
    prizes:
      - {winners: 1, prize: [{award: {wallet: luck, amount: "9000"}}]}
      - {winners: 39, prize: [{award: {wallet: luck, amount: "3"}}]}
challenges:
  card: {metric: orders, every: 3, prize: [{award: {wallet: bonus, amount: "30"}}]}
  joined: {metric: orders, goal: 2, opt_in: true, prize: [{award: {wallet: bonus, amount: "5"}}]}
community: {approve: all, max_per_day: 9}
sharing: {of: [purchase], visits_per_day: 90}
campaigns:
  posted: {trigger: post.approved, limits: {per_account: 1}, then: [{award: {wallet: points, amount: "20"}}]}
  liked: {trigger: post.liked, limits: {per_account: 9}, then: [{award: {wallet: points, amount: "1"}}]}
  seen: {trigger: share.visited, limits: {per_account: 90}, then: [{award: {wallet: points, amount: "2"}}]}
  sorry: {trigger: seat.called_off, limits: {per_account: 9}, then: [{award: {wallet: luck, amount: "1"}}]}
  came: {trigger: share.joined, limits: {per_account: 90}, then: [{award: {wallet: points, amount: "50"}}]}
referral:
  friend: [{award: {wallet: bonus, amount: "50"}}]
  advocate:
    then: [{award: {wallet: points, amount: "200"}}]
    limits: {per_account: 90}
  ladder:
    - {from: 3, then: [{grant: mug}, {badge: host}]}
"""
AFTER: Final = datetime(2026, 12, 2, 12, tzinfo=UTC)
"""The month is over, the raffle is to be drawn, and what was posted is to be told."""
CROWD: Final = 8
ROUNDS: Final = 4


def name(number: int) -> str:
    return f"m{number}"


class Club(World):
    """What each kind of thing leaves due, and what must come of it."""

    def come(self) -> list[Answer]:
        """Enrol everybody."""
        return self.ask(*(self.enrolment(number) for number in range(MANY)))

    def enrolment(self, number: int, code: str = "") -> EnrolMember:
        """Somebody who comes, perhaps by a code."""
        ref = normal_ref("external", name(number))
        profile = Profile(identities=(ref,), external_id=name(number), referral_code=code)
        return EnrolMember(tenant_id=TENANT, program="club", received_at=self.now, profile=profile)

    def boards(self) -> Counter[str]:
        """Let everybody recycle, each another amount."""
        self.come()
        done = [
            self.event("item.recycled", name(number), data={"grams": 7 + number}) for number in range(MANY)
        ]
        self.ask(*done)
        self.follow()
        return Counter({
            name(number): 1000 if number == MANY - 1 else 100 if number >= MANY - 5 else 10
            for number in range(MANY)
        })  # fmt: skip

    def follow(self) -> None:
        follower = Follower(self.database, self.loop.programs, lambda: datetime.now(UTC))
        assert follower.reach(datetime.now(UTC))

    def raffle(self) -> Counter[str]:
        """Give everybody a ticket; who gets which prize is the lot's."""
        self.come()
        self.ask(*(self.order("5.00", name(number)) for number in range(MANY)))
        return Counter({"one": 9000, "others": 3 * (MANY - 1)})

    def code(self, advocate: Answer) -> str:
        """The code by which somebody invites others."""
        account, member = parse_number("acc", advocate.account), parse_number("mem", advocate.member)
        assert account is not None
        assert member is not None
        with self.database.transaction(TENANT) as tx:
            who = Inviter(self.program_id, account, member)
            return code_for(tx, Vault(MASTER_KEY, TENANT), who, self.now)

    def referrals(self) -> Counter[str]:
        """Let one bring all others, of whom some send their order back before anybody has looked."""
        code = self.code(self.ask(self.enrolment(0))[0])
        self.ask(*(self.enrolment(number, code) for number in range(1, MANY)))
        self.ask(*(self.order("40.00", name(number), order=f"o{number}") for number in range(1, MANY)))
        self.ask(*(self._back(number) for number in range(1, MANY, 4)))
        gone = len(range(1, MANY, 4))
        return Counter({name(0): 200 * (MANY - 1 - gone)})

    def reversals(self) -> Counter[str]:
        """Let all of it be given, and then a half come back."""
        self.referrals()
        self.due()
        back = [number for number in range(1, MANY) if number % 4 != 1 and number % 2]
        self.ask(*(self._back(number) for number in back))
        return Counter({name(0): 200 * (MANY - 1 - len(range(1, MANY, 4)) - len(back))})

    def _back(self, number: int) -> IngestEvent:
        return self.event(
            "order.returned", None, data={"order": f"o{number}", "id": f"b{number}", "all": True}
        )

    def posts(self) -> Counter[str]:
        """Let everybody post, be approved and liked; some are hidden again, and some shown once more."""
        self.come()
        expected: Counter[str] = Counter()
        turns: list[Decision] = ["approve", "hide", "approve"]
        for number in range(MANY):
            self.post(number, turns[: 1 + number % 3])
            # What the like brings goes and comes with the post.
            expected[name(number)] = 0 if number % 3 == 1 else 21
        return expected

    def post(self, number: int, turns: Sequence[Decision]) -> int:
        """Let somebody post, staff decide, and another like it at once; nothing of it is told."""
        with self.database.transaction(TENANT) as tx:
            said = Written("post", f"Words of number {number}")
            post = write(tx, Desk(Vault(MASTER_KEY, TENANT), make_ids()), self.author(number), said)
            for place, turn in enumerate(turns):
                at = self.now + timedelta(minutes=place)
                who = Moderator(self.program_id, "test", at, make_ids(), takes_back=True)
                decide(tx, who, post.post_id, (turn, "why not"))
                if not place:
                    like(tx, self.author((number + 1) % MANY), post.post_id)
        return post.post_id

    def shares(self) -> Counter[str]:
        """Let one share a purchase; others come by it, and some join."""
        self.come()
        lines = [{"id": "1", "sku": "BAG", "quantity": 1, "price": "9.00"}]
        self.ask(self.event("order.paid", name(0), data={"id": "o", "lines": lines}))
        with self.database.transaction(TENANT) as tx:
            made, _ = share(tx, self.author(0), ("purchase", "BAG", ""), Chance(b"a" * 16))
            for number in range(MANY):
                place = (self.author(0).program, made.code)
                visit(tx, Vault(MASTER_KEY, TENANT), place, (f"192.0.2.{number}", self.now))
            for number in range(1, MANY, 2):
                assert trace(tx, self.author(number), made.code) == "noted"
        return Counter({name(0): 2 * MANY + 50 * len(range(1, MANY, 2))})

    def seats(self) -> Counter[str]:
        """Let everybody want a seat, of whom some must wait; then it is called off."""
        came = self.come()
        self.ask(*(self._gift(parse_number("acc", one.account) or 0) for one in came))
        taken = self.ask(*(self._seat(number) for number in range(35)))
        assert all(one.problem is None for one in taken)
        program = self.loop.programs.load((TENANT, "club")).program
        for number in range(35, MANY):
            with self.database.transaction(TENANT) as tx:
                member = self.author(number).member_id
                join(tx, self.program_id, program.rewards["evening"], member, self.now)
        text = CLUB.replace("seats: 35,", "seats: 35, called_off: Rain,")
        with self.database.transaction(TENANT) as tx:
            new = NewDefinition(load_definition(text), text, "test", self.now)
            apply_definition(tx, new, make_ids())
        return Counter({name(number): 21 for number in range(MANY)})

    def _gift(self, account: int) -> AdjustBalance:
        return AdjustBalance(
            tenant_id=TENANT,
            program="club",
            received_at=self.now,
            account_id=account,
            wallet="luck",
            amount=20,
            reason="a start",
        )

    def _seat(self, number: int) -> RedeemReward:
        return RedeemReward(
            tenant_id=TENANT,
            program="club",
            received_at=self.now,
            member=parse_ref(name(number)),
            reward="evening",
        )

    def crowd(self) -> Counter[str]:
        """What `crowd_of` must come to, in the wallet `bonus`."""
        self.come()
        return Counter({name(number): 30 * (ROUNDS // 3) + 5 for number in range(CROWD)})

    @property
    def program_id(self) -> int:
        return self.loop.programs.load((TENANT, "club")).program_id

    def author(self, number: int) -> Author:
        vault, ref = Vault(MASTER_KEY, TENANT), parse_ref(name(number))
        program = self.loop.programs.load((TENANT, "club"))
        with self.database.transaction(TENANT) as tx:
            found = resolve(tx, vault, program.program_id, [ref])[ref]
            keys = load_keys(tx, vault, program.program_id, [found.member_id])
        account, key = keys[found.member_id]
        return Author(program.program_id, program.program, account, found.member_id, key, "", self.now)

    def due(self) -> None:
        """Do what is due, in this very process."""
        run_due_of(self.database, self.loop, TENANT, AFTER)

    def has(self, wallet: str = "points") -> Counter[str]:
        """What everybody has."""
        found: Counter[str] = Counter()
        vault = Vault(MASTER_KEY, TENANT)
        with self.database.transaction(TENANT) as tx:
            refs = [parse_ref(name(number)) for number in range(MANY + 1)]
            accounts = {
                one.account_id: ref.value for ref, one in resolve(tx, vault, self.program_id, refs).items()
            }
            query = "select account_id, available + pending from wallets where wallet = %s"
            for account, units in tx.execute(query, (wallet,)):
                found[accounts[account]] = int(units)
        return found

    def audit(self) -> list[object]:
        with self.database.transaction(TENANT) as tx:
            tx.execute("set transaction isolation level repeatable read, read only")
            return list(Audit(tx, Vault(MASTER_KEY, TENANT), now=AFTER).run())


def crowd_of(now: datetime) -> list[Command]:
    """Say what a crowd does at once: each takes part in a challenge, and buys until both brought a prize."""
    said: list[Command] = []
    for number in range(CROWD):
        key = f"join-{number}"
        once = Once("POST /join", key, hashlib.sha256(key.encode()).digest())
        said.append(
            JoinChallenge(
                tenant_id=TENANT,
                program="club",
                received_at=now,
                once=once,
                member=parse_ref(name(number)),
                challenge="joined",
            )
        )
    for turn in range(ROUNDS):
        said += [_order(now, f"c-{turn}-{number}", name(number)) for number in range(CROWD)]
    return said


def _order(now: datetime, order: str, member: str) -> IngestEvent:
    body = {
        "specversion": "1.0",
        "id": order,
        "source": "shop",
        "type": "order.paid",
        "time": now.isoformat(),
        "subject": member,
        "data": {"id": order, "lines": [{"id": "1", "sku": "A", "quantity": 1, "price": "10.00"}]},
    }
    return IngestEvent(tenant_id=TENANT, program="club", received_at=now, raw=json.dumps(body).encode())
