"""Who stands where: rows by value, and counts of ranges, so that a rank is a sum of few rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from guerdon.infra.arrays import bigints, byteas, columns, dates, numerics
from guerdon.infra.tx import Tx

FULL: Final = 2_000
"""Ranges with more rows are divided, unless all have one value."""
_FINEST: Final = 10**12
"""Metrics have no finer differences than one part of this."""
_SCORE_BYTES: Final = 16
MOST: Final = b"\xff" * _SCORE_BYTES
"""Stands above all scores."""
_AT: Final = "program_id = %(program)s and board = %(board)s and opens_on = %(window)s"
_STAND: Final = """
select participant, opens_on, value, changes_on from board_rows
where program_id = %s and board = %s and opens_on = any(%s::date[]) and participant = any(%s::bigint[])
"""
_WRITE: Final = """
insert into board_rows (program_id, board, opens_on, participant, value, score, changes_on)
select %s::bigint, %s::text, %s::date, w.participant, w.value, w.score,
    nullif(w.changes_on, date '0001-01-01')
from unnest(%s::bigint[], %s::numeric[], %s::bytea[], %s::date[]) as w (participant, value, score, changes_on)
on conflict (program_id, board, opens_on, participant)
    do update set value = excluded.value, score = excluded.score, changes_on = excluded.changes_on
"""
_DELETE: Final = f"delete from board_rows where {_AT} and participant = any(%(gone)s::bigint[])"  # noqa: S608 - pieces of ours
# Each score belongs to the range with the greatest first score that is not above it.
_COUNT: Final = f"""
update board_ranges r set count = r.count + d.delta
from (
    select f.from_score, sum(w.delta)::bigint as delta
    from unnest(%(scores)s::bytea[], %(deltas)s::bigint[]) as w (score, delta)
    cross join lateral (
        select from_score from board_ranges where {_AT} and from_score <= w.score
        order by from_score desc limit 1
    ) f
    group by f.from_score
) d
where r.program_id = %(program)s and r.board = %(board)s and r.opens_on = %(window)s
    and r.from_score = d.from_score
returning r.from_score, r.count
"""  # noqa: S608 - columns of ours
_NEXT: Final = f"""
select from_score from board_ranges where {_AT} and from_score > %(score)s order by from_score limit 1
"""  # noqa: S608 - pieces of ours
_TALLY: Final = f"""
select score, count(*) from board_rows where {_AT} and score >= %(score)s and score < %(next)s
group by score order by score
"""  # noqa: S608 - pieces of ours
_RANGES: Final = """
insert into board_ranges (program_id, board, opens_on, from_score, count)
select %s::bigint, %s::text, %s::date, r.from_score, r.count
from unnest(%s::bytea[], %s::bigint[]) as r (from_score, count)
on conflict (program_id, board, opens_on, from_score) do update set count = excluded.count
"""
# Row-level security lets comparisons into an index only where they cannot leak what they compare: those of
# bytea do not, those of numeric might. A joined bound is one of them, a subquery's is not.
_ABOVE: Final = f"""
with bound as materialized (
    select coalesce((
        select from_score from board_ranges where {_AT} and from_score > %(score)s order by from_score limit 1
    ), %(most)s) as score
)
select coalesce((select sum(count) from board_ranges where {_AT} and from_score > %(score)s), 0)::bigint + (
    select count(*) from bound b join board_rows r on r.score < b.score
    where r.program_id = %(program)s and r.board = %(board)s and r.opens_on = %(window)s
        and r.score > %(score)s
)
"""  # noqa: S608 - pieces of ours
_TOTAL: Final = f"select coalesce(sum(count), 0)::bigint from board_ranges where {_AT}"  # noqa: S608 - pieces of ours
_VALUE: Final = f"select value from board_rows where {_AT} and participant = %(one)s"  # noqa: S608 - pieces of ours
_TOP: Final = f"""
select participant, value from board_rows where {_AT}
order by score desc, participant limit %(limit)s offset %(skip)s
"""  # noqa: S608 - pieces of ours
_REACHED: Final = f"""
select participant, value from board_rows where {_AT} and score >= %(score)s order by score desc, participant
"""  # noqa: S608 - pieces of ours
_BEFORE: Final = f"""
(select participant, value, score from board_rows where {_AT} and score = %(score)s and participant < %(one)s
    order by participant desc limit %(limit)s)
