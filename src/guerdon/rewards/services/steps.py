"""What became of services, beside how their redemptions stand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from guerdon.infra.tx import Tx

State = Literal["requested", "scheduled", "done", "declined", "given_back"]
Noted = Literal["scheduled", "done", "declined"]
_INSERT: Final = """
insert into service_steps (program_id, redemption_id, number, state, at, note, actor, noted_at, event_id)
select %(program)s, %(redemption)s, coalesce(max(number), 0) + 1, %(state)s, %(at)s, %(note)s, %(actor)s,
    %(now)s, %(event)s
from service_steps where program_id = %(program)s and redemption_id = %(redemption)s
on conflict do nothing
"""
_KNOWN: Final = """
select from service_steps
where program_id = %(program)s and redemption_id = %(redemption)s and event_id = %(event)s
"""
_OF: Final = """
select redemption_id, number, state, at, note, actor, noted_at from service_steps
where program_id = %s and redemption_id = any(%s::bigint[]) order by redemption_id, number
"""


class Step(NamedTuple):
    """One thing that staff noted of a service."""

    redemption_id: int
    number: int
    state: Noted
    at: datetime | None
    """When it takes place."""
    note: str
    actor: str
    noted_at: datetime


def add_step(
    tx: Tx,
    place: tuple[int, int, UUID],
    step: tuple[Noted, datetime | None, str],
    who: tuple[str, datetime],
) -> bool:
    """Note what became of a service, once for each event.

    Args:
        tx: bound to the tenant.
        place: program, redemption, and the engine's event that this is of.
        step: the state, when it takes place, and a note that names no member.
        who: who notes it, and when, UTC.

    Returns:
        Whether it was noted now; False where it was noted before.
    """
    (program_id, redemption_id, event_id), (state, at, note), (actor, now) = place, step, who
    where = {"program": program_id, "redemption": redemption_id, "event": event_id}
    values = {**where, "state": state, "at": at, "note": note, "actor": actor, "now": now}
    # Nothing is written where somebody else's step took the number meanwhile: then the next one is free.
    while not tx.execute(_INSERT, values).rowcount:
        if tx.execute(_KNOWN, where).fetchone() is not None:
            return False
    return True


def load_steps(tx: Tx, program_id: int, redemptions: Collection[int]) -> dict[int, list[Step]]:
    """Read what was noted of services.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        redemptions: which.

    Returns:
        By redemption, oldest first; those of which nothing was noted are left out.
    """
    found: dict[int, list[Step]] = {}
    for row in tx.execute(_OF, (program_id, sorted(redemptions))):
        found.setdefault(row[0], []).append(Step(*row))
    return found


def state_of(status: str, steps: Collection[Step]) -> State:
    """Tell how a service stands.

    Args:
        status: of its redemption.
        steps: what was noted.

    Returns:
        The state; what was given back was declined, or the member took it back.
    """
    if status == "cancelled":
        return "declined" if any(one.state == "declined" for one in steps) else "given_back"
    states: dict[str, State] = {"issued": "requested", "sent": "scheduled", "used": "done"}
    return states[status]
