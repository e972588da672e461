"""What a share shows to anybody: a page with a picture that other sites make a preview of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Request, Response

from guerdon.base.errors import Problem
from guerdon.circles.posts.names import load_names
from guerdon.circles.sharing.rows import NO_SHARE, Share, find_share, is_code, tenant_of
from guerdon.engine.sharing.making import visit
from guerdon.infra.pictures.cards import Line, draw_card
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.states import load_keys
from guerdon.programs.programs import key_of
from guerdon.rules.definition import Text
from guerdon.rules.program import Program
from guerdon.web.api.sharing.routes import PATH
from guerdon.web.house import Premises
from guerdon.web.languages.saying import LANGUAGES
from guerdon.web.limits import refusal
from guerdon.web.pages.share.visits import is_person
from guerdon.web.pages.visits import POLICY, language_of, nothing_here
from guerdon.web.problems import status_of
from guerdon.web.templating.paper import page, page_route, templates

_HERE: Final = Path(__file__).parent
_FONTS: Final = _HERE.parent.parent / "static" / "vendor" / "fonts"
_TEMPLATES: Final = templates(_HERE / "templates")
TEXTS: Final[dict[str, dict[str, str]]] = {
    language: msgspec.json.decode((_HERE / "words" / f"{language}.json").read_bytes(), type=dict[str, str])
    for language in LANGUAGES
}
"""By language, what the page says under each of its names."""
_KEPT: Final = "public, max-age=300"


def _refuse(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Problem)
    language = language_of(request)
    texts = TEXTS[language]
    why = texts["often" if refused.code == "rate_limited" else "nothing"]
    text = nothing_here(language, texts["nothing_title"], why)
    return page(text, POLICY, status_of(refused.code), cache_control="no-store")


ROUTER: Final = APIRouter(include_in_schema=False, route_class=page_route((Problem,), _refuse))


class Shown(NamedTuple):
    """A share as it is shown, in one language."""

    club: str
    title: str
    """What is shown."""
    about: str
    """Who shows it: the name that they chose, or a member."""
    picture: str
    """The product's own, or nothing."""
    text: str
    """What the program says of itself."""
    join: str
    """Where those go who want to join, or nothing."""


@ROUTER.get(f"{PATH}/{{code}}")
async def show(request: Request, code: str) -> Response:
    """Show it; a person who opens it is counted, once a day for each place."""
    language = language_of(request)
    shown = await to_thread.run_sync(_look, request, code, language, is_person(request))
    base = str(request.base_url).rstrip("/")
    card = f"{PATH}/{code}/card.png?lang={language}"
    text = _TEMPLATES.get_template("share.html").render(
        texts=TEXTS[language],
        language=language,
        languages={key: name.partition(" ")[0] for key, name in LANGUAGES.items()},
        here="?",
        club=shown.club,
        title=shown.title,
        about=f"{shown.about} {shown.text}".strip(),
        address=f"{base}{PATH}/{code}",
        picture=shown.picture or card,
        image=shown.picture or f"{base}{card}",
        is_card=not shown.picture,
        join=shown.join,
    )
    return page(text, POLICY, cache_control="no-cache", vary="accept-language, cookie")


@ROUTER.get(f"{PATH}/{{code}}/card.png")
async def card(request: Request, code: str) -> Response:
    """Draw the picture that other sites show."""
    shown = await to_thread.run_sync(_look, request, code, language_of(request), False)
    lines = [Line(shown.club, 34, is_marked=True), Line(shown.title, 76), Line(shown.about, 38)]
    drawn = await to_thread.run_sync(draw_card, lines, _FONTS)
    headers = {"cache-control": _KEPT, "x-content-type-options": "nosniff"}
    return Response(drawn, media_type="image/png", headers=headers)


def _look(request: Request, code: str, language: str, counts: bool) -> Shown:
    premises: Premises = request.app.state.premises
    name = f"shares {premises.doorkeeper.address_of(request.scope)}"
    limits = premises.doorkeeper.limits
    spent = limits.spent(name)
    if spent is not None:
        raise refusal(spent)
    tenant_id = _tenant(premises, code)
    if tenant_id is None:
        limits.count_miss(name)
        raise NO_SHARE
    house = premises.house
    with house.database.transaction(tenant_id) as tx:
        found = find_share(tx, code)
        if found is None or found.ended_at is not None:
            raise NO_SHARE
        key = key_of(tx, found.program_id)
        program = house.program(tx, key)
        vault = house.vault(tenant_id)
        if counts:
            address = premises.doorkeeper.address_of(request.scope)
            visit(tx, vault, (program, code), (address, datetime.now(UTC)))
        return _shown(tx, vault, (program, found), language)


def _tenant(premises: Premises, code: str) -> int | None:
    if not is_code(code):
        return None
    with premises.house.database.transaction_as("lookup") as tx:
        return tenant_of(tx, code)


def _shown(tx: Tx, vault: Vault, what: tuple[Program, Share], language: str) -> Shown:
    program, one = what
    definition, texts = program.definition, TEXTS[language]

    def said(text: Text | None) -> str:
        return text.in_language(language, definition.languages) if text is not None else ""

    keys = {each: key for each, (_, key) in load_keys(tx, vault, one.program_id, [one.member_id]).items()}
    names = load_names(tx, one.program_id, keys, [one.member_id])
    called: Any = {"reward": definition.rewards, "badge": definition.badges}.get(one.kind, {})
    club = said(definition.name)
    title = said(getattr(called.get(one.what), "name", None)) or one.shown.get("name") or one.what
    who = names.get(one.member_id) or texts["somebody"]
    to = definition.sharing.to
    mark = "&" if to is not None and "?" in to else "?"
    return Shown(
        club=club,
        title=title,
        about=texts[one.kind].format(who=who),
        picture=one.shown.get("picture", ""),
        text=said(definition.sharing.text),
        join=f"{to}{mark}share={quote(one.code)}" if to else "",
    )
