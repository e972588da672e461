"""Which segments accounts are in, each looked at by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.members.accounts import AccountRow, load_accounts
from guerdon.members.standing import Wanted, load_standing
from guerdon.members.states import load_members
from guerdon.rules.program import Program
from guerdon.rules.segments import Segment
from guerdon.rules.state import AccountState
from guerdon.rules.trial import segments_at


def segments_of(tx: Tx, program_id: int, program: Program, account_id: int, now: datetime) -> tuple[str, ...]:
    """Find the segments that an account is in.

    Args:
        tx: bound to the tenant; nothing is locked.
        program_id: to which the account belongs.
        program: the live program.
        account_id: whose.
        now: the instant.

    Returns:
        Keys of the segments in alphabetical order, those that rest left out.
    """
    active = [one for one in program.segments.values() if not one.inactive]
    row = load_accounts(tx, program_id, [account_id]).get(account_id) if active else None
    if row is None:
        return ()
    return segments_of_all(tx, program, active, [row], now)[account_id]


def segments_of_all(
    tx: Tx, program: Program, active: Sequence[Segment], rows: Sequence[AccountRow], now: datetime
) -> Mapping[int, tuple[str, ...]]:
    """Find the segments that some accounts are in.

    Args:
        tx: bound to the tenant; nothing is locked.
        program: the live program.
        active: the segments that are asked for, none that rests.
        rows: the accounts.
        now: the instant.

    Returns:
        By account: keys of the segments that it is in, of those asked for, in alphabetical order.
    """
    names = {path.partition(".")[2] for one in active for path in one.when.reads if path[:8] == "metrics."}
    metrics = {program.metrics[name].identity for name in names & program.metrics.keys()}
    metrics |= {one.identity for ladder in program.ladders.values() for one in ladder.metrics}
    ids = [row.account_id for row in rows]
    standings = load_standing(tx, Wanted(ids, metrics))
    owners = load_members(tx, ids, ()).owners
    wallets = load_wallets(tx, ids, now, program)
    found = {}
    for row in rows:
        standing, owner = standings[row.account_id], owners.get(row.account_id)
        state = AccountState(
            account_id=row.account_id,
            kind=row.kind,
            created_at=row.created_at,
            wallets=wallets.get(row.account_id, {}),
            buckets=standing.buckets,
            tiers=standing.tiers,
            badges=standing.badges,
            owner=owner.state if owner is not None else None,
            members=row.members,
        )
        found[row.account_id] = segments_at(program, state, now, active)
    return found
