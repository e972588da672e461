"""A code as it stands: what it is for, what it draws from, and why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

import msgspec

from guerdon.base.calendar import Period, period_end
from guerdon.base.ids import number_text
from guerdon.rules.limits import Draw, Limits, store_draw, use_draws

_ONE, _NOTHING = Decimal(1), Decimal(0)

REASONS = {
    "coupon_unknown": "no such code was given out",
    "coupon_mistyped": "a letter of this code is wrong: type it again",
    "coupon_is_gift_card": "this is the code of a gift card: name it in `gift_cards`, not in `coupons`",
    "coupon_used": "this code is used up, or an open cart holds it",
    "coupon_held": "an open cart holds this code",
    "coupon_cancelled": "this coupon was given back",
    "coupon_expired": "the time of this code is over",
    "coupon_not_yet": "the time of this code has not come",
    "coupon_revoked": "this code was revoked",
    "coupon_of_another_member": "this code is another member's",
    "coupon_needs_member": "this code is for members: say who buys",
    "coupon_needs_store": "this code is counted by store: say in which one",
    "coupon_given_twice": "this code stands in the cart already",
    "limit_reached": "this code cannot be used more often in this period",
    "other_channel": "this code is for another channel",
    "other_store": "this code is for another store",
    "nothing_to_discount": "the reward takes nothing off a cart",
}
"""Why a code cannot be used, in a sentence for people."""


Limited = Literal["total", "per_account", "per_member", "per_store"]
LIMITED: Final[tuple[Limited, ...]] = ("total", "per_account", "per_member", "per_store")


class UseLimit(msgspec.Struct, frozen=True):
    """How often the codes of a batch can be used, all together, in each period."""

    of: Limited
    at_most: int
    per: Period = "all_time"

    def draw(self, owner: str, member_id: int | None, day: date, store: str) -> Draw:
        """Give the counter that one use draws 1 from.

        Args:
            owner: under which name the batch draws.
            member_id: who buys, or None.
            day: local day of the use.
            store: where; empty where nothing is said.

        Returns:
            The counter with its bound.
        """
        bound = Decimal(self.at_most)
        if self.of == "per_store":
            return store_draw(owner, store, bound, (self.per, day))
        limits = Limits(
            per_account=bound if self.of == "per_account" else None,
            per_member=bound if self.of == "per_member" else None,
            total=bound if self.of == "total" else None,
            per=self.per,
        )
        return use_draws(limits, owner, member_id, day)[0]

    def said(self, day: date) -> str:
        """Say it to people.

        Args:
            day: local day on which it was met.

        Returns:
            A sentence with the day on which uses begin anew.
        """
        times = {1: "once", 2: "twice"}.get(self.at_most, f"{self.at_most} times")
        whose = {"total": " in all", "per_account": " for an account", "per_member": " by a member"}
        said = f"this code can be used {times}{whose.get(self.of, ' in a store')}"
        if self.per == "all_time":
            return said
        return f"{said} in one {self.per}: again from {period_end(self.per, day).isoformat()} on"


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """On what terms the codes of a batch are used."""

    uses: int | None = 1
    """How often each code; None where only the other limits count."""
    money: Decimal | None = None
    """Money on each code, in whole units of the currency, of which each use takes what it gives."""
    per_account: int | None = None
    per_member: int | None = None
    total: int | None = None
    """Of all codes together."""
    per: Period = "all_time"
    """The period in which those three count."""
    limits: tuple[UseLimit, ...] = ()
    """More of them, each with its own period."""
    channels: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()

    @property
    def needs_member(self) -> bool:
        """Whether nobody can use it without saying who he is."""
        return any(one.of in ("per_account", "per_member") for one in self.counted)

    @property
    def needs_store(self) -> bool:
        """Whether nobody can use it without saying where."""
        return any(one.of == "per_store" for one in self.limits)

    @property
    def counted(self) -> tuple[UseLimit, ...]:
        """All that limits how often the codes are used, all together."""
        first = (
            UseLimit("per_account", self.per_account or 0, self.per),
            UseLimit("per_member", self.per_member or 0, self.per),
            UseLimit("total", self.total or 0, self.per),
        )
        return (*(one for one in first if one.at_most), *self.limits)


class KnownCode(msgspec.Struct, frozen=True):
    """One code of a batch, or a shared one, as gathered."""

    batch_id: int
    place: int
    """Its number in the batch; 0 for a shared code."""
    reward: str
    terms: Terms
    problem: str = ""
    """`coupon_mistyped` or `coupon_revoked`, whoever asks; empty where neither is so."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """From this instant on it is over."""
    account_id: int | None = None
    """Whose it is; None where anybody may use it."""

    @property
    def owner(self) -> str:
        """Under which name it draws from limits."""
        return f"coupon/{number_text('cpb', self.batch_id)}"

    @property
    def money(self) -> Draw | None:
        """The counter of what has been taken of the money on it."""
        money = self.terms.money
        return None if money is None else Draw(f"{self.owner}/money/{self.place}", money, shared=True)

    def uses(self, member_id: int | None, day: date, store: str = "") -> tuple[Draw, ...]:
        """List the counters that one use draws 1 from.

        Args:
            member_id: who buys, or None.
            day: local day of the use, which chooses the period.
            store: where; empty where nothing is said.

        Returns:
            The code's own first, where it has a bound.
        """
        common = tuple(draw for _, draw in self.counted(member_id, day, store))
        if self.terms.uses is None:
            return common
        own = Draw(f"{self.owner}/code/{self.place}", Decimal(self.terms.uses), shared=True)
        return (own, *common)

    def counted(self, member_id: int | None, day: date, store: str) -> Iterator[tuple[UseLimit, Draw]]:
        """List what limits the uses of all codes together.

        Args:
            member_id: who buys, or None.
            day: local day of the use.
            store: where; empty where nothing is said.

        Yields:
            Each limit, and its counter.
        """
        for limit in self.terms.counted:
            yield limit, limit.draw(self.owner, member_id, day, store)


def granted_money(number: int, money: Decimal) -> Draw:
    """Give the counter of what has been taken of a granted coupon's money.

    Args:
        number: of its redemption.
        money: what was on it, in whole units of the currency.

    Returns:
        The counter, its account's own.
    """
    return Draw(f"redemption/{number}/money", money, shared=False)


class Asking(msgspec.Struct, frozen=True):
    """Who wants to use a code, where and when."""

    account_id: int
    """0 for a guest."""
    member_id: int | None
    channel: str
    """Empty where nothing is said."""
    store: str
    now: datetime
    day: date
    """The local day."""


def why_not_granted(
    status: str, expires_at: datetime | None, now: datetime, *, is_another: bool, is_held: bool
) -> str:
    """Say why a coupon that was granted to somebody cannot be used.

    Args:
        status: of its redemption.
        expires_at: from when on it is over.
        now: the instant.
        is_another: whether somebody else than its owner wants to use it.
        is_held: whether an open cart holds it.

    Returns:
        One of `REASONS`, empty where it can.
    """
    if is_another:
        return "coupon_of_another_member"
    if status in ("used", "cancelled"):
        return f"coupon_{status}"
    if expires_at is not None and expires_at <= now:
        return "coupon_expired"
    return "coupon_held" if is_held else ""


def why_not(code: KnownCode, asking: Asking, room: Callable[[Draw], Decimal]) -> str:
    """Say why a code cannot be used.

    Args:
        code: as it stands.
        asking: who wants to use it.
        room: how much a counter has left.

    Returns:
        One of `REASONS`, empty where it can.
    """
    return code.problem or _not_now(code, asking) or _not_here(code, asking) or _no_more(code, asking, room)


def _not_now(code: KnownCode, asking: Asking) -> str:
    if code.starts_at is not None and asking.now < code.starts_at:
        return "coupon_not_yet"
    return "coupon_expired" if code.ends_at is not None and code.ends_at <= asking.now else ""


def _not_here(code: KnownCode, asking: Asking) -> str:
    terms = code.terms
    if code.account_id is not None and code.account_id != asking.account_id:
        return "coupon_of_another_member" if asking.account_id else "coupon_needs_member"
    if terms.needs_member and not asking.account_id:
        return "coupon_needs_member"
    if terms.needs_store and not asking.store:
        return "coupon_needs_store"
    if terms.channels and asking.channel not in terms.channels:
        return "other_channel"
    return "other_store" if terms.stores and asking.store not in terms.stores else ""


def _no_more(code: KnownCode, asking: Asking, room: Callable[[Draw], Decimal]) -> str:
    money = code.money
    if money is not None and room(money) <= _NOTHING:
        return "coupon_used"
    uses = code.uses(asking.member_id, asking.day, asking.store)
    if code.terms.uses is not None and room(uses[0]) < _ONE:
        return "coupon_used"
    return "limit_reached" if met_limit(code, asking, room) is not None else ""


def met_limit(code: KnownCode, asking: Asking, room: Callable[[Draw], Decimal]) -> UseLimit | None:
    """Find the limit that keeps a code from being used now.

    Args:
        code: as it stands.
        asking: who wants to use it.
        room: how much a counter has left.

    Returns:
        The one that lasts longest, None where there is room under each.
    """
    met = [
        limit for limit, draw in code.counted(asking.member_id, asking.day, asking.store) if room(draw) < _ONE
    ]
    return max(met, key=lambda one: _ends(one, asking.day), default=None)


def _ends(limit: UseLimit, day: date) -> date:
    return date.max if limit.per == "all_time" else period_end(limit.per, day)
