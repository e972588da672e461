"""Tries at quizzes: when they began, what was answered, and what they came to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from guerdon.infra.tx import Tx

_COLUMNS = """account_id, member_id, quiz, attempt, version, seed, started_at, due_at, opened_at, answers,
    finished_at, points, of, passed, told"""
_SELECT = f"select {_COLUMNS} from quiz_attempts"  # noqa: S608 - a list of columns of ours
_INSERT = f"""
insert into quiz_attempts (program_id, {_COLUMNS})
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict do nothing
"""  # noqa: S608 - a list of columns of ours
_UPDATE = """
update quiz_attempts set due_at = %s, opened_at = %s, answers = %s, finished_at = %s, points = %s, of = %s,
    passed = %s
where account_id = %s and member_id = %s and quiz = %s and attempt = %s and finished_at is null
"""
_TOLD = """
update quiz_attempts set told = true
where account_id = %s and member_id = %s and quiz = %s and attempt = %s and finished_at is not null
"""
_ONE = "where account_id = %s and member_id = %s and quiz = %s and attempt = %s"
_PAGE = "(account_id, member_id, quiz, attempt) > (%s, %s, %s, %s)"
_ORDER = "order by account_id, member_id, quiz, attempt limit %s"
_DUE = f"""
select account_id, member_id, quiz, attempt from quiz_attempts
where program_id = %s and finished_at is null and due_at <= %s and {_PAGE} {_ORDER}
"""  # noqa: S608 - words of ours

Place = tuple[int, int, str, int]
"""Account, member, quiz and the number of the try: what names a row."""
FIRST: Place = (0, 0, "", 0)


class Attempt(NamedTuple):
    """One try of a member at a quiz."""

    account_id: int
    """The account that the member acted for when it began."""
    member_id: int
    quiz: str
    attempt: int
    """Its number among the member's tries at this quiz, from 1."""
    version: int
    """The program's version when it began, by which it is judged."""
    seed: bytes
    """What its questions and their answers are chosen and shuffled by."""
    started_at: datetime
    due_at: datetime | None
    """From this instant on nothing is taken; None without an end."""
    opened_at: datetime | None
    """Since when the question after those answered is open; None until it is."""
    answers: Sequence[dict[str, Any]]
    """In the order asked: `at`, an instant as text, and `said` as `rules.play.judging` keeps answers."""
    finished_at: datetime | None = None
    points: int | None = None
    of: int | None = None
    passed: bool | None = None
    told: bool = False
    """Whether the engine was told by an event."""

    @property
    def place(self) -> Place:
        """What names the row."""
        return self.account_id, self.member_id, self.quiz, self.attempt

    @property
    def said(self) -> list[Any]:
        """The answers alone."""
        return [one["said"] for one in self.answers]


def list_attempts(tx: Tx, whose: tuple[Collection[int], int], quiz: str | None = None) -> list[Attempt]:
    """List a member's tries.

    Args:
        tx: bound to the tenant.
        whose: the accounts that the member acted for, and the member.
        quiz: which quiz; None for all.

    Returns:
        Oldest first.
    """
    accounts, member_id = whose
    rows = tx.execute(
        f"{_SELECT} where account_id = any(%s::bigint[]) and member_id = %s"
        " and (%s::text is null or quiz = %s) order by started_at, attempt",
        (sorted(accounts), member_id, quiz, quiz),
    )
    return [Attempt(*row) for row in rows]


def insert_attempt(tx: Tx, program_id: int, one: Attempt) -> bool:
    """Begin a try, unless another one of that member is open or has that number.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        one: the try.

    Returns:
        Whether it began.
    """
    values = (program_id, *one._replace(answers=[]))
    listed = [Jsonb(value) if isinstance(value, list) else value for value in values]
    return tx.execute(_INSERT, listed).rowcount == 1


def lock_attempt(tx: Tx, place: Place) -> Attempt | None:
    """Read a try that is to be changed.

    Args:
        tx: bound to the tenant; the row stays locked until its end.
        place: which.

    Returns:
        The try, None where there is none.
    """
    row = tx.execute(f"{_SELECT} {_ONE} for update", place).fetchone()
    return Attempt(*row) if row is not None else None


