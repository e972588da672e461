"""Gift cards that are blocked, good again, or replaced because others know their code."""

from __future__ import annotations

from typing import Any

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer
from guerdon.engine.folding.cards import Folding, lots_sent, open_with, own_event, step_card
from guerdon.engine.folding.folded import Applied, CardMade
from guerdon.engine.folding.stepping import all_or_nothing
from guerdon.engine.intake import Item
from guerdon.rewards.cards import CardRow
from guerdon.rules.decision import Decision
from guerdon.rules.events import ReplaceCard, TakePlace


def block(fold: Folding, item: Item) -> Answer:
    """Block a gift card, or make it good again; what open carts hold of it is honoured.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        The account as it stands.

    Raises:
        Problem: `gift_card_not_found`, `gift_card_blocked`, `gift_card_not_blocked` or `gift_card_replaced`.
    """
    card = fold.done.cards.get(item.account_id)
    if card is None:
        raise Problem("gift_card_not_found", "there is no such gift card")
    command = item.job.command
    if command.blocked == (card.blocked_at is not None):
        code = "gift_card_blocked" if command.blocked else "gift_card_not_blocked"
        raise Problem(code, f"this gift card is {'' if command.blocked else 'not '}blocked already")
    _check_in_use(card)
    now = command.received_at
    fold.done.cards[item.account_id] = card._replace(blocked_at=now if command.blocked else None)
    assert item.event is not None
    applied = Applied(item, item.job.event_ids[0], item.event, Decision(version=fold.program.version))
    # It posts nothing, and yet it has its place in the account's history.
    applied.first_seq = fold.done.next_seq[item.account_id]
    fold.keep(applied)
    return fold.shown(item, applied.decision, "applied")


def top_up(fold: Any, item: Item) -> Answer:
    """Put money on a gift card that is in use.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        The account as it stands.

    Raises:
        Problem: `gift_card_not_found`, `gift_card_replaced`, and what loading raises.
    """
    card = fold.done.cards.get(item.account_id)
    if card is None:
        raise Problem("gift_card_not_found", "there is no such gift card")
    _check_in_use(card)
    answer: Answer = fold.decide(item)
    return answer


def replace_card(fold: Folding, item: Item) -> Answer:
    """Block a gift card and make a new one with what can be spent of it; open carts keep what they hold.

    What they let go later, or what somebody puts onto it by hand, goes with the next replacement.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        The new card beside the old one's account.

    Raises:
        Problem: `gift_card_not_found`, `gift_cards_not_offered` or `gift_card_empty`.
    """
    done, card = fold.done, fold.done.cards.get(item.account_id)
    if card is None:
        raise Problem("gift_card_not_found", "there is no such gift card")
    command, new = item.job.command, fold.place.ids.number()
    now, wallet = command.received_at, fold.program.card_wallet or ""
    with all_or_nothing(done):
        asked = ReplaceCard(wallet, new, command.reason)
        left = step_card(fold, item, card.account_id, own_event("guerdon.replace_card", now, asked))
        fold.keep(left)
        lots = lots_sent(left.decision.transactions)
        came = TakePlace(wallet, lots, card.account_id, card.redemption_id, card.owner_account)
        open_with(fold, item, new, own_event("guerdon.take_place_of_card", now, came))
    done.cards[card.account_id] = card._replace(blocked_at=card.blocked_at or now, replaced_by=new)
    ends = min((lot.expires_at for lot in lots if lot.expires_at is not None), default=None)
    amount = sum(lot.remaining for lot in lots)
    made = CardMade(new, amount, card.redemption_id, ends, card.account_id)
    done.made_cards.setdefault(id(item.job), []).append(made)
    return fold.shown(item, Decision(version=fold.program.version), "applied")


def _check_in_use(card: CardRow) -> None:
    if card.replaced_by is not None:
        other = number_text("gft", card.replaced_by)
        raise Problem("gift_card_replaced", f"the gift card {other} took the place of this one: use that")
