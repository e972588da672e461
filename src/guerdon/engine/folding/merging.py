"""The fold of a merge: one account leaves, the other takes in, both or neither."""

from __future__ import annotations

from typing import Protocol

import msgspec

from guerdon.engine.answers import Answer
from guerdon.engine.folding.folded import Applied
from guerdon.engine.folding.stepping import Keeping, all_or_nothing
from guerdon.engine.gather import Gathered
from guerdon.engine.intake import Item
from guerdon.engine.merging.gathering import Leaving, why_not_merged
from guerdon.engine.showing.merges import merged_view
from guerdon.members.merging.moving import Merge
from guerdon.rewards.merging import as_json
from guerdon.rules.contents import contents_of
from guerdon.rules.events import ARRIVED, LeaveFor, TakeIn
from guerdon.rules.leaving import settled_before
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, Shared, State


class Folding(Keeping, Protocol):
    """The fold of a batch, as far as merging uses it."""

    gathered: Gathered
    program: Program


def merge(fold: Folding, item: Item) -> Answer:
    """Let an account go into another one, or only say what would go.

    Args:
        fold: the batch, in which nothing else is.
        item: the command.

    Returns:
        The account that stays, as it stands now, or would.

    Raises:
        Problem: what `why_not_merged` says, `account_has_checkout` or `balance_too_large`.
    """
    problem = why_not_merged(fold.gathered.rows, item)
    if problem is not None:
        raise problem
    leaving = fold.gathered.leaving
    assert leaving is not None  # both were gathered
    assert item.event is not None
    done, gone, into = fold.done, item.account_id, item.other_account
    stood = (dict(done.accounts), dict(done.next_seq), list(done.applied))
    with all_or_nothing(done):
        arriving, arrived, left = _decide(fold, item, leaving)
    answer = fold.shown(arriving, arrived.decision, "applied", arrived)
    living = fold.gathered.rows[gone].members
    sides = (left, stood[0][into], done.accounts[into])
    beside = (leaving.redemptions, len(leaving.checkouts), living)
    taken = arrived.event.command
    assert isinstance(taken, TakeIn)  # as it was decided
    view = merged_view(fold.program, sides, taken.contents, beside)
    answer = msgspec.structs.replace(answer, merged=view)
    if item.job.command.looks:
        done.accounts, done.next_seq, done.applied = stood
        return msgspec.structs.replace(answer, transactions=())
    for row in leaving.checkouts:
        done.checkouts[row.source, row.id] = row._replace(account_id=into)
    left_id, arrived_id = item.job.event_ids
    merged = Merge(gone, into, left_id, arrived_id, item.event.booked_at, leaving.stood_for, living)
    done.merges.append((merged, item.job.command.by, item.job.command.reason))
    return answer


def _decide(fold: Folding, item: Item, leaving: Leaving) -> tuple[Item, Applied, AccountState]:
    """Decide both halves; give who arrives, what that came to, and the account as it was when it left."""
    assert item.event is not None
    left_id, arrived_id = item.job.event_ids
    before = State(fold.done.accounts[item.account_id], None, Shared())
    event = msgspec.structs.replace(item.event, command=LeaveFor(item.other_account, str(arrived_id)))
    item.event = event
    # Refused before it is asked what it has: an account that holds something may owe units that are held.
    left = fold.step(item, event, left_id)
    settled = settled_before(fold.program, before, event)
    contents = contents_of(settled, [metric.identity for metric in fold.program.metrics.values()])
    moved = tuple(as_json(one) for one in leaving.redemptions)
    command = TakeIn(item.account_id, str(left_id), contents, moved)
    arriving = Item(item.job)
    arriving.account_id = item.other_account
    arriving.event = msgspec.structs.replace(event, type=ARRIVED, command=command)
    arrived = fold.step(arriving, arriving.event, arrived_id)
    fold.keep(left)
    fold.keep(arrived)
    return arriving, arrived, settled
