"""A visit to the console: who is there, what their form said, and the page they get."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from anyio import to_thread
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.programs.sessions import Session, find_session, form_token, is_form_token, tenant_of
from guerdon.programs.staff import Staff
from guerdon.web.bodies import BODY_LIMIT, read_body
from guerdon.web.console.forms import Upload, boundary_of, read_form
from guerdon.web.front import header
from guerdon.web.house import Premises
from guerdon.web.languages.saying import DIGITS, LANGUAGES, Saying, choose_language
from guerdon.web.problems import status_of
from guerdon.web.templating.paper import page, page_route, templates
from guerdon.wiring import House

SESSION_COOKIE: Final = "guerdon_session"
THEME_COOKIE: Final = "guerdon_theme"
LANGUAGE_COOKIE: Final = "guerdon_language"
DIGITS_COOKIE: Final = "guerdon_digits"
THEMES: Final = ("", "light", "dark")
SIGN_IN: Final = "/console/sign-in"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
# For pages that ask on their own how something is coming along.
_LIVELY: Final = f"{_POLICY}; script-src 'self'; connect-src 'self'"
_STATUS: Final = {"role_forbids": 403, "form_stale": 403, "too_many_attempts": 429, "program_moved_on": 409}
_FIELDS_AT_MOST: Final = 100
_TEMPLATES: Final = templates(Path(__file__).parent / "templates")


class TurnedAwayError(Exception):
    """The visitor is sent somewhere else before the page is made."""

    def __init__(self, response: Response) -> None:
        """Keep the answer.

        Args:
            response: where the visitor goes.
        """
        super().__init__("turned away")
        self.response = response


@dataclass(slots=True)
class Visit:
    """One request of somebody who may or may not be signed in."""

    request: Request
    now: datetime
    token: str = ""
    tenant_id: int = 0
    session: Session | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    """A file that came with the form; who takes it says so, else it is removed."""

    @property
    def premises(self) -> Premises:
        """The house with its door."""
        premises: Premises = self.request.app.state.premises
        return premises

    @property
    def house(self) -> House:
        """Everything below the roof."""
        return self.premises.house

    @property
    def staff(self) -> Staff:
        """Who is there; only asked where somebody must be."""
        assert self.session is not None
        return self.session.staff

    @property
    def saying(self) -> Saying:
        """How things are said: as this browser was told, the person once chose, or the browser asks."""
        cookies = self.request.cookies
        own = self.session.staff.language if self.session is not None else ""
        chosen = next((one for one in (cookies.get(LANGUAGE_COOKIE, ""), own) if one in LANGUAGES), "")
        digits = cookies.get(DIGITS_COOKIE, "")
        accepted = self.request.headers.get("accept-language", "")
        return Saying(chosen or choose_language(accepted), digits if digits in DIGITS else "")

    @property
    def theme(self) -> str:
        """`light`, `dark`, or empty for the system's own."""
        chosen = self.request.cookies.get(THEME_COOKIE, "")
        return chosen if chosen in THEMES else ""

    def transaction(self) -> AbstractContextManager[Tx]:
        """Begin a transaction of the visitor's tenant."""
        return self.house.database.transaction(self.tenant_id)

    def field(self, name: str, most: int = 500) -> str:
        """Read a field of the form, trimmed; one that is too long is refused."""
        text = self.form.get(name, "").strip()
        if len(text) > most:
            raise Problem.at(f"/{name}", "field_too_long", f"`{name}` has at most {most} characters")
        return text

    def page(self, template: str, status: int = 200, **data: Any) -> Response:
        """Show a page; `lively` lets it ask us again by itself."""
        saying = self.saying
        text = _TEMPLATES.get_template(template).render(
            {"program": None, "programs": (), "place": "", "waiting": 0, **data},
            t=saying.text,
            say=saying,
            visit=self,
            staff=self.session.staff if self.session is not None else None,
            form_token=form_token(self.token),
            theme=self.theme,
            languages=LANGUAGES,
        )
        policy = _LIVELY if data.get("lively") else _POLICY
        return page(text, policy, status, cross_origin_opener_policy="same-origin")

    def go(self, path: str) -> Response:
        """Send the visitor on with a GET, so that reloading sends nothing twice."""
        return Response(status_code=303, headers={"location": path})

    def fault(self, problem: Problem) -> Response:
        """Show what was refused."""
        status = _STATUS.get(problem.code) or status_of(problem.code)
        return self.page("fault.html", status, problem=problem)


def _refuse(request: Request, refused: Exception) -> Response:
    if isinstance(refused, TurnedAwayError):
        return refused.response
    if isinstance(refused, Problem):
        return _visit_of(request).fault(refused)
    return _visit_of(request).fault(Problem("page_not_found", "There is no such page."))


def _put_away(request: Request) -> None:
    known: Visit | None = getattr(request.state, "visit", None)
    if known is not None and known.upload is not None:
        known.upload.drop()


def _visit_of(request: Request) -> Visit:
    known: Visit | None = getattr(request.state, "visit", None)
    return known or Visit(request, datetime.now(UTC))


ConsoleRoute: Final = page_route(
    (TurnedAwayError, Problem, RequestValidationError, HTTPException), _refuse, _put_away
)
"""A route whose refusals are pages."""


async def look_in(request: Request) -> Visit:
    """Find out who comes, without asking anybody to sign in."""
    visit = Visit(request, datetime.now(UTC), request.cookies.get(SESSION_COOKIE, "")[:200])
    request.state.visit = visit
    tenant_id = tenant_of(visit.token)
    if tenant_id is not None:
        visit.tenant_id = tenant_id
        visit.session = await to_thread.run_sync(_find, visit)
    if request.method == "POST":
        boundary = boundary_of(header(request.scope, b"content-type") or b"")
        if boundary is None:
            visit.form = await _form(request)
        elif visit.session is None:
            # Nobody whom we know: it is let run out, so that the answer is heard.
            with suppress(Problem):
                await read_body(request.receive, None, 0)
        else:
            filled = await read_form(request.receive, boundary)
            visit.form, visit.upload = filled.fields, filled.upload
    return visit


async def enter(visit: Annotated[Visit, Depends(look_in)]) -> Visit:
    """Let in whoever is signed in, and take forms only from our own pages."""
    if visit.session is None:
        raise TurnedAwayError(visit.go(SIGN_IN))
    if visit.request.method == "POST" and not is_form_token(visit.token, visit.form.get("form_token", "")):
        raise Problem(
            "form_stale", "This form is from another session. Nothing was changed; go back and try again."
        )
    return visit


def entitled(duty: str) -> Callable[[Visit], Awaitable[Visit]]:
    """Make a dependency that insists on what a role may do."""

    async def check(visit: Annotated[Visit, Depends(enter)]) -> Visit:
        if not visit.staff.may(duty):
            role = visit.staff.role
            raise Problem(
                "role_forbids", f"The role {role} may read this and not change it. Nothing was changed."
            )
        return visit

    return check


Visitor = Annotated[Visit, Depends(enter)]
Anybody = Annotated[Visit, Depends(look_in)]


def _find(visit: Visit) -> Session | None:
    with visit.transaction() as tx:
        return find_session(tx, visit.token, visit.now)


async def _form(request: Request) -> dict[str, str]:
    declared = header(request.scope, b"content-length")
    body = await read_body(request.receive, declared, BODY_LIMIT)
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_AT_MOST
        )
    except ValueError:
        raise Problem("bad_request", "The form could not be read. Nothing was changed.") from None
    if any("\0" in value for _, value in pairs):
        raise Problem("nul_character", "A form holds no NUL characters. Nothing was changed.")
    return dict(pairs)
