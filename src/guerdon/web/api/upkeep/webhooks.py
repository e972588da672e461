"""Webhooks: who is told of what, what became of each delivery, and telling it again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.connect.sealing import SecretBox
from guerdon.connect.webhooks.deliveries import Delivery, list_deliveries, replay_one, replay_since
from guerdon.connect.webhooks.endpoints import (
    Endpoint,
    NewEndpoint,
    Wish,
    add_endpoint,
    change_endpoint,
    get_endpoint,
    list_endpoints,
    load_secret,
    owner_of,
    remove_endpoint,
    rotate_secret,
    shown_id,
)
from guerdon.connect.webhooks.signing import make_secret, message_text, parse_message, secret_text
from guerdon.infra.http import check_url
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.calls.once import once
from guerdon.web.callers import read_instant
from guerdon.web.outline import TIME, operation

ROUTER: Final = APIRouter(tags=["Webhooks"])
Reading = Annotated[Call, Depends(admitted("webhooks:read"))]
Writing = Annotated[Call, Depends(admitted("webhooks:write"))]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Types = Annotated[list[str], msgspec.Meta(min_length=1, max_length=50)]
Description = Annotated[str, msgspec.Meta(max_length=500)]


class NewWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to tell, and of what."""

    url: Url
    """`https://…`, on the public internet."""
    types: Types
    """Types such as `order.paid` or `tier.changed`, beginnings such as `units.*`, or `*`."""
    program: str | None = None
    """Only of this program; else of all."""
    description: Description = ""


class WebhookPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes; what is not named stays as it is."""

    url: Url | None = None
    types: Types | None = None
    description: Description | None = None
    enabled: bool | None = None


class WebhookShape(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook, without its secret."""

    id: str
    url: str
    types: Sequence[str]
    program: str | None
    description: str
    enabled: bool
    disabled_because: Literal["asked", "gone"] | None
    """`gone`: it answered 410."""
    old_secret_until: datetime | None
    """Until then the secret before the present one signs as well."""
    not_before: datetime | None
    """It asked to be left alone until then."""
    created_at: datetime
    changed_at: datetime


class WebhookWithSecret(WebhookShape, frozen=True, kw_only=True):
    """A webhook with its secret, which is not shown again."""

    secret: str


class Webhooks(msgspec.Struct, frozen=True):
    """A page of webhooks, oldest first."""

    data: Sequence[WebhookShape]
    next: str | None


class DeliveryShape(msgspec.Struct, frozen=True, kw_only=True):
    """One notice on its way to a webhook."""

    id: str
    """The `webhook-id` header, the same at each attempt."""
    type: str
    account: str | None
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    last_status: int | None
    """HTTP status of the last attempt, None where there was no answer."""
    last_problem: str | None
    next_try_at: datetime | None
    made_at: datetime
    settled_at: datetime | None


class Deliveries(msgspec.Struct, frozen=True):
    """A page of deliveries, newest first."""

    data: Sequence[DeliveryShape]
    next: str | None


class Removed(msgspec.Struct, frozen=True):
    """What was deleted."""

    id: str


class Replayed(msgspec.Struct, frozen=True):
    """How many deliveries are sent again."""

    deliveries: int


class _Kept(msgspec.Struct, frozen=True):
    """What is kept as the first answer, for a secret does not belong there."""

    webhook_id: int


@ROUTER.post("/v1/webhooks", summary="Subscribe", **operation(WebhookWithSecret, body=NewWebhook, status=201))
def subscribe(call: Writing) -> Response:
    """Tell an address of what happens from now on. The secret signs each delivery and is shown only here."""
    asked = call.read(NewWebhook)
    _check_url(call, asked.url)

    def act(tx: Tx) -> tuple[int, _Kept]:
        webhook_id = call.house.ids.number()
        program_id = call.house.live(tx, asked.program).program_id if asked.program is not None else None
        wish = Wish(asked.url, asked.types, asked.description)
        sealed = _box(call).seal(owner_of(webhook_id), make_secret(secrets.token_bytes))
        add_endpoint(tx, NewEndpoint(webhook_id, program_id, wish, sealed, call.now))
        _record(tx, call, "webhook.made", webhook_id)
        return 201, _Kept(webhook_id)

    return _with_secret(call, once(call, act), 201)


@ROUTER.get("/v1/webhooks", summary="List webhooks", **operation(Webhooks))
def all_webhooks(call: Reading, wanted: Paged) -> Response:
    """Oldest first."""
    with call.transaction() as tx:
        rows = list_endpoints(tx, wanted.limit + 1, wanted.after(int) or 0)
    return listing(rows, wanted, lambda row: row.webhook_id, _shown)


@ROUTER.get("/v1/webhooks/{webhook}", summary="One webhook", **operation(WebhookShape))
def one_webhook(call: Reading, webhook: str) -> Response:
    """Without its secret."""
    with call.transaction() as tx:
        found = get_endpoint(tx, _number(webhook))
    return answer(_shown(found))


@ROUTER.patch(
    "/v1/webhooks/{webhook}", summary="Change a webhook", **operation(WebhookShape, body=WebhookPatch)
)
def change(call: Writing, webhook: str) -> Response:
    """Address, types, description; `enabled: false` stops it, `true` lets it go on with what waits."""
    asked = call.read(WebhookPatch)
    webhook_id = _number(webhook)
    if asked.url is not None:
        _check_url(call, asked.url)

    def act(tx: Tx) -> tuple[int, WebhookShape]:
        stands = get_endpoint(tx, webhook_id, lock=True)
        wish = Wish(
            asked.url if asked.url is not None else stands.url,
            asked.types if asked.types is not None else stands.types,
            asked.description if asked.description is not None else stands.description,
            asked.enabled if asked.enabled is not None else stands.enabled,
        )
        changed = change_endpoint(tx, webhook_id, wish, call.now)
        _record(tx, call, "webhook.changed", webhook_id)
        return 200, _shown(changed)

    return once(call, act)


