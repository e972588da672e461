"""Finding an event by the id that people know it by."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.infra.tx import Tx

# Sources are few and ids are many: the key's index is entered once for each source.
_BY_ID: Final = """
with recursive sources (source) as (
    (select source from event_keys where program_id = %(program)s order by source limit 1)
    union all
    select (select k.source from event_keys k where k.program_id = %(program)s and k.source > s.source
        order by k.source limit 1)
    from sources s where s.source is not null
)
select k.account_id, k.event_id from sources s
join event_keys k on k.program_id = %(program)s and k.source = s.source and k.id = %(id)s
where s.source is not null
"""
_BY_SOURCE: Final = """
select account_id, event_id from event_keys
where program_id = %(program)s and source = %(source)s and id = %(id)s
"""
_BY_NUMBER: Final = "select account_id, event_id from events where program_id = %s and event_id = %s"


def find_events(tx: Tx, program_id: int, event: str, source: str | None) -> list[StoredEvent]:
    """Find events by the id they were sent with, or by the one that transactions name them by.

    Args:
        tx: bound to the tenant.
        program_id: in which program.
        event: an id as sent, or a UUID of ours.
        source: which source, None for all.

    Returns:
        At most one event for each source.
    """
    statement = _BY_ID if source is None else _BY_SOURCE
    keys = tx.execute(statement, {"program": program_id, "id": event, "source": source}).fetchall()
    number = _uuid(event) if source is None and not keys else None
    if number is not None:
        keys = tx.execute(_BY_NUMBER, (program_id, number)).fetchall()
    return list(ask_stored(tx, [key[0] for key in keys], [key[1] for key in keys])().values())


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
