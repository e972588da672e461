"""A state cut down to what an event is said to need, as gathering does it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from guerdon.rules.decision import Decision
from guerdon.rules.events import Event
from guerdon.rules.lots import sort_lots
from guerdon.rules.needs import needs_of
from guerdon.rules.program import Program
from guerdon.rules.state import Lot, Shared, State, WalletState

replace = msgspec.structs.replace


def reduced(program: Program, state: State, event: Event) -> State:
    """Leave out everything that `needs_of` does not name.

    Args:
        program: what decides.
        state: the whole state.
        event: what is going to be decided.

    Returns:
        The state as gathered for this event alone.
    """
    needs = needs_of(program, event, state.member.member_id if state.member is not None else None)
    account = state.account
    now = max(event.booked_at, account.last_booked_at or event.booked_at)
    return State(
        account=replace(
            account,
            wallets={key: _wallet(one, now, needs.lots) for key, one in account.wallets.items()},
            buckets={
                (identity, on): bucket
                for (identity, on), bucket in account.buckets.items()
                if identity in needs.metrics and on >= needs.oldest_bucket_on
            },
            counters={key: used for key, used in account.counters.items() if key in needs.counters},
        ),
        member=state.member,
        shared=Shared({key: used for key, used in state.shared.counters.items() if key in needs.shared}),
    )


def merged(program: Program, before: State, after: State, decision: Decision) -> State:
    """Write what a decision on a gathered state changed back over the whole state, as applying does it.

    Args:
        program: what decided.
        before: the whole state.
        after: the state after the decision on what was gathered of it.
        decision: the decision; lots that were not gathered change by its entries alone.

    Returns:
        The whole state after it.
    """
    return State(
        account=replace(
            after.account,
            wallets={
                key: _filled(program, before, (key, one), decision)
                for key, one in after.account.wallets.items()
            },
            buckets={**before.account.buckets, **after.account.buckets},
            counters={**before.account.counters, **after.account.counters},
        ),
        member=before.member,
        shared=Shared({**before.shared.counters, **after.shared.counters}),
    )


def _filled(
    program: Program, before: State, wallet: tuple[str, WalletState], decision: Decision
) -> WalletState:
    key, after = wallet
    if after.lots is not None:
        return after
    was = before.account.wallets.get(key, WalletState()).lots or ()
    units = {(lot.available_at, lot.expires_at): lot.remaining for lot in was}
    for one in decision.transactions:
        for entry in one.entries if one.wallet == key else ():
            if entry.book == "member" and entry.available_at is not None:
                lot = (entry.available_at, entry.expires_at)
                units[lot] = units.get(lot, 0) + entry.amount
    left = (Lot(*lot, amount) for lot, amount in units.items() if amount)
    return replace(after, lots=sort_lots(left, program.spending_order))


def _wallet(wallet: WalletState, now: datetime, spends: bool) -> WalletState:
    due = wallet.changes_at is not None and wallet.changes_at <= now
    return wallet if spends or due or wallet.debt else replace(wallet, lots=None)