@ROUTER.delete("/v1/webhooks/{webhook}", summary="Delete a webhook", **operation(Removed))
def remove(call: Writing, webhook: str) -> Response:
    """With its deliveries, those that wait too."""
    webhook_id = _number(webhook)

    def act(tx: Tx) -> tuple[int, Removed]:
        remove_endpoint(tx, webhook_id)
        _record(tx, call, "webhook.deleted", webhook_id)
        return 200, Removed(shown_id(webhook_id))

    return once(call, act)


@ROUTER.post("/v1/webhooks/{webhook}/rotate", summary="Make a new secret", **operation(WebhookWithSecret))
def rotate(call: Writing, webhook: str) -> Response:
    """For 24 hours both secrets sign, so that a receiver can change over without a gap."""
    webhook_id = _number(webhook)

    def act(tx: Tx) -> tuple[int, _Kept]:
        get_endpoint(tx, webhook_id, lock=True)
        sealed = _box(call).seal(owner_of(webhook_id), make_secret(secrets.token_bytes))
        rotate_secret(tx, webhook_id, sealed, call.now)
        _record(tx, call, "webhook.rotated", webhook_id)
        return 200, _Kept(webhook_id)

    return _with_secret(call, once(call, act), 200)


@ROUTER.get("/v1/webhooks/{webhook}/deliveries", summary="Its deliveries", **operation(Deliveries))
def all_deliveries(
    call: Reading,
    webhook: str,
    wanted: Paged,
    state: Annotated[Literal["waiting", "delivered", "dead"] | None, Query()] = None,
) -> Response:
    """Newest first; settled ones are kept for 30 days."""
    webhook_id = _number(webhook)
    with call.transaction() as tx:
        get_endpoint(tx, webhook_id)
        rows = list_deliveries(tx, webhook_id, wanted.limit + 1, wanted.after(UUID), state or "")
    return listing(rows, wanted, lambda row: row.message_id, _delivery)


@ROUTER.post(
    "/v1/webhooks/{webhook}/deliveries/{delivery}/replay",
    summary="Send one delivery again",
    **operation(Replayed),
)
def replay(call: Writing, webhook: str, delivery: str) -> Response:
    """Under the same id, whatever became of it before."""
    webhook_id, message_id = _number(webhook), parse_message(delivery)

    def act(tx: Tx) -> tuple[int, Replayed]:
        get_endpoint(tx, webhook_id)
        if message_id is None:
            raise Problem("delivery_not_found", "this webhook has no such delivery")
        replay_one(tx, webhook_id, message_id, _wall(call))
        return 200, Replayed(1)

    return once(call, act)


@ROUTER.post("/v1/webhooks/{webhook}/replay", summary="Send again what came since", **operation(Replayed))
def replay_all(
    call: Writing, webhook: str, since: Annotated[str, Query(max_length=40, json_schema_extra=dict(TIME))]
) -> Response:
    """Every delivery that came about from `since` on, under the same ids, in the order of their ids."""
    webhook_id = _number(webhook)
    begin = read_instant(since, "parameter_invalid", "`since`")

    def act(tx: Tx) -> tuple[int, Replayed]:
        get_endpoint(tx, webhook_id)
        count = replay_since(tx, webhook_id, begin, _wall(call))
        _record(tx, call, "webhook.replayed", webhook_id)
        return 200, Replayed(count)

    return once(call, act)


def _check_url(call: Call, url: str) -> None:
    try:
        check_url(url, allow_loopback=call.house.settings.allow_loopback)
    except Problem as problem:
        raise Problem.at("/url", problem.code, problem.detail) from None


def _with_secret(call: Call, first: Response, status: int) -> Response:
    webhook_id = msgspec.json.decode(first.body, type=_Kept).webhook_id
    with call.transaction() as tx:
        found = get_endpoint(tx, webhook_id)
        sealed = load_secret(tx, webhook_id)
    secret = secret_text(_box(call).open(owner_of(webhook_id), sealed))
    return answer(WebhookWithSecret(secret=secret, **_fields(found)), status)


def _box(call: Call) -> SecretBox:
    return SecretBox(call.house.master_key, call.tenant_id)


def _wall(call: Call) -> datetime:
    # The relay lives by the clock on the wall, also where a sandbox's calls have another.
    return datetime.now(call.now.tzinfo)


def _record(tx: Tx, call: Call, action: str, webhook_id: int) -> None:
    record(tx, Act(call.now, call.caller.actor, action, shown_id(webhook_id)), call.house.ids)


def _number(text: str) -> int:
    number = parse_number("whk", text)
    if number is None:
        raise Problem("webhook_not_found", "there is no such webhook")
    return number


def _fields(row: Endpoint) -> dict[str, Any]:
    fields = row._asdict()
    fields["id"] = shown_id(fields.pop("webhook_id"))
    fields["disabled_because"] = row.disabled_because or None
    return fields


def _shown(row: Endpoint) -> WebhookShape:
    return WebhookShape(**_fields(row))


def _delivery(row: Delivery) -> DeliveryShape:
    return DeliveryShape(
        id=message_text(row.message_id),
        type=row.type,
        account=number_text("acc", row.account_id) if row.account_id else None,
        state=row.state,
        attempts=row.attempts,
        last_status=row.last_status,
        last_problem=row.last_problem or None,
        next_try_at=row.next_at,
        made_at=row.made_at,
        settled_at=row.settled_at,
    )
