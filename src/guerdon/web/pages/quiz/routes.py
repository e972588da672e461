"""A member's quiz in the browser: the address is signed, and each step is a form."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from guerdon.base.errors import Problem
from guerdon.engine.play import quizzes
from guerdon.engine.play.quizzes import Listed, Taker
from guerdon.infra.tx import Tx
from guerdon.members.links.addresses import QUIZ
from guerdon.play.attempts import Attempt
from guerdon.web.api.quizzes.shapes import AttemptShape
from guerdon.web.api.quizzes.shown import picture_address, show_attempt, show_quiz
from guerdon.web.api.quizzes.taking import Seen, tell
from guerdon.web.languages.saying import LANGUAGES, Saying
from guerdon.web.pages.quiz.saying import TEXTS, brought, told_answers
from guerdon.web.pages.visits import Visit, coming, language_of, nothing_here, own_page, read_form
from guerdon.web.problems import status_of
from guerdon.web.templating.paper import page_route, templates

_TEMPLATES: Final = templates(Path(__file__).parent / "templates")
_TEMPLATES.filters["address"] = picture_address


def _refuse(request: Request, refused: Exception) -> Response:
    """Say on a page that an address is not good, or that there is nothing behind it."""
    assert isinstance(refused, Problem)
    language = language_of(request)
    texts = TEXTS[language]
    why = texts["gone_expired" if refused.code in ("link_expired", "link_ended") else "gone"]
    text = nothing_here(language, texts["gone_title"], why)
    return own_page(text, status_of(refused.code))


ROUTER: Final = APIRouter(include_in_schema=False, route_class=page_route((Problem,), _refuse))
Coming = Annotated[Visit, Depends(coming(QUIZ))]
_AT: Final = f"{QUIZ.path}/{{token}}"


@dataclass(frozen=True, slots=True)
class _View:
    """How a quiz stands when its page is made."""

    taker: Taker
    listed: Listed
    seen: Seen | None


@ROUTER.get(_AT)
async def show(visit: Coming) -> Response:
    """The question that is open; else what the latest try came to; else how to begin."""
    return await _page(visit)


@ROUTER.post(f"{_AT}/begin")
async def begin(visit: Coming) -> Response:
    """Begin a try, or go on."""

    def act(tx: Tx, taker: Taker, now: datetime) -> Attempt:
        return quizzes.begin(tx, taker, visit.link.about, secrets.token_bytes(16), now)[0]

    return await _act(visit, act)


@ROUTER.post(f"{_AT}/next")
async def open_next(visit: Coming) -> Response:
    """Open the next question."""

    def act(tx: Tx, taker: Taker, now: datetime) -> Attempt:
        return quizzes.open_next(tx, taker, _going(tx, taker, visit).place, now)

    return await _act(visit, act)


@ROUTER.post(f"{_AT}/answer")
async def answer(visit: Coming) -> Response:
    """Take an answer; where it cannot be read, the question is shown again with what is wrong."""
    form = await read_form(visit.request)

    def act(tx: Tx, taker: Taker, now: datetime) -> Attempt:
        one = _going(tx, taker, visit)
        number = form.get("question", [""])[0]
        asked = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
        return quizzes.answer(tx, taker, one.place, (asked, _said(form)), now)

    return await _act(visit, act)


@ROUTER.post(f"{_AT}/finish")
async def finish(visit: Coming) -> Response:
    """End the try."""

    def act(tx: Tx, taker: Taker, now: datetime) -> Attempt:
        return quizzes.finish(tx, taker, _going(tx, taker, visit).place, now)

    return await _act(visit, act)


async def _act(visit: Visit, act: Callable[[Tx, Taker, datetime], Attempt]) -> Response:
    try:
        done = await to_thread.run_sync(_do, visit, act)
    except Problem as problem:
        if problem.code == "answer_invalid":
            return await _page(visit, wrong=True)
        # Another window answered, or the time was over: the page says how it stands now.
        return visit.go()
    await tell(visit.whose, done)
    return visit.go()


def _do(visit: Visit, act: Callable[[Tx, Taker, datetime], Attempt]) -> Attempt:
    whose = visit.whose
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        return act(tx, visit.taker(tx, whose), whose.now)


def _going(tx: Tx, taker: Taker, visit: Visit) -> Attempt:
    latest = _latest(tx, taker, visit.link.about)
    if latest is None:
        raise Problem("attempt_not_found", "there is no such try")
    return latest


def _latest(tx: Tx, taker: Taker, quiz: str) -> Attempt | None:
    return next(reversed(quizzes.tries_of(tx, taker, quiz)), None)


async def _page(visit: Visit, *, wrong: bool = False) -> Response:
    view = await to_thread.run_sync(_view, visit)
    whose, program = visit.whose, view.taker.program
    told = await tell(whose, view.seen.attempt) if view.seen is not None else None
    shown = show_attempt(view.seen, told, visit.language) if view.seen is not None else None
    quiz = show_quiz(program, view.listed, visit.language, whose.now)
    saying = Saying(visit.language)
    text = _TEMPLATES.get_template("quiz.html").render(
        mode=_mode(shown),
        wrong=wrong,
        texts=TEXTS[visit.language],
        say=saying,
        zone=program.zone,
        language=visit.language,
        languages={key: name.partition(" ")[0] for key, name in LANGUAGES.items()},
        path=visit.path,
        here=f"{visit.path}?",
        club=program.definition.name.in_language(visit.language, program.definition.languages),
        quiz=quiz,
        attempt=shown,
        answers=told_answers(shown, TEXTS[visit.language]) if shown is not None else [],
        brought=brought(program, told, saying) if told is not None else [],
    )
    return own_page(text, 422 if wrong else 200)


def _view(visit: Visit) -> _View:
    whose, key = visit.whose, visit.link.about
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        taker = visit.taker(tx, whose)
        latest = _latest(tx, taker, key)
        if latest is not None:
            latest = quizzes.close(tx, taker, latest.place, whose.now)
        listed = next(
            (one for one in quizzes.load_quizzes(tx, taker, whose.now) if one.quiz.key == key), None
        )
        if listed is None:
            raise quizzes.NO_QUIZ
        seen = Seen(latest, taker.recorded(latest.version)) if latest is not None else None
    return _View(taker, listed, seen)


def _mode(shown: AttemptShape | None) -> str:
    if shown is None:
        return "start"
    if shown.state == "finished":
        return "result"
    return "question" if shown.question is not None else "between"


def _said(form: Mapping[str, Sequence[str]]) -> Any:
    """Read an answer out of a form: letters, a truth, words, or places by letter."""
    places = {
        name.removeprefix("place_"): values[0] for name, values in form.items() if name.startswith("place_")
    }
    if places:
        wanted = [str(number) for number in range(1, len(places) + 1)]
        if sorted(places.values()) != sorted(wanted):
            raise Problem.at("/answer", "answer_invalid", "expected each place once")
        return sorted(places, key=lambda letter: int(places[letter]))
    kind = form.get("kind", [""])[0]
    values = list(form.get("answer", ()))
    if kind == "multiple":
        return values
    if not values:
        raise Problem.at("/answer", "answer_invalid", "expected an answer")
    if kind == "true_false":
        return {"true": True, "false": False}.get(values[0], values[0])
    return values[0]
