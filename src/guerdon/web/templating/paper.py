"""What all pages are made on: templates, routes whose refusals are pages, and the headers of answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from guerdon.base.errors import Problem
from guerdon.web.front import holds_nul

HTML: Final = "text/html; charset=utf-8"
_SHARED: Final = Path(__file__).parent / "templates"
_NO_PAGE: Final = Problem("page_not_found", "There is no such page.")


def templates(folder: Path, *, lean: bool = True) -> Environment:
    """Set up the templates of a folder.

    Args:
        folder: where they are; what several rooms stand on is found as well.
        lean: whether blanks before a block are taken off as well.

    Returns:
        Templates that escape what is put in, and refuse names that are not given; `with_code` is a filter.
    """
    made = Environment(
        loader=FileSystemLoader([folder, _SHARED]),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=lean,
    )
    made.filters["with_code"] = with_code
    return made


def with_code(text: str) -> Markup:
    """Set what stands between backticks as code.

    Args:
        text: plain.

    Returns:
        HTML.
    """
    pieces = text.split("`")
    marked = (
        Markup("<code>{}</code>").format(one) if at % 2 else escape(one) for at, one in enumerate(pieces)
    )
    return Markup("").join(marked)


def page_route(
    kinds: tuple[type[Exception], ...],
    refuse: Callable[[Request, Exception], Response],
    done: Callable[[Request], None] | None = None,
) -> type[APIRoute]:
    """Make a class of routes whose refusals are pages.

    Args:
        kinds: of exceptions that are told on a page.
        refuse: makes that page.
        done: told when a request is over, however it ended.

    Returns:
        What a router takes as its `route_class`.
    """

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            original = super().get_route_handler()

            async def handle(request: Request) -> Response:
                try:
                    if holds_nul(request.scope):
                        return refuse(request, _NO_PAGE)
                    return await original(request)
                except kinds as refused:
                    return refuse(request, refused)
                finally:
                    if done is not None:
                        done(request)

            return handle

    return PageRoute


def page(text: str, policy: str, status: int = 200, **more: str) -> Response:
    """Answer with a page.

    Args:
        text: HTML.
        policy: its Content-Security-Policy.
        status: of HTTP.
        more: headers, with `_` for `-`.

    Returns:
        The answer; no other site is told from where its readers go on, or may frame it.
    """
    headers = {
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return Response(text, status, media_type=HTML, headers=headers)
