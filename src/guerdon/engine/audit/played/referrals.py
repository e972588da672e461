"""Invitations beside the events that they must agree with."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from guerdon.base.exact import scaled_decimal
from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.circles.completions import FIRST as BEGINNING
from guerdon.circles.completions import Completion, Place, page_completions
from guerdon.circles.referrals import Referral, page_referrals
from guerdon.engine.audit.versions import Versions
from guerdon.infra.tx import Tx
from guerdon.rules.own_events import REFERRAL_COMPLETED, REFERRAL_JOINED, REFERRALS
from guerdon.rules.referrals.keys import FIRST
from guerdon.rules.referrals.telling import completed_name, joined_name, referral_text

_PAGE: Final = 500
_TOLD: Final = """
select k.id, e.member_id, e.occurred_at, e.body
from event_keys k join events e on e.account_id = k.account_id and e.event_id = k.event_id
where k.program_id = %s and k.source = %s and k.id = any(%s::text[])
"""
_PAID: Final = """
select e.event_id, e.occurred_at, e.version from events e
where e.account_id = any(%s::bigint[]) and e.event_id = any(%s::uuid[])
"""
_LOOSE: Final = """
select e.account_id, e.event_id, e.id from events e
where e.source = %s and ((e.type = %s and not exists (
        select from referrals r where r.program_id = e.program_id and r.member_id = e.member_id and r.told))
    or (e.type = %s and not exists (
        select from referral_completions c
        where c.event_id::text = split_part(e.id, '/', 2) and c.advocate_id = e.member_id
            and c.completed_at is not null)))
order by 1, 2
"""
# What came back after it was refused gave its use back, and stays refused.
_COUNTS: Final = """
select a.account_id, a.used, coalesce(c.standing, 0), coalesce(c.standing, 0) + coalesce(c.refused, 0)
from account_counters a
left join (
    select account_id, count(*) filter (where state in ('new', 'held', 'completed')) as standing,
        count(*) filter (where state = 'refused') as refused
    from referral_completions group by account_id) c on c.account_id = a.account_id
where a.counter = %s
    and a.used not between coalesce(c.standing, 0) and coalesce(c.standing, 0) + coalesce(c.refused, 0)
    and not exists (select from account_merges m where m.into_account = a.account_id)