union all
(select participant, value, score from board_rows where {_AT} and score > %(score)s
    order by score, participant desc limit %(limit)s)
order by score, participant desc limit %(limit)s
"""  # noqa: S608 - pieces of ours
_AFTER: Final = f"""
(select participant, value, score from board_rows where {_AT} and score = %(score)s and participant > %(one)s
    order by participant limit %(limit)s)
union all
(select participant, value, score from board_rows where {_AT} and score < %(score)s
    order by score desc, participant limit %(limit)s)
order by score desc, participant limit %(limit)s
"""  # noqa: S608 - pieces of ours
_STANDS: Final = """
select opens_on, participant, value, score, changes_on from board_rows
where program_id = %s and board = %s and participant = any(%s::bigint[])
"""
_WRONG: Final = """
select opens_on, count, actual from (
    select g.opens_on, g.count, (
        select count(*) from board_rows w where w.program_id = g.program_id and w.board = g.board
            and w.opens_on = g.opens_on and w.score >= g.from_score and w.score < g.until) as actual
    from (
        select r.*, lead(r.from_score, 1, %s) over (partition by r.opens_on order by r.from_score) as until
        from board_ranges r where r.program_id = %s and r.board = %s
    ) g
) f where count <> actual order by opens_on
"""
_CHANGING: Final = """
select board, participant from board_rows where program_id = %s and changes_on <= %s
order by changes_on limit %s
"""
_OF: Final = """
select board, opens_on, value from board_rows where program_id = %s and participant = any(%s::bigint[])
"""
_TOUCH: Final = """
update board_rows r set changes_on = date '1970-01-01' from board_windows w
where r.program_id = %s and r.participant = %s and w.program_id = r.program_id and w.board = r.board
    and w.opens_on = r.opens_on and w.closed_at is null
