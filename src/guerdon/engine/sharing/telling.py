"""Visits and joinings of shares come to the sharer's account as events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from guerdon.base.ids import number_text
from guerdon.circles.sharing import rows
from guerdon.circles.sharing.rows import Joining, Visit, find_share
from guerdon.engine.community.telling import share_data
from guerdon.engine.loop import EngineLoop
from guerdon.engine.telling.pages import PAGE, Ear, Untold, cloud_event, tell_pages
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.programs.programs import LiveVersion
from guerdon.rules.own_events import SHARE_JOINED, SHARE_VISITED, SHARING


def untold_visit(tx: Tx, one: Visit) -> Untold:
    """Say what the engine is to be told of a visit.

    Args:
        tx: bound to the tenant.
        one: the visit.

    Returns:
        The event.
    """

    def mark(later: Tx) -> None:
        rows.mark_visit(later, one)

    share = find_share(tx, one.code)
    if share is None:
        return Untold(None, one.visited_at, mark)
    name = (SHARING, f"{one.code}/visit/{one.number}", SHARE_VISITED)
    raw = cloud_event(name, (share.member_id, one.visited_at), {**share_data(share), "number": one.number})
    return Untold(raw, one.visited_at, mark)


def untold_joining(tx: Tx, one: Joining) -> Untold:
    """Say what the engine is to be told of somebody who came by a share.

    Args:
        tx: bound to the tenant.
        one: who.

    Returns:
        The event.
    """

    def mark(later: Tx) -> None:
        rows.mark_joining(later, one)

    share = find_share(tx, one.code)
    if share is None:
        return Untold(None, one.joined_at, mark)
    name = (SHARING, f"{one.code}/{number_text('mem', one.member_id)}", SHARE_JOINED)
    raw = cloud_event(name, (share.member_id, one.joined_at), share_data(share))
    return Untold(raw, one.joined_at, mark)


def tell_due(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> int:
    """Tell the engine of visits and joinings of which it does not know yet, and forget visitors of old days.

    Args:
        database: where they are found.
        loop: what takes the events in, in its bulk lane.
        place: the tenant and the program.
        now: the instant, UTC.

    Returns:
        How many events were told.

    Raises:
        Problem: the first that the engine refused an event with, after all were tried.
    """
    tenant_id, program = place
    pages = chain(_visits(database, place), _joinings(database, place))
    told = tell_pages(Ear(database, loop, *place, now), pages, marks_gone=True)
    with database.transaction(tenant_id) as tx:
        rows.forget_visitors(tx, program.program_id, now.date())
    return told


def _visits(database: Database, place: tuple[int, LiveVersion]) -> Iterator[Sequence[Untold]]:
    tenant_id, program = place
    after = ("", 0)
    while True:
        with database.transaction(tenant_id) as tx:
            page = rows.list_untold_visits(tx, program.program_id, (after, PAGE))
            told = [untold_visit(tx, one) for one in page]
        if not page:
            return
        yield told
        after = (page[-1].code, page[-1].number)


def _joinings(database: Database, place: tuple[int, LiveVersion]) -> Iterator[Sequence[Untold]]:
    tenant_id, program = place
    after = (0, 0)
    while True:
        with database.transaction(tenant_id) as tx:
            page = rows.list_untold_joinings(tx, program.program_id, (after, PAGE))
            told = [untold_joining(tx, one) for one in page]
        if not page:
            return
        yield told
        after = (page[-1].account_id, page[-1].member_id)
