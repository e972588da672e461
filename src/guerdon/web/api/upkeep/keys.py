"""API keys: made, listed, rotated and ended by whoever has a key for that."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.connect.sealing import SecretBox
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.programs.keys import (
    ALL_SCOPES,
    RATE_AT_MOST,
    ApiKey,
    NewKey,
    Rotation,
    create_key,
    get_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.calls.once import once
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Keys"])
Reading = Annotated[Call, Depends(admitted("keys:read"))]
Writing = Annotated[Call, Depends(admitted("keys:write"))]
Hours = Annotated[int, msgspec.Meta(ge=0, le=720)]
Rate = Annotated[int, msgspec.Meta(ge=0, le=RATE_AT_MOST)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class WantedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key is for, and what it may do."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    scopes: Annotated[list[str], msgspec.Meta(min_length=1, max_length=50)]
    """Such as `events:write`, or `all`; no more than the key has that makes it."""
    expires_at: Instant | None = None
    rate_limit: Rate | None = None
    """Calls a second; 0 for no limit. Without it the server's setting holds."""


class WantedRotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a key is replaced."""

    overlap_hours: Hours = 24
    """How long the old one still opens; never beyond its own end."""
    expires_at: Instant | None = None
    """When the new one ends."""


class KeyShape(msgspec.Struct, frozen=True, kw_only=True):
    """A key, without itself."""

    id: str
    prefix: str
    """Its first letters."""
    name: str
    scopes: Sequence[str]
    rate_limit: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    """To about a minute."""
    replaced_by: str | None
    """The key that took its place."""


class KeyWithSecret(KeyShape, frozen=True, kw_only=True):
    """A key with itself, which is not shown again."""

    key: str


class Keys(msgspec.Struct, frozen=True):
    """A page of keys, oldest first."""

    data: Sequence[KeyShape]
    next: str | None


class _Kept(msgspec.Struct, frozen=True):
    """What is kept as the first answer: the key itself is sealed, for only its hash is stored elsewhere."""

    key_id: int
    sealed: str


@ROUTER.post("/v1/keys", summary="Make a key", **operation(KeyWithSecret, body=WantedKey, status=201))
def make(call: Writing) -> Response:
    """The answer holds the key itself, which is shown only here. No key gives more than it may do itself."""
    asked = call.read(WantedKey)
    _check_scopes(call, asked.scopes)
    now = datetime.now(UTC)

    def act(tx: Tx) -> tuple[int, _Kept]:
        new = NewKey(asked.name, asked.scopes, call.caller.actor, now, asked.expires_at, asked.rate_limit)
        presented, made = create_key(tx, new, call.house.ids, secrets.randbits)
        _record(tx, call, "key.made", made)
        return 201, _sealed(call, presented, made)

    return _with_secret(call, once(call, act), 201)


@ROUTER.get("/v1/keys", summary="List keys", **operation(Keys))
def all_keys(call: Reading, wanted: Paged) -> Response:
    """Oldest first, ended ones too."""
    with call.transaction() as tx:
        rows = list_keys(tx, after=wanted.after(int) or 0, limit=wanted.limit + 1)
    return listing(rows, wanted, lambda row: row.key_id, lambda row: KeyShape(**_fields(row)))


@ROUTER.get("/v1/keys/{key}", summary="One key", **operation(KeyShape))
def one_key(call: Reading, key: str) -> Response:
    """Without itself."""
    with call.transaction() as tx:
        return answer(KeyShape(**_fields(get_key(tx, _number(key)))))


_ROTATED: Final = operation(KeyWithSecret, body=WantedRotation)
_ROTATED["openapi_extra"]["requestBody"]["required"] = False


@ROUTER.post("/v1/keys/{key}/rotate", summary="Replace a key", **_ROTATED)
def rotate(call: Writing, key: str) -> Response:
    """A new key of the same name, scopes and limit; the old one ends after `overlap_hours` (24)."""
    asked = call.read(WantedRotation) if call.body.strip() else WantedRotation()
    key_id, now = _number(key), datetime.now(UTC)
    wanted = Rotation(key_id, call.caller.actor, now, timedelta(hours=asked.overlap_hours), asked.expires_at)

    def act(tx: Tx) -> tuple[int, _Kept]:
        _check_scopes(call, sorted(get_key(tx, key_id).scopes))
        presented, made = rotate_key(tx, wanted, call.house.ids, secrets.randbits)
        _record(tx, call, "key.rotated", get_key(tx, key_id))
        return 200, _sealed(call, presented, made)

    return _with_secret(call, once(call, act), 200)


@ROUTER.delete("/v1/keys/{key}", summary="End a key", **operation(KeyShape))
def end(call: Writing, key: str) -> Response:
    """At once; a process that has seen it lately believes it for up to five seconds."""
    key_id, now = _number(key), datetime.now(UTC)

    def act(tx: Tx) -> tuple[int, KeyShape]:
        revoke_key(tx, key_id, now)
        ended = get_key(tx, key_id)
        _record(tx, call, "key.revoked", ended)
        return 200, KeyShape(**_fields(ended))

    return once(call, act)


def _check_scopes(call: Call, wanted: Sequence[str]) -> None:
    own = call.caller.key
    beyond = sorted(scope for scope in wanted if not own.allows(scope))
    if beyond and ALL_SCOPES not in own.scopes:
        raise Problem("scope_missing", f"this key cannot give what it may not do: {', '.join(beyond)[:200]}")


def _sealed(call: Call, presented: str, made: ApiKey) -> _Kept:
    sealed = _box(call).seal(_owner(made.key_id), presented.encode("ascii"))
    return _Kept(made.key_id, base64.b64encode(sealed).decode("ascii"))


def _with_secret(call: Call, first: Response, status: int) -> Response:
    kept = msgspec.json.decode(first.body, type=_Kept)
    with call.transaction() as tx:
        found = get_key(tx, kept.key_id)
    presented = _box(call).open(_owner(kept.key_id), base64.b64decode(kept.sealed)).decode("ascii")
    return answer(KeyWithSecret(key=presented, **_fields(found)), status)


def _box(call: Call) -> SecretBox:
    return SecretBox(call.house.master_key, call.tenant_id)


def _owner(key_id: int) -> str:
    return f"key:{key_id}"


def _record(tx: Tx, call: Call, action: str, key: ApiKey) -> None:
    detail = {"scopes": sorted(key.scopes), "replaced_by": _shown_id(key.replaced_by)}
    about = number_text("key", key.key_id)
    record(tx, Act(call.now, call.caller.actor, action, about, detail=detail), call.house.ids)


def _number(text: str) -> int:
    number = parse_number("key", text)
    if number is None:
        raise Problem("key_not_found", "there is no such key")
    return number


def _shown_id(key_id: int | None) -> str | None:
    return number_text("key", key_id) if key_id is not None else None


def _fields(key: ApiKey) -> dict[str, Any]:
    names = ("prefix", "name", "rate_limit", "created_at", "expires_at", "revoked_at", "last_used_at")
    return {
        "id": number_text("key", key.key_id),
        "scopes": sorted(key.scopes),
        "replaced_by": _shown_id(key.replaced_by),
        **{name: getattr(key, name) for name in names},
    }
