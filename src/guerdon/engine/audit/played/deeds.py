"""Deeds beside the events that they became."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.rules.own_events import DEEDS

_EVENTS: Final = """
select e.program_id, e.account_id, e.id, e.type, e.member_id, e.occurred_at from events e
where e.source = %s order by 1, 2, 3
"""
_APPROVED: Final = """
select program_id, deed_id, type, member_id, occurred_at, told from deeds where state = 'approved'
"""


def check_deeds(tx: Tx) -> Iterator[Finding]:
    """Look for the deed of each such event, and for the event of each deed that was told.

    Args:
        tx: as for `verify`.

    Yields:
        What does not hold.
    """
    approved = {(row[0], row[1]): row[2:] for row in tx.execute(_APPROVED).fetchall()}
    for program_id, account_id, said, *event in tx.execute(_EVENTS, (DEEDS,)).fetchall():
        key = (program_id, parse_number("ded", said) or 0)
        deed = approved.pop(key, None)
        if deed is None:
            name = f"{number_text('acc', account_id)} {said}"
            yield Finding("deed_missing", "deeds", name, "an approved deed", "none", account_id)
        elif list(deed[:3]) != event:
            name = f"{number_text('acc', account_id)} {said}"
            wanted, shown = " ".join(map(str, event)), " ".join(map(str, deed[:3]))
            yield Finding("deed_unlike_event", "deeds", name, wanted, shown, account_id)
    for (_, deed_id), (*_, member_id, _, told) in approved.items():
        # Whoever was erased before it was told got nothing, and nothing says so but the member.
        gone = tx.execute("select 1 from members where member_id = %s and erased_at is null", (member_id,))
        if told and gone.fetchone() is not None:
            name = number_text("ded", deed_id)
            yield Finding("event_missing", "deeds", name, "an event", "none")
