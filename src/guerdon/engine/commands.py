"""What the engine can be asked to do, and the job that a question becomes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from guerdon.base.ids import IdMaker
from guerdon.engine.answers import Answer
from guerdon.members.identities import Ref
from guerdon.members.profiles import Profile
from guerdon.rules.particulars import Covered
from guerdon.rules.sent import ReturnAsked


class Once(msgspec.Struct, frozen=True):
    """An Idempotency-Key: the same call twice is one call."""

    scope: str
    """Method and path."""
    key: str
    body_hash: bytes
    """SHA-256 of the body."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What every command says."""

    tenant_id: int
    program: str
    """The program's key."""
    received_at: datetime
    """The receiving instant, UTC: `booked_at` unless the command is historical."""
    once: Once | None = None
    bulk: bool = False
    """Whether others may go first."""


class IngestEvent(Command, frozen=True, kw_only=True):
    """Take in one CloudEvent."""

    raw: bytes
    """UTF-8 JSON of the event."""
    historical: bool = False
    """Book it at its own time, on an account that has no later history."""
    enrol: bool = False
    """Enrol a subject that is not known yet."""
    own: bool = False
    """Whether the engine's own rooms made it: nobody else may send events of these types and sources."""


class EnrolMember(Command, frozen=True, kw_only=True):
    """Enrol a person, or find who has that identity already."""

    profile: Profile


class ReturnOrder(Command, frozen=True, kw_only=True):
    """Something came back of an order that was paid."""

    asked: ReturnAsked
    source: str = ""
    """Whose order it is; empty where its id alone tells."""


class RedeemReward(Command, frozen=True, kw_only=True):
    """A member takes a reward."""

    member: Ref
    reward: str
    quantity: int = 1
    choice: str = ""
    by: str = ""
    """Who asks, as the audit trail names callers; so in all that becomes of a redemption."""
    covers: Covered | None = None
    """What a warranty is for."""


class CancelRedemption(Command, frozen=True, kw_only=True):
    """Take a redemption back."""

    redemption_id: int
    by: str = ""


class ChooseReward(Command, frozen=True, kw_only=True):
    """Say what is chosen of a reward that was given with its choice open."""

    redemption_id: int
    choice: str
    by: str = ""


class UseRedemption(Command, frozen=True, kw_only=True):
    """Mark a redemption as used."""

    redemption_id: int
    by: str = ""


class SendRedemption(Command, frozen=True, kw_only=True):
    """Note that a redemption is on its way."""

    redemption_id: int
    tracking: str = ""
    """Where to look for it; nothing that names a person."""
    by: str = ""


class JoinChallenge(Command, frozen=True, kw_only=True):
    """A member takes part in a challenge, for the account."""

    member: Ref
    challenge: str


class LeaveChallenge(Command, frozen=True, kw_only=True):
    """A member takes part in a challenge no longer."""

    member: Ref
    challenge: str


class AdjustBalance(Command, frozen=True, kw_only=True):
    """An operator adds or takes units."""

    account_id: int
    wallet: str
    amount: int
    """In the wallet's scale; negative takes."""
    reason: str


class GiveTier(Command, frozen=True, kw_only=True):
    """An operator gives a member's account a tier."""

    member: Ref
    ladder: str
    tier: str
    until: datetime | None = None
    """From this instant on it is given no more; None has no end."""
    reason: str
    by: str = ""
    """Who asks, as the audit trail names callers."""


class EndTier(Command, frozen=True, kw_only=True):
    """An operator takes a tier back that was given."""

    member: Ref
    ladder: str
    reason: str
    by: str = ""


class TransferUnits(Command, frozen=True, kw_only=True):
    """Move available units to another account, lot by lot."""

    account_id: int
    to_account: int
    wallet: str
    amount: int
    """In the wallet's scale, more than zero."""


class MergeAccounts(Command, frozen=True, kw_only=True):
    """Let one account go into another: all that it has, and whoever acts for it."""

    account_id: int
    into_account: int
    by: str = ""
    """Who asks, as the audit trail names callers."""
    reason: str = ""
    """Why, for the audit trail."""
    looks: bool = False
    """Whether it is only asked what would move: nothing is changed then."""


