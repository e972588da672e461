"""Leaderboards beside what metrics counted, and the events that ranks and goals of teams became."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from guerdon.base.exact import plain_text
from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.circles.teams.rows import list_spells, teams_of
from guerdon.engine.audit.versions import Versions
from guerdon.engine.boards.closing import event_id
from guerdon.engine.boards.following import Following, Wanted, want_accounts, want_teams
from guerdon.infra.arrays import bigints, texts
from guerdon.infra.tx import Tx
from guerdon.members.accounts import list_accounts
from guerdon.play.boards.prizes import FIRST, Won, list_won_after
from guerdon.play.boards.rows import Place, find_rank, list_stands, score_of, wrong_ranges
from guerdon.play.boards.windows import list_boards, list_windows
from guerdon.programs.programs import LiveVersion, list_programs
from guerdon.rules.compiling.boards import GOAL
from guerdon.rules.own_events import BOARD_CLOSED, BOARDS, TEAM_REACHED, TEAMS
from guerdon.rules.play.boards import Board

_PAGE: Final = 500
_WAITING: Final = "select distinct account_id from outbox where account_id = any(%s::bigint[])"
_EVENTS: Final = """
select k.source || ' ' || k.id, e.body from event_keys k
join events e on e.account_id = k.account_id and e.event_id = k.event_id
where k.program_id = %s and k.source = any(%s::text[]) and k.id = any(%s::text[])
"""
_LOOSE: Final = """
select e.account_id, e.event_id, e.program_id, e.source, e.id from events e
where e.type = any(%s::text[]) and e.source = any(%s::text[]) order by 1, 2
"""


class _Kept(NamedTuple):
    """A board that is looked at."""

    program_id: int
    board: Board
    wanted: Wanted


def check_boards(tx: Tx, versions: Versions, now: datetime | None) -> Iterator[Finding]:
    """Count boards anew, and look for the events of ranks and goals.

    What waits in the outbox, what is being built and what time is about to change is left out: boards follow.

    Args:
        tx: as for `verify`.
        versions: compiled ones of the tenant.
        now: the instant, None for a sandbox, where clocks were set.

    Yields:
        What does not hold.
    """
    known: set[tuple[int, str]] = set()
    for line in list_programs(tx):
        version = versions.find(tx, line.program_id, line.version)
        if version is not None and version.program.boards:
            at = Following(
                line.program_id, version.program, now or datetime.fromisoformat("2000-01-01T00:00Z")
            )
            for one in _kept(tx, at):
                yield from _check_ranges(tx, one)
                if now is not None or (one.board.metric.window.is_fixed and one.board.metric.streak is None):
                    yield from _check_rows(tx, at, one)
        yield from _check_won(tx, line, known)
    loose = tx.execute(_LOOSE, (texts([BOARD_CLOSED, TEAM_REACHED]), texts([BOARDS, TEAMS]))).fetchall()
    for account_id, found_id, program_id, source, name in loose:
        if (program_id, f"{source} {name}") not in known:
            key = f"{number_text('acc', account_id)} {name}"
            found = f"a rank of event {found_id}"
            yield Finding("rank_missing", "board_prizes", key, found, "none", account_id)


def _kept(tx: Tx, at: Following) -> Iterator[_Kept]:
    for key, kept in list_boards(tx, at.program_id).items():
        board = at.program.boards.get(key)
        if board is None or kept.identity != board.identity or kept.built_to is not None:
            continue
        windows = list_windows(tx, at.program_id, key)
        closed = frozenset(one.opens_on for one in windows if one.closed_at is not None)
        yield _Kept(at.program_id, board, Wanted(board, kept.begins_on, closed, {}))


def _check_ranges(tx: Tx, one: _Kept) -> Iterator[Finding]:
    for opens_on, count, actual in wrong_ranges(tx, one.program_id, one.board.key):
        key = f"{one.board.key} {opens_on}"
        yield Finding("board_count", "board_ranges", key, str(actual), str(count))


def _check_rows(tx: Tx, at: Following, one: _Kept) -> Iterator[Finding]:
    if one.board.team is not None:
        yield from _check_teams(tx, at, one)
        return
    after = 0
    while page := list_accounts(tx, at.program_id, after, _PAGE):
        rows = {row.account_id: row for row in page}
        one.wanted.stands.clear()
        want_accounts(tx, at, one.wanted, rows, for_all=True)
        sure = one.board.audience is None
        yield from _compare(tx, at, one, (_settled(tx, rows), sure))
        after = page[-1].account_id
    yield from _strangers(tx, at, one)


def _check_teams(tx: Tx, at: Following, one: _Kept) -> Iterator[Finding]:
    kind = one.board.team or ""
    after = 0
    teams: dict[int, bool] = {}
    while page := list_accounts(tx, at.program_id, after, _PAGE):
        teams |= teams_of(tx, at.program_id, kind, [row.account_id for row in page])
        after = page[-1].account_id
    spells = list_spells(tx, at.program_id, teams) if teams else []
    want_teams(tx, one.wanted, teams, spells)
    waiting = {spell.account_id for spell in spells} - _settled(tx, {spell.account_id for spell in spells})
    busy = {spell.team_id for spell in spells if spell.account_id in waiting}
    yield from _compare(tx, at, one, (teams.keys() - busy, True))


def _settled(tx: Tx, account_ids: Iterable[int]) -> set[int]:
    """Leave out accounts of which something waits in the outbox: boards may not have it yet."""
    asked = set(account_ids)
    waiting = tx.execute(_WAITING, (bigints(sorted(asked)),)).fetchall() if asked else []
    return asked - {row[0] for row in waiting}


def _compare(tx: Tx, at: Following, one: _Kept, whose: tuple[set[int], bool]) -> Iterator[Finding]:
    """Compare what stands with what is to; where a condition says who may, only what does stand."""
    settled, is_sure = whose
    wanted: dict[tuple[date, int], Decimal] = {
        (window.opens_on, participant): stand.value
        for window, stands in one.wanted.stands.items()
        for participant, stand in stands.items()
        if participant in settled
    }
    for opens_on, participant, value, score, due in list_stands(tx, (at.program_id, one.board.key), settled):
        if opens_on in one.wanted.closed:
            continue
        expected = wanted.pop((opens_on, participant), Decimal(0))
        is_due = due is not None and due <= at.today
        if not is_due and (value != expected or bytes(score) != score_of(value)):
            yield _finding(one, opens_on, participant, (plain_text(expected), plain_text(value)))
    for (opens_on, participant), expected in wanted.items() if is_sure else ():
        yield _finding(one, opens_on, participant, (plain_text(expected), "none"))


def _strangers(tx: Tx, at: Following, one: _Kept) -> Iterator[Finding]:
    """Find rows of accounts that are none of this program's."""
    rows = tx.execute(
        "select r.opens_on, r.participant, r.value from board_rows r where r.program_id = %s and r.board = %s"
        " and not exists (select from accounts a where a.account_id = r.participant and a.program_id = %s)",
        (at.program_id, one.board.key, at.program_id),
    ).fetchall()
    for opens_on, participant, value in rows:
        yield _finding(one, opens_on, participant, ("none", plain_text(value)))


