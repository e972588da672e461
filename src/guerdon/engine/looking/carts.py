"""Open checkouts as people look at them: who, what it comes to, what it holds and until when."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from guerdon.engine.checkouts.rows import CheckoutRow, find_checkouts
from guerdon.infra.tx import Tx

_OPEN = """
select source, id from checkouts
where program_id = %s and status = 'open' and expires_at > %s and (expires_at, checkout_id) > (%s, %s)
order by expires_at, checkout_id limit %s
"""
_OF_ACCOUNT = """
select source, id from checkouts
where program_id = %s and status = 'open' and expires_at > %s and account_id = %s
order by expires_at, checkout_id limit %s
"""
_PAID_BY = "select source, id from checkouts where account_id = %s and checkout_id = %s and program_id = %s"
_COUNT = """
select count(*) from (
    select 1 from checkouts where program_id = %s and status = 'open' and expires_at > %s limit %s
) as q
"""
_OWN = """
select checkout_id, kind, name, amount from account_holds
where account_id = any(%s::bigint[]) and checkout_id = any(%s::uuid[])
order by kind, name
"""
_SHARED = """
select checkout_id, 'shared', counter, amount from shared_holds
where program_id = %s and checkout_id = any(%s::uuid[])
order by counter
"""
_FIRST = UUID(int=0)

Cursor = tuple[datetime, UUID]
"""When a checkout lapses, and which: what lapses after it is the next page."""


class Held(NamedTuple):
    """Something that a checkout has set aside."""

    kind: str
    """`units`, `use` and `redemption` of its account, `shared` of what all accounts draw from."""
    name: str
    """The wallet, the counter, the redemption's number."""
    amount: Decimal


def list_carts(tx: Tx, program_id: int, now: datetime, after: Cursor | None, limit: int) -> list[CheckoutRow]:
    """Give a page of open checkouts, what lapses first at the top.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        now: those that are over by then are left out.
        after: the last one of the page before.
        limit: how many at most.

    Returns:
        Checkouts.
    """
    begins_at, behind = after or (now, _FIRST)
    keys = tx.execute(_OPEN, (program_id, now, begins_at, behind, limit)).fetchall()
    return _rows(tx, program_id, keys)


def carts_of(tx: Tx, program_id: int, account_id: int, now: datetime, limit: int = 10) -> list[CheckoutRow]:
    """List an account's open checkouts.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        account_id: whose.
        now: those that are over by then are left out.
        limit: how many at most.

    Returns:
        Checkouts, what lapses first at the top.
    """
    return _rows(tx, program_id, tx.execute(_OF_ACCOUNT, (program_id, now, account_id, limit)).fetchall())


def count_carts(tx: Tx, program_id: int, now: datetime, most: int) -> int:
    """Count open checkouts, up to a number.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        now: those that are over by then are left out.
        most: where counting ends.

    Returns:
        How many there are, `most` where there are more.
    """
    row = tx.execute(_COUNT, (program_id, now, most)).fetchone()
    assert row is not None
    return int(row[0])


def find_cart(tx: Tx, program_id: int, source: str, checkout: str) -> CheckoutRow | None:
    """Find a checkout, open or not.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        source: whose.
        checkout: its id there.

    Returns:
        The checkout, None where there is none.
    """
    return find_checkouts(tx, program_id, [(source, checkout)])().get((source, checkout))


def cart_of_order(tx: Tx, program_id: int, account_id: int, checkout_id: UUID) -> CheckoutRow | None:
    """Find the checkout that an order came of.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        account_id: who bought; 0 for a guest.
        checkout_id: our own id of the checkout.

    Returns:
        The checkout, None where it is another account's.
    """
    key = tx.execute(_PAID_BY, (account_id, checkout_id, program_id)).fetchone()
    return None if key is None else find_cart(tx, program_id, key[0], key[1])


def _rows(tx: Tx, program_id: int, keys: Collection[Any]) -> list[CheckoutRow]:
    pairs = [(source, checkout) for source, checkout in keys]
    found = find_checkouts(tx, program_id, pairs)()
    return [found[pair] for pair in pairs if pair in found]


def load_held(tx: Tx, program_id: int, carts: Sequence[CheckoutRow]) -> Mapping[UUID, list[Held]]:
    """Load what checkouts hold.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        carts: which ones.

    Returns:
        By our own id of the checkout; those that hold nothing are left out.
    """
    if not carts:
        return {}
    ids = [one.checkout_id for one in carts]
    own = tx.execute(_OWN, ([one.account_id for one in carts], ids)).fetchall()
    found: dict[UUID, list[Held]] = {}
    for checkout_id, *held in [*own, *tx.execute(_SHARED, (program_id, ids)).fetchall()]:
        found.setdefault(checkout_id, []).append(Held(*held))
    return found
