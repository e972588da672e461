"""What is found of friends and advocates before a prize: one person, a circle, one card or device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.circles.completions import Completion, is_like_another
from guerdon.circles.referrals import Referral, load_of
from guerdon.engine.events import StoredEvent
from guerdon.engine.replaying.facts import read_fact
from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey, Vault
from guerdon.members.identities import Found, member_ref, resolve
from guerdon.members.merging.moving import ask_heirs
from guerdon.members.states import load_members
from guerdon.rules.program import Program
from guerdon.rules.referrals.reviewing import CHAIN_AT_MOST, TRACES, traces_in

_ORDERS_AT_MOST: Final = 200
_OF_ADVOCATE: Final = """
select account_id, event_id, member_id, type, source, id, order_id, channel, store, occurred_at, booked_at,
    version, late, first_seq, transactions, body, sealed, decision
from events where account_id = %s and sealed is not null order by event_id desc limit %s
"""
_MEMBERS: Final = "select member_id from members where account_id = %s"
_ONE: Final = """
select account_id, event_id, member_id, type, source, id, order_id, channel, store, occurred_at, booked_at,
    version, late, first_seq, transactions, body, sealed, decision
from events where account_id = %s and event_id = %s
"""


class Scene(NamedTuple):
    """Where it is looked for."""

    vault: Vault
    program_id: int
    program: Program


def whereabouts(tx: Tx, scene: Scene, member_id: int) -> Found | None:
    """Find where a member is now, for accounts can be merged.

    Args:
        tx: bound to the tenant.
        scene: program and keys.
        member_id: who.

    Returns:
        Account and member; None for whom was erased.
    """
    ref = member_ref(member_id)
    return resolve(tx, scene.vault, scene.program_id, [ref]).get(ref)


def traces_of(tx: Tx, scene: Scene, place: tuple[int, object]) -> dict[str, bytes]:
    """Give keyed hashes of what a friend's event said of card, device and address.

    Args:
        tx: bound to the tenant.
        scene: program and keys.
        place: account and event.

    Returns:
        By kind; nothing of an event that cannot be read any more.
    """
    rows = tx.execute(_ONE, place).fetchall()
    return dict(each for row in rows for each in _traces(tx, scene, StoredEvent(*row)))


def reasons_for(
    tx: Tx, scene: Scene, invited: Referral, completion: Completion, traces: dict[str, bytes]
) -> list[str]:
    """Find what speaks against a prize.

    Args:
        tx: bound to the tenant.
        scene: program and keys.
        invited: the invitation.
        completion: the friend's event, with friend, advocate and traces.
        traces: as `traces_of` gives them.

    Returns:
        Reasons in the order in which a program names them, each once.
    """
    reasons = list(invited.reasons)
    advocate = whereabouts(tx, scene, invited.advocate_id)
    mine = completion.account_id
    stands = ask_heirs(tx, [mine])().get(mine, mine)
    if advocate is not None and advocate.account_id == stands:
        reasons.append("same_person")
    if _is_circle(tx, scene, invited) or is_like_another(tx, scene.program_id, completion):
        reasons.append("circle")
    if advocate is not None and traces:
        left = {**traces}
        for row in tx.execute(_OF_ADVOCATE, (advocate.account_id, _ORDERS_AT_MOST)).fetchall():
            for kind, digest in _traces(tx, scene, StoredEvent(*row)):
                if left.get(kind) == digest:
                    reasons.append(TRACES[kind])
                    del left[kind]
            if not left:
                break
    return list(dict.fromkeys(reasons))


def _is_circle(tx: Tx, scene: Scene, invited: Referral) -> bool:
    """Follow who invited whom upwards: it may lead back to the friend where accounts were merged."""
    home = whereabouts(tx, scene, invited.member_id)
    there = whereabouts(tx, scene, invited.advocate_id)
    seen: set[int] = set()
    waiting = [there.account_id] if there is not None else []
    while waiting and home is not None and len(seen) < CHAIN_AT_MOST:
        account_id = waiting.pop()
        seen.add(account_id)
        members = [row[0] for row in tx.execute(_MEMBERS, (account_id,))]
        for above in load_of(tx, scene.program_id, members):
            one = whereabouts(tx, scene, above.advocate_id)
            if one is not None and one.account_id == home.account_id:
                return True
            if one is not None and one.account_id not in seen:
                waiting.append(one.account_id)
    return False


def _traces(tx: Tx, scene: Scene, stored: StoredEvent) -> Iterator[tuple[str, bytes]]:
    key = _key_of(tx, scene, stored.member_id) if stored.sealed is not None else None
    try:
        fact = read_fact(scene.program, stored, key, lambda _: scene.program)
    except Problem:
        # A body that today's settings cannot read says nothing of where it came from.
        return
    for kind, value in traces_in(fact.event.order, fact.event.data).items():
        yield kind, scene.vault.digest(f"referral {kind}", value)


def _key_of(tx: Tx, scene: Scene, member_id: int | None) -> MemberKey | None:
    home = whereabouts(tx, scene, member_id) if member_id is not None else None
    if home is None:
        return None
    loaded = load_members(tx, [home.account_id], [home.member_id]).by_id.get(home.member_id)
    return loaded.open_key(scene.vault) if loaded is not None else None
