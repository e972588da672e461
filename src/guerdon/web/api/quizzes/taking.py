"""Quizzes as the API and the member's page take them: who, which try, and telling the engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeVar

from anyio import to_thread

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import Answer, accepted
from guerdon.engine.commands import IngestEvent
from guerdon.engine.play import quizzes
from guerdon.engine.play.quizzes import Taker
from guerdon.infra.tx import Tx
from guerdon.members.identities import Ref, member_ref, resolve
from guerdon.play.attempts import Attempt, mark_told
from guerdon.rules.program import Program
from guerdon.web.house import Premises

T = TypeVar("T")
_NO_MEMBER = Problem("member_not_found", "nobody here is meant by this reference")
_NO_ATTEMPT = Problem("attempt_not_found", "there is no such try")


class Whose(NamedTuple):
    """Whose quizzes of which program are meant."""

    premises: Premises
    tenant_id: int
    program: str
    now: datetime


class Seen(NamedTuple):
    """A try with what it is shown by."""

    attempt: Attempt
    program: Program
    """The version with which it began."""


def taker_of(tx: Tx, whose: Whose, ref: Ref) -> Taker:
    """Find who takes a quiz.

    Args:
        tx: bound to the tenant.
        whose: where.
        ref: the member.

    Returns:
        The member with the program.

    Raises:
        Problem: `program_not_found` or `member_not_found`.
    """
    house = whose.premises.house
    live = house.live(tx, whose.program)
    found = resolve(tx, house.vault(whose.tenant_id), live.program_id, [ref]).get(ref)
    if found is None:
        raise _NO_MEMBER

    def recorded(version: int) -> Program:
        return house.version(tx, whose.program, (live.program_id, version))

    return Taker(live.program_id, live.program, found.account_id, found.member_id, recorded)


def attempt_id(one: Attempt) -> str:
    """Name a try.

    Args:
        one: the try.

    Returns:
        The member's id with the number of the try, such as `mem_01h8xj3q0abcd-2`.
    """
    return f"{number_text('mem', one.member_id)}-{one.attempt}"


def on_attempt(tx: Tx, whose: Whose, name: tuple[str, str], act: Callable[[Taker, Attempt], Attempt]) -> Seen:
    """Do something with a try.

    Args:
        tx: bound to the tenant.
        whose: where.
        name: the quiz, and the try's id.
        act: gives the try as it stands then.

    Returns:
        The try with its version.

    Raises:
        Problem: `program_not_found`, `attempt_not_found` and what `act` raises.
    """
    quiz, text = name
    member, _, number = text.rpartition("-")
    member_id = parse_number("mem", member)
    if member_id is None or not (number.isascii() and number.isdigit() and len(number) < 9):
        raise _NO_ATTEMPT
    try:
        taker = taker_of(tx, whose, member_ref(member_id))
    except Problem as problem:
        raise _NO_ATTEMPT if problem.code == "member_not_found" else problem from None
    one = act(taker, quizzes.find(tx, taker, quiz, int(number)))
    return Seen(one, taker.recorded(one.version))


async def tell(whose: Whose, one: Attempt) -> Answer | None:
    """Tell the engine what a try came to; told again, it gives the first answer.

    Args:
        whose: where.
        one: the try.

    Returns:
        What it brought; None where the try goes on.

    Raises:
        Problem: what the engine refuses.
    """
    if one.finished_at is None:
        return None
    said = await whose.premises.waiting.ask(
        IngestEvent(
            tenant_id=whose.tenant_id,
            program=whose.program,
            received_at=max(whose.now, one.finished_at),
            raw=quizzes.event_of(one),
            own=True,
        )
    )
    accepted(said)
    if not one.told:
        await to_thread.run_sync(_note, whose, one)
    return said


def _note(whose: Whose, one: Attempt) -> None:
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        mark_told(tx, one.place)
