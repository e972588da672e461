"""Calls about quizzes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.engine.play import quizzes
from guerdon.engine.play.quizzes import Taker
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref
from guerdon.members.links.addresses import QUIZ, Link, make_link
from guerdon.play.attempts import Attempt
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.quizzes.figures import show_figures
from guerdon.web.api.quizzes.shapes import AttemptShape, LinkShape, QuizFigures, Quizzes
from guerdon.web.api.quizzes.shown import show_attempt, show_quiz
from guerdon.web.api.quizzes.taking import Seen, Whose, attempt_id, on_attempt, taker_of, tell
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Quizzes"])
Reading = Annotated[Call, Depends(admitted("quizzes:read"))]
Writing = Annotated[Call, Depends(admitted("quizzes:write"))]
Language = Annotated[str, Query(max_length=35)]
_QUIZ: Final = "/v1/programs/{program}/quizzes/{quiz}"
_ATTEMPT: Final = f"{_QUIZ}/attempts/{{attempt}}"
_LINK_HOURS: Final = 24


class Beginning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who begins a quiz."""

    member: Annotated[str, msgspec.Meta(min_length=1, max_length=260)]
    """A member reference."""


class Answering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to the question that is open."""

    question: Annotated[int, msgspec.Meta(ge=1, le=500)]
    """Its number."""
    answer: str | int | bool | list[str] | None
    """A letter; letters; true or false; a number, as text if it has a fraction; words. Null leaves it out."""


class Linking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom an address is made, and for how long."""

    member: Annotated[str, msgspec.Meta(min_length=1, max_length=260)]
    hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = _LINK_HOURS


class _Kept(msgspec.Struct, frozen=True):
    """What an Idempotency-Key keeps of a call: which try it was about."""

    attempt: str
    created: bool = False


@ROUTER.get("/v1/programs/{program}/quizzes", summary="Quizzes of a member", **operation(Quizzes))
def all_quizzes(
    call: Reading, program: str, member: Annotated[str, Query(max_length=260)], language: Language = ""
) -> Response:
    """Those that are for the member and those tried, each with its state: what it waits for, tries left."""
    whose = _whose(call, program)
    with call.transaction() as tx:
        taker = taker_of(tx, whose, parse_ref(member))
        listed = quizzes.load_quizzes(tx, taker, call.now)
    shown = [show_quiz(taker.program, one, language, call.now) for one in listed]
    return answer(Quizzes(data=shown, next=None))


