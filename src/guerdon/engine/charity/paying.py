"""A charity is paid: from then on the donations of that period cannot be given back."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.engine.commands import UseRedemption
from guerdon.engine.loop import EngineLoop
from guerdon.infra.db import Database
from guerdon.programs.audit import Act, record
from guerdon.rewards.charity.payouts import (
    PAID_OUT,
    Asked,
    Payout,
    Place,
    begin,
    finish,
    list_open,
    name_of_period,
)

_ANSWER_SECONDS: Final = 600
_PAGE: Final = 500
_SETTLED: Final = frozenset({"redemption_used", "redemption_cancelled", "donation_paid_out"})
"""What somebody else did with a donation meanwhile."""


class Office(NamedTuple):
    """Who pays, and where."""

    database: Database
    loop: EngineLoop
    ids: IdMaker
    tenant_id: int
    program: str
    """The program's key."""


def pay_out(office: Office, place: Place, asked: Asked, now: datetime) -> Payout:
    """Pay a charity for a period that is over, once; begun twice, or broken off, it goes on where it was.

    Args:
        office: where.
        place: program and calendar.
        asked: which cause and period, and who pays.
        now: the instant, UTC.

    Returns:
        The payout with what it comes to.

    Raises:
        Problem: `period_not_over`, `nothing_due`, `reference_too_long`, or a refusal that is nobody's fault,
            such as `overloaded`: the same call later goes on.
    """
    with office.database.transaction(office.tenant_id) as tx:
        payout = begin(tx, place, asked, now)
    after = 0
    while True:
        with office.database.transaction(office.tenant_id) as tx:
            page = list_open(tx, place, payout, (after, _PAGE))
        if not page:
            break
        _close(office, page, asked.actor, now)
        after = page[-1]
    with office.database.transaction(office.tenant_id) as tx:
        paid, is_mine = finish(tx, place, payout, now)
        if is_mine:
            total = f"{paid.given + paid.matched:f}"
            detail = {
                "period": name_of_period(paid.starts_on, paid.ends_on),
                "number": paid.number,
                "given": f"{paid.given:f}",
                "total": total,
                "donations": paid.donations,
                "reference": paid.reference,
                "begun_at": paid.begun_at.isoformat(),
                "begun_by": paid.begun_by,
            }
            act = Act(now, asked.actor, PAID_OUT, f"cause:{paid.cause}", paid.program_id, detail)
            record(tx, act, office.ids)
    return paid


def _close(office: Office, numbers: list[int], actor: str, now: datetime) -> None:
    asked = [
        UseRedemption(
            tenant_id=office.tenant_id,
            program=office.program,
            received_at=now,
            bulk=True,
            redemption_id=number,
            by=actor,
        )
        for number in numbers
    ]
    for future in office.loop.submit_many(asked):
        said = future.result(_ANSWER_SECONDS)
        if said.problem is not None and said.problem.code not in _SETTLED:
            raise Problem(said.problem.code, said.problem.detail)
