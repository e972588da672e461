"""All accounts of a segment: in one statement where SQL gives the same answer, else looked at one by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from guerdon.infra.tx import Tx
from guerdon.insight.segments.single import segments_of_all
from guerdon.ledger.audiences import wallets_of
from guerdon.members.accounts import list_accounts
from guerdon.members.audiences.choosing import Choice, Question, choose, count_chosen, list_chosen, names_read
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


def count_accounts(tx: Tx, whole: Question, segment: Segment) -> int:
    """Count the accounts that are in a segment now.

    Args:
        tx: bound to the tenant; nothing is locked.
        whole: whose.
        segment: the segment.

    Returns:
        How many there are; none where it rests.
    """
    if segment.inactive:
        return 0
    choice = _choice(whole, segment)
    if choice is not None:
        return count_chosen(tx, choice)
    return sum(len(some) for _, some in _looked_at(tx, whole, segment, 0))


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
    wallets = names_read(segment.when, "wallets.", whole.program.wallets)
    return choose(whole, segment.when, wallets_of(whole.program, wallets, whole.now))


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
