"""Tries at quizzes, from the first question to the event that says what they came to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance, number_text
from guerdon.engine.looking.offers import Looker, load_state
from guerdon.engine.telling.pages import cloud_event
from guerdon.infra.tx import Tx
from guerdon.play.attempts import Attempt, Place, insert_attempt, list_attempts, lock_attempt, save_attempt
from guerdon.rules import definition as written
from guerdon.rules.compiling import span_of
from guerdon.rules.draft import Draft
from guerdon.rules.events import Event
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.own_events import QUIZ_FINISHED, QUIZZES
from guerdon.rules.play.asking import asked_of, order_of
from guerdon.rules.play.judging import judge, read_answer
from guerdon.rules.play.quiz import Quiz, Standing, Tried, standing_of
from guerdon.rules.program import Program
from guerdon.rules.segments import see_segments
from guerdon.rules.step import exactly
from guerdon.rules.stepping import PLAYING

_WHY_NOT: Final = {
    "passed": ("quiz_passed", "this member has passed this quiz"),
    "spent": ("quiz_attempts_spent", "this member has no tries left"),
    "over": ("quiz_over", "this quiz is over"),
    "not_yet": ("quiz_not_yet", "this quiz has not begun yet"),
    "waits": ("quiz_waits", "this member has to wait before the next try"),
}
NO_QUIZ: Final = Problem("quiz_not_found", "there is no such quiz")
_NO_ATTEMPT: Final = Problem("attempt_not_found", "this member has no such try at this quiz")
_FINISHED: Final = Problem("attempt_finished", "this try is finished; its answers stand")
# Whoever acted for an account that was merged, or moved to another, did not begin anew.
_ACCOUNTS: Final = """
select account_id from accounts where merged_into = %(account)s
union
select account_id from member_moves where into_account = %(account)s and member_id = %(member)s
"""


class Taker(NamedTuple):
    """Who takes quizzes of which program."""

    program_id: int
    program: Program
    """The live version: what can be begun."""
    account_id: int
    member_id: int
    recorded: Callable[[int], Program]
    """The version with which a try began: what it is judged by."""


class Listed(NamedTuple):
    """A quiz as a member sees it in a list."""

    quiz: Quiz
    standing: Standing
    latest: Attempt | None


def load_quizzes(tx: Tx, taker: Taker, now: datetime) -> list[Listed]:
    """List the quizzes that are for a member, and those that the member has tried.

    Args:
        tx: bound to the tenant.
        taker: who looks.
        now: the instant, UTC.

    Returns:
        In the order of the definition.
    """
    tried: dict[str, list[Attempt]] = {}
    for one in tries_of(tx, taker, None):
        tried.setdefault(one.quiz, []).append(one)
    meant = _meant(tx, taker, now)
    return [
        Listed(
            quiz,
            standing_of(quiz, taker.program.zone, _seen(taker, tried.get(key, []), now), now),
            tried[key][-1] if key in tried else None,
        )
        for key, quiz in taker.program.quizzes.items()
        if key in meant or key in tried
    ]


def begin(tx: Tx, taker: Taker, key: str, chance: bytes, now: datetime) -> tuple[Attempt, bool]:
    """Begin a try, or go on with the one that is open.

    Args:
        tx: bound to the tenant.
        taker: who.
        key: the quiz.
        chance: 16 random bytes, which choose and shuffle its questions.
        now: the instant, UTC.

    Returns:
        The try, and whether it is new.

    Raises:
        Problem: `quiz_not_found`, `quiz_not_for_member`, `quiz_passed`, `quiz_attempts_spent`, `quiz_over`,
            `quiz_not_yet`, `quiz_waits` or `quiz_begun_elsewhere`.
    """
    quiz = taker.program.quizzes.get(key)
    if quiz is None:
        raise NO_QUIZ
    for _ in range(2):
        tries = tries_of(tx, taker, key)
        going = next((one for one in tries if one.finished_at is None and not _is_due(one, now)), None)
        if going is not None:
            return going, False
        for one in tries:
            if one.finished_at is None:
                close(tx, taker, one.place, now)
        made = _new(tx, taker, quiz, (tries, chance), now)
        if insert_attempt(tx, taker.program_id, made):
            return made, True
    raise Problem(
        "quiz_begun_elsewhere", "this quiz was begun and finished somewhere else meanwhile; look again"
    )


def _new(tx: Tx, taker: Taker, quiz: Quiz, given: tuple[list[Attempt], bytes], now: datetime) -> Attempt:
    tries, chance = given
    zone = taker.program.zone
    standing = standing_of(quiz, zone, _seen(taker, tries, now), now)
    if standing.state in _WHY_NOT:
        code, detail = _WHY_NOT[standing.state]
        raise Problem(code, _until(detail, standing.ready_at))
    if quiz.key not in _meant(tx, taker, now):
        raise Problem("quiz_not_for_member", "this quiz is for others")
    number = 1 + max((one.attempt for one in tries), default=0)
    due_at = quiz.due_at(zone, now)
    made = Attempt(
        taker.account_id,
        taker.member_id,
        quiz.key,
        number,
        taker.program.version,
        chance,
        now,
        due_at,
        None,
        [],
    )
    return _opened(taker.program, made, now)


def find(tx: Tx, taker: Taker, key: str, number: int) -> Attempt:
    """Find a try of a member.

    Args:
        tx: bound to the tenant.
        taker: who.
        key: the quiz.
        number: of the try.

    Returns:
        The try as it is stored; its time may be over, which `close` finds out.

    Raises:
        Problem: `attempt_not_found`.
    """
    found = next((one for one in tries_of(tx, taker, key) if one.attempt == number), None)
    if found is None:
        raise _NO_ATTEMPT
    return found


def close(tx: Tx, taker: Taker, place: Place, now: datetime) -> Attempt:
    """Judge a try on what is there where its time is over.

    Args:
        tx: bound to the tenant.
        taker: who; only the versions are asked.
        place: which try.
        now: the instant, UTC.

    Returns:
        The try as it stands.

    Raises:
        Problem: `attempt_not_found`.
    """
    one = _locked(tx, place)
    if one.finished_at is None and _is_due(one, now):
        one = _finished(tx, taker.recorded(one.version), one, one.due_at or now)
    return one


def open_next(tx: Tx, taker: Taker, place: Place, now: datetime) -> Attempt:
    """Open the next question, from which its time runs; one that is open and has time left stays open.

    Args:
        tx: bound to the tenant.
        taker: who.
        place: which try.
        now: the instant, UTC.

    Returns:
        The try; finished where its time, or that of its last question, is over.

    Raises:
        Problem: `attempt_not_found`.
    """
    one = close(tx, taker, place, now)
    if one.finished_at is not None:
        return one
    program = taker.recorded(one.version)
    until = answer_until(program, one)
    if one.opened_at is not None and (until is None or now < until):
        return one
    if one.opened_at is not None:
        one = one._replace(answers=[*one.answers, _answer(None, until or now)], opened_at=None)
    one = _opened(program, one, now, asked=True)
    save_attempt(tx, one)
    return one


def answer(tx: Tx, taker: Taker, place: Place, said: tuple[int, Any], now: datetime) -> Attempt:
    """Answer the question that is open; the last answer finishes the try.

    Args:
        tx: bound to the tenant.
        taker: who.
        place: which try.
        said: the question's number, from 1, and the answer as it was sent; None leaves it out.
        now: the instant, UTC.

    Returns:
        The try. The same answer again changes nothing.

    Raises:
        Problem: `attempt_not_found`, `attempt_finished`, `attempt_time_over`, `question_answered`,
            `question_not_open`, `question_time_over` or `answer_invalid`.
    """
    number, sent = said
    one = _locked(tx, place)
    program = taker.recorded(one.version)
    quiz = program.definition.quizzes[one.quiz]
    asked = asked_of(quiz, one.seed)
    if not 0 < number <= len(asked):
        raise Problem.at("/question", "question_not_open", f"this try has the questions 1 to {len(asked)}")
    if number > len(one.answers):
        # First, since what is wrong with an answer tells of which kind its question is.
        _check_open(program, one, number, now)
    at = asked[number - 1]
    meant = read_answer(quiz.questions[at], order_of(quiz, at, one.seed), sent)
    if number <= len(one.answers):
        is_text = isinstance(quiz.questions[at], written.TextQuestion)
        if is_text or one.answers[number - 1]["said"] == meant:
            # Of texts nobody learns by trying which one is right, as only the first one counts.
            return one
        raise Problem.at(
            "/question", "question_answered", "this question is answered; the first answer stands"
        )
    one = one._replace(answers=[*one.answers, _answer(meant, now)], opened_at=None)
    if len(one.answers) == len(asked):
        return _finished(tx, program, one, now)
    one = _opened(program, one, now)
    save_attempt(tx, one)
    return one


def finish(tx: Tx, taker: Taker, place: Place, now: datetime) -> Attempt:
    """End a try; what was not answered is not right.

    Args:
        tx: bound to the tenant.
        taker: who.
        place: which try.
        now: the instant, UTC.

    Returns:
        The try, finished now or before.

    Raises:
        Problem: `attempt_not_found`.
    """
    one = close(tx, taker, place, now)
    return one if one.finished_at is not None else _finished(tx, taker.recorded(one.version), one, now)


def answer_until(program: Program, one: Attempt) -> datetime | None:
    """Tell until when the question that is open can be answered.

    Args:
        program: the version with which the try began.
        one: the try.

    Returns:
        The instant from which on nothing is taken, UTC; None without an end, and where none is open.
    """
    question = _question(program, one, len(one.answers))
    if one.opened_at is None or question is None:
        return None
    ends = [one.due_at] if one.due_at is not None else []
    if question.time_limit is not None:
        ends.append(program.zone.after(one.opened_at, span_of(question.time_limit)))
    return min(ends, default=None)


def event_of(one: Attempt) -> bytes:
    """Write the event that says what a try came to.

    Args:
        one: finished.

    Returns:
        A CloudEvent as JSON, always the same for the same try.
    """
    assert one.finished_at is not None, "only what is finished is told"
    data = {
        "quiz": one.quiz,
        "attempt": one.attempt,
        "points": one.points,
        "of": one.of,
        "passed": one.passed,
    }
    return cloud_event((QUIZZES, event_id(one), QUIZ_FINISHED), (one.member_id, one.finished_at), data)


def event_id(one: Attempt) -> str:
    """Name the event of a try at its source.

    Args:
        one: the try.

    Returns:
        A text that no other try has.
    """
    return f"{one.quiz}/{number_text('mem', one.member_id)}/{one.attempt}"


def judged(program: Program, one: Attempt) -> tuple[int, int, bool]:
    """Judge a try by its answers alone.

    Args:
        program: the version with which it began.
        one: the try.

    Returns:
        Points, of how many, and whether it is passed.
    """
    quiz = program.definition.quizzes[one.quiz]
    score = judge(quiz, asked_of(quiz, one.seed), one.said)
    return score.points, score.of, score.passed


def tries_of(tx: Tx, taker: Taker, key: str | None) -> list[Attempt]:
    """List a member's tries, those among them with which an account began that was merged into this one.

    Args:
        tx: bound to the tenant.
        taker: who.
        key: the quiz; None for all.

    Returns:
        Oldest first.
    """
    before = tx.execute(_ACCOUNTS, {"account": taker.account_id, "member": taker.member_id}).fetchall()
    accounts = {taker.account_id, *(row[0] for row in before)}
    return list_attempts(tx, (accounts, taker.member_id), key)


def _meant(tx: Tx, taker: Taker, now: datetime) -> set[str]:
    """Find the quizzes that are for a member; one whose audience has no value is for nobody."""
    program = taker.program
    meant = {key for key, quiz in program.quizzes.items() if quiz.audience is None}
    if len(meant) == len(program.quizzes):
        return meant
    looker = Looker(taker.program_id, program, taker.account_id, taker.member_id)
    state = load_state(tx, looker, now)
    event = Event(PLAYING, now, now, source="guerdon", channel="system")
    with exactly():
        draft = Draft(program, state, event, Chance(bytes(8)))
        draft.settle()
        scope = draft.scope(PLAYING)
        see_segments(program.segments_of, scope, PLAYING)
        for key, quiz in program.quizzes.items():
            try:
                if quiz.audience is not None and quiz.audience.evaluate(scope):
                    meant.add(key)
            except EvaluationError:
                continue
    return meant


def _seen(taker: Taker, tries: list[Attempt], now: datetime) -> list[Tried]:
    """See tries as they stand: one whose time is over is finished, whether or not that was noted."""
    return [
        Tried(one.due_at, judged(taker.recorded(one.version), one)[2])
        if one.finished_at is None and _is_due(one, now)
        else Tried(one.finished_at, one.passed)
        for one in tries
    ]


def _is_due(one: Attempt, now: datetime) -> bool:
    return one.due_at is not None and one.due_at <= now


def _locked(tx: Tx, place: Place) -> Attempt:
    one = lock_attempt(tx, place)
    if one is None:
        raise _NO_ATTEMPT
    return one


def _check_open(program: Program, one: Attempt, number: int, now: datetime) -> None:
    if one.finished_at is not None:
        raise _FINISHED
    if _is_due(one, now):
        raise Problem("attempt_time_over", "the time of this try is over; it is judged on what was answered")
    if number > len(one.answers) + 1 or one.opened_at is None:
        raise Problem.at("/question", "question_not_open", "this question is not open; `next` opens it")
    until = answer_until(program, one)
    if until is not None and now >= until:
        raise Problem.at("/question", "question_time_over", "the time for this question is over")


def _question(program: Program, one: Attempt, place: int) -> written.Question | None:
    quiz = program.definition.quizzes[one.quiz]
    asked = asked_of(quiz, one.seed)
    return quiz.questions[asked[place]] if place < len(asked) else None


def _opened(program: Program, one: Attempt, now: datetime, *, asked: bool = False) -> Attempt:
    """Open the question that comes next, if nobody has to ask for it first.

    What is said after an answer takes time to read, and a question with a time of its own is begun by an act.
    """
    quiz = program.definition.quizzes[one.quiz]
    question = _question(program, one, len(one.answers))
    assert question is not None, "a try without questions left is finished"
    is_first = not one.answers
    waits = question.time_limit is not None or (quiz.shows_right == "after_each" and not is_first)
    if waits and not asked:
        return one._replace(opened_at=None)
    opened = one._replace(opened_at=now)
    if _question(program, one, len(one.answers) + 1) is None:
        # Nobody need come back for the try to end with its last question.
        return opened._replace(due_at=answer_until(program, opened))
    return opened


def _answer(said: Any, at: datetime) -> dict[str, Any]:
    return {"at": at.isoformat(), "said": said}


def _finished(tx: Tx, program: Program, one: Attempt, at: datetime) -> Attempt:
    points, of, passed = judged(program, one)
    one = one._replace(opened_at=None, finished_at=at, points=points, of=of, passed=passed)
    save_attempt(tx, one)
    return one


def _until(detail: str, ready_at: datetime | None) -> str:
    return detail if ready_at is None else f"{detail}, until {ready_at.isoformat(timespec='seconds')}"
