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
from guerdon.web.api.seats.papers import TICKET_POLICY
from guerdon.web.languages.saying import LANGUAGES
from guerdon.web.pages.me import seats
from guerdon.web.pages.me.acting import Asked
from guerdon.web.pages.me.doing import ACTS, find_act
from guerdon.web.pages.me.holding import load_wallet_views
from guerdon.web.pages.me.reader import TEXTS, Reader, read_in, refusal
from guerdon.web.pages.me.rewards import Taking, load_reward_view, redeem
from guerdon.web.pages.me.sections import SECTIONS, Wanted, sections_of
from guerdon.web.pages.me.story import load_statement
from guerdon.web.pages.me.taken import choose, load_row, load_taken_view
from guerdon.web.pages.parcels import is_parcel, read_parcel
from guerdon.web.pages.visits import Visit, coming, language_of, nothing_here, own_page, read_form
from guerdon.web.problems import status_of
from guerdon.web.templating.paper import page, page_route, templates

T = TypeVar("T")
_TEMPLATES: Final = templates(Path(__file__).parent / "templates")
_AT: Final = f"{PAGE.path}/{{token}}"
_ID_AT_MOST: Final = 60
_MISREAD: Final = Problem("page_not_found", "there is no such page")


def _refuse(request: Request, refused: Exception) -> Response:
    """Say on a page that an address is not good, or that there is nothing behind it."""
    problem = refused if isinstance(refused, Problem) else _MISREAD
    language = language_of(request)
    texts = TEXTS[language]
    known = f"gone_{problem.code}"
    text = nothing_here(language, texts["gone_title"], texts.get(known, texts["gone"]))
    return own_page(text, status_of(problem.code))


ROUTER: Final = APIRouter(
    include_in_schema=False, route_class=page_route((Problem, RequestValidationError), _refuse)
)
Coming = Annotated[Visit, Depends(coming(PAGE))]


@ROUTER.get(_AT)
def show(visit: Coming, done: str = "") -> Response:
    """What a member has."""
    return _show(visit, "", Wanted(), done=done)


def _show(
    visit: Visit,
    section: str,
    wanted: Wanted,
    *,
    done: str = "",
    refused: tuple[Asked, Problem] | None = None,
) -> Response:
    place = SECTIONS[section]

    def load(tx: Tx, reader: Reader) -> dict[str, Any]:
        if refused is None and not place.is_there(reader.program.definition):
            raise _MISREAD
        return place.load(tx, reader, wanted)

    reader, found = _with_reader(visit, load)
    asked, problem = refused if refused is not None else (None, None)
    act = ACTS.get(done)
    told = f"did_{done.replace('-', '_')}"
    said = {
        "section": place,
        "done": done,
        "done_part": act.part if act is not None else "",
        "done_words": reader.texts.get(told, "") if act is not None else "",
        "wrong": asked.place if asked is not None else "",
        "wrong_at": _fields_at(problem),
        "typed": asked.fields if asked is not None else {},
        "error": refusal(reader, problem) if problem is not None else "",
        "once": lambda: secrets.token_hex(16),
        **found,
    }
    page = f"{place.key}.html"
    text = _written(reader, page, stray=False, **said)
    if problem is not None and ' id="wrong"' not in text:
        # Its form is not there any more: what it asked for was done meanwhile, or never could be.
        text = _written(reader, page, stray=True, **said)
    return own_page(text, 200 if problem is None else 422)


def _fields_at(problem: Problem | None) -> frozenset[str]:
    """Name the fields of a form of which a refusal speaks: the last words of its pointers."""
    faults = problem.faults if problem is not None else ()
    return frozenset(fault.pointer.rpartition("/")[2] for fault in faults)


@ROUTER.post(f"{_AT}/do/{{what}}/{{key}}")
async def do(visit: Coming, what: str, key: str) -> Response:
    """Do one thing; where it is refused, the page says so at the form."""
    act = find_act(what)
    asked = Asked(what, key, "", {})
    try:
        asked = await _read(visit, what, key)
        reader, _ = await to_thread.run_sync(_with_reader, visit, _nothing)
        await act.do(reader, asked)
    except Problem as problem:
        if problem.code == "page_not_found" or problem.code.startswith("link_"):
            raise
        shown = partial(_show, visit, act.section, Wanted(), refused=(asked, problem))
        return await to_thread.run_sync(shown)
    return visit.go(f"/{act.section}", reader.say.language, part=act.part, done=what)


