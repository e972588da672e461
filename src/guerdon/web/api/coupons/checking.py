"""What a code is good for, for whom, and why not: answered without a lock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from guerdon.base.calendar import period_end
from guerdon.base.exact import round_scaled, scaled_text
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.ledger.holds import ask_holds
from guerdon.members.identities import Found
from guerdon.rewards.coupons import ask_batches, find_codes
from guerdon.rewards.looking import load_room
from guerdon.rewards.redemptions import ask_codes, ask_redemptions
from guerdon.rules.cards.codes import is_of_cards
from guerdon.rules.coupons.standing import (
    REASONS,
    Asking,
    KnownCode,
    UseLimit,
    granted_money,
    met_limit,
    why_not,
    why_not_granted,
)
from guerdon.web.api.coupons.making import show_limit
from guerdon.web.api.coupons.shapes import CouponShape
from guerdon.wiring import House, Live

_NOBODY = -1
_ANY_STORE = "*"


class Looking(Protocol):
    """Who looks a code up: a call of the API, a visit to the console."""

    @property
    def house(self) -> House:
        """Whose keys read codes."""
        ...

    @property
    def tenant_id(self) -> int:
        """Whose codes are looked up."""
        ...

    @property
    def now(self) -> datetime:
        """The instant."""
        ...


class Asked(NamedTuple):
    """Who asks about a code, where."""

    member: Found | None
    """None where no member was named: then only what holds for everybody counts."""
    channel: str
    store: str


def find_code(tx: Tx, call: Looking, live: Live, code: str) -> KnownCode | None:
    """Find a code of a batch, or a shared one.

    Args:
        tx: bound to the tenant.
        call: whose keys read it.
        live: the program.
        code: as typed.

    Returns:
        The code, which may be mistyped; None where there is none.
    """
    candidates = ask_batches(tx, live.program_id, [code])()
    digest = call.house.vault(call.tenant_id).digest
    return find_codes(tx, live.program_id, ([code], candidates), digest).get(code)


def check_code(tx: Tx, call: Looking, live: Live, code: str, asked: Asked) -> CouponShape:
    """Tell what a code is good for.

    Args:
        tx: bound to the tenant.
        call: for the instant and the keys.
        live: the program.
        code: as typed.
        asked: who asks.

    Returns:
        The answer; an unknown code is not good.
    """
    granted = ask_codes(tx, live.program_id, [code])().get(code)
    if granted is not None:
        return _granted(tx, (call, live), code, granted, asked)
    known = find_code(tx, call, live, code)
    if known is None:
        problem = "coupon_is_gift_card" if is_of_cards(code) else "coupon_unknown"
        return _shape(code, "unknown", problem, {})
    if known.problem == "coupon_mistyped":
        return _shape(code, "unknown", known.problem, {})
    return _of_batch(tx, (call, live), code, known, asked)


def _granted(
    tx: Tx, where: tuple[Looking, Live], code: str, granted: tuple[int, int], asked: Asked
) -> CouponShape:
    call, live = where
    account_id, number = granted
    taken = ask_redemptions(tx, [account_id], [number])()[number]
    holds = ask_holds(tx, [account_id])().get(account_id, {}).values()
    held = {one.name for one in holds if one.kind == "redemption" and one.expires_at > call.now}
    reason = why_not_granted(
        taken.status,
        taken.expires_at,
        call.now,
        is_another=asked.member is not None and asked.member.account_id != account_id,
        is_held=str(number) in held,
    )
    money = _money_on(tx, live, granted, taken.reward, call.now)
    if not reason and money is not None and money[0] <= 0:
        reason = "coupon_held" if money[1] else "coupon_used"
    more = {
        "account": number_text("acc", account_id),
        "ends_at": taken.expires_at,
        "uses_left": int(taken.status in ("issued", "sent")) if money is None else None,
        "money_left": _money(live, money[0]) if money is not None else None,
    }
    return _shape(code, "granted", reason or _useless(live, taken.reward), more, (live, taken.reward))


def _money_on(
    tx: Tx, live: Live, granted: tuple[int, int], reward_key: str, now: datetime
) -> tuple[Decimal, bool] | None:
    """Tell what is left of a granted coupon's money, and whether an open cart holds some of it."""
    account_id, number = granted
    reward = live.program.rewards.get(reward_key)
    if reward is None or reward.money is None:
        return None
    draw = granted_money(number, reward.money)
    room, _ = load_room(tx, live.program_id, [draw], account_id, now)
    holds = ask_holds(tx, [account_id])().get(account_id, {}).values()
    mine = [one for one in holds if one.kind == "use" and one.name == draw.counter]
    over = sum((one.amount for one in mine if one.expires_at <= now), Decimal(0))
    return room(draw) + over, any(one.expires_at > now for one in mine)


