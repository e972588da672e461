"""Endpoints: who wants to be told of what, and with which secret it is signed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx

EVERYTHING: Final = "*"
OLD_SECRET_LASTS: Final = timedelta(hours=24)
TYPES_AT_MOST: Final = 50
ENDPOINTS_AT_MOST: Final = 100
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}(\.[a-z0-9][a-z0-9_-]{0,60}){0,5}(\.\*)?", re.ASCII)
_DESCRIPTION_LENGTH: Final = 500
_COLUMNS: Final = """w.webhook_id, p.key, w.url, w.types, w.description, w.enabled, w.disabled_because,
    w.old_secret_until, w.not_before, w.created_at, w.changed_at"""
_SELECT: Final = f"select {_COLUMNS} from webhooks w left join programs p using (program_id)"  # noqa: S608 - columns of ours
_INSERT: Final = """
insert into webhooks (webhook_id, program_id, url, types, description, enabled, secret, created_at,
    changed_at)
values (%s, %s, %s, %s, %s, true, %s, %s, %s)
"""
_CHANGE: Final = """
update webhooks set url = %s, types = %s, description = %s, enabled = %s, changed_at = %s,
    disabled_because = case when %s then '' when enabled then 'asked' else disabled_because end,
    not_before = case when %s then null else not_before end
