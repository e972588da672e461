"""What was decided: effects, refusals with their reasons, and the ledger transactions that carry them out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from guerdon.rules.particulars import NOTHING_FIXED, Particulars
from guerdon.rules.state import Lot

Book = Literal["member", "issued", "redeemed", "expired", "adjusted", "transit", "converted", "owed"]
"""Whose side of the ledger: the member's lots, or one of the program's own accounts."""

TransactionKind = Literal[
    "award", "redeem", "cancel", "expire", "adjust", "send", "receive", "convert", "return", "repay", "merge"
]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of a transaction."""

    book: Book
    amount: int
    """In the wallet's scale; what a member gets is positive on `member` and negative on the other book."""
    available_at: datetime | None = None
    """With `expires_at` the lot, on `member` entries."""
    expires_at: datetime | None = None
    source: str = ""
    """What caused it: a campaign's or reward's key, or empty."""


class Transaction(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A balanced set of entries in one wallet."""

    kind: TransactionKind
    wallet: str
    effective_at: datetime
    """When it holds from: the fact's own time, or the lot's expiry."""
    entries: tuple[Entry, ...]
    """Their amounts sum to zero."""
    redemption_id: int | None = None
    reason: str = ""
    other_account: int | None = None


class Skip(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A campaign that did not act, and why."""

    campaign: str
    reason: str
    """Such as `condition_false`, `limit_reached`, `budget_spent`, `earning_limit`, `expression_error` or
    `out_of_schedule`."""
    detail: str = ""


class Effect(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that a campaign did."""

    campaign: str
    kind: Literal["award", "multiply", "redeem", "grant", "badge", "discount", "pay", "note", "ticket"]
    wallet: str = ""
    amount: int = 0
    """Units in the wallet's scale, for `award` and `pay`; minor units of money, for `discount`."""
    factor: Decimal | None = None
    reward: str = ""
    redemption_id: int | None = None
    code: str = ""
    badge: str = ""
    spent: Mapping[str, int] = {}
    """Units by wallet in its scale, for `redeem`."""
    cut: int = 0
    """Units of an `award` that a limit of earning kept away, in the wallet's scale."""
    limit: str = ""
    """Which limit: `per_event`, `per_day` and so on, or `balance`."""
    card: int = 0
    """The account of the gift card that paid, for `pay`."""
    draw: str = ""
    """Identity of the draw, for `ticket`; its number is the amount."""
    prize: int = 0
    """Place of the prize that the ticket won at once, from 1."""
    lot: str = ""
    """What was drawn for it at once, 64 hex digits."""


class NewRedemption(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A taking of a reward, to be stored."""

    redemption_id: int
    reward: str
    kind: str
    quantity: int
    price: Mapping[str, int]
    """Units paid by wallet, for all of the quantity."""
    code: str
    campaign: str
    """The campaign that granted or redeemed it, or empty where a member did."""
    expires_at: datetime | None
    choice: str = ""
    particulars: Particulars = NOTHING_FIXED


class Shortfall(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was promised, or is owed, and could not be had."""

    kind: Literal["units", "limit", "coupon", "reward", "discount", "gift_card", "checkout"]
    name: str
    """The wallet, gift card or counter, the redemption of a coupon or of what was given, the reward, or the
    checkout's id."""
    amount: Decimal
    """How much is missing: whole units of the wallet, what the counter counts, or pieces."""
    reason: str
    """A stable code, such as `insufficient_units` or `limit_reached`."""


class TierChange(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An account moved on a ladder."""

    ladder: str
    before: str
    after: str
    at: datetime
    cause: Literal["reached", "review", "definition", "returned", "merged", "grace", "given", "ended"]
    """`grace` where a review leaves it for a while; `given` by an operator, until it `ended`."""
    direction: Literal["up", "down", "kept"] = "up"


class Reached(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A prize of a challenge that an account reached."""

    challenge: str
    round: int
    """The how-manieth prize of the account's, from 1."""
    window: str
    """First day of the window of the metric in which it was reached."""
    value: Decimal
    """The metric's, or how many steps are done."""
    goal: Decimal


class ReturnedLine(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What came back of a line, and the money that goes with it in minor units."""

    id: str
    quantity: Decimal
    net: int
    """After discounts, as priced."""
    tax: int
    total: int
    """What was charged for it, tax included."""


class UnitsUndone(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a return did to a wallet, in its scale."""

    wallet: str
    taken: int = 0
    """What the order had brought and does not bring any more."""
    given_back: int = 0
    """What had paid for it."""
    debt: int = 0
    """The part of `taken` that was not there any more, and is owed."""
    expired: int = 0
    """What the order had brought and time took: it is neither taken nor owed."""
    own: tuple[int, ...] = ()
    """Of `taken`, what was still in each of the lots that the order's awards had gone to, in their order."""


class Undone(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Something that does not divide, and was undone, or would have been."""

    kind: Literal["reward", "badge", "limit", "coupon", "challenge", "ticket"]
    campaign: str = ""
    reward: str = ""
    badge: str = ""
    redemption_id: int | None = None
    code: str = ""
    """Of a coupon that is no redemption."""
    kept: str = ""
    """Why it could not be undone, such as `redemption_used`; it is not tried again."""


class TenderBack(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one way of paying has of a refund."""

    kind: str
    """`points`, `store_credit`, `gift_card`, or `rest` for what the shop was paid otherwise."""
    amount: int
    """Minor units."""
    card: int = 0
    """The account of the gift card that had paid it."""
    wallet: str = ""
    """The wallet in which it comes back, for what a card had paid."""
    lots: tuple[Lot, ...] = ()
    """What comes back onto the card, `remaining` being how much."""
    checkout: str = ""
    """The checkout in which the card had paid, a UUID as text."""


class Returned(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What came back of an order, and what that undid."""

    id: str
    order: str
    """The order's id at its source."""
    order_event: str
    """The event that paid it, a UUID as text."""
    lines: tuple[ReturnedLine, ...] = ()
    shipping: int = 0
    """Minor units, before tax."""
    shipping_tax: int = 0
    with_shipping: bool = False
    is_last: bool = False
    """Whether nothing of the order is left."""
    units: tuple[UnitsUndone, ...] = ()
    undone: tuple[Undone, ...] = ()
    tenders: tuple[TenderBack, ...] = ()
    """What each way of paying has of the refund, where a checkout had taken any."""

    @property
    def net_minor(self) -> int:
        """Merchandise that came back, after discounts, in minor units."""
        return sum(line.net for line in self.lines)


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The whole answer to one event. A refusal has a problem, and then nothing else."""

    version: int
    effects: tuple[Effect, ...] = ()
    skipped: tuple[Skip, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    redemptions: tuple[NewRedemption, ...] = ()
    chosen: tuple[NewRedemption, ...] = ()
    """Redemptions of which something was chosen: what they are from now on, under the numbers they had."""
    cancelled: tuple[int, ...] = ()
    """Redemptions taken back."""
    restored: tuple[int, ...] = ()
    """Redemptions whose coupons were used, and can be used again."""
    used: tuple[int, ...] = ()
    """Redemptions whose coupons an order used up."""
    drawn: tuple[tuple[str, Decimal], ...] = ()
    """What an order took for its discounts: counters, and how much of each."""
    shortfalls: tuple[Shortfall, ...] = ()
    tier_changes: tuple[TierChange, ...] = ()
    badges: tuple[str, ...] = ()
    reached: tuple[Reached, ...] = ()
    """Prizes of challenges that became due."""
    late: bool = False
    inputs: Mapping[str, Any] = {}
    """What the campaigns' expressions read, by path: texts, lists and maps of them; no personal values."""
    personal: tuple[str, ...] = ()
    """Paths of the personal values that they read and that were there: the person's own record has them."""
    counted: Mapping[str, Decimal] = {}
    """What metrics counted that read what is known about people, by metric; others can be counted again."""
    kept: Mapping[str, tuple[str, ...]] = {}
    """The same of metrics that are no sums: what they kept of the event, by metric."""
    returned: Returned | None = None
    """What a return undid."""
    left: Mapping[str, Decimal] = {}
    """What limits, budgets and stock had left when they were first looked at, by counter (`rules.limits`)."""
    held: Mapping[str, int] = {}
    """Units that other open checkouts held then, by wallet in its scale."""
    mark: str = ""
    """Shows that `left` and `held` are as they were stored."""
    problem_code: str = ""
    problem_pointer: str = ""
    """JSON pointer to the wrong place of what was asked, where there is one."""
    problem_detail: str = ""

    @property
    def ended(self) -> tuple[Shortfall, ...]:
        """The checkouts of other members that ended with the order, whose they cannot become any more."""
        return tuple(one for one in self.shortfalls if one.kind == "checkout")

    def ending(self, ended: tuple[Shortfall, ...]) -> Decision:
        """Add the checkouts that ended with the order: they bear on nothing that was decided.

        Args:
            ended: of other members.

        Returns:
            The decision with them.
        """
        return msgspec.structs.replace(self, shortfalls=self.shortfalls + ended) if ended else self
