"""One call as the routes get it: who asks, when it is booked, its body, and how it is answered."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import Depends, Query, Request, Response
from starlette.datastructures import QueryParams

from guerdon.base.errors import Problem
from guerdon.engine.answers import Answer, accepted
from guerdon.engine.commands import Command, Once
from guerdon.infra.tx import Tx
from guerdon.web.bodies import BODY_LIMIT, Receive, read_body, read_json
from guerdon.web.callers import Caller, instant_of_call
from guerdon.web.front import Scope, header
from guerdon.web.house import Premises
from guerdon.wiring import House

T = TypeVar("T")
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
_EXACT: Final = msgspec.json.Decoder(float_hook=Decimal)
# curl says the last one where nobody told it what the body is.
_TAKEN: Final = frozenset({"", "application/json", "application/x-www-form-urlencoded"})
_KEY_LENGTH: Final = 255
PAGE: Final = 50
PAGE_AT_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in."""

    premises: Premises
    caller: Caller
    now: datetime
    """When it is booked; a sandbox's own clock where it was sent."""
    body: bytes
    method: str
    path: str
    idempotency_key: str | None
    media: str
    """The body's media type, without parameters."""
    address: str
    """From where it comes; what a proxy says of it counts where the proxy is trusted."""

    @property
    def house(self) -> House:
        """Everything below the roof."""
        return self.premises.house

    @property
    def tenant_id(self) -> int:
        """Whose rows the call sees."""
        return self.caller.tenant_id

    @property
    def scope(self) -> str:
        """What an Idempotency-Key belongs to; the path, which may hold an e-mail address, as a keyed hash."""
        path = self.path.encode("utf-8", "backslashreplace").decode()
        return f"{self.method} {self.house.vault(self.tenant_id).digest('path', path).hex()}"

    @property
    def once(self) -> Once | None:
        """The Idempotency-Key as the engine takes it, None where none was sent."""
        if self.idempotency_key is None:
            return None
        return Once(self.scope, self.idempotency_key, hashlib.sha256(self.body).digest())

    def transaction(self) -> AbstractContextManager[Tx]:
        """Begin a short transaction of the caller's tenant.

        Returns:
            The transaction, for a `with` statement.
        """
        return self.house.database.transaction(self.tenant_id)

    async def ask(self, command: Command) -> Answer:
        """Have the engine carry out a command.

        Args:
            command: what is asked.

        Returns:
            The engine's answer, which is no refusal.

        Raises:
            Problem: the engine's refusal.
        """
        return accepted(await self.premises.waiting.ask(command))

    def read(self, kind: type[T]) -> T:
        """Turn the body into a typed value.

        Args:
            kind: a struct that forbids unknown fields.

        Returns:
            The value.

        Raises:
            Problem: what `read_json` raises, or `unsupported_media_type`.
        """
        if self.media not in _TAKEN:
            raise Problem("unsupported_media_type", "this call takes `application/json`")
        return read_json(self.body, kind)

    def read_exact(self) -> Any:
        """Read the body, which `read` has checked, as plain data with exact numbers.

        Returns:
            Dicts, lists, texts, booleans, None, int and Decimal.
        """
        return _EXACT.decode(self.body)


def admitted(scope_name: str) -> Callable[[Request], Awaitable[Call]]:
    """Make the dependency that lets a call in.

    Args:
        scope_name: the scope that its key must carry.

    Returns:
        A FastAPI dependency that gives the `Call`.
    """

    async def admit(request: Request) -> Call:
        return await let_in(request.app.state.premises, request.scope, request.receive, scope_name)

    return admit


async def let_in(premises: Premises, scope: Scope, receive: Receive, scope_name: str) -> Call:
    """Let a call in.

    Args:
        premises: the house with its door.
        scope: ASGI scope, with the `route` where there are parameters.
        receive: channel of the request.
        scope_name: the scope that its key must carry.

    Returns:
        The call with its whole body.

    Raises:
        Problem: what the door, the test clock, parameters, the body's length or the Idempotency-Key raise.
    """
    caller = await premises.doorkeeper.admit(scope)
    caller.require(scope_name)
    now = instant_of_call(caller, header(scope, b"guerdon-now"))
    _refuse_unknown_parameters(scope, premises)
    body = await read_body(receive, header(scope, b"content-length"), BODY_LIMIT)
    media = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower().decode("latin-1")
    key = _idempotency_key(header(scope, b"idempotency-key"))
    address = premises.doorkeeper.address_of(scope)
    return Call(premises, caller, now, body, scope["method"], scope["path"], key, media, address)


def _refuse_unknown_parameters(scope: Scope, premises: Premises) -> None:
    if not scope["query_string"]:
        return
    template = str(getattr(scope.get("route"), "path_format", ""))
    known = premises.known_parameters.get((template, scope["method"]), frozenset())
    for name, _ in QueryParams(scope["query_string"]).multi_items():
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            detail = f"the parameter {name[:60]!r} is not known here; known: {allowed}"
            raise Problem("unknown_parameter", detail)


def _idempotency_key(sent: bytes | None) -> str | None:
    if sent is None:
        return None
    if not 0 < len(sent) <= _KEY_LENGTH or not all(0x21 <= byte <= 0x7E for byte in sent):
        detail = f"`Idempotency-Key` has 1 to {_KEY_LENGTH} printable ASCII characters without spaces"
        raise Problem("idempotency_key_invalid", detail)
    return sent.decode("ascii")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted."""

    limit: int
    cursor: str | None

    def after(self, kind: type[T]) -> T | None:
        """Read where the page before ended.

        Args:
            kind: what the list's cursors hold.

        Returns:
            The place, None for the first page.

        Raises:
            Problem: `cursor_invalid`.
        """
        if self.cursor is None:
            return None
        try:
            padded = self.cursor + "=" * (-len(self.cursor) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
            if rb"\u0000" in raw:
                raise ValueError
            return msgspec.json.decode(raw, type=kind)
        except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
            raise Problem("cursor_invalid", "this cursor did not come from this list") from None


def page(
    limit: Annotated[int, Query(ge=1, le=PAGE_AT_MOST)] = PAGE,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page:
    """Read the parameters that each list takes.

    Args:
        limit: rows wanted, 1 … 200.
        cursor: `next` of the page before.

    Returns:
        The page that is wanted.
    """
    return Page(limit, cursor)


Paged = Annotated[Page, Depends(page)]


class Listing(msgspec.Struct, frozen=True):
    """A page of a list."""

    data: list[Any]
    next: str | None


def listing(
    rows: list[Any], wanted: Page, place: Callable[[Any], Any], show: Callable[[Any], Any]
) -> Response:
    """Answer with a page of a list.

    Args:
        rows: up to one row more than was asked for, which tells that there is a next page.
        wanted: the page that was asked for.
        place: row → what a cursor needs to go on behind it.
        show: row → what is shown.

    Returns:
        The answer.
    """
    shown = rows[: wanted.limit]
    more = len(rows) > wanted.limit
    return answer(Listing([show(row) for row in shown], cursor(place(shown[-1])) if more else None))


def cursor(place: Any) -> str:
    """Write where a page of a list ended.

    Args:
        place: what `Page.after` reads again.

    Returns:
        Letters that stand in an address.
    """
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode("ascii")


def answer(body: Any, status: int = 200) -> Response:
    """Answer with JSON.

    Args:
        body: a struct or plain data; decimals become strings.
        status: HTTP status.

    Returns:
        The answer.
    """
    return Response(_ENCODER.encode(body), status, media_type="application/json")
