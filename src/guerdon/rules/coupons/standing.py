"""A code as it stands: what it is for, what it draws from, and why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import msgspec

from guerdon.base.calendar import Period
from guerdon.base.ids import number_text
from guerdon.rules.limits import Draw, Limits, use_draws

_ONE, _NOTHING = Decimal(1), Decimal(0)

REASONS = {
    "coupon_unknown": "no such code was given out",
    "coupon_mistyped": "a letter of this code is wrong: type it again",
    "coupon_used": "this code is used up, or an open cart holds it",
    "coupon_held": "an open cart holds this code",
    "coupon_cancelled": "this coupon was given back",
    "coupon_expired": "the time of this code is over",
    "coupon_not_yet": "the time of this code has not come",
    "coupon_revoked": "this code was revoked",
    "coupon_of_another_member": "this code is another member's",
    "coupon_needs_member": "this code is for members: say who buys",
    "coupon_given_twice": "this code stands in the cart already",
    "limit_reached": "this code cannot be used more often in this period",
    "other_channel": "this code is for another channel",
    "other_store": "this code is for another store",
    "nothing_to_discount": "the reward takes nothing off a cart",
}
"""Why a code cannot be used, in a sentence for people."""


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
    channels: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()

    @property
    def needs_member(self) -> bool:
        """Whether nobody can use it without saying who he is."""
        return self.per_account is not None or self.per_member is not None


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

    def uses(self, member_id: int | None, day: date) -> tuple[Draw, ...]:
        """List the counters that one use draws 1 from.

        Args:
            member_id: who buys, or None.
            day: local day of the use, which chooses the period.

        Returns:
            The code's own first, where it has a bound.
        """
        terms = self.terms
        limits = Limits(
            per_account=_exact(terms.per_account),
            per_member=_exact(terms.per_member),
            total=_exact(terms.total),
            per=terms.per,
        )
        common = use_draws(limits, self.owner, member_id, day)
        if terms.uses is None:
            return common
        return (Draw(f"{self.owner}/code/{self.place}", Decimal(terms.uses), shared=True), *common)


def _exact(count: int | None) -> Decimal | None:
    return None if count is None else Decimal(count)


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
    if terms.channels and asking.channel not in terms.channels:
        return "other_channel"
    return "other_store" if terms.stores and asking.store not in terms.stores else ""


def _no_more(code: KnownCode, asking: Asking, room: Callable[[Draw], Decimal]) -> str:
    money = code.money
    if money is not None and room(money) <= _NOTHING:
        return "coupon_used"
    uses = code.uses(asking.member_id, asking.day)
    if code.terms.uses is not None and room(uses[0]) < _ONE:
        return "coupon_used"
    return "limit_reached" if any(room(draw) < _ONE for draw in uses) else ""
