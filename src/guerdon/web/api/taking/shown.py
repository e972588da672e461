"""Redemptions as they are shown, with what their kind brings."""

from __future__ import annotations

from datetime import datetime

from guerdon.base.exact import plain_text, scaled_text
from guerdon.base.ids import number_text
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.definition import Reward, Text
from guerdon.rules.particulars import Particulars
from guerdon.rules.program import Program
from guerdon.web.api.taking.shapes import (
    AccessShape,
    ContentShape,
    DonationShape,
    PartnerShape,
    RedemptionShape,
    StepShape,
    WarrantyShape,
)


def show_redemption(program: Program, row: Redemption) -> RedemptionShape:
    """Show a redemption.

    Args:
        program: the live one, for scales and for what stands of the reward.
        row: as stored.

    Returns:
        What the API answers.
    """
    fixed, written = row.fixed, program.definition.rewards.get(row.reward)
    stands = row.status != "cancelled"
    return RedemptionShape(
        id=number_text("red", row.redemption_id),
        account=number_text("acc", row.account_id),
        member=number_text("mem", row.member_id) if row.member_id is not None else None,
        reward=row.reward,
        kind=row.kind,
        quantity=row.quantity,
        price={key: scaled_text(units, program.scales.get(key, 0)) for key, units in row.price.items()},
        code=row.code or None,
        choice=row.choice or None,
        campaign=row.campaign or None,
        status=row.status,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        changed_at=row.changed_at,
        tracking=row.tracking or None,
        chosen_from=fixed.chosen_from or None,
        donation=_donation(fixed),
        warranty=_warranty(row, fixed),
        access=_access(fixed) if row.kind == "access" and stands else None,
        content=_content(program, written) if stands else None,
        partner=_partner(row, fixed),
        place=in_first_language(program, written.place) if written is not None else None,
        at=written.at.isoformat() if written is not None and written.at is not None else None,
        steps=[
            StepShape(
                status=one["status"],
                at=datetime.fromisoformat(one["at"]),
                by=one.get("by"),
                tracking=one.get("tracking"),
            )
            for one in row.steps
        ],
    )


def in_first_language(program: Program, text: Text | None) -> str | None:
    """Give a text in the program's first language.

    Args:
        program: with its languages.
        text: as written, or None.

    Returns:
        The text, None where there is none.
    """
    languages = program.definition.languages
    return None if text is None else text.in_language(languages[0] if languages else "en", languages)


def _donation(fixed: Particulars) -> DonationShape | None:
    if not fixed.cause:
        return None
    given, matched = f"{fixed.given:f}", f"{fixed.matched:f}"
    return DonationShape(cause=fixed.cause, given=given, matched=matched, receipt=fixed.receipt)


def _warranty(row: Redemption, fixed: Particulars) -> WarrantyShape | None:
    if row.kind != "warranty":
        return None
    covers = fixed.covers
    return WarrantyShape(
        order=covers.order or None if covers is not None else None,
        line=covers.line or None if covers is not None else None,
        sku=covers.sku or None if covers is not None else None,
        starts_at=fixed.starts_at,
        ends_at=fixed.ends_at,
    )


def _access(fixed: Particulars) -> AccessShape:
    return AccessShape(starts_at=fixed.starts_at, ends_at=fixed.ends_at)


def _content(program: Program, written: Reward | None) -> ContentShape | None:
    if written is None or written.content is None:
        return None
    return ContentShape(url=written.content.url, text=in_first_language(program, written.content.text))


def _partner(row: Redemption, fixed: Particulars) -> PartnerShape | None:
    if not fixed.partner:
        return None
    points = fixed.partner_points
    return PartnerShape(
        partner=fixed.partner,
        points=None if points is None else plain_text(points),
        reference=row.tracking or None,
    )
