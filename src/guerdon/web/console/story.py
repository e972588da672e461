"""A member's story: what happened, what it gave or took, and the sum that made each figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from guerdon.base.exact import plain_text, scaled_decimal
from guerdon.base.ids import number_text
from guerdon.engine.events import StoredEvent
from guerdon.rules.decision import Decision, Effect, Transaction
from guerdon.rules.difference.voice import as_words
from guerdon.rules.explain import input_text
from guerdon.rules.own_events import TAKEN_BACK
from guerdon.web.console.opened import Opened
from guerdon.web.languages.saying import Saying

_TITLES: Final = {
    "member.enrolled": "Enrolled",
    "guerdon.adjust": "Adjusted by staff",
    "guerdon.give_tier": "A tier given by staff",
    "guerdon.end_tier": "A tier taken back by staff",
    "guerdon.redeem": "Redeemed a reward",
    "guerdon.use_redemption": "Redemption used",
    "guerdon.choose_redemption": "Chosen",
    "guerdon.send_redemption": "Redemption sent",
    "guerdon.join_challenge": "Took part in a challenge",
    "guerdon.leave_challenge": "Left a challenge",
    "quiz.finished": "Quiz finished",
    "draw.won": "Won in a draw",
    "referral.joined": "Came by an invitation",
    "referral.completed": "A friend came by the invitation",
    "referral.reversed": "What a friend had bought came back",
    "member.birthday": "Birthday",
    "member.anniversary": "Anniversary as a member",
    "order.anniversary": "Anniversary of an order",
    "board.closed": "A leaderboard was closed",
    "team.reached": "The team reached a goal",
    "post.approved": "Post approved",
    "answer.approved": "Answer approved",
    "post.hidden": "What was approved was hidden",
    "post.liked": "Somebody liked a post",
    "share.approved": "Share approved",
    "share.visited": "Somebody came by a share",
    "share.joined": "Somebody joined by a share",
    "seat.freed": "A seat came free",
    "seat.called_off": "What there was a seat for was called off",
    "guerdon.send": "Sent to another account",
    "guerdon.receive": "Received from another account",
    "guerdon.leave": "Merged into another account",
    "guerdon.take_in": "Another account was merged into this one",
    "guerdon.tick": "Time passed",
    "guerdon.take_capture": "Cart paid, its order was known",
    "guerdon.load_card": "Money came onto the card",
    "guerdon.pay_with_card": "Paid with the card",
    "guerdon.refund_card": "Came back onto the card",
    "guerdon.empty_card": "Emptied: its reward was taken back",
    "guerdon.claim_card": "Became store credit",
    "guerdon.replace_card": "Replaced by a new card",
    "guerdon.take_place_of_card": "Took the place of a card",
    "guerdon.receive_credit": "Store credit from a gift card",
}
_MOVES: Final = {
    "reached": "{tier} reached",
    "given": "{tier} given by staff",
    "ended": "{tier} from now on: what was given has ended",
    "grace": "{tier} kept for a while: the review found too little",
}
"""What happened on a ladder; `say.text` translates it."""
CARD_TITLES: Final = {"opens": "Card made", "blocked": "Blocked", "unblocked": "Good again"}
"""What else happens to a gift card; `say.text` translates it."""
_REASONS: Final = {
    "condition_false": "its condition does not hold",
    "not_in_audience": "it is for others",
    "limit_reached": "its limit is reached",
    "budget_spent": "its budget is spent",
    "earning_limit": "no more can be earned",
    "out_of_schedule": "outside of its hours or days",
    "wrong_channel": "for another channel",
    "wrong_store": "for another store",
    "expression_error": "its expression failed",
    "nothing_to_award": "it came to nothing",
    "not_active": "it does nothing yet in this version of the engine",
    "insufficient_units": "not enough to pay with",
    "out_of_stock": "none is left",
}


@dataclass(frozen=True, slots=True)
class Amount:
    """Units that were given or taken, with their name."""

    units: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a sum."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class LotLine:
    """Units of one lot that an entry gave or took."""

    units: Decimal
    unit: str
    available_at: datetime
    expires_at: datetime | None


@dataclass(slots=True)
class Item:
    """One thing on the timeline."""

    at: datetime
    title: str
    amounts: tuple[Amount, ...] = ()
    sub: str = ""
    sums: tuple[Line, ...] = ()
    total: Line | None = None
    lots: tuple[LotLine, ...] = ()
    skipped: tuple[Line, ...] = ()
    read: tuple[Line, ...] = ()
    badge: str = ""
    event: str = ""
    late: bool = False
    path: str = ""
    """Where the page of its order is."""
    transactions: tuple[str, ...] = field(default=())

    @property
    def explained(self) -> bool:
        """Whether there is anything to explain."""
        return bool(self.sums or self.lots or self.skipped or self.read)


def tell(stored: StoredEvent, opened: Opened, say: Saying) -> list[Item]:
    """Tell what an event came to: itself, then what time had done by then, and what it changed besides."""
    decision = stored.decided
    items = []
    main = _main(stored, decision, opened, say)
    if stored.type != "guerdon.tick" or main.amounts:
        items.append(main)
    items.extend(_expired(decision, opened, say))
    for change in decision.tier_changes:
        name, before = opened.tier(change.ladder, change.after), opened.tier(change.ladder, change.before)
        words = _MOVES.get(change.cause, "{tier} from now on, {cause}")
        title = say.text(words, tier=name, cause=say.text(as_words(change.cause)))
        was = say.text("Before: {tier}", tier=before) if before != name else ""
        items.append(Item(change.at, title, sub=was, badge=say.text("Tier")))
    items.extend(
        Item(
            stored.occurred_at,
            say.text("Badge {name}", name=_badge_name(badge, opened)),
            badge=say.text("Badge"),
        )
        for badge in decision.badges
    )
    return items


def _main(stored: StoredEvent, decision: Decision, opened: Opened, say: Saying) -> Item:
    own = [one for one in decision.transactions if one.kind != "expire"]
    sums, total = _sum(own, decision, opened, say)
    return Item(
        at=stored.occurred_at,
        title=_title(stored, decision, opened, say),
        amounts=_amounts(own, opened),
        sub=_sub(stored, own, decision, opened, say),
        sums=sums,
        total=total,
        lots=tuple(_lots(own, opened)),
        skipped=tuple(
            Line(
                as_words(skip.campaign).capitalize(),
                say.text(_REASONS.get(skip.reason, as_words(skip.reason))),
            )
            for skip in decision.skipped
        ),
        read=tuple(Line(path, input_text(value)) for path, value in sorted(decision.inputs.items())),
        event=stored.id,
        late=stored.late,
        path=_order_path(stored, decision, opened),
    )


def _badge_name(badge: str, opened: Opened) -> str:
    written = opened.program.definition.badges.get(badge)
    return opened.voice.called(badge, written.name) if written is not None else as_words(badge)


def _order_path(stored: StoredEvent, decision: Decision, opened: Opened) -> str:
    """Say where the page of the order is that was paid, or of which something came back."""
    if stored.type == "order.paid":
        return f"{opened.path}/orders/{stored.event_id}"
    returned = decision.returned if stored.type not in TAKEN_BACK else None
    return f"{opened.path}/orders/{returned.order_event}" if returned is not None else ""


def _title(stored: StoredEvent, decision: Decision, opened: Opened, say: Saying) -> str:
    if stored.type in ("order.returned", "order.cancelled", "order.edited"):
        return _title_of_undone(stored, say)
    if stored.order_id is not None and stored.type not in _TITLES:
        where = stored.store or stored.channel or stored.source
        if not where:
            return say.text("Order {order}", order=stored.order_id)
        return say.text("Order {order}, {where}", order=stored.order_id, where=where)
    if stored.type == "guerdon.redeem" and decision.redemptions:
        names = ", ".join(opened.voice.reward(one.reward) for one in decision.redemptions)
        return say.text("Redeemed: {reward}", reward=names)
    if stored.type == "guerdon.cancel_redemption":
        return say.text(
            "Redemption cancelled: {reward}", reward=opened.voice.reward(own_data(stored)["reward"])
        )
    words = _card_title(stored) or _TITLES.get(stored.type)
    if words is not None:
        return say.text(words)
    kind = opened.program.definition.events.get(stored.type)
    return opened.voice.called(stored.type.replace(".", " "), kind.name if kind is not None else None)


def _card_title(stored: StoredEvent) -> str:
    if stored.type == "guerdon.load_card":
        return CARD_TITLES["opens"] if own_data(stored).get("opens") else ""
    if stored.type == "guerdon.block_card":
        return CARD_TITLES["blocked" if own_data(stored)["blocked"] else "unblocked"]
    return ""


def _title_of_undone(stored: StoredEvent, say: Saying) -> str:
    data = own_data(stored)
    order = data.get("order") or data.get("id")
    if stored.type == "order.returned":
        return say.text("Came back: order {order}", order=order)
    if stored.type == "order.cancelled":
        return say.text("Cancelled: order {order}", order=order)
    return say.text("Changed: order {order}", order=order)


def own_data(stored: StoredEvent) -> dict[str, Any]:
    """Read what a command of the engine's own carried, or what is told of an order.

    Args:
        stored: the event.

    Returns:
        Its data.
    """
    data: dict[str, Any] = msgspec.json.decode(stored.text)["data"]
    return data


def _sub(stored: StoredEvent, own: list[Transaction], decision: Decision, opened: Opened, say: Saying) -> str:
    said = [f"“{one.reason}”" for one in own if one.reason][:1]
    if stored.type == "guerdon.block_card" and own_data(stored).get("reason"):
        said.append(f"“{own_data(stored)['reason']}”")
    if stored.type in ("guerdon.use_redemption", "guerdon.send_redemption", "guerdon.choose_redemption"):
        said.append(number_text("red", own_data(stored)["redemption_id"]))
    got: dict[str, list[str]] = {}
    for one in decision.redemptions:
        got.setdefault(opened.voice.reward(one.reward), []).append(one.code)
    for reward, codes in got.items():
        shown = ", ".join(code for code in codes if code)
        said.append(say.text("Got: {reward}", reward=reward) + (f" ({shown})" if shown else ""))
    said.extend(
        say.text("Account {account}", account=number_text("acc", one.other_account))
        for one in own
        # Of cards it is said as a name, where there is one.
        if one.other_account is not None and not stored.type.endswith("_card")
    )
    if stored.late:
        said.append(
            say.text("Came late: booked {moment}", moment=say.moment(stored.booked_at, opened.program.zone))
        )
    return ". ".join(said)


def _sum(
    own: list[Transaction], decision: Decision, opened: Opened, say: Saying
) -> tuple[tuple[Line, ...], Line | None]:
    lines = [_effect(effect, opened, say) for effect in decision.effects]
    paid = _amounts([one for one in own if one.kind == "redeem"], opened)
    lines.extend(Line(say.text("Paid for rewards"), _written(one, say)) for one in paid)
    together = _amounts(own, opened)
    if not lines or not together:
        return tuple(lines), None
    words = "Together, version {version}" if paid else "Awarded, version {version}"
    label = say.text(words, version=decision.version)
    return tuple(lines), Line(label, ", ".join(_written(one, say) for one in together))


def _effect(effect: Effect, opened: Opened, say: Saying) -> Line:
    label = as_words(effect.campaign).capitalize()
    if effect.kind == "award":
        amount = _written(_amount(opened, effect.wallet, effect.amount), say)
        if effect.cut:
            cut = _amount(opened, effect.wallet, effect.cut).units
            amount = say.text("{amount}, {cut} more are above a limit", amount=amount, cut=cut)
        return Line(label, amount)
    if effect.kind == "multiply" and effect.factor is not None:
        return Line(label, f"×{plain_text(effect.factor)}")
    if effect.kind == "badge":
        return Line(label, as_words(effect.badge))
    return Line(label, opened.voice.reward(effect.reward))


def _written(amount: Amount, say: Saying) -> str:
    return f"{say.number(amount.units)} {amount.unit}"


def _amounts(transactions: list[Transaction], opened: Opened) -> tuple[Amount, ...]:
    sums: dict[str, int] = {}
    for one in transactions:
        moved = sum(entry.amount for entry in one.entries if entry.book == "member")
        sums[one.wallet] = sums.get(one.wallet, 0) + moved
    return tuple(_amount(opened, wallet, units) for wallet, units in sums.items() if units)


def _amount(opened: Opened, wallet: str, units: int) -> Amount:
    return Amount(scaled_decimal(units, _scale(opened.program.scales, wallet)), opened.unit(wallet))


def _scale(scales: Mapping[str, Any], wallet: str) -> int:
    return int(scales.get(wallet, 0))


def _lots(transactions: list[Transaction], opened: Opened) -> Iterator[LotLine]:
    for one in transactions:
        for entry in one.entries:
            if entry.book == "member" and entry.available_at is not None:
                amount = _amount(opened, one.wallet, entry.amount)
                yield LotLine(amount.units, amount.unit, entry.available_at, entry.expires_at)


def _expired(decision: Decision, opened: Opened, say: Saying) -> Iterator[Item]:
    for one in decision.transactions:
        if one.kind == "expire":
            amounts = _amounts([one], opened)
            title = say.text("{unit} expired", unit=opened.unit(one.wallet).capitalize())
            yield Item(one.effective_at, title, amounts, lots=tuple(_lots([one], opened)))
