"""What the fold of a batch does with friends: with the enrolment comes that they were invited."""

from __future__ import annotations

from typing import Protocol

from guerdon.engine.folding.known import Known
from guerdon.engine.folding.stepping import Stepping
from guerdon.engine.gather import Gathered
from guerdon.engine.intake import Item, stored_form


class Folding(Stepping, Protocol):
    """The fold of a batch, as far as friends need it."""

    gathered: Gathered
    known: Known


def join(fold: Folding, item: Item) -> None:
    """Keep who invited a newcomer, and give the friend's prize.

    Args:
        fold: the batch.
        item: the enrolment, applied.
    """
    invited = fold.gathered.invited.get(item.member_id or 0)
    if invited is None:
        return
    fold.done.invited.append(invited.row)
    if invited.told is None:
        return
    sent, event = invited.told
    told = Item(item.job)
    told.sent, told.sent_id, told.event = sent, sent.id, event
    told.account_id, told.member_id = item.account_id, item.member_id
    applied = fold.step(told, event, item.job.event_ids[1])
    applied.body, applied.body_hash = stored_form(told, told.member_id)
    fold.done.applied.append(applied)
    fold.known.remember(told, applied)