order by 1
"""
_UNREADABLE: Final = (zlib.error, ArithmeticError, LookupError, TypeError, ValueError, AttributeError)


class _Told(NamedTuple):
    """What an event of ours said."""

    member_id: int | None
    occurred_at: Any
    body: bytes


def check_referrals(tx: Tx, versions: Versions) -> Iterator[Finding]:
    """Compare invitations with the events of friends and advocates.

    Args:
        tx: as for `verify`.
        versions: compiled ones of the tenant.

    Yields:
        What does not hold.
    """
    after = (0, 0)
    while friends := page_referrals(tx, after, _PAGE):
        yield from _check_friends(tx, friends)
        after = (friends[-1][1].account_id, friends[-1][1].member_id)
    place: Place = BEGINNING
    while rows := page_completions(tx, place, _PAGE):
        yield from _check_completions(tx, versions, rows)
        place = rows[-1][1].place
    for account_id, event_id, name in tx.execute(
        _LOOSE, (REFERRALS, REFERRAL_JOINED, REFERRAL_COMPLETED)
    ).fetchall():
        key = f"{number_text('acc', account_id)} {name}"
        wanted = f"an invitation of event {event_id}"
        yield Finding("referral_missing", "referrals", key, wanted, "none", account_id)
    for account_id, used, least, most in tx.execute(_COUNTS, (f"campaign/{FIRST}/account/ever",)).fetchall():
        key = f"{number_text('acc', account_id)} count"
        shown = str(least) if least == most else f"{least} to {most}"
        wanted = f"{used} events that counted"
        yield Finding("referral_counts", "referral_completions", key, wanted, shown, account_id)


def _told(tx: Tx, program_id: int, names: Sequence[str]) -> dict[str, _Told]:
    return {row[0]: _Told(*row[1:]) for row in tx.execute(_TOLD, (program_id, REFERRALS, list(names)))}


def _check_friends(tx: Tx, page: Sequence[tuple[int, Referral]]) -> Iterator[Finding]:
    for program_id in sorted({number for number, _ in page}):
        rows = [one for number, one in page if number == program_id]
        told = _told(tx, program_id, [joined_name(one.member_id) for one in rows])
        for one in rows:
            is_there = joined_name(one.member_id) in told
            key = f"{number_text('acc', one.account_id)} {referral_text(one.member_id)} told"
            if one.told and not is_there:
                yield Finding("referral_event", "referrals", key, "an event", "none", one.account_id)
            if is_there and one.state != "joined":
                yield Finding("referral_event", "referrals", key, "joined", one.state, one.account_id)


def _check_completions(
    tx: Tx, versions: Versions, page: Sequence[tuple[int, Completion]]
) -> Iterator[Finding]:
    places = [one.place for _, one in page]
    found = tx.execute(_PAID, ([one for one, _ in places], [one for _, one in places])).fetchall()
    paid = {event_id: (at, number) for event_id, at, number in found}
    for program_id in sorted({number for number, _ in page}):
        rows = [one for number, one in page if number == program_id]
        names = [name for one in rows if (name := _name(one))]
        told = _told(tx, program_id, [*names, *(f"{name}/back" for name in names)])
        for one in rows:
            at, number = paid.get(one.event_id, (None, 0))
            if at != one.happened_at:
                yield _finding(one, "happened_at", "referral_event", (str(at), str(one.happened_at)))
            version = versions.find(tx, program_id, number)
            yield from _check_told(one, told, version.program.digits if version is not None else None)


def _name(one: Completion) -> str:
    return completed_name(one.member_id, str(one.event_id)) if one.member_id is not None else ""


def _check_told(one: Completion, told: dict[str, _Told], digits: int | None) -> Iterator[Finding]:
    event, back = told.get(_name(one)), told.get(f"{_name(one)}/back")
    if event is None:
        if one.told:
            yield _finding(one, "told", "referral_event", ("an event", "none"))
        return
    if back is not None and one.state not in ("reversing", "reversed"):
        yield _finding(one, "state", "referral_event", ("reversed", one.state))
    if back is None and one.state == "reversed" and one.told:
        yield _finding(one, "state", "referral_event", ("completed", one.state))
    if one.state not in ("completed", "reversing", "reversed"):
        yield _finding(one, "state", "referral_event", ("completed", one.state))
    yield from _check_said(one, event, digits)


def _check_said(one: Completion, event: _Told, digits: int | None) -> Iterator[Finding]:
    if event.member_id != one.advocate_id or event.occurred_at != one.completed_at:
        wanted = f"{number_text('mem', event.member_id or 0)} at {event.occurred_at}"
        found = f"{number_text('mem', one.advocate_id or 0)} at {one.completed_at}"
        yield _finding(one, "completed_at", "referral_event", (wanted, found))
    try:
        data = json.loads(zlib.decompress(event.body))["data"]
        said = (int(data["friends"]), Decimal(str(data["net"])))
    except _UNREADABLE:
        # The event itself is found to be damaged where events are looked at.
        return
    expected = (one.friends, scaled_decimal(one.net, digits) if digits is not None else said[1])
    if said != expected:
        shown = [f"{friends} friends, {net}" for friends, net in (said, expected)]
        yield _finding(one, "friends", "referral_event", (shown[0], shown[1]))


def _finding(one: Completion, column: str, code: str, values: tuple[str, str]) -> Finding:
    key = f"{number_text('acc', one.account_id)} {one.event_id} {column}"
    return Finding(code, "referral_completions", key, *values, one.account_id)