@ROUTER.get(f"{_QUIZ}/figures", summary="What came of a quiz", **operation(QuizFigures))
def figures(call: Reading, program: str, quiz: str) -> Response:
    """Tries, how many passed, and for each question how many were right."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        shown = show_figures(tx, (live.program_id, live.program), quiz, _recorded(tx, call, program))
    return answer(shown)


@ROUTER.post(
    f"{_QUIZ}/attempts",
    summary="Begin a quiz, or go on with it",
    **operation(AttemptShape, body=Beginning, status=201, also=[(200, AttemptShape)]),
)
async def begin(call: Writing, program: str, quiz: str, language: Language = "") -> Response:
    """201 with a new try; 200 with the one that goes on. Its questions are chosen and shuffled now."""
    asked = call.read(Beginning)
    whose = _whose(call, program)

    def act(tx: Tx) -> tuple[int, _Kept]:
        taker = taker_of(tx, whose, parse_ref(asked.member))
        one, created = quizzes.begin(tx, taker, quiz, secrets.token_bytes(16), call.now)
        return 201 if created else 200, _Kept(attempt_id(one), created)

    done = await to_thread.run_sync(once, call, act)
    kept = msgspec.json.decode(done.body, type=_Kept)
    return await _show(call, whose, (quiz, kept.attempt), (language, done.status_code))


@ROUTER.get(_ATTEMPT, summary="A try at a quiz", **operation(AttemptShape))
async def one_attempt(
    call: Reading, program: str, quiz: str, attempt: str, language: Language = ""
) -> Response:
    """How far it is; one whose time is over is judged now on what is there."""
    return await _show(call, _whose(call, program), (quiz, attempt), (language, 200))


@ROUTER.post(f"{_ATTEMPT}/next", summary="Open the next question", **operation(AttemptShape))
async def open_next(
    call: Writing, program: str, quiz: str, attempt: str, language: Language = ""
) -> Response:
    """From now on its time runs. One that is open and has time left stays open."""

    def act(tx: Tx) -> Callable[[Taker, Attempt], Attempt]:
        return lambda taker, one: quizzes.open_next(tx, taker, one.place, call.now)

    return await _write(call, program, (quiz, attempt), (language, act))


@ROUTER.post(f"{_ATTEMPT}/answers", summary="Answer a question", **operation(AttemptShape, body=Answering))
async def answer_question(
    call: Writing, program: str, quiz: str, attempt: str, language: Language = ""
) -> Response:
    """The first answer stands; the same once more changes nothing. The last answer finishes the try."""
    asked = call.read(Answering)

    def act(tx: Tx) -> Callable[[Taker, Attempt], Attempt]:
        given = (asked.question, asked.answer)
        return lambda taker, one: quizzes.answer(tx, taker, one.place, given, call.now)

    return await _write(call, program, (quiz, attempt), (language, act))


@ROUTER.post(f"{_ATTEMPT}/finish", summary="Finish a try", **operation(AttemptShape))
async def finish(call: Writing, program: str, quiz: str, attempt: str, language: Language = "") -> Response:
    """What was not answered is not right. Finishing again gives the same answer."""

    def act(tx: Tx) -> Callable[[Taker, Attempt], Attempt]:
        return lambda taker, one: quizzes.finish(tx, taker, one.place, call.now)

    return await _write(call, program, (quiz, attempt), (language, act))


@ROUTER.post(
    f"{_QUIZ}/link", summary="An address for the member's browser", **operation(LinkShape, body=Linking)
)
def link(call: Writing, program: str, quiz: str) -> Response:
    """Signed, for one member and one quiz; whoever has it takes the quiz as that member until it ends."""
    asked = call.read(Linking)
    expires_at = call.now + timedelta(hours=asked.hours)
    with call.transaction() as tx:
        taker = taker_of(tx, _whose(call, program), parse_ref(asked.member))
    if quiz not in taker.program.quizzes:
        raise quizzes.NO_QUIZ
    vault = call.house.vault(call.tenant_id)
    # Made by the clock on the wall, by which addresses are ended, also where a sandbox's call has another.
    said = Link(call.tenant_id, program, taker.member_id, quiz, datetime.now(UTC), expires_at)
    url = make_link(vault, QUIZ, said)
    return answer(LinkShape(url=url, expires_at=expires_at))


def _whose(call: Call, program: str) -> Whose:
    return Whose(call.premises, call.tenant_id, program, call.now)


def _recorded(tx: Tx, call: Call, program: str) -> Callable[[int, int], Any]:
    return lambda program_id, version: call.house.version(tx, program, (program_id, version))


async def _write(
    call: Call,
    program: str,
    name: tuple[str, str],
    how: tuple[str, Callable[[Tx], Callable[[Taker, Attempt], Attempt]]],
) -> Response:
    whose = _whose(call, program)
    language, act = how

    def do(tx: Tx) -> tuple[int, _Kept]:
        return 200, _Kept(attempt_id(on_attempt(tx, whose, name, act(tx)).attempt))

    await to_thread.run_sync(once, call, do)
    return await _show(call, whose, name, (language, 200))


async def _show(call: Call, whose: Whose, name: tuple[str, str], how: tuple[str, int]) -> Response:
    seen = await to_thread.run_sync(_look, call, whose, name)
    told = await tell(whose, seen.attempt)
    language, status = how
    return answer(show_attempt(seen, told, language), status)


def _look(call: Call, whose: Whose, name: tuple[str, str]) -> Seen:
    with call.transaction() as tx:
        return on_attempt(tx, whose, name, lambda taker, one: quizzes.close(tx, taker, one.place, call.now))
