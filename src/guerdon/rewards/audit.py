"""Redemptions and their codes, gone through account by account."""

from __future__ import annotations

from guerdon.infra.tx import Tx
from guerdon.infra.walks import Walk

_REDEMPTIONS = """
select account_id, redemption_id, member_id, event_id, reward, kind, quantity, price, seqs, code, campaign,
    choice, version, status, issued_at, expires_at, changed_at, tracking, particulars, steps,
    origin_account, program_id
from redemptions order by account_id, redemption_id
"""
_CODES = "select account_id, redemption_id, code, program_id from coupon_codes order by 1, 2, 3"


def walk_redemptions(tx: Tx) -> Walk:
    """Go through all redemptions.

    Args:
        tx: bound to the tenant.

    Returns:
        The fields of `Redemption`, and the program.
    """
    return Walk(tx, "redemptions", _REDEMPTIONS)


def walk_codes(tx: Tx) -> Walk:
    """Go through all codes that were given out.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, redemption, code, program.
    """
    return Walk(tx, "coupon_codes", _CODES)
