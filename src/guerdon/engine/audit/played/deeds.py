"""Deeds beside the events that they became."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.programs.audit import list_acts_of
from guerdon.rules.own_events import DEEDS

_EVENTS: Final = """
select e.program_id, e.account_id, e.id, e.body, e.sealed is null, e.type, e.member_id, e.occurred_at
from events e where e.source = %s order by 1, 2, 3
"""
_APPROVED: Final = """
select program_id, deed_id, type, member_id, occurred_at, told, data from deeds where state = 'approved'
"""
_DECIDED: Final = """
select program_id, deed_id, state, decided_at, decided_by, reason from deeds where state <> 'waiting'
"""
_UNREADABLE: Final = (zlib.error, LookupError, TypeError, ValueError, AttributeError)


def check_deeds(tx: Tx) -> Iterator[Finding]:
    """Look for the deed of each such event, and for the event of each deed that was told.

    Args:
        tx: as for `verify`.

    Yields:
        What does not hold.
    """
    approved = {(row[0], row[1]): row[2:] for row in tx.execute(_APPROVED).fetchall()}
    for program_id, account_id, said, body, is_whole, *event in tx.execute(_EVENTS, (DEEDS,)).fetchall():
        key = (program_id, parse_number("ded", said) or 0)
        deed = approved.pop(key, None)
        if deed is None:
            name = f"{number_text('acc', account_id)} {said}"
            yield Finding("deed_missing", "deeds", name, "an approved deed", "none", account_id)
        elif list(deed[:3]) != event:
            name = f"{number_text('acc', account_id)} {said}"
            wanted, shown = " ".join(map(str, event)), " ".join(map(str, deed[:3]))
            yield Finding("deed_unlike_event", "deeds", name, wanted, shown, account_id)
        elif (data := _data(body)) is not None and not _says(data, deed[4], is_whole=is_whole):
            name = f"{number_text('acc', account_id)} {said} data"
            wanted, shown = json.dumps(data), json.dumps(deed[4])
            yield Finding("deed_unlike_event", "deeds", name, wanted, shown, account_id)
    for (_, deed_id), (_, member_id, _, told, _) in approved.items():
        # Whoever was erased before it was told got nothing, and nothing says so but the member.
        gone = tx.execute("select 1 from members where member_id = %s and erased_at is null", (member_id,))
        if told and gone.fetchone() is not None:
            name = number_text("ded", deed_id)
            yield Finding("event_missing", "deeds", name, "an event", "none")
    yield from _check_decided(tx)


def _data(body: bytes) -> Any:
    """Read what an event says; None where it is damaged, which is found where events are looked at."""
    try:
        return json.loads(zlib.decompress(body)).get("data") or {}
    except _UNREADABLE:
        return None


def _says(data: Mapping[str, Any], sent: Mapping[str, Any], *, is_whole: bool) -> bool:
    """Compare; what is personal is sealed, and stands in the deed alone."""
    kept = {key: one for key, one in sent.items() if is_whole or key in data}
    return kept == dict(data)


def _check_decided(tx: Tx) -> Iterator[Finding]:
    told = {
        (act.program_id, act.object): (state, act.at, act.actor, str(act.detail.get("reason", "")))
        for state in ("approved", "refused")
        for act in list_acts_of(tx, f"deed.{state}")
    }
    for program_id, deed_id, *decided in tx.execute(_DECIDED).fetchall():
        name = number_text("ded", deed_id)
        act = told.pop((program_id, name), None)
        if act != tuple(decided):
            wanted = " ".join(map(str, act)) if act is not None else "waiting"
            yield Finding("deed_unlike_trail", "deeds", f"{name} state", wanted, " ".join(map(str, decided)))
    for (_, name), act in told.items():
        yield Finding("deed_missing", "deeds", f"{name} state", " ".join(map(str, act)), "none")
