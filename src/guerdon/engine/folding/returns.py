"""What the fold of a batch does with returns: an order's consequences are undone, once."""

from __future__ import annotations

from itertools import chain
from typing import Protocol
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.engine.answers import Answer
from guerdon.engine.commands import IngestEvent
from guerdon.engine.events import marked
from guerdon.engine.folding.cards import empty_cards, refund_cards, touched
from guerdon.engine.folding.folded import Applied
from guerdon.engine.folding.known import Known
from guerdon.engine.folding.stepping import Keeping, all_or_nothing
from guerdon.engine.gather import Place
from guerdon.engine.intake import Item, stored_form
from guerdon.engine.returns.rows import ReturnRow
from guerdon.engine.showing.returns import with_cards
from guerdon.rules.decision import Decision
from guerdon.rules.events import Event, PaidOrder, ReturnOrder
from guerdon.rules.lives import lived
from guerdon.rules.state import AccountState, Shared, State
from guerdon.rules.step import step


class Folding(Keeping, Protocol):
    """The fold of a batch, as far as returns use it."""

    place: Place
    known: Known

    def check_history(self, item: Item, event: Event) -> None:
        """Make sure that history is imported into no later history.

        Args:
            item: the command.
            event: the fact.
        """
        ...


def _known_return(fold: Folding, item: Item, body_hash: bytes) -> Decision | None:
    """Find what was decided about the same return before."""
    try:
        return fold.known.find_event(item, body_hash)
    except Problem as problem:
        if problem.code != "event_id_reused" or isinstance(item.job.command, IngestEvent):
            raise
        detail = "another return has this id: each return in a program needs one of its own"
        raise Problem.at("/id", problem.code, detail) from None


def take_return(fold: Folding, item: Item) -> Answer:
    """Undo what goes with what came back of an order, unless this return was taken in before.

    Args:
        fold: the batch.
        item: the command, its order found.

    Returns:
        What was undone; of a return that is known, what was undone the first time.

    Raises:
        Problem: `event_id_reused`, and what undoing refuses.
    """
    body, body_hash = stored_form(item, item.member_id)
    again = _known_return(fold, item, body_hash)
    if again is not None:
        return _told(fold, fold.shown(item, again, "duplicate"))
    event, paid = _with_earlier(fold, item)
    if isinstance(item.job.command, IngestEvent):
        fold.check_history(item, event)
    event_id = item.job.event_ids[0]
    done = fold.done
    with all_or_nothing(done):
        applied = fold.step(item, event, event_id) if item.account_id else _of_guest(fold, item, event)
        applied.body, applied.body_hash = body, body_hash
        done.applied.append(applied)
        refund_cards(fold, item, applied)
        empty_cards(fold, item, applied.decision.cancelled, event.booked_at)
    fold.known.remember(item, applied)
    returned = applied.decision.returned
    assert returned is not None, "a return that is not refused says what came back"
    order_event = UUID(paid.event_id)
    done.returned[order_event] = (*paid.earlier, returned)
    done.returns.append(ReturnRow(item.account_id, order_event, len(paid.earlier) + 1, event_id))
    for number in applied.decision.cancelled:
        done.statuses[number] = done.statuses[number].moved("cancelled", event.booked_at)
    for number in applied.decision.restored:
        done.statuses[number] = done.statuses[number].moved("issued", event.booked_at)
    return _told(fold, fold.shown(item, applied.decision, "applied"))


def _told(fold: Folding, answer: Answer) -> Answer:
    """Say where the money of gift cards is, which may be blocked or replaced."""
    return msgspec.structs.replace(answer, returned=with_cards(answer.returned, fold.done.cards))


def _with_earlier(fold: Folding, item: Item) -> tuple[Event, PaidOrder]:
    """Add what this batch has returned of the order already, and how its redemptions stand now."""
    event = item.event
    assert event is not None
    command = event.command
    assert isinstance(command, ReturnOrder)
    paid = command.paid
    assert paid is not None, "gather finds the order"
    statuses: dict[int, str] = {number: one.status for number, one in fold.done.statuses.items()}
    # A gift card that money moved on is as good as used.
    statuses |= dict.fromkeys(touched(fold, event.booked_at) & statuses.keys(), "used")
    earlier = fold.done.returned.get(UUID(paid.event_id), paid.earlier)
    fresh = paid.fresh if len(earlier) == len(paid.earlier) else frozenset()
    paid = msgspec.structs.replace(paid, earlier=earlier, redemptions=statuses, fresh=fresh)
    if paid.lives:
        posted = (one.decision.transactions for one in fold.done.applied if one.account_id == item.account_id)
        lives = lived(paid.lives, chain.from_iterable(posted))
        paid = msgspec.structs.replace(paid, lives=lives)
    return msgspec.structs.replace(event, command=msgspec.structs.replace(command, paid=paid)), paid


def _of_guest(fold: Folding, item: Item, event: Event) -> Applied:
    """Undo a guest's order: nobody earned, but its checkout may have drawn from what all share."""
    done, event_id = fold.done, item.job.event_ids[0]
    chance = fold.place.vault.chance(event_id)
    state = State(AccountState(0), None, Shared(done.shared, done.shared_holds))
    after, decision = step(fold.place.program, state, event, chance)
    if decision.problem_code:
        raise Problem.at(decision.problem_pointer, decision.problem_code, decision.problem_detail)
    done.shared, done.shared_holds = after.shared.counters, after.shared.holds
    return Applied(item, event_id, event, marked(fold.place.vault, event_id, decision))
