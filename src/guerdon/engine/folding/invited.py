"""What a batch writes of invitations: who was invited, whose event counted, and what came back of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from guerdon.circles.completions import NewCompletion, insert_completions, take_back
from guerdon.circles.referrals import Referral, insert_referrals
from guerdon.engine.folding.folded import Applied
from guerdon.infra.tx import Tx
from guerdon.rules.referrals.keys import FIRST


class Folded(Protocol):
    """What a batch came to."""

    @property
    def applied(self) -> Sequence[Applied]:
        """Its events."""

    @property
    def invited(self) -> Sequence[Referral]:
        """Newcomers whom somebody invited."""


def write_referrals(tx: Tx, program_id: int, folded: Folded) -> None:
    """Write what a batch came to.

    Args:
        tx: the transaction of the batch.
        program_id: of which program.
        folded: what it came to; nearly always nothing of this.
    """
    insert_referrals(tx, program_id, folded.invited)
    insert_completions(
        tx,
        program_id,
        [
            NewCompletion(one.account_id, one.event_id, one.event.occurred_at, _net(one))
            for one in folded.applied
            if any(each.campaign == FIRST for each in one.decision.effects)
        ],
    )
    gone = [one for one in folded.applied if _is_undone(one)]
    accounts = {account for one in gone for account in (one.item.order_account, *one.item.order_line)}
    events = {UUID(one.decision.returned.order_event) for one in gone if one.decision.returned is not None}
    take_back(tx, accounts, events)


def _net(one: Applied) -> int:
    return one.event.order.net_minor if one.event.order is not None else 0


def _is_undone(one: Applied) -> bool:
    returned = one.decision.returned
    return returned is not None and any(
        each.kind == "limit" and each.campaign == FIRST for each in returned.undone
    )
