"""Explanations of stored decisions: found by order or event, opened, and run again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.engine.replaying.facts import Fact, is_own, read_fact
from guerdon.engine.returns.listing import find_returns
from guerdon.engine.returns.paid import Recorded, deciding, read_paid, returned_of
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.states import LoadedMember, load_members
from guerdon.programs.programs import get_live, get_version
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.events import Event, ReturnOrder
from guerdon.rules.explain import Came, Explanation, Known, People, explain
from guerdon.rules.pinned import with_campaigns_of
from guerdon.rules.program import Program
from guerdon.rules.state import MemberState
from guerdon.rules.undo import part_of

_BY_NAME = """
select account_id, event_id from event_keys
where program_id = %s and (id = %s or order_id = %s)
order by event_id
"""
_BY_EVENT = "select account_id, event_id from events where program_id = %s and event_id = %s"


def find_stored(tx: Tx, program_id: int, name: str, source: str = "") -> list[StoredEvent]:
    """Find events by whatever they are called.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        name: our own id of the event (a UUID), its sender's id, or the id of the order that it paid.
        source: only from this source; empty for all.

    Returns:
        The events, oldest first; several where two sources use one name.
    """
    keys = tx.execute(_BY_NAME, (program_id, name, name)).fetchall()
    with suppress(ValueError):  # what is no UUID is no id of ours
        keys += tx.execute(_BY_EVENT, (program_id, UUID(name))).fetchall()
    found = ask_stored(tx, {key[0] for key in keys}, {key[1] for key in keys})()
    return sorted((one for one in found.values() if source in ("", one.source)), key=lambda one: one.event_id)


def explain_stored(
    tx: Tx,
    vault: Vault,
    program_key: str,
    stored: StoredEvent,
    compiled: Callable[[str, int], Program] | None = None,
) -> Explanation:
    """Run a stored decision again.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys; they open what the event says about a person, where that was not erased.
        program_key: of which program.
        stored: the event.
        compiled: gives versions that are compiled already; None compiles here, which takes milliseconds.

    Returns:
        The explanation.

    Raises:
        Problem: `nothing_decided` for a guest's order, `program_version_not_found`, `stored_body_unreadable`.
    """
    if not stored.account_id:
        raise Problem("nothing_decided", "this is a guest's order: nothing was decided about it")
    version_of = compiled or _compiler(tx)
    program = version_of(program_key, stored.version)
    acting = () if stored.member_id is None else (stored.member_id,)
    loaded = load_members(tx, (stored.account_id,), acting)
    member = loaded.by_id.get(stored.member_id) if stored.member_id is not None else None
    key = member.open_key(vault) if member is not None and stored.sealed is not None else None
    fact = read_fact(program, stored, key, lambda number: version_of(program_key, number))
    taken = fact.event.captured
    if taken is not None:
        program = with_campaigns_of(program, version_of(program_key, taken.version))
    people = People(_present(member), _present(loaded.owners.get(stored.account_id)))
    known = Known(people, fact.is_whole or is_own(stored))
    event, came = _with_returns(
        tx, (program_key, lambda number: version_of(program_key, number)), stored, fact
    )
    told = explain(program, event, stored.decided, known)
    if told.differences and fact.again is not None:
        # A stored fraction is a text: it was decided upon as what it was sent as, and only one of both fits.
        other = explain(program, fact.again, stored.decided, known)
        told = other if len(other.differences) < len(told.differences) else told
    return msgspec.structs.replace(told, came=came)


def _with_returns(
    tx: Tx, place: tuple[str, Recorded], stored: StoredEvent, fact: Fact
) -> tuple[Event, tuple[Came, ...]]:
    """Find what came back of an order; of a return, what it was about, as campaigns saw it."""
    key, recorded = place
    if stored.type == "order.paid":
        program_id = get_live(tx, key).program_id
        program = deciding(recorded, stored.version, fact.event.capture)
        returns = find_returns(tx, program_id, stored)
        return fact.event, tuple(Came(one.occurred_at, one.decided, program) for one in returns)
    command, returned = fact.event.command, stored.decided.returned
    if not isinstance(command, ReturnOrder) or returned is None:
        return fact.event, ()
    about = UUID(returned.order_event)
    order = ask_stored(tx, {0, stored.account_id}, {about})()[about]
    # Attributes that were sealed are left out: what expressions read of them is taken as stored.
    paid = read_paid(order, recorded, None)
    returns = find_returns(tx, get_live(tx, key).program_id, order)
    earlier = itertools.takewhile(lambda one: one.event_id != stored.event_id, returns)
    paid = msgspec.structs.replace(paid, earlier=tuple(returned_of(one) for one in earlier))
    event = msgspec.structs.replace(fact.event, command=None, order=part_of(paid, command.asked).came)
    return event, (Came(stored.occurred_at, stored.decided, paid.program),)


def _present(member: LoadedMember | None) -> MemberState | None:
    return member.state if member is not None and member.wrapped_key is not None else None


def _compiler(tx: Tx) -> Callable[[str, int], Program]:
    def compiled(key: str, version: int) -> Program:
        return compile_program(load_definition(get_version(tx, key, version).canonical), version)

    return compiled
