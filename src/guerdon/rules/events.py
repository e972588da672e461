"""What can happen to an account, in the form that `step` decides upon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.rules.contents import Contents
from guerdon.rules.decision import Decision, NewRedemption, Returned
from guerdon.rules.limits import Draw
from guerdon.rules.lives import LifeKey, LotLife
from guerdon.rules.orders import Order
from guerdon.rules.particulars import NOTHING_FIXED, Covered, Particulars
from guerdon.rules.program import Program
from guerdon.rules.sent import ReturnAsked
from guerdon.rules.state import Lot

LEFT = "guerdon.leave"
"""An account goes into another one."""
ARRIVED = "guerdon.take_in"
"""All that an account had arrives at another one."""


class Redeem(msgspec.Struct, frozen=True):
    """A member takes a reward."""

    redemption_id: int
    reward: str
    quantity: int = 1
    choice: str = ""
    by: str = ""
    """Who asked for it, as the audit trail names callers."""
    covers: Covered | None = None
    """What a warranty is for."""


class CancelRedemption(msgspec.Struct, frozen=True):
    """A redemption is taken back and its units return."""

    redemption_id: int
    reward: str
    quantity: int
    spent: Mapping[str, tuple[Lot, ...]]
    """By wallet: the units that were taken, `remaining` being how many from that lot."""
    taken_at: datetime | None = None
    """When it was taken: the limits of that period are freed. None means now."""
    member_id: int | None = None
    """Who took it; None where the account itself did."""
    by: str = ""
    """Who takes it back."""
    choice: str = ""
    particulars: Particulars = NOTHING_FIXED


class Choose(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something is chosen of a reward that was given with its choice open."""

    redemption_id: int
    reward: str
    quantity: int
    choice: str
    taken_at: datetime
    """When the reward was given."""
    member_id: int | None = None
    """To whom; None where that was the account itself."""
    campaign: str = ""
    """Which campaign gave it, or empty."""
    price: Mapping[str, int] = {}
    """What was paid for it, by wallet in its scale."""
    code: str = ""
    expires_at: datetime | None = None
    particulars: Particulars = NOTHING_FIXED
    by: str = ""
    """Who chooses."""


class JoinChallenge(msgspec.Struct, frozen=True):
    """An account takes part in a challenge from now on."""

    challenge: str


class LeaveChallenge(msgspec.Struct, frozen=True):
    """An account takes part in a challenge no longer."""

    challenge: str


class Use(msgspec.Struct, frozen=True):
    """A redemption is used; nothing is decided about it."""

    redemption_id: int
    by: str = ""


class Send(msgspec.Struct, frozen=True):
    """A redemption is on its way; nothing is decided about it."""

    redemption_id: int
    tracking: str = ""
    by: str = ""


class Adjust(msgspec.Struct, frozen=True):
    """An operator adds or takes units, for a reason."""

    wallet: str
    amount: int
    """In the wallet's scale; negative takes."""
    reason: str


class GiveTier(msgspec.Struct, frozen=True, omit_defaults=True):
    """An operator gives a tier, for a reason."""

    ladder: str
    tier: str
    until: datetime | None = None
    """From this instant on it is given no more; None has no end."""
    reason: str = ""
    by: str = ""
    """Who gives it, as the audit trail names callers."""


class EndTier(msgspec.Struct, frozen=True, omit_defaults=True):
    """An operator takes a tier back that was given, for a reason."""

    ladder: str
    reason: str = ""
    by: str = ""
    """Who takes it back."""


class SendUnits(msgspec.Struct, frozen=True):
    """Units leave for another account."""

    wallet: str
    amount: int
    """In the wallet's scale, more than zero."""
    to_account: int


class ReceiveUnits(msgspec.Struct, frozen=True):
    """Units arrive from another account, lot by lot with their dates."""

    wallet: str
    lots: tuple[Lot, ...]
    from_account: int


class LeaveFor(msgspec.Struct, frozen=True):
    """All that an account has goes to another one, into which it is merged."""

    to_account: int
    arrives: str
    """The event with which it arrives there, a UUID as text."""