class IssueCards(Command, frozen=True, kw_only=True):
    """A shop or an operator makes gift cards with money on them."""

    amount: int
    """Minor units on each, more than zero."""
    count: int = 1
    expires_at: datetime | None = None
    """From this instant on the money is gone; None as the wallet says."""
    reason: str = ""


class TopUpCard(Command, frozen=True, kw_only=True):
    """More money comes onto a gift card."""

    card: int
    """The card's account."""
    amount: int
    """Minor units, more than zero."""
    expires_at: datetime | None = None
    reason: str = ""


class SetCardBlocked(Command, frozen=True, kw_only=True):
    """A gift card is blocked, because it was lost, or good again."""

    card: int
    """The card's account."""
    blocked: bool
    reason: str = ""


class ReplaceGiftCard(Command, frozen=True, kw_only=True):
    """A gift card whose code others know goes out of use: a new one has what was left."""

    card: int
    """The card's account."""
    reason: str = ""


class ClaimGiftCard(Command, frozen=True, kw_only=True):
    """Whoever knows a gift card's code has its money as store credit."""

    code: str
    """As typed."""
    member: Ref
    wallet: str = ""
    """Which wallet of store credit; empty where there is but one."""


class RunTick(Command, frozen=True, kw_only=True):
    """Book what time has done to an account."""

    account_id: int


class PreviewCart(Command, frozen=True, kw_only=True):
    """Price a cart and change nothing."""

    cart: bytes
    """UTF-8 JSON of the cart."""
    member: Ref | None
    """Who buys; None for a guest."""
    source: str = ""
    """Whose cart it is, such as a shop; empty where there is but one."""
    caller: str = ""
    """Who asks, such as an API key: what guests hold is bounded by caller."""


class OpenCheckout(PreviewCart, frozen=True, kw_only=True):
    """Open a checkout, or price it anew: what it promises is held."""

    id: str
    ttl: timedelta | None = None
    """How long it holds; None as the program says."""


class EndCheckout(Command, frozen=True, kw_only=True):
    """A command about a checkout that is there."""

    id: str
    source: str = ""


class ConfirmCheckout(EndCheckout, frozen=True, kw_only=True):
    """The order was paid: what is held is taken, and the order earns."""

    payments: bytes = b"[]"
    """UTF-8 JSON of the tenders that paid what was due."""
    member: Ref | None = None
    """Whose order it is, where that is said: the one for whom the checkout was opened."""


class CancelCheckout(EndCheckout, frozen=True, kw_only=True):
    """Let go of all that a checkout holds."""


class ReleaseHolds(Command, frozen=True, kw_only=True):
    """Let go of what has lapsed on counters that all accounts share."""

    counters: tuple[str, ...]
    """Their keys."""


class Sink(Protocol):
    """Who waits for answers."""

    def deliver(self, answers: Sequence[tuple[int, Answer]]) -> None:
        """Take answers, called by the loop's own thread.

        Args:
            answers: the place that was given with the command, and the answer.
        """


class Job:
    """A command on its way: it keeps its identifiers however often it is tried."""

    __slots__ = ("command", "event_ids", "place", "redemption_id", "settled", "sink")

    def __init__(self, command: Command, sink: Sink, place: int) -> None:
        """Make a job.

        Args:
            command: what is asked.
            sink: who waits for the answer.
            place: told to the sink with the answer.
        """
        self.command: Any = command
        self.sink = sink
        self.place = place
        self.event_ids: tuple[UUID, ...] = ()
        self.redemption_id = 0
        self.settled: Any = None
        """What a first try came to that must leave nobody enrolled: an answer, or a fault of ours."""

    def name(self, ids: IdMaker) -> None:
        """Give the job its identifiers, once.

        Args:
            ids: the maker of the loop's thread.
        """
        if self.event_ids:
            return
        self.event_ids = (
            (ids.uuid(), ids.uuid())
            if isinstance(self.command, TransferUnits | MergeAccounts | EnrolMember)
            else (ids.uuid(),)
        )
        if isinstance(self.command, RedeemReward):
            self.redemption_id = ids.number()


class Apart(Exception):  # noqa: N818 - not an error: the batch is cut here
    """A command needs what an earlier one of its very batch writes: that has to be committed first."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at
        """The place of the command in the batch."""
