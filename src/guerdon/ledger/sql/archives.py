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

RECORDED = """
select month, transactions, log_size, first_position, last_position, file_sha256, recorded_at, moved_at
from archived_months where program_id = %s order by month
"""

LOCK_RECORDED = "select month from archived_months where program_id = %s order by month for update"

# A month of which nothing has moved may be recorded anew: its whole file was held against the journal again.
RECORD = """
insert into archived_months (program_id, month, begins, ends, transactions, log_size, first_position,
    last_position, file_sha256, recorded_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (program_id, month) do update
set transactions = excluded.transactions, log_size = excluded.log_size, file_sha256 = excluded.file_sha256,
    first_position = excluded.first_position, last_position = excluded.last_position,
    recorded_at = excluded.recorded_at, moved_at = null
"""

NOTE_MOVED = """
update archived_months set moved_at = %s where program_id = %s and moved_at is null
"""

STILL_THERE = """
select count(*) from transactions t
join log_leaves l on l.program_id = t.program_id and l.account_id = t.account_id and l.seq = t.seq
join archived_months m on m.program_id = t.program_id and t.booked_at >= m.begins and t.booked_at < m.ends
    and l.position < m.log_size
where t.program_id = %s and m.month = %s
"""

# A webhook's notice tells what was held right after its event, which it reads from the journal.
UNTOLD = """
select min(o.booked_at) from outbox o
where o.program_id = %s and o.booked_at < %s and exists (
    select from webhooks w
    where w.enabled and (w.program_id is null or w.program_id = o.program_id) and w.since <= o.written_in
)
"""

# Of each account the transactions that come next and are in a recorded file by their hashes, without a gap.
COVERED = """
select account_id, min(seq), max(seq), max(effective_at) from (
    select account_id, seq, effective_at from (
        select t.account_id, t.seq, t.effective_at, coalesce(a.through_seq, 0) as through,
            row_number() over (partition by t.account_id order by t.seq) as place
        from transactions t
        left join moved_accounts a on a.account_id = t.account_id
        join archived_months m
            on m.program_id = t.program_id and t.booked_at >= m.begins and t.booked_at < m.ends
        join log_leaves l on l.program_id = t.program_id and l.account_id = t.account_id and l.seq = t.seq
            and l.hash = t.leaf_hash and l.transaction_id = t.transaction_id and l.position < m.log_size
        where t.program_id = %(program)s and t.account_id = any(%(accounts)s::bigint[])
            and t.seq <= coalesce(a.through_seq, 0) + %(rows)s
    ) covered
    where seq = through + place order by account_id, seq limit %(rows)s
) chosen
group by account_id order by account_id
"""

NOTE_THROUGH = """
insert into moved_accounts (program_id, account_id, through_seq, last_effective_at)
select %s::bigint, * from unnest(%s::bigint[], %s::bigint[], %s::timestamptz[])
on conflict (account_id) do update set through_seq = excluded.through_seq,
    last_effective_at = greatest(moved_accounts.last_effective_at, excluded.last_effective_at)
"""

MOVE = """
with gone as (
    delete from transactions t
    using unnest(%s::bigint[], %s::bigint[], %s::bigint[]) as d (account_id, first, last)
    where t.account_id = any(%s::bigint[]) and t.account_id = d.account_id
        and t.seq >= d.first and t.seq <= d.last
    returning t.account_id, t.seq, t.other_account
), lines as (
    delete from entries e
    using unnest(%s::bigint[], %s::bigint[], %s::bigint[]) as d (account_id, first, last)
    where e.account_id = any(%s::bigint[]) and e.account_id = d.account_id
        and e.seq >= d.first and e.seq <= d.last
    returning e.account_id, e.seq, e.wallet, e.book, e.available_at, e.expires_at, e.amount
), carried as (
    insert into carried_units (account_id, wallet, book, available_at, expires_at, other_account, amount)
    select l.account_id, l.wallet, l.book, coalesce(l.available_at, '-infinity'),
        coalesce(l.expires_at, 'infinity'),
        case when l.book = 'transit' then coalesce(g.other_account, 0) else 0 end,
        sum(l.amount)
    from lines l left join gone g on g.account_id = l.account_id and g.seq = l.seq
    group by 1, 2, 3, 4, 5, 6
    on conflict (account_id, wallet, book, available_at, expires_at, other_account)
    do update set amount = carried_units.amount + excluded.amount
)
select count(*) from gone
"""

DROP_EMPTY = "delete from carried_units where account_id = any(%s::bigint[]) and amount = 0"

LEAVES_AT = """
select l.account_id, l.seq, l.transaction_id, l.hash
from unnest(%s::bigint[], %s::bigint[]) as d (account_id, seq)
join log_leaves l on l.program_id = %s and l.account_id = d.account_id and l.seq = d.seq
"""

DROP_THROUGH = "delete from moved_accounts where account_id = any(%s::bigint[])"

ADD_CARRIED = """
insert into carried_units (account_id, wallet, book, available_at, expires_at, other_account, amount)
select account_id, wallet, book, coalesce(available_at, '-infinity'), coalesce(expires_at, 'infinity'),
    other_account, amount
from unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[],
    %s::bigint[]) as d (account_id, wallet, book, available_at, expires_at, other_account, amount)
on conflict (account_id, wallet, book, available_at, expires_at, other_account)
do update set amount = carried_units.amount + excluded.amount
"""

FORGET = "delete from archived_months where program_id = %s and month >= %s"
