"""Signing in and out, one's own password, and how the console looks to this visitor."""

from __future__ import annotations

import secrets
from typing import Annotated, Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request, Response

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.programs.sessions import (
    LONGEST,
    Attempt,
    begin_session,
    count_attempt,
    end_session,
    forget_attempts,
    is_form_token,
)
from guerdon.programs.staff import Staff, StaffChange, change_staff, find_by_email, is_password, set_language
from guerdon.programs.tenants import find_tenant, list_tenants, tenant_id_of
from guerdon.web.console.visits import (
    DIGITS_COOKIE,
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    SIGN_IN,
    THEME_COOKIE,
    THEMES,
    Anybody,
    ConsoleRoute,
    Visit,
    Visitor,
    look_in,
)
from guerdon.web.languages.saying import DIGITS, LANGUAGES
from guerdon.wiring import MAIN_TENANT

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_FORM_COOKIE: Final = "guerdon_form"
_YEAR: Final = 365 * 24 * 3600
_TOO_OLD: Final = "This form is too old, or cookies are refused. Try again."
_WRONG: Final = "This e-mail and password do not belong together. Nothing was changed."
# One check takes 64 MiB and a whole core for some hundredths of a second.
_AT_ONCE: Final = 2


@ROUTER.get(SIGN_IN)
def sign_in_page(visit: Anybody) -> Response:
    """Ask who it is."""
    if visit.session is not None:
        return visit.go("/console")
    return _asked(visit)


@ROUTER.post(SIGN_IN)
async def sign_in(visit: Anybody) -> Response:
    """Let somebody in whose password is right; attempts are counted before it is looked at."""
    secret = visit.request.cookies.get(_FORM_COOKIE, "")
    if not secret or not is_form_token(secret, visit.form.get("form_token", "")):
        return await to_thread.run_sync(_asked, visit, _TOO_OLD, 403)
    organisation = visit.field("organisation") or MAIN_TENANT
    attempt = Attempt(visit.field("email"), _address(visit.request), visit.now)
    try:
        visit.tenant_id = tenant_id_of(organisation)
    except Problem:
        return await to_thread.run_sync(_asked, visit, _WRONG, 403)
    limiter = _limiter(visit.request)
    token, wait = await to_thread.run_sync(
        _try, visit, attempt, visit.form.get("password", ""), limiter=limiter
    )
    if wait:
        said = visit.saying.text("Too many attempts. Try again in {minutes} minutes.", minutes=wait)
        return await to_thread.run_sync(_asked, visit, said, 429)
    if not token:
        return await to_thread.run_sync(_asked, visit, _WRONG, 403)
    response = visit.go("/console")
    _set(visit, response, SESSION_COOKIE, token, int(LONGEST.total_seconds()))
    response.delete_cookie(_FORM_COOKIE, path="/console")
    return response


@ROUTER.post("/console/sign-out")
def sign_out(visit: Visitor) -> Response:
    """End this session, in the database and in the browser."""
    with visit.transaction() as tx:
        end_session(tx, visit.token)
        about = visit.staff.shown_id
        record(tx, Act(visit.now, visit.staff.actor, "staff.signed_out", about), visit.house.ids)
    response = visit.go(f"{SIGN_IN}?out")
    response.delete_cookie(SESSION_COOKIE, path="/console")
    return response


@ROUTER.get("/console/account")
def account(visit: Visitor) -> Response:
    """Show who one is, and let one choose a password."""
    return visit.page("account.html", place="account", error="", done=False)


@ROUTER.post("/console/account")
def choose_password(visit: Visitor) -> Response:
    """Change one's own password, which ends all other sessions."""
    try:
        token = _chosen(visit)
    except Problem as problem:
        return visit.page(
            "account.html", 422, place="account", error=visit.saying.refusal(problem), done=False
        )
    response = visit.go("/console")
    _set(visit, response, SESSION_COOKIE, token, int(LONGEST.total_seconds()))
    return response


