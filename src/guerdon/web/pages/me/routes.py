"""Addresses of a member's page: the page itself, taking a reward, one's language, the statement."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.members.identities import member_ref
from guerdon.members.links.addresses import PAGE
from guerdon.members.members import patch_member
from guerdon.members.profiles import read_change
from guerdon.rules.proofs.statement import write_proof
from guerdon.web.api.calls.call import answer
from guerdon.web.console.saying import LANGUAGES
from guerdon.web.pages.me import seats
from guerdon.web.pages.me.acting import Asked
from guerdon.web.pages.me.circles.inviting import load_inviting
from guerdon.web.pages.me.circles.posts import load_community
from guerdon.web.pages.me.circles.ranks import load_board_views, load_kind_views
from guerdon.web.pages.me.doing import act
from guerdon.web.pages.me.giving import load_cause_views
from guerdon.web.pages.me.goals.challenges import load_badge_views, load_challenge_views
from guerdon.web.pages.me.goals.climbing import load_ladder_views
from guerdon.web.pages.me.goals.draws import load_draw_views
from guerdon.web.pages.me.goals.playing import load_quiz_views
from guerdon.web.pages.me.holding import load_wallet_views
from guerdon.web.pages.me.reader import TEXTS, Reader, read_in, refusal
from guerdon.web.pages.me.rewards import (
    Taking,
    load_reward_view,
    load_reward_views,
    redeem,
)
from guerdon.web.pages.me.story import load_statement, load_story
from guerdon.web.pages.me.taken import load_row, load_taken_view, load_taken_views
from guerdon.web.pages.visits import Visit, coming, language_of, own_page, read_form
from guerdon.web.problems import status_of
from guerdon.web.templating.paper import page_route, templates

T = TypeVar("T")
_TEMPLATES: Final = templates(Path(__file__).parent / "templates")
_AT: Final = f"{PAGE.path}/{{token}}"
_MISREAD: Final = Problem("page_not_found", "there is no such page")


def _refuse(request: Request, refused: Exception) -> Response:
    """Say on a page that an address is not good, or that there is nothing behind it."""
    problem = refused if isinstance(refused, Problem) else _MISREAD
    language = language_of(request)
    texts = TEXTS[language]
    known = f"gone_{problem.code}"
    text = _TEMPLATES.get_template("gone.html").render(
        texts=texts, language=language, why=texts.get(known, texts["gone"])
    )
    return own_page(text, status_of(problem.code))


ROUTER: Final = APIRouter(
    include_in_schema=False, route_class=page_route((Problem, RequestValidationError), _refuse)
)
Coming = Annotated[Visit, Depends(coming(PAGE))]


@ROUTER.get(_AT)
def show(visit: Coming, before: UUID | None = None, done: str = "") -> Response:
    """What a member has, can do and did."""
    return _show(visit, before, done=done)


def _show(
    visit: Visit,
    before: UUID | None = None,
    *,
    done: str = "",
    refused: tuple[Asked, Problem] | None = None,
) -> Response:
    def load(tx: Tx, reader: Reader) -> dict[str, Any]:
        return {
            "wallets": load_wallet_views(tx, reader),
            "ladders": load_ladder_views(tx, reader),
            "quizzes": load_quiz_views(tx, reader),
            "challenges": load_challenge_views(tx, reader),
            "badges": load_badge_views(tx, reader),
            "draws": load_draw_views(tx, reader),
            "boards": load_board_views(tx, reader),
            "kinds": load_kind_views(tx, reader),
            "community": load_community(tx, reader),
            "inviting": load_inviting(tx, reader),
            "causes": load_cause_views(tx, reader),
            "rewards": load_reward_views(tx, reader),
            "waits": seats.load_wait_views(tx, reader),
            "taken": load_taken_views(tx, reader),
            "story": load_story(tx, reader, before),
        }

    reader, found = _with_reader(visit, load)
    asked, problem = refused if refused is not None else (None, None)
    return _page(
        reader,
        "me.html",
        200 if problem is None else 422,
        done=done,
        newest=before is None,
        wrong=asked.place if asked is not None else "",
        typed=asked.fields if asked is not None else {},
        error=refusal(reader, problem) if problem is not None else "",
        once=lambda: secrets.token_hex(16),
        **found,
    )


@ROUTER.post(f"{_AT}/do/{{what}}/{{key}}")
async def do(visit: Coming, what: str, key: str) -> Response:
    """Do one thing; where it is refused, the page says so at the form."""
    said = {name: values[0].strip() for name, values in (await read_form(visit.request)).items()}
    asked = Asked(what, key, said.pop("once", ""), said)
    reader, _ = await to_thread.run_sync(_with_reader, visit, _nothing)
    try:
        part = await act(reader, asked)
    except Problem as problem:
        if problem.code == "page_not_found":
            raise
        return await to_thread.run_sync(partial(_show, visit, refused=(asked, problem)))
    return visit.go("", reader.say.language, part=part)


@ROUTER.get(f"{_AT}/take/{{reward}}")
def ask_to_take(visit: Coming, reward: str) -> Response:
    """Say what a reward costs and what will be left, before anything is taken."""
    return _ask(visit, reward, once=secrets.token_hex(16))


@ROUTER.post(f"{_AT}/take/{{reward}}")
async def take(visit: Coming, reward: str) -> Response:
    """Take it; the same form twice is one taking."""
    form = await read_form(visit.request)
    said = {name: values[0].strip() for name, values in form.items()}
    asked = Taking(reward, said.get("quantity", "1"), said.get("choice", "")[:200], said.get("once", ""))

    try:
        reader, view = await to_thread.run_sync(
            _with_reader, visit, lambda tx, reader: load_reward_view(tx, reader, reward)
        )
        made = await redeem(reader, view, asked)
    except Problem as problem:
        if problem.code.startswith("link_") or problem.code in ("reward_not_found", "member_not_found"):
            raise
        return await to_thread.run_sync(_ask_again, visit, asked, problem)
    return visit.go(f"/taken/{number_text('red', made)}", reader.say.language)


@ROUTER.get(f"{_AT}/taken/{{redemption}}")
def show_taken(visit: Coming, redemption: str) -> Response:
    """What was taken, with its code."""
    number = parse_number("red", redemption)
    if number is None:
        raise Problem("redemption_not_found", "there is no such redemption")
    reader, one = _with_reader(visit, lambda tx, reader: load_taken_view(tx, reader, number))
    return _page(reader, "taken.html", one=one)


@ROUTER.get(f"{_AT}/taken/{{redemption}}/calendar")
def calendar(visit: Coming, redemption: str) -> Response:
    """The day of a seat, for a calendar."""
    number = parse_number("red", redemption) or 0
    reader, row = _with_reader(visit, lambda tx, reader: load_row(tx, reader, number))
    name = f'attachment; filename="{redemption}.ics"'
    headers = {"content-disposition": name, "cache-control": "no-store"}
    return Response(seats.calendar_file(reader, row), media_type="text/calendar", headers=headers)


@ROUTER.post(f"{_AT}/language")
async def choose_language(visit: Coming) -> Response:
    """Keep a language as the member's own: messages come in it too."""
    form = await read_form(visit.request)
    language = form.get("language", [""])[0]
    if language not in LANGUAGES:
        raise _MISREAD

    def act(tx: Tx, reader: Reader) -> None:
        change = read_change({"language": language}, reader.program.definition.attributes)
        patch_member(tx, reader.opened.desk, member_ref(reader.taker.member_id), change, reader.now)

    await to_thread.run_sync(_with_reader, visit, act)
    return visit.go("", language, done="language")


