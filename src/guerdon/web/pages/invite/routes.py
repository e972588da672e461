"""A friend who follows an invitation: the code is kept for as long as it counts, and a form lets them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Request, Response

from guerdon.base.errors import Fault, Problem
from guerdon.circles.codes import find_inviters
from guerdon.engine.answers import accepted
from guerdon.engine.commands import EnrolMember
from guerdon.members.profiles import Profile, read_profile
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.definition import Definition
from guerdon.rules.program import Program
from guerdon.rules.referrals.codes import UNKNOWN, read_code
from guerdon.rules.referrals.keys import is_offered
from guerdon.web.api.challenges.shown import prize_words
from guerdon.web.api.referrals.address import PATH, Followed, counts_until, kept_sign, read_sign
from guerdon.web.house import Premises
from guerdon.web.languages.saying import LANGUAGES
from guerdon.web.limits import refusal
from guerdon.web.pages.visits import language_of, nothing_here, own_page, read_form
from guerdon.web.problems import status_of
from guerdon.web.templating.paper import page_route, templates
from guerdon.wiring import MAIN_TENANT

_HERE: Final = Path(__file__).parent
_TEMPLATES: Final = templates(_HERE / "templates")
TEXTS: Final[dict[str, dict[str, str]]] = {
    language: msgspec.json.decode((_HERE / "words" / f"{language}.json").read_bytes(), type=dict[str, str])
    for language in LANGUAGES
}
"""By language, what the page says under each of its names."""
_OWN_SITE: Final = frozenset({"", "same-origin", "none"})
_FIELDS: Final = ("email", "name", "birthday")
_COOKIE_AT_MOST: Final = 400 * 24 * 3600


def _refuse(request: Request, refused: Exception) -> Response:
    """Say on a page that there is no such invitation."""
    assert isinstance(refused, Problem)
    language = language_of(request)
    texts = TEXTS[language]
    why = texts["often" if refused.code == "rate_limited" else "nothing"]
    text = nothing_here(language, texts["nothing_title"], why)
    code = "page_not_found" if refused.code.startswith("referral") else refused.code
    return own_page(text, status_of(code))


ROUTER: Final = APIRouter(include_in_schema=False, route_class=page_route((Problem,), _refuse))


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who comes by a link, or comes back."""

    request: Request
    tenant_id: int
    program_id: int
    program: Program
    followed: Followed | None
    """The link, None where nothing counts any more."""
    now: datetime

    @property
    def language(self) -> str:
        """In which they read."""
        return language_of(self.request)

    @property
    def premises(self) -> Premises:
        """The house."""
        premises: Premises = self.request.app.state.premises
        return premises

    @property
    def sign(self) -> str:
        """What the browser keeps."""
        vault = self.premises.house.vault(self.tenant_id)
        return kept_sign(vault, self.program.key, self.followed) if self.followed is not None else ""

    @property
    def ends_at(self) -> datetime | None:
        """Until when the invitation counts."""
        if self.followed is None:
            return None
        return counts_until(self.program, self.followed)


@ROUTER.get(f"{PATH}/{{program}}")
async def come_back(request: Request, program: str) -> Response:
    """Receive somebody who followed a link before; without one the page is for anybody."""
    guest = await to_thread.run_sync(_guest, request, program, None)
    return _page(guest)


@ROUTER.get(f"{PATH}/{{program}}/{{code}}")
async def follow(request: Request, program: str, code: str) -> Response:
    """Receive somebody who follows a link, and let their browser keep it."""
    _slow_down(request)
    try:
        guest = await to_thread.run_sync(_guest, request, program, code)
    except Problem as problem:
        if problem.code.startswith("referral_code"):
            _count(request)
        raise
    return _keeping(_page(guest), guest)


@ROUTER.post(f"{PATH}/{{program}}")
async def enrol(request: Request, program: str) -> Response:
    """Enrol them; whoever is known already is told the same, for nobody learns here who is a member."""
    if request.headers.get("sec-fetch-site", "") not in _OWN_SITE:
        raise Problem("form_of_another_site", "this form was sent by another site; nothing was changed")
    _slow_down(request)
    _count(request)
    form = await read_form(request)
    given = {name: form.get(name, [""])[0].strip() for name in _FIELDS}
    kept = form.get("kept", [""])[0]
    guest = await to_thread.run_sync(_guest, request, program, None, kept)
    if guest.followed is None:
        return _page(guest, given, status=422)
    try:
        profile = _profile(guest, given)
    except Problem as problem:
        return _page(guest, given, problem.faults, status=422)
    asked = EnrolMember(tenant_id=guest.tenant_id, program=program, received_at=guest.now, profile=profile)
    accepted(await guest.premises.waiting.ask(asked))
    return _page(guest, done=True)