async def _read(visit: Visit, what: str, key: str) -> Asked:
    if is_parcel(visit.request):
        parcel = await read_parcel(visit.request)
        said, file = parcel.fields, parcel.file
    else:
        form = await read_form(visit.request)
        said, file = {name: values[0].strip() for name, values in form.items()}, b""
    return Asked(what, key, said.pop("once", ""), said, file)


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
    return _taken(visit, number)


@ROUTER.post(f"{_AT}/taken/{{redemption}}/choose")
async def choose_taken(visit: Coming, redemption: str) -> Response:
    """Say what it becomes, where it was given with its choice open."""
    number = parse_number("red", redemption) or 0
    form = await read_form(visit.request)
    said = {name: values[0].strip() for name, values in form.items()}
    asked = Asked("choose", redemption, said.pop("once", ""), said)
    reader, _ = await to_thread.run_sync(_with_reader, visit, lambda tx, reader: load_row(tx, reader, number))
    try:
        await choose(reader, number, asked)
    except Problem as problem:
        return await to_thread.run_sync(_taken, visit, number, problem)
    return visit.go(f"/taken/{redemption}", reader.say.language)


def _taken(visit: Visit, number: int, problem: Problem | None = None) -> Response:
    reader, one = _with_reader(visit, lambda tx, reader: load_taken_view(tx, reader, number))
    error = refusal(reader, problem) if problem is not None else ""
    status = 200 if problem is None else 422
    return _page(reader, "taken.html", status, one=one, error=error, once=secrets.token_hex(16))


@ROUTER.get(f"{_AT}/taken/{{redemption}}/calendar")
def calendar(visit: Coming, redemption: str) -> Response:
    """The day of a seat, for a calendar."""
    number = parse_number("red", redemption) or 0
    reader, row = _with_reader(visit, lambda tx, reader: load_row(tx, reader, number))
    name = f'attachment; filename="{redemption}.ics"'
    headers = {"content-disposition": name, "cache-control": "no-store"}
    return Response(seats.calendar_file(reader, row), media_type="text/calendar", headers=headers)


@ROUTER.get(f"{_AT}/taken/{{redemption}}/ticket")
def ticket(visit: Coming, redemption: str) -> Response:
    """The ticket of a seat, to print or to keep."""
    number = parse_number("red", redemption) or 0
    reader, row = _with_reader(visit, lambda tx, reader: load_row(tx, reader, number))
    return page(seats.ticket_file(reader, row), TICKET_POLICY, cache_control="no-store")


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
    return visit.go("/you", language, done="language")


@ROUTER.get(f"{_AT}/statement")
def statement(visit: Coming) -> Response:
    """All transactions with a proof for each, as a file."""
    reader, file = _with_reader(visit, load_statement)
    said = answer(write_proof(file))
    name = number_text("acc", reader.taker.account_id)
    said.headers["content-disposition"] = f'attachment; filename="proof-{name}.json"'
    said.headers["cache-control"] = "no-store"
    return said


# Last, for what stands above are addresses of one word too.
@ROUTER.get(f"{_AT}/{{section}}")
def show_section(
    visit: Coming, section: str, before: UUID | None = None, older: str = "", done: str = ""
) -> Response:
    """What a member can do, take, say and read."""
    if section not in SECTIONS:
        raise _MISREAD
    return _show(visit, section, Wanted(before, older[:_ID_AT_MOST]), done=done)


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
    return own_page(_written(reader, template, **data), status)


def _written(reader: Reader, template: str, **data: Any) -> str:
    return _TEMPLATES.get_template(template).render(
        reader=reader,
        member=reader.member,
        t=reader.text,
        say=reader.say,
        zone=reader.zone,
        language=reader.say.language,
        languages={key: name.partition(" ")[0] for key, name in LANGUAGES.items()},
        path=reader.path,
        club=reader.opened.name,
        sections=sections_of(reader.program.definition),
        currency=reader.program.definition.currency,
        now=reader.now,
        red=_shown_redemption,
        drawn=seats.drawn,
        **data,
    )


def _shown_redemption(number: int) -> str:
    return number_text("red", number)
