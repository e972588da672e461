"""What reads months of the journal for archives."""

from __future__ import annotations

MONTHS = """
select date_trunc('month', booked_at at time zone 'UTC')::date, count(*)
from transactions where program_id = %s and booked_at < %s group by 1 order by 1
"""

MONTH_ROWS = """
select t.account_id, t.seq, t.transaction_id, t.kind, t.wallet, t.effective_at, t.booked_at, t.event_id,
    t.redemption_id, t.other_account, t.reason, a.salt, l.position
from transactions t
join accounts a on a.account_id = t.account_id
left join log_leaves l on l.program_id = t.program_id and l.account_id = t.account_id and l.seq = t.seq
where t.program_id = %s and t.booked_at >= %s and t.booked_at < %s order by t.account_id, t.seq
"""

ENTRIES_IN = """
select e.account_id, e.seq, e.book, e.amount, e.available_at, nullif(e.expires_at, 'infinity'), e.source
from unnest(%s::bigint[], %s::bigint[]) as d (account_id, seq)
join entries e on e.account_id = d.account_id and e.seq = d.seq
where e.account_id = any(%s::bigint[]) order by e.account_id, e.seq, e.line
"""