where webhook_id = %s
"""
_ROTATE: Final = """
update webhooks set old_secret = secret, old_secret_until = %s, secret = %s, changed_at = %s
where webhook_id = %s
"""


class Endpoint(NamedTuple):
    """An endpoint as it is shown: never its secret."""

    webhook_id: int
    program: str | None
    """Only of this program, or of all."""
    url: str
    types: Sequence[str]
    description: str
    enabled: bool
    disabled_because: str
    """`asked`, `gone` (it answered 410), or empty."""
    old_secret_until: datetime | None
    not_before: datetime | None
    """It asked to be left alone until then."""
    created_at: datetime
    changed_at: datetime


class Wish(NamedTuple):
    """What somebody wants to be told, and where."""

    url: str
    types: Sequence[str]
    description: str = ""
    enabled: bool = True


def owner_of(webhook_id: int) -> str:
    """Name an endpoint for the sealing of its secret.

    Args:
        webhook_id: which.

    Returns:
        A text of its own.
    """
    return f"webhook:{webhook_id}"


def check_wish(wish: Wish) -> None:
    """Check types and description; the address is checked by `infra.http.check_url`.

    Args:
        wish: what is wanted.

    Raises:
        Problem: `types_invalid` or `text_length`.
    """
    if not 0 < len(wish.types) <= TYPES_AT_MOST:
        raise Problem.at("/types", "types_invalid", f"name 1 to {TYPES_AT_MOST} types, or `*`")
    for place, word in enumerate(wish.types):
        if word != EVERYTHING and (_TYPE.fullmatch(word) is None or word.startswith("guerdon.")):
            detail = "a type is `*`, a word such as `tier.changed`, or a beginning such as `order.*`"
            raise Problem.at(f"/types/{place}", "types_invalid", detail)
    if len(wish.description) > _DESCRIPTION_LENGTH:
        raise Problem.at("/description", "text_length", f"at most {_DESCRIPTION_LENGTH} characters fit here")


def wants(types: Sequence[str], notice: str) -> bool:
    """Tell whether an endpoint wants a notice.

    Args:
        types: its types.
        notice: a type such as `order.paid`.

    Returns:
        Whether one of them is the notice's, its beginning before `.*`, or `*`.
    """
    return any(
        word in (EVERYTHING, notice) or (word.endswith(".*") and notice.startswith(word[:-1]))
        for word in types
    )


class NewEndpoint(NamedTuple):
    """What an endpoint is made with."""

    webhook_id: int
    program_id: int | None
    wish: Wish
    sealed: bytes
    """Its secret, sealed."""
    now: datetime


def add_endpoint(tx: Tx, new: NewEndpoint) -> Endpoint:
    """Store an endpoint; it hears of what is written from this transaction on.

    Args:
        tx: bound to the tenant.
        new: what it is made with.

    Returns:
        The endpoint.

    Raises:
        Problem: `too_many_webhooks`, or what `check_wish` raises.
    """
    check_wish(new.wish)
    row = tx.execute("select count(*) from webhooks").fetchone()
    if row is not None and row[0] >= ENDPOINTS_AT_MOST:
        raise Problem("too_many_webhooks", f"a tenant has at most {ENDPOINTS_AT_MOST} webhooks: delete one")
    wish = new.wish
    values = (new.webhook_id, new.program_id, wish.url, list(wish.types), wish.description, new.sealed)
    tx.execute(_INSERT, (*values, new.now, new.now))
    return get_endpoint(tx, new.webhook_id)


def list_endpoints(tx: Tx, limit: int, after: int = 0) -> list[Endpoint]:
    """Give a page of a tenant's endpoints, oldest first.

    Args:
        tx: bound to the tenant.
        limit: most endpoints.
        after: the last one of the page before.

    Returns:
        The endpoints.
    """
    statement = f"{_SELECT} where w.webhook_id > %s order by w.webhook_id limit %s"
    return [Endpoint(*row) for row in tx.execute(statement, (after, limit))]


def get_endpoint(tx: Tx, webhook_id: int, *, lock: bool = False) -> Endpoint:
    """Give one endpoint.

    Args:
        tx: bound to the tenant.
        webhook_id: which.
        lock: whether nobody else may change it until the transaction ends.

    Returns:
        The endpoint.

    Raises:
        Problem: `webhook_not_found`.
    """
    statement = f"{_SELECT} where w.webhook_id = %s{' for update of w' if lock else ''}"
    row = tx.execute(statement, (webhook_id,)).fetchone()
    if row is None:
        raise Problem("webhook_not_found", "there is no such webhook")
    return Endpoint(*row)


def load_secret(tx: Tx, webhook_id: int) -> bytes:
    """Load an endpoint's secret.

    Args:
        tx: bound to the tenant.
        webhook_id: which.

    Returns:
        The secret, sealed for `owner_of`.

    Raises:
        Problem: `webhook_not_found`.
    """
    row = tx.execute("select secret from webhooks where webhook_id = %s", (webhook_id,)).fetchone()
    if row is None:
        raise Problem("webhook_not_found", "there is no such webhook")
    return bytes(row[0])


def change_endpoint(tx: Tx, webhook_id: int, wish: Wish, now: datetime) -> Endpoint:
    """Change what an endpoint wants; one that is enabled again is called at once.

    Args:
        tx: bound to the tenant; the endpoint is locked.
        webhook_id: which.
        wish: what it wants from now on.
        now: when.

    Returns:
        The endpoint as it stands.

    Raises:
        Problem: what `check_wish` raises.
    """
    check_wish(wish)
    values = (wish.url, list(wish.types), wish.description, wish.enabled, now, wish.enabled, wish.enabled)
    tx.execute(_CHANGE, (*values, webhook_id))
    return get_endpoint(tx, webhook_id)


def remove_endpoint(tx: Tx, webhook_id: int) -> None:
    """Delete an endpoint with its deliveries.

    Args:
        tx: bound to the tenant.
        webhook_id: which.

    Raises:
        Problem: `webhook_not_found`.
    """
    if tx.execute("delete from webhooks where webhook_id = %s", (webhook_id,)).rowcount == 0:
        raise Problem("webhook_not_found", "there is no such webhook")
    tx.execute("delete from webhook_deliveries where webhook_id = %s", (webhook_id,))


def rotate_secret(tx: Tx, webhook_id: int, sealed: bytes, now: datetime) -> Endpoint:
    """Give an endpoint a new secret; the one before signs as well for 24 hours.

    Args:
        tx: bound to the tenant; the endpoint is locked.
        webhook_id: which.
        sealed: the new secret, sealed.
        now: when.

    Returns:
        The endpoint as it stands.
    """
    tx.execute(_ROTATE, (now + OLD_SECRET_LASTS, sealed, now, webhook_id))
    return get_endpoint(tx, webhook_id)


def shown_id(webhook_id: int) -> str:
    """Write an endpoint's id as people see it.

    Args:
        webhook_id: which.

    Returns:
        Text such as `whk_01h8xj3q0abcd`.
    """
    return number_text("whk", webhook_id)
