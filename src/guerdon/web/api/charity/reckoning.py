"""Payouts as API, console and command line show them, and a member's receipt."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text, to_scaled
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.rewards.charity.payouts import Due, Payout, Place, name_of_period, report
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.program import Program
from guerdon.web.api.charity.shapes import DueShape, PayoutShape, ProvedShape, ReceiptShape
from guerdon.web.api.taking.shown import in_first_language
from guerdon.wiring import Live

_PAID = (
    "select transaction_id from transactions where account_id = %s and seq = any(%s::bigint[]) order by seq"
)


def causes_of(program: Program) -> list[str]:
    """List the causes that members can give to, declared or only named by a reward.

    Args:
        program: the live version.

    Returns:
        Their keys in order.
    """
    named = {one.gift.cause for one in program.rewards.values() if one.gift is not None}
    return sorted({*program.definition.causes, *named})


def load_dues(tx: Tx, live: Live, cause: str | None, now: datetime) -> list[Due]:
    """Tell what is due and what was paid.

    Args:
        tx: bound to the tenant.
        live: the program.
        cause: of which cause; None for all.
        now: the instant, UTC.

    Returns:
        By cause and period, the oldest first.

    Raises:
        Problem: `cause_not_found`.
    """
    known = causes_of(live.program)
    if cause is not None and cause not in known:
        raise Problem("cause_not_found", "there is no such cause")
    place = Place(live.program_id, live.program.zone)
    found = []
    for key in known if cause is None else [cause]:
        written = live.program.definition.causes.get(key)
        found += report(tx, place, (key, written.pays_out if written is not None else "month"), now)
    return found


def show_due(program: Program, one: Due) -> DueShape:
    """Show what a period came to.

    Args:
        program: the live version.
        one: the period.

    Returns:
        What the API answers.
    """
    written = program.definition.causes.get(one.cause)
    return DueShape(
        cause=one.cause,
        charity=written.charity if written is not None else None,
        period=name_of_period(one.starts_on, one.ends_on),
        starts_on=one.starts_on,
        ends_on=one.ends_on - timedelta(days=1),
        currency=program.currency,
        given=money_text(program, one.given),
        matched=money_text(program, one.matched),
        total=money_text(program, one.given + one.matched),
        donations=one.donations,
        paid=money_text(program, one.paid),
        due=money_text(program, one.due),
        is_over=one.is_over,
        payouts=[show_payout(program, payout) for payout in one.payouts],
    )


def show_payout(program: Program, one: Payout) -> PayoutShape:
    """Show what was paid.

    Args:
        program: the live version.
        one: the payout.

    Returns:
        What the API answers.
    """
    return PayoutShape(
        number=one.number,
        state=one.state,
        given=money_text(program, one.given),
        matched=money_text(program, one.matched),
        total=money_text(program, one.given + one.matched),
        donations=one.donations,
        reference=one.reference or None,
        begun_at=one.begun_at,
        begun_by=one.begun_by,
        paid_at=one.paid_at,
    )


def as_csv(dues: list[DueShape]) -> str:
    """Write a payout report as a table.

    Args:
        dues: as `show_due` gives them.

    Returns:
        CSV with a line of names, as spreadsheets read it.
    """
    names = ("cause", "charity", "period", "starts_on", "ends_on", "currency")
    sums = ("given", "matched", "total", "donations", "paid", "due")
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow((*names, *sums, "is_over", "references"))
    for one in dues:
        said = [_plain(getattr(one, name)) for name in (*names, *sums)]
        references = " ".join(payout.reference or "" for payout in one.payouts).strip()
        writer.writerow((*said, "yes" if one.is_over else "no", _plain(references)))
    return out.getvalue()


def load_receipt(tx: Tx, live: Live, row: Redemption) -> ReceiptShape:
    """Write a receipt.

    Args:
        tx: bound to the tenant.
        live: the program.
        row: the redemption.

    Returns:
        The receipt, with the transactions that paid.

    Raises:
        Problem: `not_a_donation`.
    """
    fixed, program = row.fixed, live.program
    if not fixed.cause:
        raise Problem("not_a_donation", "only donations have receipts")
    written = program.definition.causes.get(fixed.cause)
    name = in_first_language(program, written.name) if written is not None else None
    paid: list[UUID] = [one[0] for one in tx.execute(_PAID, (row.made_for, list(row.seqs)))]
    base = f"/v1/programs/{program.key}/transactions"
    return ReceiptShape(
        receipt=fixed.receipt,
        redemption=number_text("red", row.redemption_id),
        account=number_text("acc", row.account_id),
        member=number_text("mem", row.member_id) if row.member_id is not None else None,
        program=in_first_language(program, program.definition.name) or program.key,
        given_on=program.zone.day_of(row.issued_at),
        cause=fixed.cause,
        name=name or fixed.cause,
        charity=written.charity if written is not None else None,
        currency=program.currency,
        given=money_text(program, fixed.given),
        matched=money_text(program, fixed.matched),
        paid_with={key: scaled_text(units, program.scales.get(key, 0)) for key, units in row.price.items()},
        status="paid_out"
        if row.status == "used"
        else ("given_back" if row.status == "cancelled" else "given"),
        paid_out_at=row.changed_at if row.status == "used" else None,
        transactions=[ProvedShape(transaction=str(one), proof=f"{base}/{one}/proof") for one in paid],
    )


def money_text(program: Program, amount: Decimal) -> str:
    """Write money with the places of the program's currency.

    Args:
        program: with its currency.
        amount: whole units.

    Returns:
        Such as `12.50`.
    """
    return scaled_text(to_scaled(amount, program.digits), program.digits)


def _plain(value: object) -> str:
    # A spreadsheet takes what begins so for a formula.
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
