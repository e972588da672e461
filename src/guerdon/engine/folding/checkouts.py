"""What the fold of a batch does with checkouts: price, hold, confirm, let go."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.engine.answers import Answer
from guerdon.engine.cards.gathering import promised_cards
from guerdon.engine.checkouts.gathering import no_checkout
from guerdon.engine.checkouts.promise import Promise, pack_promise, paid, read_promise
from guerdon.engine.checkouts.quote import with_effects, write_quote
from guerdon.engine.checkouts.rows import CheckoutRow
from guerdon.engine.commands import OpenCheckout
from guerdon.engine.folding.cards import hold_cards, named_cards, take_cards
from guerdon.engine.folding.folded import Applied
from guerdon.engine.folding.stepping import all_or_nothing
from guerdon.engine.gather import Gathered, Place
from guerdon.engine.intake import Item
from guerdon.engine.keys import Pair
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.cards.paying import card_holds
from guerdon.rules.checkout import CouponState, Opening, Quoted, quote, release
from guerdon.rules.decision import Decision, Shortfall
from guerdon.rules.events import Capture, Event, TakeCapture
from guerdon.rules.orders import AmountInput
from guerdon.rules.pricing import Cart
from guerdon.rules.state import AccountState, Hold, HoldKey, MemberState, Shared, State

PREVIEW = UUID(int=0)
"""Stands for a checkout that is not opened."""
_TENDERS = msgspec.json.Decoder(tuple[AmountInput, ...])
LONGEST = timedelta(days=1)
"""A checkout holds nothing for longer."""
ANONYMOUS_AT_MOST = 1_000
"""So many open carts of guests may hold something for one caller; as counted when a batch begins."""


class Standing(Protocol):
    """What a batch has come to so far, as far as checkouts change it."""

    accounts: dict[int, AccountState]
    next_seq: dict[int, int]
    cards: dict[int, Any]
    shared: Mapping[str, Decimal]
    shared_holds: Mapping[HoldKey, Hold]
    statuses: dict[int, Redemption]
    checkouts: dict[Pair, CheckoutRow]
    applied: list[Applied]


class Folding(Protocol):
    """The fold of a batch, as far as checkouts use it."""

    gathered: Gathered
    place: Place

    @property
    def standing(self) -> Standing:
        """What the batch has come to."""
        ...

    def settled_for(self, item: Item, event: Event) -> None:
        """Make sure that the account's lots are there.

        Args:
            item: the command.
            event: gives the instant.

        Raises:
            LotsMissing: where they have to be read first.
        """
        ...

    def member_of(self, item: Item) -> MemberState | None:
        """Say who acts.

        Args:
            item: the command.

        Returns:
            The member, None for a guest.
        """
        ...

    def shown(self, item: Item, decision: Decision, status: Any) -> Answer:
        """Show a decision with the account as it stands.

        Args:
            item: the command.
            decision: what was decided.
            status: `applied` or `duplicate`.

        Returns:
            The answer.
        """
        ...

    def take(self, item: Item, event: Event, *, is_order: bool) -> tuple[Decision, UUID]:
        """Decide what confirms a checkout, and keep it to be stored.

        Args:
            item: the command.
            event: the order, or the command that takes what was promised.
            is_order: which of the two it is.

        Returns:
            The decision and the event's id.
        """
        ...

    def paid_before(self, item: Item, event: Event) -> UUID | None:
        """Tell whether an order was paid before.

        Args:
            item: the command.
            event: the order.

        Returns:
            The event that paid it, None where it is not known.

        Raises:
            Problem: `order_of_another_member`.
        """
        ...


def preview(fold: Folding, item: Item) -> Answer:
    """Price a cart; nothing is kept of it.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        The quote.
    """
    _, quoted, expires_at = _quote(fold, item, PREVIEW)
    return _quoted(fold, item, quoted, expires_at)


def open_(fold: Folding, item: Item) -> Answer:
    """Open a checkout, or price it anew, and hold what it promises.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        The quote.

    Raises:
        Problem: `checkout_confirmed` or `checkout_cancelled`, `too_many_anonymous_carts`, and what pricing
            raises.
    """
    pair = item.checkout
    assert pair is not None and item.cart is not None and item.event is not None  # noqa: PT018 - of intake
    known = fold.standing.checkouts.get(pair)
    if known is not None and known.status != "open":
        raise Problem(f"checkout_{known.status}", f"this checkout is {known.status} already")
    checkout_id = known.checkout_id if known is not None else item.job.event_ids[0]
    held = promised_cards(known) if known is not None else set()
    state, quoted, expires_at = _quote(fold, item, checkout_id)
    if known is not None and known.account_id != item.account_id:
        _release(fold, known, item.event)
        # What another's holds gave back changes what there is.
        state, quoted, expires_at = _quote(fold, item, checkout_id)
    opened_by = _opened_by(fold, item, quoted, known)
    _keep_state(fold, item.account_id, state)
    cards = card_holds(quoted.capture.cards, str(checkout_id), expires_at)
    hold_cards(fold, item.event, str(checkout_id), (held, cards))
    answer = _quoted(fold, item, quoted, expires_at)
    cart: Cart = item.cart
    promise = Promise(quoted.order, cart.channel, cart.store, quoted.capture, answer.quote)
    key = _key_of(fold, item.member_id)
    promised, sealed = pack_promise(promise, key, checkout_id)
    now = item.event.booked_at
    fold.standing.checkouts[pair] = CheckoutRow(
        *pair,
        checkout_id,
        item.account_id,
        item.member_id,
        "open",
        fold.place.program.version,
        now,
        expires_at,
        now,
        opened_by,
        quoted.order.id,
        promised,
        sealed,
        None,
    )
    return msgspec.structs.replace(answer, created=known is None)


def _opened_by(fold: Folding, item: Item, quoted: Quoted, known: CheckoutRow | None) -> str:
    """Tell who has a guest's cart hold something of what all share, each within bounds."""
    command = item.job.command
    holds = any(draw.shared for draw, _ in quoted.capture.draws) or bool(quoted.capture.cards)
    if item.account_id or not holds or not isinstance(command, OpenCheckout) or not command.caller:
        return ""
    had = known is not None and known.opened_by == command.caller
    if not had and fold.gathered.anonymous.get(command.caller, 0) >= ANONYMOUS_AT_MOST:
        detail = f"carts of guests hold something {ANONYMOUS_AT_MOST} times already; name a member, or wait"
        raise Problem("too_many_anonymous_carts", detail)
    return command.caller


