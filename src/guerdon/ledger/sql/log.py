"""What writes and reads the Merkle log."""

from __future__ import annotations

HEAD = """
select size, root, edge from log_batches where program_id = %s order by size desc limit 1
"""

HEAD_AT = """
select size, root from log_batches where program_id = %s and size = %s
"""

LOGGED = """
select d.account_id, coalesce((
    select max(l.seq) from log_leaves l where l.program_id = %s and l.account_id = d.account_id
), 0) from unnest(%s::bigint[]) as d (account_id)
"""

UNLOGGED = """
select t.account_id, t.seq, t.transaction_id, t.leaf_hash
from unnest(%s::bigint[], %s::bigint[]) as d (account_id, seq)
join transactions t on t.account_id = d.account_id and t.seq > d.seq
where t.account_id = any(%s::bigint[]) order by t.account_id, t.seq limit %s
"""

ACCOUNTS_AFTER = """
select account_id from accounts where program_id = %s and account_id > %s order by account_id limit %s
"""

INSERT_LEAVES = """
insert into log_leaves (program_id, position, account_id, seq, transaction_id, hash)
select %s::bigint, position, account_id, seq, transaction_id, hash
from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::uuid[], %s::bytea[])
    as d (position, account_id, seq, transaction_id, hash)
"""

INSERT_NODES = """
insert into log_nodes (program_id, level, place, hash)
select %s::bigint, level, place, hash
from unnest(%s::smallint[], %s::bigint[], %s::bytea[]) as d (level, place, hash)
"""

INSERT_BATCH = """
insert into log_batches (program_id, size, follows, root, edge, logged_at) values (%s, %s, %s, %s, %s, %s)
"""

IS_BEGUN = "select 1 from log_begun where program_id = %s"

BEGIN = "insert into log_begun (program_id, begun_at) values (%s, %s) on conflict do nothing"

LEAVES_IN = """
select l.position, l.hash from unnest(%s::bigint[], %s::bigint[]) as d (first, past)
join log_leaves l on l.program_id = %s and l.position >= d.first and l.position < d.past
"""

NODES_IN = """
select n.level, n.place, n.hash
from unnest(%s::smallint[], %s::bigint[], %s::bigint[]) as d (level, first, past)
join log_nodes n on n.program_id = %s and n.level = d.level and n.place >= d.first and n.place < d.past
"""

FIND_LEAF = """
select position, account_id, seq from log_leaves where program_id = %s and transaction_id = %s
"""

LEAVES_OF = """
select seq, position from log_leaves where program_id = %s and account_id = %s and position < %s order by seq
"""

SALT = "select salt from accounts where program_id = %s and account_id = %s"

KEYS = """
select number, name, salt, public_key, since from log_keys where program_id = %s order by number
"""

INSERT_KEY = """
insert into log_keys (program_id, number, name, salt, public_key, since) values (%s, %s, %s, %s, %s, %s)
on conflict do nothing
"""

LAST_CHECKPOINT = """
select size, note, signed_at from log_checkpoints where program_id = %s order by size desc limit 1
"""

CHECKPOINT_AT = """
select size, note, signed_at from log_checkpoints where program_id = %s and size = %s
"""

LIST_CHECKPOINTS = """
select size, note, signed_at from log_checkpoints where program_id = %s and size < %s
order by size desc limit %s
"""

INSERT_CHECKPOINT = """
insert into log_checkpoints (program_id, size, follows, note, signed_at) values (%s, %s, %s, %s, %s)
on conflict do nothing
"""

LOGS = """
select program_id from log_leaves union select program_id from log_batches
union select program_id from log_nodes union select program_id from log_checkpoints
union select program_id from log_keys order by 1
"""

LEAVES_FROM = """
select position, account_id, seq, transaction_id, hash from log_leaves
where program_id = %s and position >= %s and position < %s order by position
"""

NODES_BELOW = """
select level, place, hash from log_nodes where program_id = %s and level = %s and place >= %s and place < %s
"""

NODES_BEYOND = """
select level, place from log_nodes where program_id = %s and (place + 1) << level::int > %s order by 1, 2
"""

BATCHES_IN = """
select size, coalesce(follows, 0), root, edge from log_batches
where program_id = %s and size > %s and size <= %s order by size
"""

BATCHES_BEYOND = "select size from log_batches where program_id = %s and size > %s order by 1"

LEAVES_UNLIKE_JOURNAL = """
select l.position, l.account_id, l.seq, t.account_id is null from log_leaves l
left join transactions t on t.account_id = l.account_id and t.seq = l.seq
left join moved_accounts m on m.account_id = l.account_id and m.program_id = l.program_id
where l.program_id = %s and (t.account_id is not null or l.seq > coalesce(m.through_seq, 0)) and (
    t.leaf_hash is distinct from l.hash or t.transaction_id is distinct from l.transaction_id
    or t.program_id is distinct from l.program_id
) order by 1
"""

SKIPPED = """
select account_id, min(seq), max(seq), count(*) from log_leaves where program_id = %s group by 1
having min(seq) <> 1 or max(seq) <> count(*) order by 1
"""

CHECKPOINTS_IN = """
select size, coalesce(follows, -1), note from log_checkpoints
where program_id = %s and size > %s and size <= %s order by size
"""
