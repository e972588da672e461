"""The personal codes by which members invite others."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.rules.referrals.codes import code_of

_TRIES: Final = 8
_MINE: Final = "select code from referral_codes where program_id = %s and member_id = %s"
_WHOSE: Final = "select code, member_id from referral_codes where program_id = %s and code = any(%s::text[])"
_MAKE: Final = """
insert into referral_codes (program_id, code, account_id, member_id, made_at)
values (%s, %s, %s, %s, %s)
on conflict do nothing
"""
_LOCK: Final = "select code from referral_codes where program_id = %s and member_id = %s for update"
_FORGET: Final = "delete from referral_codes where program_id = %s and member_id = %s"


class Inviter(NamedTuple):
    """Who invites."""

    program_id: int
    account_id: int
    member_id: int


def code_for(tx: Tx, vault: Vault, who: Inviter, now: datetime) -> str:
    """Give a member's code; it is made when it is first asked for, and stays.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        who: the member.
        now: the instant, UTC.

    Returns:
        Letters without a dash.
    """
    for attempt in range(_TRIES):
        row = tx.execute(_MINE, (who.program_id, who.member_id)).fetchone()
        if row is not None:
            return str(row[0])
        code = _code(vault, (who.program_id, who.member_id), attempt)
        tx.execute(_MAKE, (who.program_id, code, who.account_id, who.member_id, now))
    raise RuntimeError("eight codes in a row are other members'")


def could_be(vault: Vault, whose: tuple[int, int], code: str) -> bool:
    """Tell whether a code can be a member's: it follows from the tenant's keys.

    Args:
        vault: the tenant's keys.
        whose: the program's number and the member's.
        code: letters without a dash.

    Returns:
        False for a code that was never made for that member.
    """
    return any(_code(vault, whose, attempt) == code for attempt in range(_TRIES))


def _code(vault: Vault, whose: tuple[int, int], attempt: int) -> str:
    program_id, member_id = whose
    return code_of(vault.digest("referral code", f"{program_id}/{member_id}/{attempt}"))


def find_inviters(tx: Tx, program_id: int, codes: set[str]) -> dict[str, int]:
    """Find whose codes are.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        codes: letters without dashes.

    Returns:
        The member by code; codes that nobody has are left out.
    """
    return dict(tx.execute(_WHOSE, (program_id, sorted(codes))).fetchall())


def lock_inviter(tx: Tx, program_id: int, member_id: int) -> None:
    """Let nobody else count a member's friends until this transaction ends.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: who invited.
    """
    tx.execute(_LOCK, (program_id, member_id))


def forget_code(tx: Tx, program_id: int, member_id: int) -> None:
    """Let a code be nobody's any more.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: whose it was.
    """
    tx.execute(_FORGET, (program_id, member_id))
