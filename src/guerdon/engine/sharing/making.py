"""Making shares of what is one's own, counting who comes, and tracing who joins."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.circles.posts.days import Doer, count_deed
from guerdon.circles.sharing.rows import (
    NO_SHARE,
    Joining,
    Kind,
    Share,
    end_share,
    find_same,
    find_share,
    insert_joining,
    insert_share,
    insert_visit,
    knows_visitor,
    make_code,
)
from guerdon.engine.community.bought import find_line
from guerdon.engine.community.posting import Author
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.merging.moving import list_merged
from guerdon.rules.own_events import SHARE_VISITED
from guerdon.rules.program import Program

JOINS_WITHIN: Final = timedelta(days=1)
"""So long after joining it can be said by which share somebody came."""
_CODES_TRIED: Final = 5
_CLOSED: Final = Problem("sharing_closed", "this program lets nobody share this")
_NOT_THEIRS: Final = Problem.at(
    "/what", "not_theirs", "this member has bought, taken or earned no such thing"
)
_TAKEN: Final = """
select from redemptions where account_id = any(%s::bigint[]) and reward = %s and status <> 'cancelled' limit 1
"""
_EARNED: Final = "select from badges where account_id = any(%s::bigint[]) and badge = %s limit 1"
Traced = Literal["noted", "before", "late", "own"]
"""That somebody came by it is noted now, or was before; they joined long ago; it is of their own account."""
_JOINED: Final = "select joined_at from members where account_id = %s and member_id = %s"


def share(tx: Tx, author: Author, what: tuple[Kind, str, str], chance: Chance) -> tuple[Share, bool]:
    """Give a member an address under which they show something of theirs.

    Args:
        tx: bound to the tenant.
        author: who shows it.
        what: kind; product, reward or badge; and the address of a picture, or nothing.
        chance: unguessable, for the code.

    Returns:
        The share, and whether it is new: the same thing has one address as long as it stands.

    Raises:
        Problem: `sharing_closed`, `not_theirs` or `shares_too_many`.
    """
    kind, thing, picture = what
    sharing = author.program.definition.sharing
    if kind not in sharing.of:
        raise _CLOSED
    same = find_same(tx, author.program_id, author.member_id, (kind, thing))
    if same is not None:
        return same, False
    shown = {"name": _owned(tx, author, kind, thing), "picture": picture}
    today = author.program.zone.local(author.now).date()
    if not count_deed(tx, author.doer, ("shares", today), sharing.max_per_day):
        detail = f"a member makes {sharing.max_per_day} addresses a day, and these are used up"
        raise Problem("shares_too_many", detail)
    # Whoever asked at the same time has waited at the count.
    same = find_same(tx, author.program_id, author.member_id, (kind, thing))
    if same is not None:
        return same, False
    for _ in range(_CODES_TRIED):
        made = Share(
            make_code(chance), author.program_id, author.account_id, author.member_id, kind, thing,
            {name: text for name, text in shown.items() if text}, author.now,
        )  # fmt: skip
        if insert_share(tx, made):
            return made, True
    raise AssertionError("codes of 54 bits do not meet five times")


def end(tx: Tx, author: Author, code: str) -> Share:
    """End a member's own share.

    Args:
        tx: bound to the tenant.
        author: whose it is.
        code: which.

    Returns:
        The share; one that had ended stays so.

    Raises:
        Problem: `share_not_found`.
    """
    found = find_share(tx, code, lock=True)
    if found is None or found.program_id != author.program_id or found.member_id != author.member_id:
        raise NO_SHARE
    end_share(tx, code, author.now)
    return found._replace(ended_at=found.ended_at or author.now)


def visit(
    tx: Tx, vault: Vault, where: tuple[Program, str], who: tuple[str, datetime]
) -> tuple[Share, int | None]:
    """Count somebody who follows a share: one place once a day, and no more than the program counts.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys; what is kept of the address is a keyed hash that no other day has.
        where: the program, and the code.
        who: from which address they come, and when.

    Returns:
        The share, and the visit's number; None where it does not count.

    Raises:
        Problem: `share_not_found`.
    """
    program, code = where
    address, now = who
    found = find_share(tx, code, lock=True)
    if found is None or found.ended_at is not None:
        raise NO_SHARE
    today = program.zone.local(now).date()
    visitor = vault.digest("share visit", f"{code} {today.isoformat()} {address}")
    if knows_visitor(tx, code, today, visitor):
        return found, None
    sharer = Doer(found.program_id, found.account_id, found.member_id)
    if not count_deed(tx, sharer, ("visits", today), program.definition.sharing.visits_per_day):
        return found, None
    awaited = SHARE_VISITED in program.by_trigger or SHARE_VISITED in program.metrics_by_event
    return found, insert_visit(tx, found, (today, visitor), (now, not awaited))


def trace(tx: Tx, author: Author, code: str) -> Traced:
    """Note by which share somebody came who has just joined.

    Args:
        tx: bound to the tenant.
        author: who joined.
        code: of the share.

    Returns:
        What became of it.

    Raises:
        Problem: `share_not_found`.
    """
    found = find_share(tx, code, lock=True)
    if found is None or found.ended_at is not None or found.program_id != author.program_id:
        raise NO_SHARE
    row = tx.execute(_JOINED, (author.account_id, author.member_id)).fetchone()
    if found.account_id == author.account_id:
        return "own"
    if row is None or row[0] < max(found.shared_at, author.now - JOINS_WITHIN):
        return "late"
    joining = Joining(author.account_id, author.member_id, code, author.now)
    return "noted" if insert_joining(tx, author.program_id, joining) else "before"


def _owned(tx: Tx, author: Author, kind: Kind, thing: str) -> str:
    """Insist that it is theirs, and tell what it is called where the definition does not say so."""
    accounts = [author.account_id, *list_merged(tx, [author.account_id])]
    if kind == "purchase":
        line = find_line(tx, author.account_id, thing)
        if line is None:
            raise _NOT_THEIRS
        return str(line.get("name") or thing)[:200]
    query = _TAKEN if kind == "reward" else _EARNED
    if tx.execute(query, (accounts, thing)).fetchone() is None:
        raise _NOT_THEIRS
    return ""