def confirm(fold: Folding, item: Item) -> Answer:
    """Take what a checkout holds and let its order earn, unless the order was told of before.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        The quote with what the order set off. A late confirmation may have shortfalls.

    Raises:
        Problem: `checkout_cancelled`, or `order_of_another_member` where its order was told of as theirs.
    """
    row = _row(fold, item)
    if row.status == "cancelled":
        raise Problem("checkout_cancelled", "this checkout was cancelled and holds nothing")
    if row.status == "confirmed":
        return _again(fold, item, row)
    item.account_id, item.member_id = row.account_id, row.member_id
    promise = read_promise(row, _key_of(fold, row.member_id))
    tenders = _TENDERS.decode(item.job.command.payments)
    order = msgspec.structs.replace(promise.order, payments=(*promise.order.payments, *tenders))
    now = item.job.command.received_at
    capture = _without_lost(fold, row, promise.capture, now)
    with all_or_nothing(fold.standing) if capture.cards else nullcontext():
        capture = _pay_with_cards(fold, item, row, capture)
        promise = msgspec.structs.replace(promise, order=order, capture=capture)
        is_order, decision, event_id = _settle_order(fold, item, row, promise)
    assert item.checkout is not None
    fold.standing.checkouts[item.checkout] = row._replace(
        status="confirmed", changed_at=now, event_id=event_id
    )
    answer = fold.shown(item, decision, "applied" if is_order else "duplicate")
    return msgspec.structs.replace(
        answer, quote=with_effects(promise.quote, answer, late=now >= row.expires_at)
    )


