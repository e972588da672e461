"""The queue of deliveries: taken under a lease, settled, shown, and sent again when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from guerdon.base.errors import Problem
from guerdon.connect.webhooks.fanout import GIVE_UP_AFTER
from guerdon.infra.tx import Tx

LEASE: Final = timedelta(seconds=60)
"""How long a delivery stays with the process that took it, however that process ends."""
KEPT: Final = timedelta(days=30)
_CANDIDATES: Final = 100
State = Literal["waiting", "delivered", "dead"]

_DUE: Final = """
select webhook_id, tenant_id, url, secret, old_secret, old_secret_until from webhooks w
where enabled and (not_before is null or not_before <= %(now)s) and exists (
    select from webhook_deliveries d
    where d.webhook_id = w.webhook_id and d.state = 'waiting' and d.next_at <= %(now)s)
order by webhook_id
"""
# One account's notices go one after the other; guests (account 0) are strangers to each other.
_CANDIDATES_OF: Final = """
select d.message_id, d.account_id, d.attempts, d.give_up_at, d.type, m.body
from webhook_deliveries d join webhook_messages m using (message_id, account_id)
where d.webhook_id = %(webhook)s and d.state = 'waiting' and d.next_at <= %(now)s and (
    d.account_id = 0 or not exists (
        select from webhook_deliveries e
        where e.webhook_id = d.webhook_id and e.account_id = d.account_id and e.leased_until > %(now)s))
order by d.next_at, d.message_id limit %(limit)s
"""
_LEASE: Final = """
update webhook_deliveries set attempts = attempts + 1, leased_until = %s, next_at = %s
where webhook_id = %s and message_id = any(%s) and account_id = any(%s) and state = 'waiting'
"""
_SETTLE: Final = """
update webhook_deliveries set state = %s, next_at = %s, leased_until = null, last_status = %s,
    last_problem = %s, settled_at = %s
where webhook_id = %s and message_id = %s and account_id = %s and state = 'waiting'
"""
_RELEASE: Final = """
update webhook_deliveries set next_at = %s, leased_until = null, attempts = attempts - 1
where webhook_id = %s and message_id = %s and account_id = %s and state = 'waiting'
"""
_SHOWN: Final = """message_id, account_id, type, state, attempts, made_at, next_at, last_status, last_problem,
    settled_at"""
_LIST: Final = f"""
select {_SHOWN} from webhook_deliveries
where webhook_id = %s and (%s::uuid is null or message_id < %s) and (%s = '' or state = %s)
order by message_id desc limit %s
"""  # noqa: S608 - a list of columns of ours
_AGAIN: Final = """
update webhook_deliveries set state = 'waiting', next_at = %(now)s, give_up_at = %(until)s,
    leased_until = null, settled_at = null
where webhook_id = %(webhook)s and (leased_until is null or leased_until <= %(now)s)
"""
_TIDY: Final = "delete from webhook_deliveries where state <> 'waiting' and made_at < %s"
_TIDY_MESSAGES: Final = """
delete from webhook_messages m where made_at < %s and not exists (
    select from webhook_deliveries d where d.message_id = m.message_id and d.account_id = m.account_id)
