"""Joining leaderboards, under a name that one chooses, and leaving them."""

from __future__ import annotations

from typing import NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker, number_text
from guerdon.engine.boards.audience import meant_among
from guerdon.engine.boards.following import Following, begin, follow, stands
from guerdon.engine.boards.moving import settle_own
from guerdon.infra.tx import Tx
from guerdon.members.accounts import load_accounts
from guerdon.members.crypto import MemberKey, Vault
from guerdon.members.states import load_members
from guerdon.play.boards.names import Joined, delete_joined, find_joined, take_name, write_joined
from guerdon.programs.audit import Act, record
from guerdon.rules.play.boards import Board
from guerdon.rules.play.naming import name_key, read_name

NO_BOARD = Problem("leaderboard_not_found", "there is no such leaderboard")


class Joiner(NamedTuple):
    """Who joins, and leaves."""

    at: Following
    vault: Vault
    account_id: int
    member_id: int


def find_board(at: Following, key: str) -> Board:
    """Find a leaderboard.

    Args:
        at: whose boards.
        key: as in the document.

    Returns:
        The board.

    Raises:
        Problem: `leaderboard_not_found`.
    """
    board = at.program.boards.get(key)
    if board is None or board.is_goal:
        raise NO_BOARD
    return board


def join(tx: Tx, joiner: Joiner, key: str, name: str) -> Joined:
    """Join a leaderboard, or choose another name on it; doing it twice is doing it once.

    Args:
        tx: bound to the tenant.
        joiner: who.
        key: the board.
        name: as typed.

    Returns:
        What is kept of it.

    Raises:
        Problem: `leaderboard_not_found`, `leaderboard_of_teams`, `leaderboard_not_for_member`, `name_invalid`
            or `name_taken`.
    """
    at = joiner.at
    board = find_board(at, key)
    if board.team is not None:
        raise Problem("leaderboard_of_teams", "teams stand on this leaderboard; join one of them")
    shown = read_name(name)
    able = stands(load_accounts(tx, at.program_id, [joiner.account_id]))
    if not meant_among(tx, at.program, board.audience, able, at.now):
        raise Problem("leaderboard_not_for_member", "this leaderboard is for others")
    begin(tx, at, board)
    settle_own(tx, at, joiner.account_id)
    known = find_joined(tx, at.program_id, key, [joiner.account_id]).get(joiner.account_id)
    new = Joined(key, joiner.account_id, joiner.member_id, known.joined_at if known else at.now, None)
    sealed = key_of(tx, joiner).seal(new.purpose, shown.encode())
    digest = joiner.vault.digest(f"board name {at.program_id} {key}", name_key(shown))
    new = new._replace(sealed=sealed)
    if not write_joined(tx, at.program_id, new, digest):
        raise Problem.at("/name", "name_taken", "somebody else has this name here; choose another")
    follow(tx, at, board, [joiner.account_id])
    return new


def leave(tx: Tx, joiner: Joiner, key: str) -> bool:
    """Leave a leaderboard; where all stand on it, only the name goes.

    Args:
        tx: bound to the tenant.
        joiner: who.
        key: the board.

    Returns:
        Whether it was joined before.

    Raises:
        Problem: `leaderboard_not_found`.
    """
    board = find_board(joiner.at, key)
    begin(tx, joiner.at, board)
    settle_own(tx, joiner.at, joiner.account_id)
    was = delete_joined(tx, joiner.at.program_id, key, joiner.account_id)
    follow(tx, joiner.at, board, [joiner.account_id])
    return was


def take_away(tx: Tx, at: Following, place: tuple[str, int], by: tuple[str, IdMaker]) -> bool:
    """Take a name from a leaderboard; the account stays there without one until it chooses another.

    Args:
        tx: bound to the tenant.
        at: whose boards, and when.
        place: board and account.
        by: who does it, as the audit trail names them, and what makes the row's identifier.

    Returns:
        Whether there was a name.

    Raises:
        Problem: `leaderboard_not_found`.
    """
    key, account_id = place
    find_board(at, key)
    taken = take_name(tx, at.program_id, key, account_id, at.now)
    if taken:
        shown = number_text("acc", account_id)
        act = Act(at.now, by[0], "leaderboard.name_taken", shown, at.program_id, {"leaderboard": key})
        record(tx, act, by[1])
    return taken


def key_of(tx: Tx, joiner: Joiner) -> MemberKey:
    """Open the key under which a member's names are sealed.

    Args:
        tx: bound to the tenant.
        joiner: who.

    Returns:
        The key.

    Raises:
        Problem: `member_not_found` where the person was erased.
    """
    found = load_members(tx, [joiner.account_id], [joiner.member_id]).by_id.get(joiner.member_id)
    key = found.open_key(joiner.vault) if found is not None else None
    if key is None:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    return key
