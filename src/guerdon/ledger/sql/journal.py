"""What writes: set-based, with `account_id = any(...)` on the target."""

from __future__ import annotations

INSERT_TRANSACTIONS = """
insert into transactions (program_id, account_id, seq, transaction_id, kind, wallet, effective_at, booked_at,
    event_id, redemption_id, other_account, reason, leaf_hash)
select %s::bigint, * from unnest(%s::bigint[], %s::bigint[], %s::uuid[], %s::text[], %s::text[],
    %s::timestamptz[], %s::timestamptz[], %s::uuid[], %s::bigint[], %s::bigint[], %s::text[], %s::bytea[])
"""

INSERT_ENTRIES = """
insert into entries (account_id, seq, line, wallet, book, amount, available_at, expires_at, source)
select account_id, seq, line, wallet, book, amount, available_at,
    case when available_at is not null then coalesce(expires_at, 'infinity') end, source
from unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::text[], %s::text[], %s::bigint[],
    %s::timestamptz[], %s::timestamptz[], %s::text[])
    as d (account_id, seq, line, wallet, book, amount, available_at, expires_at, source)
"""

ADD_LOTS = """
insert into lots (account_id, wallet, expires_at, available_at, remaining)
select account_id, wallet, coalesce(expires_at, 'infinity'), available_at, amount
from unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[])
    as d (account_id, wallet, expires_at, available_at, amount)
on conflict (account_id, wallet, expires_at, available_at)
do update set remaining = lots.remaining + excluded.remaining
"""

TAKE_LOTS = """
update lots set remaining = lots.remaining - d.amount
from unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[])
    as d (account_id, wallet, expires_at, available_at, amount)
where lots.account_id = any(%s::bigint[]) and lots.account_id = d.account_id and lots.wallet = d.wallet
    and lots.expires_at = coalesce(d.expires_at, 'infinity') and lots.available_at = d.available_at
"""

DELETE_LOTS = """
delete from lots
using unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    as d (account_id, wallet, expires_at, available_at)
where lots.account_id = any(%s::bigint[]) and lots.account_id = d.account_id and lots.wallet = d.wallet
    and lots.expires_at = coalesce(d.expires_at, 'infinity') and lots.available_at = d.available_at
"""

WRITE_WALLETS = """
insert into wallets (program_id, account_id, wallet, available, pending, held, changes_at, idle_expires_at,
    debt)
select %s::bigint, * from unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::timestamptz[], %s::timestamptz[], %s::bigint[])
on conflict (account_id, wallet) do update set available = excluded.available, pending = excluded.pending,
    held = excluded.held, changes_at = excluded.changes_at, idle_expires_at = excluded.idle_expires_at,
    debt = excluded.debt
"""