def _guest(request: Request, program: str, code: str | None, kept: str = "") -> Guest:
    premises: Premises = request.app.state.premises
    house, now = premises.house, datetime.now(UTC)
    tenant_id = tenant_id_of(request.query_params.get("t", "") or MAIN_TENANT)
    with house.database.transaction(tenant_id) as tx:
        live = house.live(tx, program)
        if not is_offered(live.program.definition):
            raise UNKNOWN
        if code is not None:
            typed = read_code(code)
            if typed not in find_inviters(tx, live.program_id, {typed}):
                raise UNKNOWN
            followed: Followed | None = Followed(typed, now.replace(microsecond=0))
        else:
            sign = kept or request.cookies.get(_cookie(program), "")
            followed = read_sign(house.vault(tenant_id), program, sign) if sign else None
    guest = Guest(request, tenant_id, live.program_id, live.program, followed, now)
    if guest.ends_at is not None and guest.ends_at <= now:
        return Guest(request, tenant_id, live.program_id, live.program, None, now)
    return guest


def _profile(guest: Guest, given: Mapping[str, str]) -> Profile:
    if not given["email"]:
        raise Problem.at("/email", "email_missing", "the address by which you are known")
    assert guest.followed is not None, "checked before"
    sent = {name: value for name, value in given.items() if value}
    sent |= {"referral_code": guest.followed.code, "language": guest.language}
    languages = guest.program.definition.languages
    if languages and guest.language not in languages:
        del sent["language"]
    today = guest.program.zone.day_of(guest.now)
    return read_profile(sent, guest.program.definition.attributes, today)


def _page(
    guest: Guest,
    given: Mapping[str, str] | None = None,
    faults: Sequence[Fault] = (),
    *,
    status: int = 200,
    done: bool = False,
) -> Response:
    texts, definition = TEXTS[guest.language], guest.program.definition
    tenant = guest.request.query_params.get("t", "")
    text = _TEMPLATES.get_template("invite.html").render(
        texts=texts,
        language=guest.language,
        languages={key: name.partition(" ")[0] for key, name in LANGUAGES.items()},
        club=definition.name.in_language(guest.language, definition.languages),
        gifts=prize_words(guest.program, definition.referral.friend, guest.language),
        action=f"{PATH}/{guest.program.key}?lang={guest.language}" + (f"&t={tenant}" if tenant else ""),
        here=f"{guest.request.url.path}?" + (f"t={tenant}&" if tenant else ""),
        kept=guest.sign,
        given=given or dict.fromkeys(_FIELDS, ""),
        wrong=_wrong(faults, texts),
        mode="done" if done else "form" if guest.followed is not None else "over",
    )
    return own_page(text, status)


def _wrong(faults: Sequence[Fault], texts: Mapping[str, str]) -> dict[str, str]:
    """Say what is wrong of each field, in the reader's language."""
    names = [fault.pointer.strip("/").partition("/")[0] for fault in faults]
    return {name: texts[f"wrong_{name}"] for name in names if name in _FIELDS}


def _keeping(response: Response, guest: Guest) -> Response:
    seconds = int((guest.ends_at - guest.now).total_seconds()) if guest.ends_at is not None else 0
    response.set_cookie(
        _cookie(guest.program.key),
        guest.sign,
        max_age=min(max(seconds, 1), _COOKIE_AT_MOST),
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=guest.request.url.scheme == "https",
    )
    return response


def _cookie(program: str) -> str:
    return f"guerdon_invited_{program}"


def _slow_down(request: Request) -> None:
    """Turn an address away that tried too many codes, or sent too many forms."""
    premises: Premises = request.app.state.premises
    spent = premises.doorkeeper.limits.spent(_name(request))
    if spent is not None:
        raise refusal(spent)


def _count(request: Request) -> None:
    premises: Premises = request.app.state.premises
    premises.doorkeeper.limits.count_miss(_name(request))


def _name(request: Request) -> str:
    premises: Premises = request.app.state.premises
    return f"invitations {premises.doorkeeper.address_of(request.scope)}"


def share_words(definition: Definition, language: str) -> dict[str, Any]:
    """Give the text that a member may send to friends; nothing is sent for them.

    Args:
        definition: the program's.
        language: the member's.

    Returns:
        `title` and `text`, without the link.
    """
    texts = TEXTS[language]
    club = definition.name.in_language(language, definition.languages)
    return {"title": texts["share_title"].format(club=club), "text": texts["share_text"].format(club=club)}
