"""All accounts of a segment: in one statement where SQL gives the same answer, else looked at one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from guerdon.infra.tx import Tx
from guerdon.insight.segments.single import segments_of_all
from guerdon.ledger.audiences import wallets_of
from guerdon.members.accounts import list_accounts
from guerdon.members.audiences.choosing import Choice, Question, choose, count_each, list_chosen, names_read
from guerdon.members.audiences.source import Source
from guerdon.rules.expressions import ExpressionError
from guerdon.rules.program import Program
from guerdon.rules.segments import Segment

_PAGE: Final = 500
_LOOKED_AT: Final = 2_000


def why_one_by_one(program: Program, segment: Segment, now: datetime) -> str:
    """Tell why a segment's accounts are looked at one by one.

    Args:
        program: declares what it reads.
        segment: the segment.
        now: the instant, UTC.

    Returns:
        The reason, empty where one statement finds them all.
    """
    try:
        _choose(Question(0, program, now), segment)
    except ExpressionError as error:
        return error.detail
    return ""


def count_accounts(tx: Tx, whole: Question, segments: Sequence[Segment]) -> dict[str, int]:
    """Count the accounts that are in segments now.

    Args:
        tx: bound to the tenant; nothing is locked.
        whole: whose.
        segments: those whose accounts one statement finds.

    Returns:
        By segment: how many there are; none where it rests.

    Raises:
        ExpressionError: `not_in_sql` of a segment whose accounts are looked at one by one.
    """
    active = [one for one in segments if not one.inactive]
    counted = count_each(tx, whole, {one.key: one.when for one in active}, _wallets(whole, active))
    return {one.key: counted.get(one.key, 0) for one in segments}


def list_accounts_in(
    tx: Tx, whole: Question, segment: Segment, page: tuple[int, int]
) -> tuple[list[int], int | None]:
    """List accounts that are in a segment now.

    Args:
        tx: bound to the tenant; nothing is locked.
        whole: whose.
        segment: the segment.
        page: only accounts with a number above this one, and how many at most.

    Returns:
        Their numbers in order, and behind which one the next page begins, None at the end. Where accounts are
        looked at one by one a page looks at 2,000 of them, so that it may be short.
    """
    after, limit = page
    if segment.inactive:
        return [], None
    choice = _choice(whole, segment)
    if choice is not None:
        found = list_chosen(tx, choice, after, limit)
        return found, found[-1] if len(found) == limit else None
    found = []
    for looked, (last, some) in enumerate(_looked_at(tx, whole, segment, after), 1):
        found += some
        if len(found) >= limit:
            return found[:limit], found[limit - 1]
        if looked * _PAGE >= _LOOKED_AT:
            return found, last
    return found, None


def _choose(whole: Question, segment: Segment) -> Choice:
    return choose(whole, segment.when, _wallets(whole, [segment]))


def _wallets(whole: Question, segments: Iterable[Segment]) -> Iterator[Source]:
    read = names_read((one.when for one in segments), "wallets.", whole.program.wallets)
    return wallets_of(whole.program, read, whole.now)


def _choice(whole: Question, segment: Segment) -> Choice | None:
    try:
        return _choose(whole, segment)
    except ExpressionError:
        return None


def _looked_at(tx: Tx, whole: Question, segment: Segment, after: int) -> Iterator[tuple[int, list[int]]]:
    while page := list_accounts(tx, whole.program_id, after, _PAGE):
        found = segments_of_all(tx, whole.program, [segment], page, whole.now)
        after = page[-1].account_id
        yield after, [row.account_id for row in page if segment.key in found[row.account_id]]
