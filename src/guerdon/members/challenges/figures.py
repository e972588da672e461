"""What became of challenges: how many take part, and how many have reached the prize."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from guerdon.infra.tx import Tx


class Taking(NamedTuple):
    """What is known of a challenge over all accounts."""

    challenge: str
    joined: int
    """Accounts that take part by an act of theirs."""
    accounts: int
    """Accounts that reached it at least once."""
    times: int
    """How often it was reached."""
    last_at: datetime | None


def load_takings(tx: Tx, program_id: int) -> dict[str, Taking]:
    """Count a program's progress.

    Args:
        tx: bound to the tenant.
        program_id: of which program.

    Returns:
        By challenge; one that nobody came to is not there.
    """
    rows = tx.execute(
        "select challenge, count(joined_at), count(*) filter (where times > 0), coalesce(sum(times), 0),"
        " max(reached_at) filter (where times > 0) from challenge_progress"
        " where program_id = %s group by challenge",
        (program_id,),
    )
    return {row[0]: Taking(row[0], row[1], row[2], int(row[3]), row[4]) for row in rows}


def load_holders(tx: Tx, program_id: int) -> dict[str, int]:
    """Count who has badges.

    Args:
        tx: bound to the tenant.
        program_id: of which program.

    Returns:
        By badge, higher levels with a colon and their number: how many accounts.
    """
    rows = tx.execute(
        "select b.badge, count(*) from badges b join accounts a on a.account_id = b.account_id"
        " where a.program_id = %s group by b.badge",
        (program_id,),
    )
    return {row[0]: row[1] for row in rows}