@ROUTER.get(f"{_AT}/statement")
def statement(visit: Coming) -> Response:
    """All transactions with a proof for each, as a file."""
    reader, file = _with_reader(visit, load_statement)
    said = answer(write_proof(file))
    name = number_text("acc", reader.taker.account_id)
    said.headers["content-disposition"] = f'attachment; filename="proof-{name}.json"'
    said.headers["cache-control"] = "no-store"
    return said


def _nothing(tx: Tx, reader: Reader) -> None:  # noqa: ARG001 - who comes is all that is asked
    return None


def _with_reader(visit: Visit, load: Callable[[Tx, Reader], T]) -> tuple[Reader, T]:
    whose = visit.whose
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        reader = read_in(tx, visit)
        return reader, load(tx, reader)


def _ask_again(visit: Visit, asked: Taking, problem: Problem) -> Response:
    return _ask(visit, asked.reward, asked.once or secrets.token_hex(16), asked, problem)


def _ask(
    visit: Visit, reward: str, once: str, asked: Taking | None = None, problem: Problem | None = None
) -> Response:
    def load(tx: Tx, reader: Reader) -> dict[str, Any]:
        return {"wallets": load_wallet_views(tx, reader), "one": load_reward_view(tx, reader, reward)}

    reader, found = _with_reader(visit, load)
    at = {fault.pointer for fault in problem.faults} if problem is not None else set()
    return _page(
        reader,
        "take.html",
        422 if problem is not None else 200,
        once=once,
        asked=asked,
        error=refusal(reader, problem) if problem is not None else "",
        wrong=next((name for name in ("quantity", "choice") if f"/{name}" in at), ""),
        **found,
    )


def _page(reader: Reader, template: str, status: int = 200, **data: Any) -> Response:
    text = _TEMPLATES.get_template(template).render(
        reader=reader,
        member=reader.member,
        t=reader.text,
        say=reader.say,
        zone=reader.zone,
        language=reader.say.language,
        languages={key: name.partition(" ")[0] for key, name in LANGUAGES.items()},
        path=reader.path,
        club=reader.opened.name,
        currency=reader.program.definition.currency,
        now=reader.now,
        red=_shown_redemption,
        drawn=seats.drawn,
        **data,
    )
    return own_page(text, status)


def _shown_redemption(number: int) -> str:
    return number_text("red", number)
