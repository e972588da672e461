"""What became of services, beside how their redemptions stand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal, NamedTuple

from guerdon.infra.tx import Tx

State = Literal["requested", "scheduled", "done", "declined", "given_back"]
Noted = Literal["scheduled", "done", "declined"]
_INSERT: Final = """
insert into service_steps (program_id, redemption_id, number, state, at, note, actor, noted_at)
select %(program)s, %(redemption)s, coalesce(max(number), 0) + 1, %(state)s, %(at)s, %(note)s, %(actor)s,
    %(now)s
from service_steps where program_id = %(program)s and redemption_id = %(redemption)s
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
    tx: Tx, place: tuple[int, int], step: tuple[Noted, datetime | None, str], who: tuple[str, datetime]
) -> None:
    """Note what became of a service.

    Args:
        tx: bound to the tenant.
        place: program and redemption.
        step: the state, when it takes place, and a note that names no member.
        who: who notes it, and when, UTC.
    """
    (program_id, redemption_id), (state, at, note), (actor, now) = place, step, who
    values = {"program": program_id, "redemption": redemption_id, "state": state, "at": at}
    tx.execute(_INSERT, {**values, "note": note, "actor": actor, "now": now})


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