"""
_NO_DAY: Final = date(1, 1, 1)


class Place(NamedTuple):
    """A window of a board."""

    program_id: int
    board: str
    opens_on: date


class Stand(NamedTuple):
    """What an account or a team has on a board."""

    value: Decimal
    """More than nothing."""
    changes_on: date | None = None
    """The local day on which time alone may change it."""


class Ranked(NamedTuple):
    """One place on a board; equal values share a rank, and stand in the order of their numbers."""

    rank: int
    participant: int
    value: Decimal


def write_stands(
    tx: Tx, place: tuple[int, str], wanted: Mapping[date, Mapping[int, Stand]], whose: Collection[int]
) -> int:
    """Let some stand in open windows with these values and nowhere else, and count ranges accordingly.

    Args:
        tx: bound to the tenant; the board is locked.
        place: program and board.
        wanted: by first day of each open window of the board: who stands there, and with what.
        whose: all participants that this is about; those that are not wanted in a window leave it.

    Returns:
        How many rows changed.
    """
    program_id, board = place
    rows = tx.execute(_STAND, (program_id, board, dates(sorted(wanted)), bigints(sorted(whose)))).fetchall()
    stood: dict[date, dict[int, Stand]] = {}
    for participant, opens_on, value, changes_on in rows:
        stood.setdefault(opens_on, {})[participant] = Stand(value, changes_on)
    return sum(
        _write(tx, Place(program_id, board, opens_on), stood.get(opens_on, {}), wants)
        for opens_on, wants in wanted.items()
    )


def _write(tx: Tx, place: Place, stood: Mapping[int, Stand], wanted: Mapping[int, Stand]) -> int:
    gone = sorted(stood.keys() - wanted.keys())
    new = [(one, *stand) for one, stand in sorted(wanted.items()) if stood.get(one) != stand]
    if gone:
        tx.execute(_DELETE.encode(), {**_at(place), "gone": bigints(gone)})
    if new:
        rows = [(one, value, score_of(value), on or _NO_DAY) for one, value, on in new]
        tx.execute(_WRITE, (*place, *columns(rows, (bigints, numerics, byteas, dates))))
    moved: Counter[bytes] = Counter()
    for one in gone:
        moved[score_of(stood[one].value)] -= 1
    for one, value, _ in new:
        moved[score_of(value)] += 1
        if one in stood:
            moved[score_of(stood[one].value)] -= 1
    _count(tx, place, {score: by for score, by in moved.items() if by})
    return len(gone) + len(new)


def score_of(value: Decimal) -> bytes:
    """Write a value so that bytes stand in the order of values.

    Args:
        value: not less than nothing.

    Returns:
        16 bytes, exact to the finest difference that metrics know.
    """
    above, below = value.as_integer_ratio()
    return min(above * _FINEST // below, int.from_bytes(MOST)).to_bytes(_SCORE_BYTES)


def _count(tx: Tx, place: Place, moved: Mapping[bytes, int]) -> None:
    if not moved:
        return
    given = {**_at(place), "scores": byteas(list(moved)), "deltas": bigints(list(moved.values()))}
    for from_score, count in tx.execute(_COUNT.encode(), given).fetchall():
        if count > FULL:
            _divide(tx, place, bytes(from_score))


def _divide(tx: Tx, place: Place, from_score: bytes) -> None:
    """Divide a range; a value that many share gets a range of its own, which is never divided."""
    asked = {**_at(place), "score": from_score}
    found = tx.execute(_NEXT.encode(), asked).fetchone()
    end = bytes(found[0]) if found is not None else MOST
    if end == _after(from_score):
        return
    tally = tx.execute(_TALLY.encode(), {**asked, "next": end}).fetchall()
    pieces = _pieces(from_score, end, [(bytes(score), count) for score, count in tally])
    tx.execute(_RANGES, (*place, *columns(pieces, (byteas, bigints))))


def _after(score: bytes) -> bytes:
    return (int.from_bytes(score) + 1).to_bytes(_SCORE_BYTES)


def _pieces(from_score: bytes, end: bytes, tally: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    pieces = [(from_score, 0)]
    for score, count in tally:
        first, counted = pieces[-1]
        heavy = count > FULL // 2
        if score > first and (heavy or (counted and counted + count > FULL // 2)):
            pieces.append((score, 0))
        pieces[-1] = (pieces[-1][0], pieces[-1][1] + count)
        after = _after(score)
        if heavy and after < end:
            pieces.append((after, 0))
    return pieces


def count_above(tx: Tx, place: Place, value: Decimal) -> int:
    """Count who stands above a value: a rank is one more.

    Args:
        tx: bound to the tenant.
        place: the window.
        value: any.

    Returns:
        How many have more.
    """
    row = tx.execute(_ABOVE.encode(), {**_at(place), "score": score_of(value), "most": MOST}).fetchone()
    return int(row[0]) if row is not None else 0


def count_all(tx: Tx, place: Place) -> int:
    """Count who stands in a window.

    Args:
        tx: bound to the tenant.
        place: the window.

    Returns:
        How many.
    """
    row = tx.execute(_TOTAL.encode(), _at(place)).fetchone()
    return int(row[0]) if row is not None else 0


def find_rank(tx: Tx, place: Place, participant: int) -> Ranked | None:
    """Find where somebody stands: few index reads, however many there are.

    Args:
        tx: bound to the tenant.
        place: the window.
        participant: an account, or a team.

    Returns:
        The rank with the value; None for whoever does not stand there.
    """
    row = tx.execute(_VALUE.encode(), {**_at(place), "one": participant}).fetchone()
    return Ranked(count_above(tx, place, row[0]) + 1, participant, row[0]) if row is not None else None


def list_top(tx: Tx, place: Place, limit: int) -> list[Ranked]:
    """List who stands first.

    Args:
        tx: bound to the tenant.
        place: the window.
        limit: most of them; who shares the last one's rank may be left out.

    Returns:
        The highest value first; equal ones share a rank and stand in the order of their numbers.
    """
    rows = tx.execute(_TOP.encode(), {**_at(place), "limit": limit, "skip": 0}).fetchall()
    return _ranked(rows, 1)


def list_reached(tx: Tx, place: Place, last: int) -> list[Ranked]:
    """List everybody who has one of the first ranks, those who share the last of them too.

    Args:
        tx: bound to the tenant.
        place: the window.
        last: the last rank.

    Returns:
        The highest value first.
    """
    edge = tx.execute(_TOP.encode(), {**_at(place), "limit": 1, "skip": last - 1}).fetchone()
    least = edge[1] if edge is not None else Decimal(0)
    return _ranked(tx.execute(_REACHED.encode(), {**_at(place), "score": score_of(least)}).fetchall(), 1)


def list_near(tx: Tx, place: Place, one: Ranked, each_way: int) -> list[Ranked]:
    """List who stands next to somebody.

    Args:
        tx: bound to the tenant.
        place: the window.
        one: where somebody stands.
        each_way: how many before, and how many after.

    Returns:
        In the board's order, that one among them.
    """
    asked = {**_at(place), "score": score_of(one.value), "one": one.participant, "limit": each_way}
    before = tx.execute(_BEFORE.encode(), asked).fetchall()[::-1]
    after = tx.execute(_AFTER.encode(), asked).fetchall()
    ranks = {one.value: one.rank}
    for _, value, _ in (*before, *after):
        if value not in ranks:
            ranks[value] = count_above(tx, place, value) + 1
    rows = (*before, (one.participant, one.value, b""), *after)
    return [Ranked(ranks[value], participant, value) for participant, value, _ in rows]


def list_changing(tx: Tx, program_id: int, today: date, limit: int) -> list[tuple[str, int]]:
    """List whose value time alone may have changed.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.
        today: local day.
        limit: most of them.

    Returns:
        Board and participant.
    """
    return tx.execute(_CHANGING, (program_id, today, limit)).fetchall()


def list_stands(
    tx: Tx, place: tuple[int, str], participants: Collection[int]
) -> list[tuple[date, int, Decimal, bytes, date | None]]:
    """List the rows of some on a board.

    Args:
        tx: bound to the tenant.
        place: program and board.
        participants: of whom.

    Returns:
        Window, participant, value, its bytes, and when time may change it.
    """
    return tx.execute(_STANDS, (*place, bigints(sorted(participants)))).fetchall()


def wrong_ranges(tx: Tx, program_id: int, board: str) -> list[tuple[date, int, int]]:
    """Count all ranges of a board anew.

    Args:
        tx: bound to the tenant.
        program_id: whose board.
        board: its key.

    Returns:
        Of ranges that count something else than their rows: the window, what is kept, and what there is.
    """
    return tx.execute(_WRONG, (MOST, program_id, board)).fetchall()


def touch(tx: Tx, program_id: int, participant: int) -> None:
    """Let somebody be looked at anew with the next round, wherever they stand in an open window.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.
        participant: an account, or a team.
    """
    tx.execute(_TOUCH, (program_id, participant))


def list_standing(tx: Tx, program_id: int, participants: Collection[int]) -> list[tuple[str, date, Decimal]]:
    """List all that somebody stands on, or stood when it was closed.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.
        participants: accounts, or teams.

    Returns:
        Board, first day of the window, and value.
    """
    return tx.execute(_OF, (program_id, bigints(sorted(participants)))).fetchall()


def _ranked(rows: Iterable[tuple[int, Decimal]], first: int) -> list[Ranked]:
    found: list[Ranked] = []
    for place, (participant, value) in enumerate(rows, first):
        same = bool(found) and found[-1].value == value
        found.append(Ranked(found[-1].rank if same else place, participant, value))
    return found


def _at(place: Place) -> dict[str, object]:
    return {"program": place.program_id, "board": place.board, "window": place.opens_on}
