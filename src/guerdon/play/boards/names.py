"""Who joined which board, under which name; names are sealed with the members' own keys."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from guerdon.infra.arrays import bigints
from guerdon.infra.tx import Tx

_COLUMNS: Final = "board, account_id, member_id, joined_at, sealed, taken_at"
_FIND: Final = f"""
select {_COLUMNS} from board_names where program_id = %s and board = %s and account_id = any(%s::bigint[])
"""  # noqa: S608 - columns of ours
_OF: Final = f"select {_COLUMNS} from board_names where program_id = %s and account_id = %s order by board"  # noqa: S608 - columns of ours
_JOIN: Final = """
insert into board_names (program_id, board, account_id, member_id, joined_at, sealed, name_hash)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (program_id, board, account_id) do update set member_id = excluded.member_id,
    sealed = excluded.sealed, name_hash = excluded.name_hash, taken_at = null
"""
_HELD: Final = "select account_id from board_names where program_id = %s and board = %s and name_hash = %s"
_LEAVE: Final = "delete from board_names where program_id = %s and board = %s and account_id = %s"
_TAKE: Final = """
update board_names set sealed = null, name_hash = null, taken_at = %s
where program_id = %s and board = %s and account_id = %s and sealed is not null
"""
_OF_MEMBER: Final = """
delete from board_names where program_id = %s and account_id = %s and member_id = %s returning board
"""
_MOVE: Final = """
update board_names n set account_id = %(into)s where program_id = %(program)s and account_id = %(gone)s
    and not exists (select from board_names o where o.program_id = n.program_id and o.board = n.board
        and o.account_id = %(into)s)
"""
_DROP: Final = "delete from board_names where program_id = %s and account_id = %s"
_COUNT: Final = "select board, count(*), count(sealed) from board_names where program_id = %s group by board"
_LIST: Final = f"""
select {_COLUMNS} from board_names where program_id = %s and board = %s and account_id > %s
order by account_id limit %s
"""  # noqa: S608 - columns of ours


class Joined(NamedTuple):
    """An account that joined a board, or chose a name on one where all stand."""

    board: str
    account_id: int
    member_id: int
    joined_at: datetime
    sealed: bytes | None
    """The name, under the member's own key; None where somebody of the staff took it away."""
    taken_at: datetime | None = None

    @property
    def purpose(self) -> str:
        """What the name is sealed for."""
        return f"board:{self.board}"


def find_joined(tx: Tx, program_id: int, board: str, account_ids: Collection[int]) -> dict[int, Joined]:
    """Find who of some joined a board.

    Args:
        tx: bound to the tenant.
        program_id: whose board.
        board: its key.
        account_ids: of whom.

    Returns:
        By account.
    """
    rows = tx.execute(_FIND.encode(), (program_id, board, bigints(sorted(account_ids)))).fetchall()
    return {row[1]: Joined(*row) for row in rows}


def list_joined(tx: Tx, program_id: int, account_id: int) -> dict[str, Joined]:
    """List the boards that an account joined.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.
        account_id: the account.

    Returns:
        By board.
    """
    return {row[0]: Joined(*row) for row in tx.execute(_OF.encode(), (program_id, account_id))}


def list_named(tx: Tx, program_id: int, board: str, after: int, limit: int) -> list[Joined]:
    """List who joined a board.

    Args:
        tx: bound to the tenant.
        program_id: whose board.
        board: its key.
        after: the last account of the page before, 0 for the first.
        limit: most of them.

    Returns:
        In the order of accounts.
    """
    return [Joined(*row) for row in tx.execute(_LIST.encode(), (program_id, board, after, limit))]


def write_joined(tx: Tx, program_id: int, joined: Joined, name_hash: bytes) -> bool:
    """Let an account join, or change its name.

    Args:
        tx: bound to the tenant; the board is locked, so that a name is looked for and taken at once.
        program_id: whose board.
        joined: the account with the sealed name; the day on which it joined first is kept.
        name_hash: a keyed hash of what the name has in common with those that are the same.

    Returns:
        False where another account has this name on this board, and nothing was written.
    """
    held = tx.execute(_HELD, (program_id, joined.board, name_hash)).fetchone()
    if held is not None and held[0] != joined.account_id:
        return False
    row = (joined.board, joined.account_id, joined.member_id, joined.joined_at, joined.sealed, name_hash)
    tx.execute(_JOIN, (program_id, *row))
    return True


def delete_joined(tx: Tx, program_id: int, board: str, account_id: int) -> bool:
    """Let an account leave a board.

    Args:
        tx: bound to the tenant.
        program_id: whose board.
        board: its key.
        account_id: the account.

    Returns:
        Whether it had joined.
    """
    return tx.execute(_LEAVE, (program_id, board, account_id)).rowcount == 1


def take_name(tx: Tx, program_id: int, board: str, account_id: int, now: datetime) -> bool:
    """Take a name away; who had it stays on the board without one, until they choose another.

    Args:
        tx: bound to the tenant.
        program_id: whose board.
        board: its key.
        account_id: whose name.
        now: the instant.

    Returns:
        Whether there was a name.
    """
    return tx.execute(_TAKE, (now, program_id, board, account_id)).rowcount == 1


def forget_names(tx: Tx, program_id: int, account_id: int, member_id: int) -> list[str]:
    """Forget the names that somebody chose who is erased.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.
        account_id: of the person.
        member_id: the person.

    Returns:
        The boards on which the account had one.
    """
    return [row[0] for row in tx.execute(_OF_MEMBER, (program_id, account_id, member_id))]


def move_names(tx: Tx, program_id: int, gone: int, into: int) -> None:
    """Let an account have the places of one that was merged into it, where it has none of its own.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.
        gone: the account that was merged.
        into: the one that stands for it.
    """
    tx.execute(_MOVE, {"into": into, "gone": gone, "program": program_id})
    tx.execute(_DROP, (program_id, gone))


def count_joined(tx: Tx, program_id: int) -> dict[str, tuple[int, int]]:
    """Count who joined the boards of a program.

    Args:
        tx: bound to the tenant.
        program_id: whose.

    Returns:
        By board: how many joined, and how many have a name.
    """
    return {row[0]: (row[1], row[2]) for row in tx.execute(_COUNT, (program_id,))}
