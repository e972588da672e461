"""What a batch reads for accounts that were merged, and for the one that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.checkouts.rows import CheckoutRow, lock_open
from guerdon.engine.commands import AdjustBalance, Apart, MergeAccounts, RunTick, TransferUnits
from guerdon.engine.intake import Item
from guerdon.infra.tx import Tx
from guerdon.members.accounts import AccountRow
from guerdon.members.merging.moving import ask_heirs, list_merged, load_whole
from guerdon.rewards.merging import load_all, takings_in
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.events import SendUnits

_BY_NUMBER = (AdjustBalance, TransferUnits, RunTick)


class Leaving(msgspec.Struct):
    """What hangs on an account that is merged, beside its state."""

    redemptions: Sequence[Redemption]
    checkouts: Sequence[CheckoutRow]
    """Open ones, which nobody can hold anything with while the account is locked."""
    stood_for: Sequence[int]
    """Accounts that were merged into it before."""


def merge_in(items: Sequence[Item]) -> Item | None:
    """Find the merge of a batch, which stands alone: what comes behind it is about other accounts then.

    Args:
        items: all commands of the batch.

    Returns:
        The merge, None where there is none.

    Raises:
        Apart: where there are other commands beside it.
    """
    for at, item in enumerate(items):
        if isinstance(item.job.command, MergeAccounts):
            if len(items) > 1:
                raise Apart(at or 1)
            return item
    return None


def set_heirs(tx: Tx, items: Sequence[Item]) -> None:
    """Let commands that name an account by its number find the one that stands for it.

    Args:
        tx: bound to the tenant; nothing is locked.
        items: the commands, changed in place; all others find their account where it is anyway.
    """
    named = [one for one in items if one.problem is None and isinstance(one.job.command, _BY_NUMBER)]
    asked = {account for one in named for account in (one.account_id, one.other_account) if account}
    if not asked:
        return
    heirs = ask_heirs(tx, asked)()
    for item in named if heirs else ():
        item.account_id = heirs.get(item.account_id, item.account_id)
        item.other_account = heirs.get(item.other_account, item.other_account)
        if item.event is not None and isinstance(item.event.command, SendUnits):
            sent = msgspec.structs.replace(item.event.command, to_account=item.other_account)
            item.event = msgspec.structs.replace(item.event, command=sent)


def check_heirs(items: Sequence[Item], rows: dict[int, AccountRow]) -> None:
    """Make sure that no account was merged between its finding and its locking.

    Args:
        items: the commands.
        rows: their accounts, locked.

    Raises:
        AssertionError: where one was; the batch is gathered again, and finds the one that stands for it.
    """
    for item in items:
        if isinstance(item.job.command, MergeAccounts):
            continue
        for account_id in (item.account_id, item.other_account):
            row = rows.get(account_id)
            if row is not None and row.merged_into is not None:
                raise AssertionError("an account was merged before it was locked")


def why_not_merged(rows: dict[int, AccountRow], item: Item) -> Problem | None:
    """Say why an account cannot be merged.

    Args:
        rows: the accounts that are locked.
        item: the merge.

    Returns:
        `account_not_found`, `same_account`, `account_merged`, `account_not_for_people` or `account_erased`;
        None where nothing of the accounts themselves stands in the way.
    """
    if item.account_id == item.other_account:
        return Problem.at("/into", "same_account", "an account cannot be merged into itself")
    for account_id, pointer in ((item.account_id, ""), (item.other_account, "/into")):
        row = rows.get(account_id)
        fault = _why_not(row)
        if fault is not None:
            code, detail = fault
            return Problem.at(pointer, code, detail) if pointer else Problem(code, detail)
    return None


def _why_not(row: AccountRow | None) -> tuple[str, str] | None:
    if row is None:
        return "account_not_found", "there is no such account in this program"
    if row.merged_into is not None:
        shown = number_text("acc", row.merged_into)
        return "account_merged", f"this account was merged already: {shown} stands for it"
    if row.kind == "card":
        return "account_not_for_people", "a gift card's account is nobody's; claim the card instead"
    if not row.members:
        return "account_erased", "nobody acts for this account any more, for its people were erased"
    return None


def read_leaving(tx: Tx, gathered: Any, item: Item) -> Leaving:
    """Read all that two accounts have, and what hangs on the one that goes.

    Args:
        tx: bound to the tenant; both accounts are locked.
        gathered: the batch; the states of both accounts are made whole.
        item: the merge.

    Returns:
        What moves beside the account's state.
    """
    pair = [item.account_id, item.other_account]
    counted = load_whole(tx, pair)
    kept = {account_id: load_all(tx, account_id) for account_id in pair}
    for account_id in pair:
        gathered.accounts[account_id] = msgspec.structs.replace(
            gathered.accounts[account_id],
            buckets=counted[account_id].buckets,
            counters=counted[account_id].counters,
            takings=takings_in(kept[account_id]),
        )
    carts = lock_open(tx, gathered.place.program_id, item.account_id)
    for row in carts:
        gathered.checkouts[row.source, row.id] = row
    return Leaving(kept[item.account_id], carts, list_merged(tx, [item.account_id]))
