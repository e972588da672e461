"""What a batch comes to: states, decisions to be stored, answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from guerdon.circles.referrals import Referral
from guerdon.engine.answers import Answer
from guerdon.engine.checkouts.rows import CheckoutRow
from guerdon.engine.commands import Job
from guerdon.engine.gather import Gathered
from guerdon.engine.intake import Item
from guerdon.engine.keys import KnownCall, Pair
from guerdon.engine.returns.rows import ReturnRow
from guerdon.members.accounts import AccountRow
from guerdon.members.merging.moving import Merge
from guerdon.rewards.cards import CardRow
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.decision import Decision, Returned
from guerdon.rules.events import Event
from guerdon.rules.state import AccountState, Hold, HoldKey


class LotsMissing(Exception):  # noqa: N818 - not an error: more has to be read
    """Time changes a wallet in the middle of the batch, and its lots were not read."""

    def __init__(self, account_id: int) -> None:
        super().__init__(account_id)
        self.account_id = account_id


class CardMade(NamedTuple):
    """A gift card that is new."""

    account_id: int
    amount: int
    """Minor units."""
    redemption_id: int | None
    expires_at: datetime | None
    replaces: int | None = None
    """The account of the card whose place it takes."""


class Applied:
    """One event that was decided and is to be stored."""

    __slots__ = (
        "account_id",
        "body",
        "body_hash",
        "decision",
        "event",
        "event_id",
        "first_seq",
        "item",
        "public",
        "redemptions",
        "transaction_ids",
    )

    def __init__(self, item: Item, event_id: UUID, event: Event, decision: Decision) -> None:
        self.item = item
        self.event_id = event_id
        self.event = event
        self.decision = decision
        self.account_id = item.account_id
        self.first_seq = 0
        self.transaction_ids: tuple[UUID, ...] = ()
        self.body = b""
        self.body_hash: bytes | None = None
        self.public: bytes | None = None
        self.redemptions: list[Redemption] = []


class Folded:
    """What a batch came to."""

    __slots__ = (
        "accounts",
        "answers",
        "applied",
        "calls",
        "cards",
        "checkouts",
        "failed",
        "invited",
        "made_cards",
        "merges",
        "next_seq",
        "opened",
        "returned",
        "returns",
        "shared",
        "shared_holds",
        "statuses",
    )

    def __init__(self, gathered: Gathered) -> None:
        self.accounts: dict[int, AccountState] = dict(gathered.accounts)
        self.shared: Mapping[str, Decimal] = gathered.shared
        self.shared_holds: Mapping[HoldKey, Hold] = gathered.shared_holds
        self.checkouts: dict[Pair, CheckoutRow] = dict(gathered.checkouts)
        self.next_seq = {account_id: row.next_seq for account_id, row in gathered.rows.items()}
        self.applied: list[Applied] = []
        self.answers: list[tuple[Job, Answer]] = []
        self.calls: dict[Pair, tuple[KnownCall, datetime]] = {}
        """First answers to calls with an Idempotency-Key, and when they were made."""
        self.returned: dict[UUID, tuple[Returned, ...]] = {}
        """What came back of orders, by the event that paid, where this batch added to it."""
        self.returns: list[ReturnRow] = []
        self.failed: list[tuple[Item, Exception]] = []
        """Commands that a fault of ours kept from being decided."""
        self.statuses: dict[int, Redemption] = dict(gathered.redemptions)
        """Redemptions as they stand now."""
        self.cards: dict[int, CardRow] = dict(gathered.cards)
        """Gift cards as they stand now, by account."""
        self.opened: dict[int, tuple[AccountRow, AccountState]] = {}
        """Accounts that are new in this batch, as they were before anything came into them."""
        self.merges: list[tuple[Merge, str, str]] = []
        """Accounts that went into others, with all that hangs on them, who asked for it, and why."""
        self.invited: list[Referral] = []
        """Newcomers whom somebody invited."""
        self.made_cards: dict[int, list[CardMade]] = {}
        """Gift cards that jobs made, by the job."""


def settle_unwelcome(gathered: Gathered, folded: Folded) -> bool:
    """Find whom this batch enrolled without applying anything of them: a refusal must leave nobody behind.

    Args:
        gathered: with its items; their jobs keep what they came to.
        folded: what the batch came to.

    Returns:
        Whether there are any; the batch must be rolled back then and tried again.
    """
    kept = {one.account_id for one in folded.applied}
    unwelcome = {item.account_id for item in gathered.items if item.is_new and item.account_id not in kept}
    if not unwelcome:
        return False
    of_jobs = {id(item.job): item for item in gathered.items if item.account_id in unwelcome}
    for job, answer in folded.answers:
        one = of_jobs.get(id(job))
        # Who was a member already, by what was refused just before, is none: that is asked once more.
        if one is not None and (one.is_new or answer.problem is not None):
            job.settled = answer
    for item, fault in folded.failed:
        if id(item.job) in of_jobs:
            item.job.settled = fault
    return True
