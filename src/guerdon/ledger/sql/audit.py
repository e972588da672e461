"""What the audit goes through, in order of account."""

from __future__ import annotations

# What one account sends another receives, in the same instant: both sides of a pair add up to nothing.
UNMATCHED_TRANSFERS = """
select least(t.account_id, t.other_account), greatest(t.account_id, t.other_account), t.wallet, sum(e.amount)
from transactions t join entries e on e.account_id = t.account_id and e.seq = t.seq
where e.book = 'transit'
group by least(t.account_id, t.other_account), greatest(t.account_id, t.other_account), t.wallet, t.booked_at
having sum(e.amount) <> 0
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
