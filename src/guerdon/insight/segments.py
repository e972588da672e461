"""Which segments an account is in, as pages show it."""

from __future__ import annotations

from datetime import datetime

from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.members.accounts import load_accounts
from guerdon.members.standing import Wanted, load_standing
from guerdon.members.states import load_members
from guerdon.rules.program import Program
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
    names = {path.partition(".")[2] for one in active for path in one.when.reads if path[:8] == "metrics."}
    metrics = {program.metrics[name].identity for name in names & program.metrics.keys()}
    metrics |= {one.identity for ladder in program.ladders.values() for one in ladder.metrics}
    standing = load_standing(tx, Wanted([account_id], metrics))[account_id]
    owner = load_members(tx, [account_id], ()).owners.get(account_id)
    state = AccountState(
        account_id=account_id,
        kind=row.kind,
        created_at=row.created_at,
        wallets=load_wallets(tx, [account_id], now, program).get(account_id, {}),
        buckets=standing.buckets,
        tiers=standing.tiers,
        badges=standing.badges,
        owner=owner.state if owner is not None else None,
        members=row.members,
    )
    return segments_at(program, state, now)
