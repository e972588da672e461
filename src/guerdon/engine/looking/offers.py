"""Rewards as one account sees them: the rules by which it would take them, over what stands now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from guerdon.base.ids import Chance
from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.members.accounts import load_accounts
from guerdon.members.standing import Wanted, load_standing
from guerdon.members.states import load_members
from guerdon.rewards.looking import load_room
from guerdon.rewards.redemptions import ask_takings
from guerdon.rules.draft import Draft
from guerdon.rules.events import Event
from guerdon.rules.limits import Draw, stock_draw
from guerdon.rules.offering import Offer, offer_of
from guerdon.rules.program import Program, Reward
from guerdon.rules.seating import MANY, waiting_draw
from guerdon.rules.spending import cart_draws
from guerdon.rules.state import AccountState, Shared, State
from guerdon.rules.step import exactly
from guerdon.rules.stepping import TAKING


class Looker(NamedTuple):
    """Who looks at the rewards of which program."""

    program_id: int
    program: Program
    account_id: int
    member_id: int | None


def load_offers(tx: Tx, looker: Looker, now: datetime) -> dict[str, Offer]:
    """Tell how an account sees all rewards.

    Args:
        tx: bound to the tenant; nothing is locked.
        looker: who looks, and where.
        now: the instant.

    Returns:
        By reward; what no limit and no stock has left is a reason as well.
    """
    state = load_state(tx, looker, now)
    event = Event(TAKING, now, now, source="guerdon", channel="system")
    program = looker.program
    with exactly():
        draft = Draft(program, state, event, Chance(bytes(8)))
        draft.settle()
        asked = {
            key: cart_draws(reward, looker.member_id, draft.day) for key, reward in program.rewards.items()
        }
        draws = [draw for some in asked.values() for draw, _, _ in some]
        draws += [waiting_draw(key) for key, reward in program.rewards.items() if reward.has_line]
        room, _ = load_room(tx, looker.program_id, draws, looker.account_id, now)
        found = {}
        for key, reward in program.rewards.items():
            offer = offer_of(draft, reward)
            codes = (code for draw, amount, code in asked[key] if room(draw) < _least(reward, code) * amount)
            reason = offer.reason or next(codes, "") or _line(reward, room)
            found[key] = msgspec.structs.replace(offer, reason=reason)
    return found


def _line(reward: Reward, room: Callable[[Draw], Decimal]) -> str:
    """Tell whether what seats are left are for those who wait."""
    if not reward.has_line or reward.stock is None:
        return ""
    waiting = MANY - room(waiting_draw(reward.key))
    taken = waiting and room(stock_draw(reward.key, reward.stock)) - waiting < reward.at_least
    return "out_of_stock" if taken else ""


def _least(reward: Reward, code: str) -> int:
    """Tell how often a draw for one is drawn by the least that can be taken at once."""
    return 1 if code == "reward_cooling" else reward.at_least


def load_state(tx: Tx, looker: Looker, now: datetime) -> State:
    """Read an account and who looks, as conditions see them.

    Args:
        tx: bound to the tenant; nothing is locked.
        looker: who looks, and where.
        now: the instant.

    Returns:
        The state; no counters are in it.
    """
    account_id, program = looker.account_id, looker.program
    accounts = [account_id]
    row = load_accounts(tx, looker.program_id, accounts)[account_id]
    wallets = load_wallets(tx, accounts, now, program).get(account_id, {})
    metrics = {metric.identity for metric in program.metrics.values()}
    metrics |= {one.identity for ladder in program.ladders.values() for one in ladder.metrics}
    standing = load_standing(tx, Wanted(accounts, metrics, challenges=True))[account_id]
    people = load_members(tx, accounts, [] if looker.member_id is None else [looker.member_id])
    cooling = [key for key, reward in program.rewards.items() if reward.cooling is not None]
    owner = people.owners.get(account_id)
    acts = people.by_id.get(looker.member_id) if looker.member_id is not None else None
    account = AccountState(
        account_id=account_id,
        kind=row.kind,
        created_at=row.created_at,
        last_occurred_at=row.last_occurred_at,
        last_booked_at=row.last_booked_at,
        wallets=wallets,
        buckets=standing.buckets,
        tiers=standing.tiers,
        badges=standing.badges,
        challenges=standing.challenges,
        owner=owner.state if owner is not None else None,
        members=row.members,
        takings=ask_takings(tx, accounts, cooling)().get(account_id, {}),
    )
    return State(account, acts.state if acts is not None else None, Shared())
