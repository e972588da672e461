"""What reads: balances, statements, the audit."""

from __future__ import annotations

LOAD_WALLETS = """
select account_id, wallet, available, pending, held, changes_at, idle_expires_at, debt
from wallets where account_id = any(%s::bigint[])
"""

LOAD_LOTS = """
select account_id, wallet, available_at, nullif(expires_at, 'infinity'), remaining
from lots where account_id = any(%s::bigint[])
"""

READ_WALLETS = """
select w.account_id, w.wallet, w.available, w.pending,
    w.held - coalesce((
        select sum(h.amount) from account_holds h
        where h.account_id = w.account_id and h.kind = 'units' and h.name = w.wallet and h.expires_at <= %s
    ), 0)::bigint,
    w.changes_at, w.idle_expires_at, w.debt, l.available_at, nullif(l.expires_at, 'infinity'), l.remaining
from wallets w left join lots l on l.account_id = w.account_id and l.wallet = w.wallet
where w.account_id = any(%s::bigint[])
"""

LIST_TRANSACTIONS = """
select seq, transaction_id, kind, wallet, effective_at, booked_at, event_id, redemption_id, other_account,
    reason, leaf_hash
from transactions where account_id = %s and seq < %s order by seq desc limit %s
"""

ENTRIES_OF = """
select seq, book, amount, available_at, nullif(expires_at, 'infinity'), source
from entries where account_id = %s and seq between %s and %s order by seq, line
"""

MEMBER_LINES_OF = """
select seq, wallet, available_at, nullif(expires_at, 'infinity'), amount
from entries where account_id = %s and seq = any(%s::bigint[]) and book = 'member' order by seq, line
"""

# What moved into archives and what did not has to be told in one look: rows without an amount say how far.
TURNOVER = """
select t.account_id, null::bigint,
    coalesce(-sum(e.amount) filter (
        where t.kind = 'award' and e.book = 'issued' or t.kind = 'receive' and e.book = 'transit'
    ), 0)::bigint,
    max(t.booked_at) filter (where t.kind in ('redeem', 'convert'))
from transactions t join entries e on e.account_id = t.account_id and e.seq = t.seq
where t.account_id = any(%(accounts)s::bigint[]) and t.wallet = %(wallet)s
group by t.account_id
union all
select account_id, through_seq, 0, null from moved_accounts where account_id = any(%(accounts)s::bigint[])
"""

LOTS_AT = """
select e.wallet, e.available_at, nullif(e.expires_at, 'infinity'), sum(e.amount)::bigint, null::bigint
from entries e join transactions t on t.account_id = e.account_id and t.seq = e.seq
where e.account_id = %(account)s and e.book = 'member' and t.effective_at <= %(at)s
group by 1, 2, 3
union all
select c.wallet, c.available_at, nullif(c.expires_at, 'infinity'), c.amount, null
from carried_units c join moved_accounts m on m.account_id = c.account_id
where c.account_id = %(account)s and c.book = 'member' and m.last_effective_at <= %(at)s
union all
select '', null, null, null, through_seq from moved_accounts
where account_id = %(account)s and last_effective_at > %(at)s
"""

DUE_WALLETS = """
select distinct account_id from wallets
where program_id = %s and changes_at <= %s and account_id > %s order by account_id limit %s
"""

LAPSED_HOLDS = """
select distinct account_id from account_holds
where program_id = %s and expires_at <= %s and account_id > %s order by account_id limit %s
"""

# What is on hold keeps its wallet until the checkout ends.
RETIRED_WALLETS = """
select distinct account_id from wallets
where program_id = %s and wallet = any(%s::text[]) and (available <> 0 or pending <> 0) and held = 0
    and account_id > %s
order by account_id limit %s
"""

UNBALANCED = """
select account_id, seq, wallet, sum(amount) from entries
group by account_id, seq, wallet having sum(amount) <> 0
"""

UNNUMBERED = """
select a.account_id, a.next_seq - 1, coalesce(t.last, m.through_seq, 0),
    coalesce(t.rows, 0) + coalesce(m.through_seq, 0)
from accounts a left join (
    select account_id, min(seq) as first, max(seq) as last, count(*) as rows from transactions
    group by account_id
) t using (account_id)
left join moved_accounts m using (account_id)
where a.next_seq - 1 <> coalesce(t.last, m.through_seq, 0)
    or coalesce(t.last, m.through_seq, 0) <> coalesce(t.rows, 0) + coalesce(m.through_seq, 0)
    or t.first <> coalesce(m.through_seq, 0) + 1
"""

LOTS_UNLIKE_ENTRIES = """
select account_id, wallet, coalesce(l.remaining, 0), coalesce(e.amount, 0)
from lots l full join (
    select account_id, wallet, expires_at, available_at, sum(amount) as amount from (
        select account_id, wallet, expires_at, available_at, amount from entries where book = 'member'
        union all
        select account_id, wallet, expires_at, available_at, amount from carried_units where book = 'member'
    ) both_parts group by 1, 2, 3, 4 having sum(amount) <> 0
) e using (account_id, wallet, expires_at, available_at)
where coalesce(l.remaining, 0) <> coalesce(e.amount, 0)
"""

WALLETS_UNLIKE_LOTS = """
select account_id, wallet, coalesce(w.available, 0), coalesce(w.pending, 0), coalesce(l.available, 0),
    coalesce(l.pending, 0)
from wallets w full join (
    select account_id, wallet,
        sum(remaining) filter (where available_at < coalesce(k.changes_at, 'infinity')) as available,
        sum(remaining) filter (where available_at >= coalesce(k.changes_at, 'infinity')) as pending,
        min(expires_at) as first_end
    from lots left join (select account_id, wallet, changes_at from wallets) k using (account_id, wallet)
    group by account_id, wallet
) l using (account_id, wallet)
where coalesce(w.available, 0) <> coalesce(l.available, 0) or coalesce(w.pending, 0) <> coalesce(l.pending, 0)
    or coalesce(l.first_end, 'infinity') < coalesce(w.changes_at, 'infinity')
"""

DEBTS_UNLIKE_ENTRIES = """
select account_id, wallet, coalesce(w.debt, 0), coalesce(e.owed, 0)
from (select account_id, wallet, debt from wallets where debt <> 0) w full join (
    select account_id, wallet, -sum(amount) as owed from (
        select account_id, wallet, amount from entries where book = 'owed'
        union all
        select account_id, wallet, amount from carried_units where book = 'owed'
    ) both_parts group by account_id, wallet having sum(amount) <> 0
) e using (account_id, wallet)
where coalesce(w.debt, 0) <> coalesce(e.owed, 0)
"""

ALL_LEAVES = """
select t.account_id, a.salt, t.seq, t.kind, t.wallet, t.effective_at, t.booked_at, t.leaf_hash,
    e.book, e.amount, e.available_at, nullif(e.expires_at, 'infinity'), e.source
from transactions t
join accounts a on a.account_id = t.account_id
left join entries e on e.account_id = t.account_id and e.seq = t.seq
order by t.account_id, t.seq, e.line
"""
