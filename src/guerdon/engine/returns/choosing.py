"""A choice that is made later, as the fact that is decided, and what it changes of a redemption."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from guerdon.base.errors import Problem
from guerdon.engine.commands import Apart, CancelRedemption, ChooseReward, ReturnOrder
from guerdon.engine.intake import Item
from guerdon.engine.returns.cancelling import cancelling
from guerdon.rewards.redemptions import Issued, Redemption, step_of
from guerdon.rules import events
from guerdon.rules.decision import Decision, NewRedemption


def choosing(command: ChooseReward, issued: Issued) -> events.Event:
    """Make the fact that something is chosen, as far as it is known before the account is locked.

    Args:
        command: what is chosen, by whom and when.
        issued: the redemption as it was found.

    Returns:
        The event.
    """
    asked = events.Choose(
        command.redemption_id,
        issued.reward,
        issued.quantity,
        command.choice,
        issued.issued_at,
        issued.member_id,
        by=command.by,
    )
    now = command.received_at
    return events.Event(
        "guerdon.choose_redemption", now, now, source="guerdon", channel="system", command=asked
    )


def set_redemption(item: Item, issued: Issued | None) -> None:
    """Tell a command about a redemption whose that is, and what it is.

    Args:
        item: the command, changed in place.
        issued: the redemption as it was found, None where there is none.
    """
    if issued is None:
        item.problem = Problem("redemption_not_found", "there is no such redemption")
        return
    item.account_id = issued.account_id
    if isinstance(item.job.command, CancelRedemption):
        item.event = cancelling(item.job.command, issued)
    elif isinstance(item.job.command, ChooseReward):
        item.event = choosing(item.job.command, issued)


def part_chosen(items: Sequence[Item]) -> None:
    """Let what follows a choice in a batch wait until that is committed: it is about another thing then.

    Args:
        items: all commands of the batch.

    Raises:
        Apart: where a command may be about a redemption of which an earlier one chooses something.
    """
    chosen: set[int] = set()
    for place, item in enumerate(items):
        is_return = isinstance(item.job.command, ReturnOrder) or (
            item.event is not None and isinstance(item.event.command, events.ReturnOrder)
        )
        if chosen and (is_return or item.redemption_id in chosen):
            raise Apart(place)
        if isinstance(item.job.command, ChooseReward):
            chosen.add(item.redemption_id)


def check_chosen(asked: events.CancelRedemption, taken: Redemption | None) -> None:
    """Make sure that nothing was chosen of a redemption before it was locked.

    Args:
        asked: what takes it back, as it was found.
        taken: as it is locked.

    Raises:
        AssertionError: where another process was faster; the batch is gathered again.
    """
    if taken is not None and (taken.reward, taken.choice) != (asked.reward, asked.choice):
        raise AssertionError("something was chosen of a redemption before it was locked")


def made_of(taken: Redemption) -> NewRedemption:
    """Give a redemption as a decision says it.

    Args:
        taken: as it stands.

    Returns:
        What it is.
    """
    return NewRedemption(
        taken.redemption_id,
        taken.reward,
        taken.kind,
        taken.quantity,
        taken.price,
        taken.code,
        taken.campaign,
        taken.expires_at,
        taken.choice,
        taken.fixed,
    )


def settled(taken: Redemption, chosen: NewRedemption, at: datetime, by: str = "") -> Redemption:
    """Give a redemption as it stands after something was chosen of it.

    Args:
        taken: as it stood.
        chosen: what it is now.
        at: when.
        by: who chose.

    Returns:
        The redemption.
    """
    return taken._replace(
        reward=chosen.reward,
        kind=chosen.kind,
        code=chosen.code,
        choice=chosen.choice,
        expires_at=chosen.expires_at,
        particulars=msgspec.to_builtins(chosen.particulars),
        changed_at=at,
        steps=[*taken.steps, {**step_of("issued", at, by), "status": "chosen"}],
    )


def is_settled(taken: Redemption) -> bool:
    """Tell whether something was chosen of a redemption.

    Args:
        taken: as it stands.

    Returns:
        True where it says what.
    """
    return bool(taken.choice or taken.fixed.chosen_from)


def chosen_among(decisions: Iterable[Decision], taken: Mapping[int, Redemption]) -> dict[int, NewRedemption]:
    """Find what was chosen since of the redemptions that an order made.

    Args:
        decisions: on the order and on what its checkouts took.
        taken: redemptions as they stand.

    Returns:
        By number, what they are now.
    """
    return {
        made.redemption_id: made_of(now)
        for decision in decisions
        for made in decision.redemptions
        if (now := taken.get(made.redemption_id)) is not None
        and (now.reward, now.choice) != (made.reward, made.choice)
    }