def _pay_with_cards(fold: Folding, item: Item, row: CheckoutRow, capture: Capture) -> Capture:
    now = item.job.command.received_at
    late = now >= row.expires_at
    only_reports = fold.place.pinned(row.version).definition.checkout.late_confirm == "report"
    if late and only_reports:
        event = Event("guerdon.cancel_checkout", now, now, source="guerdon")
        hold_cards(fold, event, str(row.checkout_id), (promised_cards(row), {}))
    if not capture.cards or (late and only_reports):
        return capture
    return take_cards(fold, item, capture, (now, late))


def _settle_order(
    fold: Folding, item: Item, row: CheckoutRow, promise: Promise
) -> tuple[bool, Decision, UUID]:
    """Let the order that confirms a checkout take what was promised, or what follows it where it is known."""
    now, capture = item.job.command.received_at, promise.capture
    item.sent, event = paid(row, promise, fold.place.pinned(row.version), now)
    known = fold.paid_before(item, event)
    is_order = known is None
    if not is_order:
        item.sent = None
        event = Event(
            "guerdon.take_capture",
            now,
            now,
            source="guerdon",
            channel="system",
            command=TakeCapture(event.capture or capture, str(known)),
        )
    item.event = event
    decision, event_id = fold.take(item, event, is_order=is_order)
    return is_order, decision, event_id


def cancel(fold: Folding, item: Item) -> Answer:
    """Let go of all that a checkout holds.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        Its last quote.

    Raises:
        Problem: `checkout_confirmed`.
    """
    row = _row(fold, item)
    if row.status == "confirmed":
        raise Problem("checkout_confirmed", "this checkout was confirmed; return its order instead")
    quoted = read_promise(row).quote
    if row.status == "open":
        now = item.job.command.received_at
        _end(fold, row, now)
        item.account_id = row.account_id
    status = "applied" if row.status == "open" else "duplicate"
    item.member_id = row.member_id
    answer = fold.shown(item, Decision(version=fold.place.program.version), status)
    return msgspec.structs.replace(answer, quote={**quoted, "status": "cancelled"})


def end_others(fold: Folding, item: Item) -> tuple[Shortfall, ...]:
    """Let go of what other members' checkouts hold for an order that was just paid: they cannot become it.

    Args:
        fold: the batch.
        item: the command that paid it.

    Returns:
        The checkouts by name, as what was promised and is not to be had.
    """
    found = []
    for pair in item.ends if item.account_id else ():
        row = fold.standing.checkouts.get(pair)
        if row is not None and row.status == "open" and row.account_id != item.account_id:
            _end(fold, row, item.job.command.received_at)
            found.append(Shortfall("checkout", row.id, Decimal(1), "order_of_another_member"))
    return tuple(sorted(found, key=lambda one: one.name))


def _end(fold: Folding, row: CheckoutRow, now: datetime) -> None:
    event = Event("guerdon.cancel_checkout", now, now, source="guerdon")
    _release(fold, row, event)
    hold_cards(fold, event, str(row.checkout_id), (promised_cards(row), {}))
    ended = row._replace(status="cancelled", changed_at=now)
    fold.standing.checkouts[row.source, row.id] = ended


def release_lapsed(fold: Folding, item: Item) -> Answer:
    """Let go of what has lapsed on shared counters.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        An empty answer.
    """
    assert item.event is not None
    done, program = fold.standing, fold.place.program
    state = State(AccountState(account_id=0), None, Shared(done.shared, done.shared_holds))
    _keep_state(fold, 0, release(program, state, item.event))
    return fold.shown(item, Decision(version=program.version), "applied")


def _without_lost(fold: Folding, row: CheckoutRow, capture: Capture, now: datetime) -> Capture:
    """Sort out coupons that a late confirmation finds used, cancelled, expired or in another cart."""
    if now < row.expires_at or not capture.coupons:
        return capture
    account = fold.standing.accounts.get(row.account_id, AccountState(account_id=0))
    elsewhere = {
        hold.name
        for hold in account.holds.values()
        if hold.kind == "redemption" and hold.checkout != capture.checkout and hold.expires_at > now
    }
    gone = []
    for number in capture.coupons:
        taken = fold.standing.statuses.get(number)
        if taken is None or not taken.is_open:
            gone.append((number, f"coupon_{taken.status}" if taken is not None else "coupon_unknown"))
        elif taken.expires_at is not None and taken.expires_at <= now:
            gone.append((number, "coupon_expired"))
        elif str(number) in elsewhere:
            gone.append((number, "coupon_held"))
    lost = {number for number, _ in gone}
    left = tuple(number for number in capture.coupons if number not in lost)
    return msgspec.structs.replace(capture, coupons=left, gone=tuple(gone))