def _of_batch(tx: Tx, where: tuple[Looking, Live], code: str, known: KnownCode, asked: Asked) -> CouponShape:
    call, live = where
    day = live.program.zone.day_of(call.now)
    member = asked.member
    # Where nobody is named, it is asked whether the right one could use it.
    account_id = member.account_id if member is not None else known.account_id or _NOBODY
    member_id = member.member_id if member is not None else None
    store = asked.store or next(iter(known.terms.stores), _ANY_STORE)
    uses, money = known.uses(member_id, day, store), known.money
    draws = [*uses, *([money] if money is not None else [])]
    whose = member.account_id if member is not None else 0
    room, held = load_room(tx, live.program_id, draws, whose, call.now)
    asking = Asking(
        account_id=account_id,
        member_id=member_id,
        channel=asked.channel or next(iter(known.terms.channels), ""),
        store=store,
        now=call.now,
        day=day,
    )
    reason = why_not(known, asking, room)
    own = {draw.counter for draw in draws if draw.shared and draw.counter.endswith(f"/{known.place}")}
    if reason == "coupon_used" and own & held:
        reason = "coupon_held"
    limit = met_limit(known, asking, room) if reason == "limit_reached" else None
    is_shared = known.terms.uses is None and money is None
    more = {
        "batch": number_text("cpb", known.batch_id),
        "account": number_text("acc", known.account_id) if known.account_id is not None else None,
        "starts_at": known.starts_at,
        "ends_at": known.ends_at,
        "uses_left": None if known.terms.uses is None else max(0, int(room(uses[0]))),
        "money_left": None if money is None else _money(live, room(money)),
        **(_met(live, limit, day) if limit is not None else {}),
    }
    kind = "shared" if is_shared else "unique"
    return _shape(code, kind, reason or _useless(live, known.reward), more, (live, known.reward))


def _met(live: Live, limit: UseLimit, day: date) -> dict[str, Any]:
    zone = live.program.zone
    free_at = None if limit.per == "all_time" else zone.start_of(period_end(limit.per, day))
    return {"limit": show_limit(limit), "free_at": free_at, "detail": limit.said(day)}


def _money(live: Live, left: Decimal) -> str:
    digits = live.program.digits
    return scaled_text(round_scaled(max(left, Decimal(0)), digits, "floor"), digits)


def _useless(live: Live, reward: str) -> str:
    return "" if reward in live.program.promotions.coupons else "nothing_to_discount"


def _shape(
    code: str, kind: Any, reason: str, more: Mapping[str, Any], what: tuple[Live, str] | None = None
) -> CouponShape:
    if what is not None:
        live, reward = what
        written = live.program.definition.rewards.get(reward)
        discount = written.discount if written is not None else None
        more = {**more, "reward": reward}
        if discount is not None:
            more["discount"] = discount.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return CouponShape(
        code=code,
        good=not reason,
        reason=reason or None,
        kind=kind,
        **{"detail": REASONS[reason] if reason else None, **more},
    )
