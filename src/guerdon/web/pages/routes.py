"""The pages themselves."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from guerdon.web.house import Premises
from guerdon.web.pages.figures import FigureBoard, Figures
from guerdon.web.pages.reader import read_description, read_refusals
from guerdon.web.templating.paper import page, templates

ROUTER: Final = APIRouter(include_in_schema=False)
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
_TEMPLATES: Final = templates(Path(__file__).parent / "templates", lean=False)


@ROUTER.get("/")
async def front(request: Request) -> Response:
    """Say what runs here, with real figures."""
    premises: Premises = request.app.state.premises
    board = request.app.state.board
    assert isinstance(board, FigureBoard)
    figures = await to_thread.run_sync(board.figures)
    text = _TEMPLATES.get_template("front.html").render(
        version=f"version {version('guerdon')}",
        ready=await premises.is_ready(),
        headline=_headline(figures),
        programs=figures.programs,
        hidden=figures.hidden,
        address=str(request.base_url).rstrip("/"),
        now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return page(text, POLICY)


@ROUTER.get("/docs")
async def docs(request: Request) -> Response:
    """Show the API's description to people."""
    described = request.app.state.premises.description
    text = _TEMPLATES.get_template("docs.html").render(
        groups=read_description(described), refusals=read_refusals(described)
    )
    answer = page(text, POLICY)
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
