"""For whom something is that an account joins: conditions judged for many accounts at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from guerdon.base.ids import Chance
from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.members.accounts import AccountRow
from guerdon.members.standing import Wanted, load_standing
from guerdon.members.states import load_members
from guerdon.rules.draft import Draft
from guerdon.rules.events import Event
from guerdon.rules.expressions import EvaluationError, Expression
from guerdon.rules.program import Program
from guerdon.rules.segments import see_segments
from guerdon.rules.state import AccountState, Shared, State
from guerdon.rules.step import exactly
from guerdon.rules.stepping import PLAYING


def meant_among(
    tx: Tx, program: Program, audience: Expression | None, rows: Mapping[int, AccountRow], now: datetime
) -> Collection[int]:
    """Find the accounts for which a condition holds, as it stands now.

    Args:
        tx: bound to the tenant; nothing is locked.
        program: the live version.
        audience: the condition; None is for everybody.
        rows: the accounts.
        now: the instant, UTC.

    Returns:
        Their numbers; where the condition has no value, it is for others.
    """
    if audience is None or not rows:
        return rows.keys()
    states = _load_states(tx, program, rows, now)
    event = Event(PLAYING, now, now, source="guerdon", channel="system")
    meant = set()
    with exactly():
        for account_id, state in states.items():
            draft = Draft(program, state, event, Chance(bytes(8)))
            draft.settle()
            scope = draft.scope(PLAYING)
            see_segments(program.segments_of, scope, PLAYING)
            try:
                if audience.evaluate(scope):
                    meant.add(account_id)
            except EvaluationError:
                continue
    return meant


def _load_states(tx: Tx, program: Program, rows: Mapping[int, AccountRow], now: datetime) -> dict[int, State]:
    wallets = load_wallets(tx, sorted(rows), now, program)
    metrics = {metric.identity for metric in program.metrics.values()}
    standing = load_standing(tx, Wanted(rows.keys(), metrics))
    owners = load_members(tx, rows, ()).owners
    found = {}
    for account_id, row in rows.items():
        owner = owners.get(account_id)
        known = standing[account_id]
        account = AccountState(
            account_id=account_id,
            kind=row.kind,
            created_at=row.created_at,
            last_occurred_at=row.last_occurred_at,
            last_booked_at=row.last_booked_at,
            wallets=wallets.get(account_id, {}),
            buckets=known.buckets,
            tiers=known.tiers,
            badges=known.badges,
            owner=owner.state if owner is not None else None,
            members=row.members,
        )
        found[account_id] = State(account, account.owner, Shared())
    return found