@ROUTER.post("/console/look")
def look(visit: Annotated[Visit, Depends(look_in)]) -> Response:
    """Keep theme, digits and language; it tells nobody anything, so any form may say it."""
    response = visit.go(_back(visit.field("back")))
    theme, language, digits = (visit.form.get(name) for name in ("theme", "language", "digits"))
    if theme in THEMES:
        _set(visit, response, THEME_COOKIE, theme, _YEAR)
    if language in LANGUAGES:
        _set(visit, response, LANGUAGE_COOKIE, language, _YEAR)
        if visit.session is not None:
            with visit.transaction() as tx:
                set_language(tx, visit.staff.staff_id, language)
    if digits in DIGITS:
        _set(visit, response, DIGITS_COOKIE, digits, _YEAR)
    return response


def _chosen(visit: Visit) -> str:
    old, new = visit.form.get("old", ""), visit.form.get("new", "")
    attempt = Attempt(visit.staff.email, _address(visit.request), visit.now)
    with visit.transaction() as tx:
        wait = count_attempt(tx, attempt)
        found = find_by_email(tx, visit.staff.email)
    if wait:
        said = visit.saying.text("Too many attempts. Try again in {minutes} minutes.", minutes=wait)
        raise Problem("too_many_attempts", said)
    if found is None or not is_password(found[1], old):
        raise Problem("password_wrong", "The old password is another one. Nothing was changed.")
    if new != visit.form.get("again", ""):
        raise Problem("password_differs", "The two new passwords differ. Nothing was changed.")
    change = StaffChange(visit.staff.staff_id, visit.staff.actor, visit.now, password=new, chosen=True)
    with visit.transaction() as tx:
        forget_attempts(tx, attempt)
        change_staff(tx, change, visit.house.ids, secrets.token_bytes)
        return begin_session(tx, visit.tenant_id, visit.staff.staff_id, visit.now, secrets.token_bytes)


def _try(visit: Visit, attempt: Attempt, password: str) -> tuple[str, int]:
    """Give the token of a new session, or how many minutes there are to wait; neither where it was wrong."""
    with visit.transaction() as tx:
        if find_tenant(tx) is None:
            is_password(None, password)
            return "", 0
        wait = count_attempt(tx, attempt)
        found = find_by_email(tx, attempt.email)
    if wait:
        return "", wait
    right = is_password(found[1] if found is not None else None, password)
    with visit.transaction() as tx:
        if found is None or not right:
            about = found[0].shown_id if found is not None else "nobody"
            _note(tx, visit, "system", "staff.sign_in_failed", about)
            return "", 0
        staff: Staff = found[0]
        forget_attempts(tx, attempt)
        _note(tx, visit, staff.actor, "staff.signed_in", staff.shown_id)
        return begin_session(tx, visit.tenant_id, staff.staff_id, visit.now, secrets.token_bytes), 0


def _note(tx: Tx, visit: Visit, actor: str, action: str, about: str) -> None:
    record(tx, Act(visit.now, actor, action, about), visit.house.ids)


def _asked(visit: Visit, error: str = "", status: int = 200) -> Response:
    with visit.house.database.transaction_as("lookup") as lookup:
        several = len(list_tenants(lookup)) > 1
    visit.token = secrets.token_hex(16)
    response = visit.page(
        "sign_in.html",
        status,
        error=error,
        several=several,
        email=visit.form.get("email", "")[:255],
        organisation=visit.form.get("organisation", "")[:63],
        out="out" in visit.request.query_params,
    )
    _set(visit, response, _FORM_COOKIE, visit.token, 3600)
    return response


def _set(visit: Visit, response: Response, name: str, value: str, seconds: int) -> None:
    outside = visit.request.headers.get("x-forwarded-proto", visit.request.url.scheme)
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/console",
        secure=outside == "https",
        httponly=True,
        samesite="lax",
    )


def _limiter(request: Request) -> CapacityLimiter:
    found: CapacityLimiter | None = getattr(request.app.state, "password_checks", None)
    if found is None:
        found = request.app.state.password_checks = CapacityLimiter(_AT_ONCE)
    return found


def _address(request: Request) -> str:
    return str(request.app.state.premises.doorkeeper.address_of(request.scope))


def _back(path: str) -> str:
    # Only ever to a page of this console: neither `//elsewhere` nor `/console/\elsewhere` leads out.
    inside = path == "/console" or path.startswith("/console/")
    return path if inside and path.isascii() and path.isprintable() and "\\" not in path else "/console"
