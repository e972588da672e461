"""What the audit goes through, in order of account."""

from __future__ import annotations

# What one account sends another receives, in the same instant: both sides of a pair add up to nothing.
# Of what moved into archives the instants are not carried forward: such pairs add up over all their time.
UNMATCHED_TRANSFERS = """
with sides as (
    select least(t.account_id, t.other_account) as one, greatest(t.account_id, t.other_account) as other,
        t.wallet, t.booked_at, e.amount
    from transactions t join entries e on e.account_id = t.account_id and e.seq = t.seq
    where e.book = 'transit'
    union all
    select least(account_id, other_account), greatest(account_id, other_account), wallet, null, amount
    from carried_units where book = 'transit'
), pairs as (
    select one, other, wallet, booked_at, amount,
        count(*) filter (where booked_at is null) over (partition by one, other, wallet) > 0 as is_carried
    from sides
)
select one, other, wallet, sum(amount) from pairs
group by one, other, wallet, case when not is_carried then booked_at end having sum(amount) <> 0
"""

UNBALANCED_CARRIED = """
select account_id, wallet, sum(amount) from carried_units group by account_id, wallet having sum(amount) <> 0
"""

MOVED_UNCOVERED = """
select m.program_id, sum(m.through_seq), coalesce((
    select sum(a.transactions) from archived_months a where a.program_id = m.program_id
), 0)
from moved_accounts m group by m.program_id
having sum(m.through_seq) > coalesce((
    select sum(a.transactions) from archived_months a where a.program_id = m.program_id
), 0)
"""

WALK_MOVED = """
select account_id, through_seq, program_id, last_effective_at from moved_accounts order by account_id
"""

WALK_MOVED_LEAVES = """
select l.account_id, l.seq, l.transaction_id, l.hash
from moved_accounts m join log_leaves l on l.program_id = m.program_id and l.account_id = m.account_id
    and l.seq <= m.through_seq
order by l.account_id, l.seq
"""

WALK_CARRIED = """
select account_id, wallet, book, nullif(available_at, '-infinity'), nullif(expires_at, 'infinity'),
    other_account, amount
from carried_units order by account_id, wallet, book, available_at, expires_at, other_account
"""

WALK_TRANSACTIONS = """
select account_id, seq, kind, wallet, effective_at, booked_at, leaf_hash, transaction_id, event_id,
    redemption_id, other_account, reason, program_id
from transactions order by account_id, seq
"""

WALK_ENTRIES = """
select account_id, seq, line, wallet, book, amount, available_at, nullif(expires_at, 'infinity'), source
from entries order by account_id, seq, line
"""

WALK_LOTS = """
select account_id, wallet, available_at, nullif(expires_at, 'infinity'), remaining
from lots order by account_id, wallet
"""

WALK_WALLETS = """
select account_id, wallet, available, pending, held, changes_at, idle_expires_at, debt, program_id
from wallets order by account_id, wallet
"""
