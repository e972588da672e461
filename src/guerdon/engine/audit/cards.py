"""Gift cards beside the events of their accounts, and what they paid beside the orders that say so."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.events import StoredEvent
from guerdon.infra.tx import Tx
from guerdon.infra.walks import Row, Walk
from guerdon.members.accounts import AccountRow
from guerdon.members.crypto import Vault
from guerdon.rewards.cards import CardRow, load_heirs, new_card
from guerdon.rules.cards.paying import KIND
from guerdon.rules.decision import Decision, Returned
from guerdon.rules.events import (
    BlockCard,
    Capture,
    CardPaid,
    EmptyCard,
    Event,
    LoadCard,
    RefundCard,
    ReplaceCard,
    TakePlace,
)
from guerdon.rules.state import Hold, Lot

_WIDTH = len(CardRow._fields)
_CARDS = """
select account_id, program_id, digest, account_id, ending, redemption_id, owner_account, opened_at,
    blocked_at, replaced_by
from gift_cards order by account_id, digest
"""
_EVENT = "select type, body, decision from events where account_id = %s and event_id = %s"
_ORDER = """
select e.body from checkouts c join events e on e.account_id = c.account_id and e.event_id = c.event_id
where c.program_id = %s and c.checkout_id = %s
"""
_REFUNDS = """
select body from events
where account_id = any(%s::bigint[]) and booked_at = %s and type = 'guerdon.refund_card'
"""
_HELD = """
select amount, expires_at from account_holds
where account_id = %s and checkout_id = %s and kind = 'units' and name = %s
"""


class CardHistory:
    """A gift card as the events of its account make it."""

    def __init__(self, row: AccountRow) -> None:
        """Begin before the first event.

        Args:
            row: the account, of any kind.
        """
        self._account = row
        self._is_card = row.kind == KIND
        self._opened: tuple[datetime, tuple[int, int] | None] | None = None
        self._blocked_at: datetime | None = None
        self._replaced_by: int | None = None

    def note(self, event: Event) -> None:
        """Go on by one event.

        Args:
            event: of the account.
        """
        command = event.command
        if isinstance(command, TakePlace) or (isinstance(command, LoadCard) and command.opens):
            number, owner = command.redemption_id, command.account
            of = (number, owner) if number is not None and owner is not None else None
            self._opened = (event.booked_at, of)
        elif isinstance(command, BlockCard):
            self._blocked_at = event.booked_at if command.blocked else None
        elif isinstance(command, EmptyCard):
            self._blocked_at = event.booked_at
        elif isinstance(command, ReplaceCard):
            self._blocked_at = self._blocked_at or event.booked_at
            self._replaced_by = command.to_account

    def check(self, vault: Vault, program_id: int, rows: Iterator[Row]) -> Iterator[Finding]:
        """Compare the card's row with what its events say.

        Args:
            vault: the tenant's keys.
            program_id: the account's program.
            rows: of `walk_cards`, those of this account.

        Yields:
            What does not hold.
        """
        account = self._account
        wanted: list[tuple[Any, ...]] = []
        if self._is_card and self._opened is not None:
            opened_at, of = self._opened
            card = new_card(vault, account.account_id, opened_at, of)
            card = card._replace(blocked_at=self._blocked_at, replaced_by=self._replaced_by)
            wanted.append((program_id, *card))
            if account.created_at != opened_at:
                yield _finding("accounts", account.account_id, ("created_at", opened_at, account.created_at))
        elif self._is_card:
            yield _finding("accounts", account.account_id, ("kind", "a card that was opened", "a card"))
        found = [tuple(row[1:]) for row in rows]
        if wanted == found:
            return
        if len(found) != len(wanted):
            yield _finding("gift_cards", account.account_id, ("rows", len(wanted), len(found)))
            return
        names = ("program_id", *CardRow._fields)
        for name, expected, there in zip(names, wanted[0], found[0], strict=True):
            if expected != there:
                yield _finding("gift_cards", account.account_id, (name, expected, there))


def walk_cards(tx: Tx) -> Walk:
    """Go through all gift cards.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, program, and the fields of `CardRow`.
    """
    return Walk(tx, "gift_cards", _CARDS)


def check_paid(tx: Tx, stored: StoredEvent, taken: Capture) -> Iterator[Finding]:
    """Compare what an order says that gift cards paid with what was taken of them.

    Args:
        tx: bound to the tenant.
        stored: the event in which the order takes what was promised.
        taken: what it says.

    Yields:
        What does not hold.
    """
    for card in taken.cards:
        if not card.event:
            if card.lots:
                yield _unlike(stored, card, "no event of the card", "lots that were taken")
            continue
        found = tx.execute(_EVENT, (card.account, UUID(card.event))).fetchone()
        lots = _lots_of(found[2]) if found is not None and found[0] == "guerdon.pay_with_card" else None
        if lots != card.lots:
            yield _unlike(stored, card, _shown(lots), _shown(card.lots))


def check_payment(tx: Tx, program_id: int, stored: StoredEvent, checkout: str) -> Iterator[Finding]:
    """Make sure that what was taken of a card stands in an order.

    Args:
        tx: bound to the tenant.
        program_id: the card's program.
        stored: the card's event.
        checkout: the checkout that it paid, a UUID as text.

    Yields:
        What does not hold.
    """
    row = tx.execute(_ORDER, (program_id, UUID(checkout))).fetchone()
    named = _cards_of(row[0]) if row is not None else ()
    if not any(one.account == stored.account_id and one.event == str(stored.event_id) for one in named):
        yield _finding(
            "events", stored.account_id, (f"{stored.event_id} checkout", "an order that it paid", "none")
        )


def check_refund(tx: Tx, stored: StoredEvent, refund: RefundCard) -> Iterator[Finding]:
    """Make sure that what came back onto a card stands in a return.

    Args:
        tx: bound to the tenant.
        stored: the card's event.
        refund: what it says.

    Yields:
        What does not hold.
    """
    row = tx.execute(_EVENT, (refund.account, UUID(refund.returned))).fetchone()
    returned = msgspec.json.decode(row[2], type=Decision).returned if row is not None else None
    paid = refund.card or stored.account_id
    lots = [one.lots for one in returned.tenders if one.card == paid] if returned else []
    is_heir = not refund.card or stored.account_id in load_heirs(tx, [paid]).values()
    if refund.lots not in lots or not is_heir:
        name = f"{stored.event_id} returned"
        yield _finding("events", stored.account_id, (name, "a return that gave it back", "none"))


def check_refunds(tx: Tx, stored: StoredEvent, returned: Returned | None) -> Iterator[Finding]:
    """Make sure that what a return gave back to cards came onto them.

    Args:
        tx: bound to the tenant.
        stored: the event of the return.
        returned: what it undid; None for another event.

    Yields:
        What does not hold.
    """
    for one in returned.tenders if returned is not None else ():
        if not one.lots:
            continue
        cards = sorted({one.card, *load_heirs(tx, [one.card]).values()})
        rows = tx.execute(_REFUNDS, (cards, stored.booked_at)).fetchall()
        found = [msgspec.json.decode(zlib.decompress(row[0]), type=_Refunded).data for row in rows]
        if not any(there.returned == str(stored.event_id) and there.lots == one.lots for there in found):
            name = f"{stored.event_id} {number_text('gft', one.card)}"
            yield _finding("events", stored.account_id, (name, "given back to the card", "nothing"))


class _Refunded(msgspec.Struct):
    data: RefundCard


def check_held(tx: Tx, checkout: UUID, wanted: Mapping[int, tuple[Hold, ...]]) -> Iterator[Finding]:
    """Make sure that an open cart holds what it promised of gift cards.

    Args:
        tx: bound to the tenant.
        checkout: the checkout's id.
        wanted: what it must hold now, by the card's account.

    Yields:
        What does not hold.
    """
    for account_id, holds in wanted.items():
        for hold in holds:
            found = tx.execute(_HELD, (account_id, checkout, hold.name)).fetchone()
            if found is None:
                key = f"{number_text('acc', account_id)} {checkout} units {hold.name}"
                yield Finding("holds_unlike_checkouts", "account_holds", key, "a hold", "none", account_id)


def _lots_of(packed: bytes) -> tuple[Lot, ...]:
    decision = msgspec.json.decode(packed, type=Decision)
    return tuple(
        Lot(entry.available_at, entry.expires_at, -entry.amount)
        for one in decision.transactions
        if one.kind == "redeem"
        for entry in one.entries
        if entry.book == "member" and entry.available_at is not None
    )


class _Took(msgspec.Struct):
    cards: tuple[CardPaid, ...] = ()


class _Data(msgspec.Struct):
    capture: _Took | None = None


class _Body(msgspec.Struct):
    data: msgspec.Raw
    capture: _Took | None = None


def _cards_of(body: bytes) -> tuple[CardPaid, ...]:
    """Read what cards paid: with the order itself, or in what followed it."""
    said = msgspec.json.decode(zlib.decompress(body), type=_Body)
    took = said.capture if said.capture is not None else msgspec.json.decode(said.data, type=_Data).capture
    return took.cards if took is not None else ()


def _unlike(stored: StoredEvent, card: CardPaid, expected: str, found: str) -> Finding:
    name = f"{stored.event_id} {number_text('gft', card.account)}"
    return _finding("events", stored.account_id, (name, expected, found))


def _shown(lots: tuple[Lot, ...] | None) -> str:
    return "nothing" if lots is None else " ".join(f"{one.remaining} of {one.expires_at}" for one in lots)


def _finding(table: str, account_id: int, difference: tuple[str, Any, Any]) -> Finding:
    name, expected, found = difference
    key = f"{number_text('acc', account_id)} {name}"
    return Finding("gift_cards_unlike_events", table, key, str(expected), str(found), account_id)
