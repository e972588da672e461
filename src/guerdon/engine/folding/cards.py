"""What the fold of a batch does with gift cards: make and load them, hold them, let them pay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.folding.folded import Applied, CardMade, Folded
from guerdon.engine.folding.stepping import Keeping, all_or_nothing
from guerdon.engine.gather import Place
from guerdon.engine.intake import Item
from guerdon.members.accounts import AccountRow
from guerdon.members.crypto import Vault
from guerdon.rewards.cards import card_code, in_use, new_card
from guerdon.rules.cards.codes import ending_of
from guerdon.rules.cards.paying import KIND, Card, free_of, set_aside
from guerdon.rules.decision import Decision, Transaction
from guerdon.rules.events import (
    Capture,
    CardPaid,
    ClaimCard,
    EmptyCard,
    Event,
    LoadCard,
    PayWithCard,
    ReceiveUnits,
    RefundCard,
    TakePlace,
)
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, Hold, Lot

CARDS_AT_ONCE = 1_000
_SALT_BYTES = 16
_LOADED_ONCE = 2
"""The number of the next transaction of a card that nothing happened to since it was made."""


class Folding(Keeping, Protocol):
    """The fold of a batch, as far as gift cards use it."""

    place: Place
    program: Program


def issue_cards(fold: Folding, item: Item) -> Answer:
    """Make gift cards with money on them.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        The cards.

    Raises:
        Problem: `count_invalid`, and what loading raises.
    """
    command = item.job.command
    if not 1 <= command.count <= CARDS_AT_ONCE:
        raise Problem.at("/count", "count_invalid", f"1 to {CARDS_AT_ONCE:,} gift cards are made at once")
    asked = LoadCard(
        fold.program.card_wallet or "", command.amount, command.expires_at, reason=command.reason
    )
    for _ in range(command.count):
        open_card(fold, item, asked, command.received_at)
    return fold.shown(item, Decision(version=fold.program.version), "applied")


def give_cards(fold: Folding, item: Item, applied: Applied) -> None:
    """Make the gift cards that redemptions are.

    Args:
        fold: the batch.
        item: the command that redeemed or was granted them.
        applied: what it came to.
    """
    wallet = fold.program.card_wallet
    for one in (*applied.decision.redemptions, *applied.decision.chosen):
        reward = fold.program.rewards.get(one.reward)
        if reward is None or not reward.loads or wallet is None:
            continue
        asked = LoadCard(wallet, reward.loads, one.expires_at, one.redemption_id, applied.account_id)
        for _ in range(one.quantity):
            open_card(fold, item, asked, applied.event.booked_at)


def open_card(fold: Folding, item: Item, asked: LoadCard, now: datetime) -> None:
    """Make one gift card.

    Args:
        fold: the batch.
        item: the command that makes it.
        asked: what is on it.
        now: when.
    """
    account_id = fold.place.ids.number()
    loaded = msgspec.structs.replace(asked, opens=True)
    open_with(fold, item, account_id, own_event("guerdon.load_card", now, loaded))
    made = CardMade(account_id, asked.amount, asked.redemption_id, asked.expires_at)
    fold.done.made_cards.setdefault(id(item.job), []).append(made)


def open_with(fold: Folding, item: Item, account_id: int, event: Event) -> None:
    """Open the account of a gift card with what comes onto it.

    Args:
        fold: the batch.
        item: the command that makes it.
        account_id: its number.
        event: what loads it, a `LoadCard` or a `TakePlace`.

    Raises:
        Problem: what loading raises; there is no such account then.
    """
    done, vault, now = fold.done, fold.place.vault, event.booked_at
    row = AccountRow(account_id, KIND, now, None, None, 1, 0, vault.random_bytes(_SALT_BYTES))
    state = AccountState(account_id, kind=KIND, created_at=now, members=0)
    done.opened[account_id] = (row, state)
    done.accounts[account_id], done.next_seq[account_id] = state, 1
    try:
        fold.keep(step_card(fold, item, account_id, event))
    except Problem:
        del done.opened[account_id], done.accounts[account_id], done.next_seq[account_id]
        raise
    asked: LoadCard | TakePlace = event.command  # type: ignore[assignment]  # one of the two, by what is asked of callers
    of = (asked.redemption_id, asked.account) if asked.redemption_id is not None else None
    done.cards[account_id] = new_card(vault, account_id, now, of)  # type: ignore[arg-type]  # both or none


def with_cards(fold: Folding, item: Item, answer: Answer) -> Answer:
    """Name in an answer the gift cards that a command made; without their codes.

    Args:
        fold: the batch.
        item: the command.
        answer: the rest of its answer.

    Returns:
        The answer.
    """
    made = fold.done.made_cards.get(id(item.job))
    if not made:
        return answer
    digits = fold.program.digits
    shown = [
        {
            "id": number_text("gft", one.account_id),
            "amount": scaled_text(one.amount, digits),
            "expires_at": one.expires_at,
            **({} if one.redemption_id is None else {"redemption": number_text("red", one.redemption_id)}),
            **({} if one.replaces is None else {"replaces": number_text("gft", one.replaces)}),
        }
        for one in made
    ]
    return msgspec.structs.replace(answer, gift_cards=shown)


def with_codes(vault: Vault, answer: Answer) -> Answer:
    """Add the codes of new gift cards, which are stored nowhere, to an answer that goes out.

    Args:
        vault: the tenant's keys.
        answer: with or without new cards.

    Returns:
        The answer.
    """
    if not answer.gift_cards:
        return answer
    shown = []
    for one in answer.gift_cards:
        code = card_code(vault, parse_number("gft", one["id"]) or 0)
        shown.append({**one, "code": code, "ending": ending_of(code)})
    return msgspec.structs.replace(answer, gift_cards=shown)


def claim(fold: Folding, item: Item) -> Answer:
    """Let all that a card has become a member's store credit.

    Args:
        fold: the batch.
        item: the command: the member's account, and the card's as the other one.

    Returns:
        The member's account as it stands.

    Raises:
        Problem: `gift_card_unknown`, `gift_card_blocked`, `gift_card_empty`, `unknown_wallet`, or
            `wallet_missing` where there is not one wallet of store credit.
    """
    done, card = fold.done, item.other_account
    known = done.cards.get(card)
    if known is None:
        raise Problem.at("/code", "gift_card_unknown", "no gift card has this code")
    if known.blocked_at is not None:
        raise Problem.at("/code", "gift_card_blocked", "this gift card is blocked")
    into, now = _credit_wallet(fold.program, item.job.command.wallet), item.job.command.received_at
    asked = ClaimCard(fold.program.card_wallet or "", into, item.account_id)
    with all_or_nothing(done):
        left = step_card(fold, item, card, own_event("guerdon.claim_card", now, asked))
        fold.keep(left)
        arriving = ReceiveUnits(into, lots_sent(left.decision.transactions), card)
        event = own_event("guerdon.receive_credit", now, arriving)
        came = fold.step(item, event, item.job.event_ids[0])
        fold.keep(came)
    return fold.shown(item, came.decision, "applied", came)


def _credit_wallet(program: Program, named: str) -> str:
    wallets = [key for key, one in program.wallets.items() if one.tender == "store_credit"]
    if named and named not in wallets:
        known = ", ".join(wallets) or "none"
        detail = f"{named!r} is no wallet of store credit; there are: {known}"
        raise Problem.at("/wallet", "unknown_wallet", detail)
    if not named and len(wallets) != 1:
        detail = (
            "say in `wallet` which store credit it becomes" if wallets else "there is no store credit here"
        )
        raise Problem.at("/wallet", "wallet_missing", detail)
    return named or wallets[0]


def lots_sent(transactions: tuple[Transaction, ...]) -> tuple[Lot, ...]:
    """List what left an account for another one.

    Args:
        transactions: what was decided for the one that it left.

    Returns:
        Lot by lot, with their dates.
    """
    return tuple(
        Lot(entry.available_at, entry.expires_at, entry.amount)
        for one in transactions
        if one.kind == "send"
        for entry in one.entries
        if entry.book == "transit" and entry.available_at is not None
    )


def named_cards(fold: Any, item: Item, event: Event, checkout: str) -> tuple[Card, ...]:
    """Tell how the gift cards stand that a cart names.

    Args:
        fold: the batch.
        item: the cart.
        event: gives the instant.
        checkout: its id; what it holds already is its own.

    Returns:
        The cards in order.
    """
    done: Folded = fold.standing
    found = []
    for (_, problem), account in zip(item.card_codes, item.cards, strict=True):
        card = done.cards.get(account)
        if card is None:
            found.append(Card(0, "", problem=problem or "gift_card_unknown"))
        elif card.blocked_at is not None:
            found.append(Card(account, card.ending, problem="gift_card_blocked"))
        else:
            state = done.accounts[account]
            free = free_of(fold.place.program, state, event, checkout)
            held = any(
                one.expires_at > event.booked_at and one.checkout != checkout for one in state.holds.values()
            )
            found.append(Card(account, card.ending, free, in_carts=held))
    return tuple(found)


def hold_cards(
    fold: Any, event: Event, checkout: str, wanted: tuple[Collection[int], Mapping[int, tuple[Hold, ...]]]
) -> None:
    """Let a checkout hold what it needs of gift cards, and nothing else of them.

    Args:
        fold: the batch.
        event: gives the instant.
        checkout: its id.
        wanted: the cards that it held something of, and what it is to hold now, by account.
    """
    accounts = fold.standing.accounts
    earlier, now = wanted
    for account in sorted({*earlier, *now}):
        held = (checkout, now.get(account, ()))
        accounts[account] = set_aside(fold.place.program, accounts[account], event, held)


def take_cards(fold: Any, item: Item, taken: Capture, when: tuple[datetime, bool]) -> Capture:
    """Let gift cards pay what a checkout promised, or what they still have.

    Args:
        fold: the batch.
        item: the command that confirms, its account that of the buyer.
        taken: what was promised.
        when: the instant, and whether it is late.

    Returns:
        The same with what was taken of each card.
    """
    return msgspec.structs.replace(
        taken, cards=tuple(_take(fold, item, (taken.checkout, card), when) for card in taken.cards)
    )


def _take(fold: Any, item: Item, promised: tuple[str, CardPaid], when: tuple[datetime, bool]) -> CardPaid:
    checkout, card = promised
    now, late = when
    done: Folded = fold.standing
    before = done.accounts[card.account]
    seq = done.next_seq[card.account]
    command = PayWithCard(checkout, card.wallet, card.units, item.account_id)
    event = own_event("guerdon.pay_with_card", now, command)
    if late and done.cards[card.account].blocked_at is not None:
        done.accounts[card.account] = set_aside(fold.place.program, before, event, (checkout, ()))
        return msgspec.structs.replace(card, reason="gift_card_blocked")
    applied = step_card(fold, item, card.account, event)
    lots = tuple(
        Lot(entry.available_at, entry.expires_at, -entry.amount)
        for one in applied.decision.transactions
        if one.kind == "redeem"
        for entry in one.entries
        if entry.book == "member" and entry.available_at is not None
    )
    if not lots:
        # Nothing was left: what the checkout held goes, and that is no event; another books what expired.
        done.accounts[card.account] = set_aside(fold.place.program, before, event, (checkout, ()))
        done.next_seq[card.account] = seq
        return card
    fold.keep(applied)
    return msgspec.structs.replace(card, lots=lots, event=str(applied.event_id))


def touched(fold: Any, now: datetime) -> set[int]:
    """List the redemptions whose gift cards were spent from, topped up, or are in somebody's cart.

    Args:
        fold: the batch.
        now: holds that are over by then do not count.

    Returns:
        Their numbers: money has moved, and they cannot be taken back.
    """
    done: Folded = fold.done
    found = set()
    for account_id, card in done.cards.items():
        held = any(hold.expires_at > now for hold in done.accounts[account_id].holds.values())
        if card.redemption_id is not None and (held or done.next_seq[account_id] != _LOADED_ONCE):
            found.add(card.redemption_id)
    return found


def check_untouched(fold: Any, redemption_id: int, now: datetime) -> None:
    """Make sure that a redemption can be taken back as far as gift cards are concerned.

    Args:
        fold: the batch.
        redemption_id: which.
        now: the instant.

    Raises:
        Problem: `redemption_used`.
    """
    if redemption_id in touched(fold, now):
        detail = (
            "money of this gift card was spent, came onto it, or is in an open cart; block the card instead"
        )
        raise Problem("redemption_used", detail)


def empty_cards(fold: Any, item: Item, numbers: Collection[int], now: datetime) -> None:
    """Take the money from gift cards whose redemptions were taken back, and block them.

    Args:
        fold: the batch.
        item: the command.
        numbers: the redemptions.
        now: the instant.
    """
    done: Folded = fold.done
    theirs = [one for one in done.cards.values() if one.redemption_id in set(numbers)]
    for card in sorted(theirs, key=lambda one: one.account_id):
        command = EmptyCard(fold.program.card_wallet or "", card.redemption_id or 0)
        fold.keep(step_card(fold, item, card.account_id, own_event("guerdon.empty_card", now, command)))
        done.cards[card.account_id] = card._replace(blocked_at=now)


def refund_cards(fold: Any, item: Item, applied: Applied) -> None:
    """Put on gift cards again what they had paid of an order that came back.

    Args:
        fold: the batch.
        item: the command.
        applied: the return as it was decided.
    """
    returned = applied.decision.returned
    for one in returned.tenders if returned is not None else ():
        if one.lots:
            number, buyer = str(applied.event_id), applied.account_id
            onto = in_use(fold.done.cards, one.card)
            paid = one.card if onto != one.card else 0
            command = RefundCard(one.wallet, one.lots, one.checkout, number, buyer, paid)
            event = own_event("guerdon.refund_card", applied.event.booked_at, command)
            fold.keep(step_card(fold, item, onto, event))


def step_card(fold: Any, item: Item, account_id: int, event: Event) -> Applied:
    """Decide an event about a card's account, which nobody acts for.

    Args:
        fold: the batch.
        item: the command.
        account_id: the card's.
        event: what happens to it.

    Returns:
        What it came to, not kept yet.

    Raises:
        Problem: a refusal.
    """
    other = Item(item.job)
    other.account_id, other.event = account_id, event
    applied: Applied = fold.step(other, event, fold.place.ids.uuid())
    return applied


def own_event(event_type: str, now: datetime, command: Any) -> Event:
    """Make what happens to a card.

    Args:
        event_type: such as `guerdon.load_card`.
        now: when.
        command: what is decided.

    Returns:
        The event.
    """
    return Event(event_type, now, now, source="guerdon", channel="system", command=command)
