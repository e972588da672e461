"""Posts as the API, the member's page and the console take them: who writes, and telling the engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from anyio import to_thread

from guerdon.base.errors import Problem
from guerdon.engine.answers import Answer, problem_in
from guerdon.engine.commands import IngestEvent
from guerdon.engine.community.posting import Author
from guerdon.engine.community.telling import PAST
from guerdon.engine.telling.pages import Untold
from guerdon.infra.tx import Tx
from guerdon.members.identities import Ref, resolve
from guerdon.members.states import load_keys, load_members
from guerdon.web.house import Premises

_NO_MEMBER = Problem("member_not_found", "nobody here is meant by this reference")


class Whose(NamedTuple):
    """Whose community of which program is meant."""

    premises: Premises
    tenant_id: int
    program: str
    now: datetime


def author_of(tx: Tx, whose: Whose, ref: Ref) -> Author:
    """Find who writes, likes or reports.

    Args:
        tx: bound to the tenant.
        whose: where.
        ref: the member.

    Returns:
        The member with the program and their key.

    Raises:
        Problem: `program_not_found` or `member_not_found`.
    """
    house = whose.premises.house
    vault = house.vault(whose.tenant_id)
    live = house.live(tx, whose.program)
    found = resolve(tx, vault, live.program_id, [ref]).get(ref)
    if found is None:
        raise _NO_MEMBER
    keys = load_keys(tx, vault, live.program_id, [found.member_id])
    if found.member_id not in keys:
        raise _NO_MEMBER
    account_id, key = keys[found.member_id]
    state = load_members(tx, [account_id], [found.member_id]).by_id[found.member_id].state
    return Author(live.program_id, live.program, account_id, found.member_id, key, state.language, whose.now)


async def tell(whose: Whose, untold: Sequence[Untold]) -> list[Answer]:
    """Tell the engine what became of posts or shares, and note what arrived.

    Args:
        whose: where.
        untold: what is to be told.

    Returns:
        What it brought, in order; what was told before gives its first answer.

    Raises:
        Problem: what the engine refuses.
    """
    answers: list[Answer] = []
    for one in untold:
        said = await _ask(whose, one) if one.raw is not None else None
        if said is not None and said.problem is not None and said.problem.code not in PAST:
            raise problem_in(said.problem)
        await to_thread.run_sync(_note, whose, one)
        if said is not None and said.problem is None:
            answers.append(said)
    return answers


async def _ask(whose: Whose, one: Untold) -> Answer:
    assert one.raw is not None, "asked for by whoever has something to tell"
    return await whose.premises.waiting.ask(
        IngestEvent(
            tenant_id=whose.tenant_id,
            program=whose.program,
            received_at=max(whose.now, one.at),
            raw=one.raw,
            own=True,
        )
    )


def _note(whose: Whose, one: Untold) -> None:
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        one.mark(tx)
