"""Calls that the front answers without the framework between: a cart page waits for them at every click."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

from fastapi import Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from guerdon.web.api.calls.call import let_in
from guerdon.web.bodies import Receive
from guerdon.web.front import Answering, Scope, Way
from guerdon.web.house import Premises

_BEGIN: Final = "/v1/"


class _Route(NamedTuple):
    """A route as it is found by the parts of its path."""

    template: str
    parts: tuple[str, ...]
    endpoint: Callable[..., Awaitable[Response]]


class Quick:
    """Finds the routes of some calls; the framework has them too, and describes them."""

    def __init__(self, premises: Premises, routes: Sequence[BaseRoute], scope_name: str) -> None:
        """Take routes that need a `Call`, parts of their path, and nothing else that must be given.

        Args:
            premises: the house with its door.
            routes: of a router; all parts of their paths that vary are texts without a slash.
            scope_name: the scope that keys must carry for all of them.
        """
        self._premises = premises
        self._scope_name = scope_name
        self._routes: dict[tuple[str, int], list[_Route]] = {}
        for route in routes:
            if isinstance(route, APIRoute):
                parts = tuple(route.path_format.split("/"))
                for method in route.methods or ():
                    found = self._routes.setdefault((method, len(parts)), [])
                    found.append(_Route(route.path_format, parts, route.endpoint))

    def find(self, scope: Scope) -> Way | None:
        """Find the way of a request.

        Args:
            scope: ASGI scope.

        Returns:
            How it is answered; None where the framework has to look, as where there are parameters.
        """
        path: str = scope["path"]
        if scope["query_string"] or not path.startswith(_BEGIN):
            return None
        parts = path.split("/")
        for route in self._routes.get((scope["method"], len(parts)), ()):
            named = _named(route.parts, parts)
            if named is not None:
                return Way(route.template, self._answer(route, named))
        return None

    def _answer(self, route: _Route, named: dict[str, Any]) -> Answering:
        async def answer(scope: Scope, receive: Receive) -> tuple[int, bytes]:
            call = await let_in(self._premises, scope, receive, self._scope_name)
            response = await route.endpoint(call, **named)
            return response.status_code, bytes(response.body)

        return answer


def _named(template: Sequence[str], parts: Sequence[str]) -> dict[str, Any] | None:
    named = {}
    for expected, part in zip(template, parts, strict=True):
        if expected.startswith("{"):
            if not part:
                return None
            named[expected[1:-1]] = part
        elif part != expected:
            return None
    return named
