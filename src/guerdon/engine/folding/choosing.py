"""What the fold of a batch does with a choice that is made later."""

from __future__ import annotations

from typing import Any

import msgspec

from guerdon.base.errors import Problem
from guerdon.engine.answers import Answer
from guerdon.engine.folding.cards import give_cards
from guerdon.engine.folding.stepping import all_or_nothing
from guerdon.engine.intake import Item
from guerdon.engine.returns.choosing import is_settled, settled
from guerdon.rules.events import Choose


def choose(fold: Any, item: Item) -> Answer:
    """Settle what a redemption is.

    Args:
        fold: the batch.
        item: the command.

    Returns:
        The answer.

    Raises:
        Problem: `redemption_not_found`, `redemption_used`, `redemption_cancelled`, `redemption_sent`,
            `redemption_held`, `redemption_expired`, `choice_made`, and what choosing raises.
    """
    taken = fold.still_issued(item)
    command = item.job.command
    now = command.received_at
    if taken.status != "issued":
        raise Problem(f"redemption_{taken.status}", f"this redemption is {taken.status} already")
    if is_settled(taken):
        raise Problem("choice_made", "something was chosen of this reward already")
    if taken.expires_at is not None and taken.expires_at <= now:
        raise Problem("redemption_expired", "this redemption could be used until it expired")
    event = item.event
    assert event is not None and isinstance(event.command, Choose)  # noqa: PT018 - made in gather
    asked = Choose(
        taken.redemption_id,
        taken.reward,
        taken.quantity,
        command.choice,
        taken.issued_at,
        taken.member_id,
        taken.campaign,
        taken.price,
        taken.code,
        taken.expires_at,
        taken.fixed,
        command.by,
    )
    if asked.reward != event.command.reward:
        raise AssertionError("a redemption was another when it was locked")
    item.event = event = msgspec.structs.replace(event, command=asked)
    done = fold.done
    with all_or_nothing(done):
        applied = fold.step(item, event, item.job.event_ids[0])
        give_cards(fold, item, applied)
    fold.keep(applied)
    (chosen,) = applied.decision.chosen
    done.statuses[taken.redemption_id] = settled(taken, chosen, now, command.by)
    return fold.shown(item, applied.decision, "applied", applied)  # type: ignore[no-any-return]  # an Answer