"""


class Due(NamedTuple):
    """An endpoint for which something is due."""

    webhook_id: int
    tenant_id: int
    url: str
    secret: bytes
    """Sealed."""
    old_secret: bytes | None
    old_secret_until: datetime | None


class Taken(NamedTuple):
    """A delivery that this process has taken to carry it out."""

    message_id: UUID
    account_id: int
    attempts: int
    """Before this one."""
    give_up_at: datetime
    type: str
    body: bytes


class Outcome(NamedTuple):
    """What became of an attempt."""

    state: State
    next_at: datetime | None
    status: int | None
    """HTTP status, None where there was no answer."""
    problem: str = ""
    """A snake_case word, empty where all went well."""


class Delivery(NamedTuple):
    """A delivery as it is shown."""

    message_id: UUID
    account_id: int
    type: str
    state: State
    attempts: int
    made_at: datetime
    next_at: datetime | None
    last_status: int | None
    last_problem: str
    settled_at: datetime | None


def list_due(relay_tx: Tx, now: datetime) -> list[Due]:
    """List the endpoints for which something is due.

    Args:
        relay_tx: a transaction under the relay's role.
        now: the instant.

    Returns:
        Endpoints; disabled ones and those that asked to be left alone are left out.
    """
    return [Due(*row) for row in relay_tx.execute(_DUE, {"now": now})]


def take(relay_tx: Tx, webhook_id: int, now: datetime, limit: int) -> list[Taken]:
    """Take due deliveries of one endpoint, at most one of each account.

    Args:
        relay_tx: a transaction under the relay's role, at its beginning.
        webhook_id: which endpoint.
        now: the instant.
        limit: most deliveries.

    Returns:
        Deliveries, oldest first; they are left to this process for `LEASE`.
    """
    row = relay_tx.execute("select pg_try_advisory_xact_lock(%s)", (webhook_id,)).fetchone()
    if row is None or not row[0]:
        # Another process is choosing; two at once might take two of one account.
        return []
    wanted = {"webhook": webhook_id, "now": now, "limit": _CANDIDATES}
    taken: list[Taken] = []
    accounts: set[int] = set()
    for found in relay_tx.execute(_CANDIDATES_OF, wanted):
        one = Taken(*found)
        if len(taken) < limit and (one.account_id == 0 or one.account_id not in accounts):
            accounts.add(one.account_id)
            taken.append(one)
    if taken:
        until = now + LEASE
        messages, owners = [one.message_id for one in taken], [one.account_id for one in taken]
        relay_tx.execute(_LEASE, (until, until, webhook_id, messages, owners))
    return taken


def settle(relay_tx: Tx, webhook_id: int, one: Taken, outcome: Outcome, now: datetime) -> None:
    """Write down what became of an attempt.

    Args:
        relay_tx: a transaction under the relay's role.
        webhook_id: which endpoint.
        one: what was taken.
        outcome: what became of it.
        now: when.
    """
    settled_at = None if outcome.state == "waiting" else now
    values = (outcome.state, outcome.next_at, outcome.status, outcome.problem, settled_at)
    relay_tx.execute(_SETTLE, (*values, webhook_id, one.message_id, one.account_id))


def release(relay_tx: Tx, webhook_id: int, one: Taken, now: datetime) -> None:
    """Put a delivery back that was not carried out.

    Args:
        relay_tx: a transaction under the relay's role.
        webhook_id: which endpoint.
        one: what was taken.
        now: when it is due again.
    """
    relay_tx.execute(_RELEASE, (now, webhook_id, one.message_id, one.account_id))


def disable_gone(relay_tx: Tx, webhook_id: int, now: datetime) -> None:
    """Disable an endpoint that said 410.

    Args:
        relay_tx: a transaction under the relay's role.
        webhook_id: which.
        now: when.
    """
    statement = "update webhooks set enabled = false, disabled_because = 'gone', changed_at = %s"
    relay_tx.execute(f"{statement} where webhook_id = %s", (now, webhook_id))


def leave_alone(relay_tx: Tx, webhook_id: int, until: datetime) -> None:
    """Call an endpoint no more until an instant, as it asked.

    Args:
        relay_tx: a transaction under the relay's role.
        webhook_id: which.
        until: the instant.
    """
    relay_tx.execute("update webhooks set not_before = %s where webhook_id = %s", (until, webhook_id))


def tidy(relay_tx: Tx, now: datetime) -> None:
    """Delete what was settled long ago.

    Args:
        relay_tx: a transaction under the relay's role.
        now: the instant; what is older than `KEPT` goes.
    """
    for statement in (_TIDY, _TIDY_MESSAGES):
        relay_tx.execute(statement, (now - KEPT,))


def list_deliveries(
    tx: Tx, webhook_id: int, limit: int, before: UUID | None = None, state: str = ""
) -> list[Delivery]:
    """Give a page of an endpoint's deliveries, newest first.

    Args:
        tx: bound to the tenant.
        webhook_id: which endpoint.
        limit: most deliveries.
        before: the last one of the page before.
        state: only those in this state; empty for all.

    Returns:
        The deliveries.
    """
    values = (webhook_id, before, before, state, state, limit)
    return [Delivery(*row) for row in tx.execute(_LIST, values)]


def replay_one(tx: Tx, webhook_id: int, message_id: UUID, now: datetime) -> None:
    """Send one message again, under the same id.

    Args:
        tx: bound to the tenant.
        webhook_id: to which endpoint.
        message_id: which.
        now: when.

    Raises:
        Problem: `delivery_not_found`, or `delivery_under_way` where it is being sent this very moment.
    """
    found = tx.execute(
        "select from webhook_deliveries where webhook_id = %s and message_id = %s", (webhook_id, message_id)
    ).fetchone()
    if found is None:
        raise Problem("delivery_not_found", "this webhook has no such delivery")
    if _again(tx, webhook_id, now, " and message_id = %(message)s", {"message": message_id}) == 0:
        raise Problem("delivery_under_way", "this delivery is being sent right now")


def replay_since(tx: Tx, webhook_id: int, since: datetime, now: datetime) -> int:
    """Send everything again that came about from an instant on, under the same ids.

    Args:
        tx: bound to the tenant.
        webhook_id: to which endpoint.
        since: the instant.
        now: when.

    Returns:
        How many deliveries wait again.
    """
    return _again(tx, webhook_id, now, " and made_at >= %(since)s", {"since": since})


def replay_dead(tx: Tx, webhook_id: int, now: datetime) -> int:
    """Send everything again that was given up, under the same ids.

    Args:
        tx: bound to the tenant.
        webhook_id: to which endpoint.
        now: when.

    Returns:
        How many deliveries wait again.
    """
    return _again(tx, webhook_id, now, " and state = 'dead'", {})


def count_of(tx: Tx, webhook_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Count the deliveries of endpoints by state.

    Args:
        tx: bound to the tenant.
        webhook_ids: which endpoints.

    Returns:
        By endpoint and state; what there is none of is absent.
    """
    statement = """select webhook_id, state, count(*) from webhook_deliveries
        where webhook_id = any(%s::bigint[]) group by webhook_id, state"""
    found: dict[int, dict[str, int]] = {}
    for webhook_id, state, count in tx.execute(statement, (list(webhook_ids),)):
        found.setdefault(webhook_id, {})[state] = count
    return found


def _again(tx: Tx, webhook_id: int, now: datetime, which: str, values: dict[str, UUID | datetime]) -> int:
    known = {"webhook": webhook_id, "now": now, "until": now + GIVE_UP_AFTER, **values}
    return tx.execute(_AGAIN + which, known).rowcount


def count_states(relay_tx: Tx) -> Sequence[tuple[str, int, datetime | None]]:
    """Count what waits and what was given up, over all tenants.

    Args:
        relay_tx: a transaction under the relay's role.

    Returns:
        State, number of deliveries and the oldest one's beginning.
    """
    statement = "select state, count(*), min(made_at) from webhook_deliveries where state <> 'delivered'"
    return relay_tx.execute(f"{statement} group by state order by state").fetchall()
