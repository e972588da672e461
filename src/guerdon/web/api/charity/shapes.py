"""What receipts and payouts look like on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from guerdon.web.api.shapes import Answered


class ProvedShape(Answered, frozen=True):
    """A transaction of the ledger that paid."""

    transaction: str
    proof: str
    """Where the proof is that it is in the signed log."""


class ReceiptShape(Answered, frozen=True):
    """What a member has of a donation."""

    receipt: str
    """A number that no other donation for this cause ever has."""
    redemption: str
    account: str
    member: str | None
    program: str
    """How people call the program."""
    given_on: date
    """The day on the program's clock."""
    cause: str
    name: str
    """How people call the cause."""
    charity: str | None
    currency: str
    given: str
    """Money of the member."""
    matched: str
    """Money that the shop put on top."""
    paid_with: Mapping[str, str]
    """Units by wallet; empty where a campaign gave it."""
    status: Literal["given", "paid_out", "given_back"]
    paid_out_at: datetime | None
    transactions: Sequence[ProvedShape]
    page: str | None = None
    """An address at which whoever has it sees and prints this receipt for a year; null without a member."""


class PayoutShape(Answered, frozen=True):
    """Money that was paid to a charity."""

    number: int
    state: Literal["closing", "paid"]
    given: str
    matched: str
    total: str
    donations: int
    reference: str | None
    begun_at: datetime
    begun_by: str
    paid_at: datetime | None


class DueShape(Answered, frozen=True):
    """What a period came to."""

    cause: str
    charity: str | None
    period: str
    """Such as `2026-10`, `2026-Q4` or `2026`."""
    starts_on: date
    ends_on: date
    """Its last day."""
    currency: str
    given: str
    matched: str
    total: str
    donations: int
    paid: str
    due: str
    """What is to be paid, once the period is over."""
    is_over: bool
    payouts: Sequence[PayoutShape]


class Dues(Answered, frozen=True):
    """What is due to charities, and what was paid."""

    data: Sequence[DueShape]
    next: str | None