def save_attempt(tx: Tx, one: Attempt) -> None:
    """Write what became of a try that goes on.

    Args:
        tx: the transaction in which it was locked.
        one: as it stands now.
    """
    came_to = (one.finished_at, one.points, one.of, one.passed)
    changed = (one.due_at, one.opened_at, Jsonb(list(one.answers)), *came_to)
    done = tx.execute(_UPDATE, (*changed, *one.place)).rowcount
    assert done == 1, "locked, and found to go on"


def mark_told(tx: Tx, place: Place) -> None:
    """Note that the engine knows what a try came to.

    Args:
        tx: bound to the tenant.
        place: which.
    """
    tx.execute(_TOLD, place)


def list_due(tx: Tx, program_id: int, now: datetime, page: tuple[Place, int]) -> list[Place]:
    """List tries that go on although their time is over.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        now: the instant.
        page: only those behind this one, and how many at most.

    Returns:
        What names them, in order.
    """
    after, limit = page
    rows = tx.execute(_DUE, (program_id, now, *after, limit))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def list_untold(tx: Tx, program_id: int, page: tuple[Place, int]) -> list[Attempt]:
    """List tries that are finished and of which the engine was not told.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only those behind this one, and how many at most.

    Returns:
        The tries, in the order of what names them.
    """
    after, limit = page
    where = f"where program_id = %s and finished_at is not null and not told and {_PAGE} {_ORDER}"
    return [Attempt(*row) for row in tx.execute(f"{_SELECT} {where}", (program_id, *after, limit))]


def page_attempts(tx: Tx, after: tuple[int, Place], limit: int) -> list[tuple[int, Attempt]]:
    """Give a page of all tries of a tenant.

    Args:
        tx: bound to the tenant.
        after: only those behind this program and this try.
        limit: how many at most.

    Returns:
        Programs and tries, in their order.
    """
    program_id, place = after
    rows = tx.execute(
        f"select program_id, {_COLUMNS} from quiz_attempts"  # noqa: S608 - columns of ours
        " where (program_id, account_id, member_id, quiz, attempt) > (%s, %s, %s, %s, %s)"
        " order by program_id, account_id, member_id, quiz, attempt limit %s",
        (program_id, *place, limit),
    )
    return [(row[0], Attempt(*row[1:])) for row in rows]


class Figures(NamedTuple):
    """What came of a quiz."""

    quiz: str
    members: int
    """Who tried."""
    attempts: int
    finished: int
    passed: int
    points: int
    """Of all that are finished."""
    of: int
    """How many points these could have had."""


def load_figures(tx: Tx, program_id: int) -> dict[str, Figures]:
    """Count a program's tries.

    Args:
        tx: bound to the tenant.
        program_id: of which program.

    Returns:
        By quiz; one that nobody tried is not there.
    """
    rows = tx.execute(
        "select quiz, count(distinct member_id), count(*), count(finished_at),"
        " count(*) filter (where passed), coalesce(sum(points), 0), coalesce(sum(of), 0)"
        " from quiz_attempts where program_id = %s group by quiz",
        (program_id,),
    )
    return {row[0]: Figures(row[0], *(int(one) for one in row[1:])) for row in rows}


class Answered(NamedTuple):
    """The answers of one try, for counting how many were right."""

    version: int
    seed: bytes
    said: Sequence[Any]


def sample_answers(tx: Tx, program_id: int, quiz: str, limit: int) -> list[Answered]:
    """Give the answers of the latest tries that are finished.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        quiz: of which quiz.
        limit: of how many tries at most.

    Returns:
        The latest first.
    """
    rows = tx.execute(
        "select version, seed, answers from quiz_attempts"
        " where program_id = %s and quiz = %s and finished_at is not null order by finished_at desc limit %s",
        (program_id, quiz, limit),
    )
    return [Answered(row[0], row[1], [one["said"] for one in row[2]]) for row in rows]
