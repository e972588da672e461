"""The pages themselves."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from guerdon.web.house import Premises
from guerdon.web.pages.figures import FigureBoard, Figures
from guerdon.web.pages.reader import read_description, read_refusals

ROUTER: Final = APIRouter(include_in_schema=False)
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
)


def _with_code(text: str) -> Markup:
    """Set what stands between backticks as code."""
    pieces = [escape(piece) for piece in text.split("`")]
    marked = (
        Markup("<code>{}</code>").format(piece) if place % 2 else piece for place, piece in enumerate(pieces)
    )
    return Markup("").join(marked)


_TEMPLATES.filters["with_code"] = _with_code


@ROUTER.get("/")
async def front(request: Request) -> Response:
    """Say what runs here, with real figures."""
    premises: Premises = request.app.state.premises
    board = request.app.state.board
    assert isinstance(board, FigureBoard)
    figures = await to_thread.run_sync(board.figures)
    page = _TEMPLATES.get_template("front.html").render(
        version=f"version {version('guerdon')}",
        ready=await premises.is_ready(),
        headline=_headline(figures),
        programs=figures.programs,
        hidden=figures.hidden,
        address=str(request.base_url).rstrip("/"),
        now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return _page(page)


@ROUTER.get("/docs")
async def docs(request: Request) -> Response:
    """Show the API's description to people."""
    described = request.app.state.premises.description
    page = _TEMPLATES.get_template("docs.html").render(
        groups=read_description(described), refusals=read_refusals(described)
    )
    answer = _page(page)
    if "gzip" in request.headers.get("accept-encoding", ""):
        # The whole API on one page is long, and says the same words again and again.
        answer.body = gzip.compress(bytes(answer.body), 6, mtime=0)
        answer.headers["content-encoding"] = "gzip"
        answer.headers["content-length"] = str(len(answer.body))
    answer.headers["vary"] = "accept-encoding"
    return answer


def _headline(figures: Figures) -> str:
    count = len(figures.programs)
    if count == 0:
        return "A loyalty engine runs here."
    members = sum(int(program.members.replace(",", "")) for program in figures.programs)
    programs = "One program" if count == 1 else f"{count:,} programs"
    return f"{programs}, {'one member' if members == 1 else f'{members:,} members'}."


def _page(text: str) -> Response:
    headers: dict[str, Any] = {
        "content-security-policy": POLICY,
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
    }
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)