def _finding(one: _Kept, opens_on: date, participant: int, values: tuple[str, str]) -> Finding:
    kind = "team" if one.board.team is not None else "acc"
    key = f"{one.board.key} {opens_on} {number_text(kind, participant)}"
    account = participant if kind == "acc" else 0
    return Finding("board_value", "board_rows", key, *values, account)


def _check_won(tx: Tx, line: LiveVersion, known: set[tuple[int, str]]) -> Iterator[Finding]:
    after = FIRST
    while page := list_won_after(tx, line.program_id, after, _PAGE):
        told = _told(tx, line.program_id, page)
        for one in page:
            name = f"{_source(one)} {event_id(one)}"
            known.add((line.program_id, name))
            yield from _check_one(tx, line.program_id, one, told.get(name))
        after = page[-1]


def _told(tx: Tx, program_id: int, page: Sequence[Won]) -> Mapping[str, bytes]:
    names = [event_id(one) for one in page]
    return dict(tx.execute(_EVENTS, (program_id, texts([BOARDS, TEAMS]), texts(names))).fetchall())


def _source(one: Won) -> str:
    return TEAMS if one.board.startswith(GOAL) else BOARDS


def _check_one(tx: Tx, program_id: int, one: Won, body: bytes | None) -> Iterator[Finding]:
    key = event_id(one)
    if not one.board.startswith(GOAL):
        stood = find_rank(tx, Place(program_id, one.board, one.opens_on), one.team_id or one.account_id)
        if stood is None or (stood.rank, stood.value) != (one.rank, one.value):
            expected = f"{stood.rank} with {plain_text(stood.value)}" if stood is not None else "no rank"
            found = f"{one.rank} with {plain_text(one.value)}"
            yield Finding("rank_wrong", "board_prizes", key, expected, found, one.account_id)
    if body is None:
        if one.told:
            yield Finding("rank_event", "board_prizes", key, f"an event {key}", "none", one.account_id)
        return
    try:
        data: Any = json.loads(zlib.decompress(body)).get("data", {})
    except (zlib.error, ValueError, AttributeError):
        # The event itself is found to be damaged where events are looked at.
        return
    said = data.get("times") if one.board.startswith(GOAL) else data.get("rank")
    kept = one.times if one.board.startswith(GOAL) else one.rank
    if said != kept:
        yield Finding("rank_event", "board_prizes", key, str(said), str(kept), one.account_id)
