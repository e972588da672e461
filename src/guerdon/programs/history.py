"""History being written: meanwhile nobody is booked on to now, for that would end their history."""

from __future__ import annotations

from guerdon.infra.tx import Tx


def hold_history(tx: Tx, program_id: int) -> None:
    """Say that history is being written in a program, until the connection is closed; others may as well.

    Args:
        tx: bound to the tenant, on a connection of one's own.
        program_id: which program.
    """
    tx.execute("select pg_advisory_lock_shared(hashtextextended('history', %s))", (program_id,))


def is_history_held(tx: Tx, program_id: int) -> bool:
    """Tell whether somebody is writing history in a program.

    Args:
        tx: bound to the tenant.
        program_id: which program.

    Returns:
        Whether; where nobody is, nobody can begin before the transaction ends.
    """
    row = tx.execute(
        "select pg_try_advisory_xact_lock(hashtextextended('history', %s))", (program_id,)
    ).fetchone()
    return row is None or not row[0]