def _row(fold: Folding, item: Item) -> CheckoutRow:
    assert item.checkout is not None
    row = fold.standing.checkouts.get(item.checkout)
    if row is None:
        raise no_checkout(item.checkout)
    return row


def _again(fold: Folding, item: Item, row: CheckoutRow) -> Answer:
    promise = read_promise(row, _key_of(fold, row.member_id))
    assert row.event_id is not None
    stored = fold.gathered.earlier.get(row.event_id)
    if stored is not None:
        decision = stored.decided
    else:
        # This very batch confirmed it.
        decision = next(one.decision for one in fold.standing.applied if one.event_id == row.event_id)
        item.account_id = row.account_id
    item.member_id = row.member_id
    answer = fold.shown(item, decision, "duplicate")
    return msgspec.structs.replace(
        answer, quote=with_effects(promise.quote, answer, late=row.changed_at >= row.expires_at)
    )


def _quote(fold: Folding, item: Item, checkout_id: UUID) -> tuple[State, Quoted, datetime]:
    event, cart = item.event, item.cart
    assert event is not None and cart is not None  # noqa: PT018 - made in intake
    fold.settled_for(item, event)
    program, done = fold.place.program, fold.standing
    account = done.accounts.get(item.account_id, AccountState(account_id=0))
    state = State(account, fold.member_of(item), Shared(done.shared, done.shared_holds))
    zone = program.zone
    ttl = item.job.command.ttl if isinstance(item.job.command, OpenCheckout) else None
    expires_at = (
        event.booked_at + min(ttl, LONGEST)
        if ttl is not None
        else zone.after(event.booked_at, program.checkout_ttl)
    )
    chance = fold.place.vault.chance(item.job.event_ids[0])
    numbers = tuple(fold.place.ids.number() for _ in cart.sent.rewards)
    cards = named_cards(fold, item, event, str(checkout_id)) if item.card_codes else ()
    opening = Opening(str(checkout_id), cart, expires_at, numbers, _coupons(done, item), cards)
    state, quoted = quote(program, state, event, opening, chance)
    return state, quoted, expires_at


def _coupons(done: Standing, item: Item) -> dict[str, CouponState]:
    found = {
        code: CouponState(0, 0, known.reward, "issued", known.ends_at, known)
        for code, known in item.codes.items()
    }
    for code, (account_id, number) in item.coupons.items():
        taken = done.statuses.get(number)
        if taken is None:
            # Another's: locked with another account, and of no use here.
            found[code] = CouponState(number, account_id, "", "issued", None)
        else:
            found[code] = CouponState(number, account_id, taken.reward, taken.status, taken.expires_at)
    return found


def _quoted(fold: Folding, item: Item, quoted: Quoted, expires_at: datetime) -> Answer:
    program = fold.place.program
    answer = fold.shown(item, quoted.paid, "applied")
    checkout = item.checkout[1] if item.checkout is not None else None
    return msgspec.structs.replace(answer, quote=write_quote(program, quoted, answer, checkout, expires_at))


def _keep_state(fold: Folding, account_id: int, state: State) -> None:
    done = fold.standing
    if account_id:
        done.accounts[account_id] = state.account
    done.shared, done.shared_holds = state.shared.counters, state.shared.holds


def _release(fold: Folding, row: CheckoutRow, event: Event) -> None:
    done = fold.standing
    account = done.accounts.get(row.account_id, AccountState(account_id=0))
    state = State(account, None, Shared(done.shared, done.shared_holds))
    state = release(fold.place.program, state, event, str(row.checkout_id))
    _keep_state(fold, row.account_id, state)


def _key_of(fold: Folding, member_id: int | None) -> Any:
    loaded = fold.gathered.members.by_id.get(member_id) if member_id is not None else None
    return loaded.open_key(fold.place.vault) if loaded is not None else None
