"""Tries at quizzes beside the answers, the versions and the events that they must agree with."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.audit.versions import Versions
from guerdon.engine.play.quizzes import event_id, judged
from guerdon.infra.tx import Tx
from guerdon.play.attempts import Attempt, Place, page_attempts
from guerdon.rules.own_events import QUIZZES
from guerdon.rules.play.asking import asked_of
from guerdon.rules.program import Program

_PAGE: Final = 500
_EVENTS: Final = """
select k.id, e.account_id, e.event_id, e.member_id, e.occurred_at, e.body
from event_keys k join events e on e.account_id = k.account_id and e.event_id = k.event_id
where k.program_id = %s and k.source = %s and k.id = any(%s::text[])
"""
_LOOSE: Final = """
select account_id, event_id, id from events e
where type = 'quiz.finished' and source = %s and not exists (
    select from quiz_attempts a
    where a.member_id = e.member_id and a.quiz = split_part(e.id, '/', 1)
        and a.attempt::text = split_part(e.id, '/', 3) and a.finished_at is not null)
order by 1, 2
"""
_UNREADABLE: Final = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)


class _Told(NamedTuple):
    """What an event said of a try."""

    account_id: int
    event_id: UUID
    member_id: int | None
    occurred_at: datetime
    body: bytes


def check_attempts(tx: Tx, versions: Versions) -> Iterator[Finding]:
    """Judge all tries again by their answers and the version that each began with.

    Args:
        tx: as for `verify`.
        versions: compiled ones of the tenant.

    Yields:
        What does not hold.
    """
    after: tuple[int, Place] = (0, (0, 0, "", 0))
    while page := page_attempts(tx, after, _PAGE):
        for program_id in sorted({program for program, _ in page}):
            tries = [one for program, one in page if program == program_id]
            told = _told(tx, program_id, tries)
            for one in tries:
                version = versions.find(tx, program_id, one.version)
                yield from _check(one, version.program if version is not None else None, told)
        after = (page[-1][0], page[-1][1].place)
    for account_id, found_id, name in tx.execute(_LOOSE, (QUIZZES,)).fetchall():
        key = f"{number_text('acc', account_id)} {name}"
        yield Finding(
            "attempt_missing", "quiz_attempts", key, f"a try of event {found_id}", "none", account_id
        )


def _told(tx: Tx, program_id: int, tries: Sequence[Attempt]) -> dict[str, _Told]:
    names = [event_id(one) for one in tries]
    return {row[0]: _Told(*row[1:]) for row in tx.execute(_EVENTS, (program_id, QUIZZES, names))}


def _check(one: Attempt, program: Program | None, told: dict[str, _Told]) -> Iterator[Finding]:
    quiz = program.definition.quizzes.get(one.quiz) if program is not None else None
    if program is None or quiz is None:
        yield _finding(one, "version", "attempt_version", ("one with this quiz", str(one.version)))
        return
    yield from _check_times(one, program)
    asked = asked_of(quiz, one.seed)
    if len(one.answers) > len(asked):
        yield _finding(one, "answers", "attempt_answers", (f"{len(asked)} at most", str(len(one.answers))))
    if one.finished_at is None:
        return
    try:
        expected: Any = judged(program, one)
    except _UNREADABLE as error:
        yield _finding(one, "answers", "attempt_answers", ("answers", type(error).__name__))
        return
    found = (one.points, one.of, one.passed)
    if found != expected:
        yield _finding(one, "points", "attempt_judged", (_shown(expected), _shown(found)))
    yield from _check_told(one, told.get(event_id(one)))


def _check_times(one: Attempt, program: Program) -> Iterator[Finding]:
    times = [one.started_at]
    try:
        times += [datetime.fromisoformat(answer["at"]) for answer in one.answers]
        times += [time for time in (one.opened_at, one.finished_at) if time is not None]
        is_in_order = times == sorted(times)
    except _UNREADABLE:
        is_in_order = False
    if not is_in_order:
        yield _finding(one, "answers", "attempt_times", ("one after the other", "another order"))
    quiz = program.quizzes[one.quiz]
    latest = quiz.due_at(program.zone, one.started_at)
    if latest is not None and (one.due_at is None or one.due_at > latest):
        yield _finding(one, "due_at", "attempt_times", (f"{latest} at the latest", str(one.due_at)))
    if one.due_at is not None and one.finished_at is not None and one.finished_at > one.due_at:
        yield _finding(
            one, "finished_at", "attempt_times", (f"{one.due_at} at the latest", str(one.finished_at))
        )


def _check_told(one: Attempt, told: _Told | None) -> Iterator[Finding]:
    if told is None:
        if one.told:
            yield _finding(one, "told", "attempt_event", (f"an event {event_id(one)}", "none"))
        return
    expected = {
        "quiz": one.quiz, "attempt": one.attempt, "points": one.points, "of": one.of, "passed": one.passed
    }  # fmt: skip
    try:
        data = json.loads(zlib.decompress(told.body)).get("data")
    except (zlib.error, *_UNREADABLE):
        # The event itself is found to be damaged where events are looked at.
        return
    if data != expected:
        yield _finding(one, "points", "attempt_event", (json.dumps(data), json.dumps(expected)))
    if told.member_id != one.member_id or told.occurred_at != one.finished_at:
        found = f"{number_text('mem', one.member_id)} at {one.finished_at}"
        wanted = f"{number_text('mem', told.member_id or 0)} at {told.occurred_at}"
        yield _finding(one, "finished_at", "attempt_event", (wanted, found))


def _finding(one: Attempt, column: str, code: str, values: tuple[str, str]) -> Finding:
    key = f"{number_text('acc', one.account_id)} {event_id(one)} {column}"
    return Finding(code, "quiz_attempts", key, *values, one.account_id)


def _shown(score: Any) -> str:
    points, of, passed = score
    return f"{points} of {of}, {'passed' if passed else 'not passed'}"
