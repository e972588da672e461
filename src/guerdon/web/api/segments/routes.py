"""Calls about segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.insight.segments import Question, count_accounts, list_accounts_in, why_one_by_one
from guerdon.rules.segments import Segment
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.shapes import Answered
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Segments"])
Reading = Annotated[Call, Depends(admitted("members:read"))]
_ALL: Final = "/v1/programs/{program}/segments"


class SegmentShape(Answered, frozen=True):
    """A segment of the live version."""

    key: str
    when: str
    """The condition."""
    found: Literal["at_once", "one_by_one", "not_yet"]
    """`at_once`: one statement finds its accounts. `one_by_one`: each is looked at, for it says what SQL
    cannot say with the same answer. `not_yet`: it rests."""
    why: str | None
    """Why not at once."""
    accounts: int | None
    """How many are in it now; null where each has to be looked at."""


class Segments(Answered, frozen=True):
    """The segments of a program."""

    data: Sequence[SegmentShape]
    next: str | None


class InSegment(Answered, frozen=True):
    """Accounts that are in a segment now."""

    data: Sequence[str]
    next: str | None
    """Where the next page begins; a page may be empty before the last one, where accounts are looked at."""


@ROUTER.get(_ALL, summary="Segments and how many are in them", **operation(Segments))
def all_segments(call: Reading, program: str) -> Response:
    """As of now: windows that slide, and what is so many days ago, count as they stand at this instant."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        whole = Question(live.program_id, live.program, call.now)
        shown = _shown(tx, whole)
    return answer(Segments(data=shown, next=None))


@ROUTER.get(f"{_ALL}/{{segment}}/accounts", summary="Accounts of a segment", **operation(InSegment))
def accounts(
    call: Reading,
    program: str,
    segment: str,
    cursor: Annotated[str, Query(max_length=40)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """In order of their numbers, as of now."""
    after = parse_number("acc", cursor) if cursor else 0
    if after is None:
        raise Problem.at("/cursor", "cursor_invalid", "a cursor is what the page before gave as `next`")
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        one = live.program.segments.get(segment)
        if one is None:
            raise Problem("segment_not_found", "there is no such segment")
        whole = Question(live.program_id, live.program, call.now)
        found, more = list_accounts_in(tx, whole, one, (after, limit))
    following = number_text("acc", more) if more is not None else None
    return answer(InSegment(data=[number_text("acc", number) for number in found], next=following))


def _shown(tx: Tx, whole: Question) -> list[SegmentShape]:
    segments = [one for _, one in sorted(whole.program.segments.items())]
    reasons = {one.key: one.inactive or why_one_by_one(whole.program, one, whole.now) for one in segments}
    counted = count_accounts(tx, whole, [one for one in segments if not reasons[one.key]])
    return [_show(one, reasons[one.key], counted.get(one.key)) for one in segments]


def _show(one: Segment, why: str, accounts: int | None) -> SegmentShape:
    found: Literal["at_once", "one_by_one", "not_yet"] = "one_by_one" if why else "at_once"
    return SegmentShape(
        key=one.key,
        when=one.when.source,
        found="not_yet" if one.inactive else found,
        why=why or None,
        accounts=accounts,
    )
