"""Redemptions of an account that is merged: they go over as they stand, with their codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from guerdon.infra.tx import Tx
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.state import Taking, Takings

_FIELDS = ", ".join(Redemption._fields)
_KEPT = ", ".join(name for name in Redemption._fields if name not in ("account_id", "origin_account"))
_OF = f"select {_FIELDS} from redemptions where account_id = %s order by redemption_id"  # noqa: S608 - ours
_MOVE = f"""
insert into redemptions (account_id, origin_account, program_id, {_KEPT})
select %s::bigint, coalesce(origin_account, account_id), program_id, {_KEPT}
from redemptions where account_id = %s
"""  # noqa: S608 - columns of ours
_LEAVE = "delete from redemptions where account_id = %s"
_CODES = "update coupon_codes set account_id = %s where account_id = %s"
_MARKS = "update coupon_marks set account_id = %s where account_id = %s"


def load_all(tx: Tx, account_id: int) -> list[Redemption]:
    """Read all redemptions of an account.

    Args:
        tx: bound to the tenant; the account is locked.
        account_id: whose.

    Returns:
        By number.
    """
    return [Redemption(*row) for row in tx.execute(_OF, (account_id,)).fetchall()]


def takings_in(redemptions: Sequence[Redemption]) -> Takings:
    """Tell what was taken and not given back, grants left out.

    Args:
        redemptions: all of an account.

    Returns:
        By reward, in order of time.
    """
    found: dict[str, tuple[Taking, ...]] = {}
    for one in sorted(redemptions, key=lambda each: (each.issued_at, each.redemption_id)):
        if one.status != "cancelled" and (one.price or not one.campaign):
            key = one.fixed.chosen_from or one.reward
            found[key] = (*found.get(key, ()), Taking(one.redemption_id, one.issued_at))
    return found


def as_json(one: Redemption) -> Any:
    """Write a redemption down as it stands.

    Args:
        one: the redemption.

    Returns:
        A list of its fields, in JSON's own kinds.
    """
    return msgspec.to_builtins(one)


def taken_over(written: Any, account_id: int) -> Redemption:
    """Read a redemption that `as_json` wrote, as it is of the account that it went to.

    Args:
        written: the list.
        account_id: whose it is now.

    Returns:
        The redemption.

    Raises:
        msgspec.ValidationError: where it is none.
    """
    one = msgspec.convert(written, Redemption, strict=False)
    return one._replace(account_id=account_id, origin_account=one.made_for)


def move_redemptions(tx: Tx, account_id: int, into_account: int) -> None:
    """Let all redemptions of an account go over, and the codes that are its.

    Args:
        tx: bound to the tenant; both accounts are locked.
        account_id: which is merged.
        into_account: which stays.
    """
    tx.execute(_MOVE, (into_account, account_id))
    tx.execute(_LEAVE, (account_id,))
    tx.execute(_CODES, (into_account, account_id))
    tx.execute(_MARKS, (into_account, account_id))
