"""Bodies of calls about coupons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from guerdon.rules.coupons.codes import PREFIX_AT_MOST, SIZE_AT_MOST
from guerdon.web.api.shapes import Answered

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Written = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9][A-Z0-9-]*$", max_length=PREFIX_AT_MOST)]


class LimitShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How often codes can be used, all together: one of the four counts, in each period."""

    total: Count | None = None
    per_account: Count | None = None
    per_member: Count | None = None
    per_store: Count | None = None
    per: Literal["all_time", "year", "quarter", "month", "week", "day"] = "all_time"


class NewBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Codes that are wanted: `size` of them, or one `code` that everybody shares."""

    reward: Name
    name: Name | None = None
    """What people call it."""
    size: Annotated[int, msgspec.Meta(ge=1, le=SIZE_AT_MOST)] | None = None
    prefix: Written | None = None
    """What each code begins with, such as `SPRING-`; four letters are drawn where nothing is said."""
    code: Written | None = None
    """A shared code such as `WELCOME10`."""
    uses: Count | None = None
    """How often each code can be used: once for unique codes; no bound for shared ones and for money."""
    money: Decimal | None = None
    """Money on each code; each use takes what it gives."""
    per_account: Count | None = None
    per_member: Count | None = None
    total: Count | None = None
    per: Literal["all_time", "year", "quarter", "month", "week", "day"] = "all_time"
    limits: Annotated[tuple[LimitShape, ...], msgspec.Meta(max_length=12)] = ()
    """More limits, each with a period of its own."""
    channels: Annotated[tuple[Name, ...], msgspec.Meta(max_length=50)] = ()
    stores: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1_000)] = ()
    from_: datetime | None = None
    until: datetime | None = None
    """From this instant on it is over."""


class BatchShape(Answered, frozen=True):
    """A batch of codes, or a shared code."""

    id: str
    name: str
    reward: str
    code: str | None
    """The shared code."""
    prefix: str | None
    size: int | None
    uses: int | None
    money: str | None
    per_account: int | None
    per_member: int | None
    total: int | None
    per: str
    limits: Sequence[LimitShape]
    channels: Sequence[str]
    stores: Sequence[str]
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None


class Batches(Answered, frozen=True):
    """A page of batches and shared codes, newest first."""

    data: Sequence[BatchShape]
    next: str | None


class CouponShape(Answered, frozen=True):
    """What a code is good for."""

    code: str
    """As it was asked for."""
    good: bool
    """Whether it can be used now, by that member where one was named."""
    reason: str | None
    """Why not: `coupon_unknown`, `coupon_mistyped`, `coupon_is_gift_card`, `coupon_used`, `coupon_held`,
    `coupon_cancelled`, `coupon_expired`, `coupon_not_yet`, `coupon_revoked`, `coupon_of_another_member`,
    `coupon_needs_member`, `coupon_needs_store`, `limit_reached`, `other_channel`, `other_store`,
    `nothing_to_discount`."""
    detail: str | None
    """The same in a sentence."""
    kind: Literal["unknown", "granted", "unique", "shared"]
    reward: str | None = None
    discount: Mapping[str, Any] | None = None
    """What it takes off a cart, as the definition says."""
    batch: str | None = None
    account: str | None = None
    """Whose it is; null where anybody may use it."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    uses_left: int | None = None
    """Of this code alone; null where it has no bound of its own."""
    money_left: str | None = None
    limit: LimitShape | None = None
    """The limit that was reached."""
    free_at: datetime | None = None
    """When it begins anew; null where it never does."""


class Assigned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose a code is to be."""

    member: str
    """An id, or `card:…`, `email:…`, `phone:…`, `external:…`."""