class TakeIn(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that another account had arrives."""

    from_account: int
    left: str
    """The event with which it left, a UUID as text."""
    contents: Contents = Contents()
    redemptions: tuple[Any, ...] = ()
    """Those of the other account as they stood, each as its row in JSON; they are this account's now."""


class Tick(msgspec.Struct, frozen=True):
    """Time has passed: book what it has done."""


class LoadCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """Money comes onto a gift card, which may be new."""

    wallet: str
    amount: int
    """Minor units, more than zero."""
    expires_at: datetime | None = None
    """From this instant on it is gone; None as the wallet says."""
    redemption_id: int | None = None
    """The redemption that the card is."""
    account: int | None = None
    """Whose redemption it is."""
    reason: str = ""
    opens: bool = False
    """Whether the card is new."""


class PayWithCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order takes of a gift card what its checkout promised."""

    checkout: str
    """The checkout's id, a UUID as text."""
    wallet: str
    units: int
    """Minor units that were promised."""
    account: int = 0
    """Whose order it is; 0 for a guest's."""


class RefundCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a gift card paid of an order that comes back is put on it again."""

    wallet: str
    lots: tuple[Lot, ...]
    """With their expiry, `remaining` being what is given back of each."""
    checkout: str
    """The checkout in which the card paid, a UUID as text."""
    returned: str
    """The event of the return, a UUID as text."""
    account: int = 0
    """Whose order it was; 0 for a guest's."""
    card: int = 0
    """The card that paid, where this one took its place; 0 where it is this one."""


class EmptyCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """The redemption that a card is was taken back: its money goes, and it is blocked."""

    wallet: str
    redemption_id: int


class BlockCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A gift card is blocked, or good again."""

    blocked: bool
    reason: str = ""


class ClaimCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """The money on a gift card becomes somebody's store credit, lot by lot."""

    wallet: str
    into: str
    """The wallet of store credit."""
    to_account: int


class ReplaceCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that can be spent of a gift card goes to a new one, which takes its place; this one is blocked."""

    wallet: str
    to_account: int
    """The new card's."""
    reason: str = ""


class TakePlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """A new gift card takes the place of another one, with its lots as they were."""

    wallet: str
    lots: tuple[Lot, ...]
    from_account: int
    """The other card's."""
    redemption_id: int | None = None
    """The redemption that the card is, as the other one was."""
    account: int | None = None
    """Whose redemption it is."""


class CardPaid(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one gift card pays of an order."""

    account: int
    """The card's."""
    wallet: str
    units: int
    """Minor units that were promised."""
    lots: tuple[Lot, ...] = ()
    """What was taken of each lot, `remaining` being how much; empty until the order is paid."""
    event: str = ""
    """The card's event in which it was taken, a UUID as text."""
    reason: str = ""
    """Why not all of it was to be had."""

    @property
    def had(self) -> int:
        """Minor units that were taken."""
        return sum(lot.remaining for lot in self.lots)


class Promised(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reward that comes with a cart, for its price."""

    redemption_id: int
    reward: str
    price: Mapping[str, int] = {}
    """What it costs, by wallet in its scale; empty for what the reward costs everybody."""


class Discounted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one campaign or coupon took off a cart."""

    campaign: str
    """The campaign's key; empty for a coupon."""
    amount: int
    """Minor units, more than zero."""
    reward: str = ""
    """The coupon's reward."""
    code: str = ""
    redemption_id: int | None = None
    """The coupon's redemption, where it is one."""
    owner: str = ""
    """Under which name a code of a batch draws from limits."""
    place: int = 0
    """The code's number in its batch."""


class Capture(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a checkout promised and its order now takes, held until then."""

    checkout: str
    """The checkout's id, a UUID as text."""
    version: int
    """The program's version that priced the cart: its campaigns decide upon the order as well."""
    draws: tuple[tuple[Draw, Decimal], ...] = ()
    """Limits, budgets and stock: each counter, and how much of it."""
    units: Mapping[str, int] = {}
    """What pays a part of what is due: units by wallet in its scale."""
    coupons: tuple[int, ...] = ()
    """Redemptions whose coupons are used up."""
    gone: tuple[tuple[int, str], ...] = ()
    """Redemptions whose coupons were lost before the order came, and the code that says why."""
    rewards: tuple[Promised, ...] = ()
    discounts: tuple[Discounted, ...] = ()
    only_reports: bool = False
    """Whether it came too late: nothing is taken, and all that was promised is reported."""
    cards: tuple[CardPaid, ...] = ()
    """What gift cards pay, each from its own account."""
    tiers: Mapping[str, str] = {}
    """The tiers with which it was priced, by ladder; a late order is decided with those of its own time."""


class TakeCapture(msgspec.Struct, frozen=True):
    """An order that is known already gets what its checkout promised."""

    capture: Capture
    order: str = ""
    """The event that paid the order, a UUID as text."""


class PriceCart(msgspec.Struct, frozen=True):
    """A cart is priced (`rules.checkout`); it is no event of the account."""

    rewards: tuple[str, ...] = ()
    """Rewards that the cart takes, and those that its coupons stand for."""
    draws: tuple[Draw, ...] = ()
    """Counters of its codes."""


class PaidOrder(msgspec.Struct, frozen=True):
    """An order as it was paid, with all that was decided on it."""

    event_id: str
    """A UUID as text."""
    program: Program
    """The version that decided."""
    event: Event
    """As it was decided upon."""
    decision: Decision
    member_id: int | None
    """Who bought; None for a guest."""
    earlier: tuple[Returned, ...] = ()
    """What came back of it before."""
    captures: tuple[tuple[Capture, Decision], ...] = ()
    """What a checkout took for it: with the order itself, or after it was known."""
    redemptions: Mapping[int, str] = {}
    """How the redemptions that it made or used stand: `issued`, `sent`, `used` or `cancelled`."""
    priced_by: Mapping[int, Program] = {}
    """The versions that priced its carts, by number; without one it was the version that decided."""
    fresh: frozenset[str] = frozenset()
    """Checkouts that took something for it after the last return: nothing of that was undone yet."""
    is_guests: bool = False
    """Whether nobody earned by it; what its checkout took may be a member's yet."""
    lives: Mapping[LifeKey, LotLife] = {}
    """What became of the lots that its awards are in, where they may have expired."""
    chosen: Mapping[int, NewRedemption] = {}
    """What was chosen since of redemptions that it made, by number: what these are now."""
    warranties: tuple[CancelRedemption, ...] = ()
    """Warranties that the account took for its lines, each as what would take it back."""


class ReturnOrder(msgspec.Struct, frozen=True):
    """A part of an order comes back, or all of it."""

    asked: ReturnAsked
    paid: PaidOrder | None = None
    """As gathered."""


Command = (
    Redeem
    | ReturnOrder
    | CancelRedemption
    | Choose
    | JoinChallenge
    | LeaveChallenge
    | GiveTier
    | EndTier
    | Use
    | Send
    | Adjust
    | SendUnits
    | ReceiveUnits
    | LeaveFor
    | TakeIn
    | Tick
    | TakeCapture
    | PriceCart
    | LoadCard
    | PayWithCard
    | RefundCard
    | EmptyCard
    | BlockCard
    | ClaimCard
    | ReplaceCard
    | TakePlace
)


class Event(msgspec.Struct, frozen=True):
    """An immutable fact, or a command, about one account."""

    type: str
    """Event type such as `order.paid`; commands use `guerdon.` and their name."""
    occurred_at: datetime
    """Dates the fact: schedules, windows, limit periods, the start of pending and expiry. UTC."""
    booked_at: datetime
    """Judges what is available. UTC."""
    source: str = ""
    id: str = ""
    channel: str = ""
    store: str = ""
    order: Order | None = None
    data: Mapping[str, Any] = {}
    """A custom event's data, numbers as exact decimals."""
    command: Command | None = None
    capture: Capture | None = None
    """What the checkout promised that this order confirms."""

    @property
    def captured(self) -> Capture | None:
        """What a checkout promised and is taken now, with the order or after it."""
        return self.command.capture if isinstance(self.command, TakeCapture) else self.capture

    @property
    def frees(self) -> str:
        """The checkout whose holds on the account end with this event; empty for none."""
        if isinstance(self.command, PayWithCard):
            return self.command.checkout
        taken = self.captured
        return taken.checkout if taken is not None else ""


def asked_by(event: Event) -> str:
    """Tell who asked for what happened.

    Args:
        event: a fact or a command.

    Returns:
        As the audit trail names callers; empty for facts, and where nobody said so.
    """
    command = event.command
    return command.by if isinstance(command, Redeem | CancelRedemption | Choose | Use | Send) else ""
