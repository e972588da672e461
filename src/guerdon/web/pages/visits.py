"""A member who comes by a signed address: what it says, in which language they read, and what a form said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import Path, Request, Response

from guerdon.base.errors import Problem
from guerdon.engine.play.quizzes import Taker
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found, member_ref
from guerdon.members.links.addresses import Link, Purpose, read_link, tenant_of_link
from guerdon.members.links.ending import check_link
from guerdon.web.api.quizzes.taking import Whose, taker_of
from guerdon.web.bodies import read_body
from guerdon.web.front import header
from guerdon.web.house import Premises
from guerdon.web.languages.saying import LANGUAGES, choose_language
from guerdon.web.templating.paper import page, templates

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; font-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_TEMPLATES: Final = templates(FilePath(__file__).parent / "templates")
_BODY: Final = 64_000
_FIELDS_AT_MOST: Final = 100
_OWN_SITE: Final = frozenset({"", "same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Visit:
    """A member who came by a good address."""

    request: Request
    token: str
    purpose: Purpose
    link: Link

    @property
    def asked(self) -> str:
        """The language that the address asks for; empty where it asks for none."""
        said = self.request.query_params.get("lang", "")
        return said if said in LANGUAGES else ""

    @property
    def language(self) -> str:
        """The language that the address asks for, else that of the browser."""
        return language_of(self.request)

    @property
    def whose(self) -> Whose:
        """Who is meant, and when."""
        premises: Premises = self.request.app.state.premises
        return Whose(premises, self.link.tenant_id, self.link.program, datetime.now(UTC))

    @property
    def path(self) -> str:
        """The address without what comes behind it."""
        return f"{self.purpose.path}/{self.token}"

    def taker(self, tx: Tx, whose: Whose) -> Taker:
        """Find who it is.

        Args:
            tx: bound to the tenant.
            whose: of this visit.

        Returns:
            The member with the program.

        Raises:
            Problem: `link_ended`, `program_not_found` or `member_not_found`.
        """
        taker = taker_of(tx, whose, member_ref(self.link.member_id))
        check_link(tx, Found(taker.account_id, taker.member_id), self.link.made_at)
        return taker

    def go(self, path: str = "", language: str = "", part: str = "", **more: str) -> Response:
        """Send them on with a GET, so that reloading sends nothing twice.

        Args:
            path: behind the address, with its slash.
            language: in which they read; the one of this visit where it is not said.
            part: of the page, to which it is scrolled.
            more: further parameters of the address.

        Returns:
            The answer.
        """
        parameters = {"lang": language or self.language, **more}
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        where = f"{self.path}{path}?{query}" + (f"#{part}" if part else "")
        return Response(status_code=303, headers={"location": where, "referrer-policy": "no-referrer"})


def coming(purpose: Purpose) -> Callable[[Request, str], Awaitable[Visit]]:
    """Make the dependency that reads an address and lets nobody else in.

    Args:
        purpose: what the address must be for.

    Returns:
        A FastAPI dependency that gives the visit; it raises `link_not_found`, `link_expired`, or
        `form_of_another_site` where another site's page sent a form.
    """

    async def come_in(request: Request, token: Annotated[str, Path()]) -> Visit:
        premises: Premises = request.app.state.premises
        vault = premises.house.vault(tenant_of_link(token))
        link = read_link(vault, purpose, token, datetime.now(UTC))
        if request.method == "POST" and request.headers.get("sec-fetch-site", "") not in _OWN_SITE:
            raise Problem("form_of_another_site", "this form was sent by another site; nothing was changed")
        return Visit(request, token, purpose, link)

    return come_in


def language_of(request: Request) -> str:
    """Choose a language for whoever asks.

    Args:
        request: with an address, cookies and what the browser accepts.

    Returns:
        One of `LANGUAGES`.
    """
    for said in (request.query_params.get("lang", ""), request.cookies.get("guerdon_language", "")):
        if said in LANGUAGES:
            return said
    return choose_language(request.headers.get("accept-language", ""))


async def read_form(request: Request) -> dict[str, list[str]]:
    """Read a form.

    Args:
        request: whose body is read.

    Returns:
        All values by name.

    Raises:
        Problem: `bad_request`, `nul_character` or `body_too_large`.
    """
    body = await read_body(request.receive, header(request.scope, b"content-length"), _BODY)
    try:
        form = parse_qs(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_AT_MOST
        )
    except ValueError:
        raise Problem("bad_request", "the form could not be read") from None
    if any("\0" in value for values in form.values() for value in values):
        raise Problem("nul_character", "a form holds no NUL characters; nothing was changed")
    return form


def nothing_here(language: str, title: str, why: str) -> str:
    """Write the page of an address behind which there is nothing.

    Args:
        language: of the words.
        title: what there is not.
        why: a sentence.

    Returns:
        HTML.
    """
    return _TEMPLATES.get_template("nothing.html").render(language=language, title=title, why=why)


def own_page(text: str, status: int = 200) -> Response:
    """Answer with a page that is for one member's eyes.

    Args:
        text: HTML.
        status: of HTTP.

    Returns:
        The answer, which nobody keeps.
    """
    return page(text, POLICY, status, cache_control="no-store", vary="accept-language, cookie")
