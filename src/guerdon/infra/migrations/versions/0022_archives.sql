-- Months of the journal move into files. What stays: which file, how far each account's journal moved, and its sums.
-- Only the owner's routine writes here and deletes from the journal; what it deletes has to be under a recorded month.

-- Files that were checked against the journal while all of their month was there.
create table archived_months (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    month date not null,
    begins timestamptz not null,
    ends timestamptz not null check (ends > begins),
    transactions bigint not null check (transactions > 0),
    log_size bigint not null check (log_size > last_position),
    first_position bigint not null check (first_position >= 0),
    last_position bigint not null check (last_position >= first_position),
    file_sha256 bytea not null check (length(file_sha256) = 32),
    recorded_at timestamptz not null,
    moved_at timestamptz,
    primary key (program_id, month)
);
alter table archived_months enable row level security;
alter table archived_months force row level security;
create policy tenant on archived_months to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
create policy archives on archived_months to guerdon_owner using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select on archived_months to guerdon_app;

-- How many of the first transactions of an account are in archives and no longer in the journal.
create table moved_accounts (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    program_id bigint not null,
    through_seq bigint not null check (through_seq > 0),
    last_effective_at timestamptz not null,
    primary key (account_id)
);
alter table moved_accounts enable row level security;
alter table moved_accounts force row level security;
create policy tenant on moved_accounts to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
create policy archives on moved_accounts to guerdon_owner using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select on moved_accounts to guerdon_app;

-- What the entries that moved add up to: by lot for members' units, by the other account for what is in transit.
create table carried_units (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    wallet text not null,
    book text not null,
    available_at timestamptz not null,
    expires_at timestamptz not null,
    other_account bigint not null,
    amount bigint not null,
    primary key (account_id, wallet, book, available_at, expires_at, other_account)
);
alter table carried_units enable row level security;
alter table carried_units force row level security;
create policy tenant on carried_units to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
create policy archives on carried_units to guerdon_owner using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select on carried_units to guerdon_app;

create policy archives_read on transactions for select to guerdon_owner using (tenant_id = current_setting('guerdon.tenant')::bigint);
create policy archives_move on transactions for delete to guerdon_owner using (tenant_id = current_setting('guerdon.tenant')::bigint);
create policy archives_read on entries for select to guerdon_owner using (tenant_id = current_setting('guerdon.tenant')::bigint);
create policy archives_move on entries for delete to guerdon_owner using (tenant_id = current_setting('guerdon.tenant')::bigint);
create policy archives_read on log_leaves for select to guerdon_owner using (tenant_id = current_setting('guerdon.tenant')::bigint);

-- A transaction may go that is noted as moved, and is, by its hash, in the file of a recorded month.
create function refuse_unarchived() returns trigger
    language plpgsql
    set search_path = guerdon, pg_temp
    as $$
begin
    if exists (
        select from gone g
        where not exists (
            select from moved_accounts a
            join archived_months m on m.program_id = a.program_id and g.booked_at >= m.begins and g.booked_at < m.ends
            join log_leaves l on l.program_id = a.program_id and l.account_id = a.account_id and l.seq = g.seq
            where a.account_id = g.account_id and a.program_id = g.program_id and a.through_seq >= g.seq
                and l.hash = g.leaf_hash and l.transaction_id = g.transaction_id and l.position < m.log_size
        )
    ) then
        raise exception 'rows of % leave for a recorded archive only', tg_table_name using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;

-- A line may go with its transaction, which was looked at above.
create function refuse_left_over() returns trigger
    language plpgsql
    set search_path = guerdon, pg_temp
    as $$
begin
    if exists (
        select from gone g
        where not exists (select from moved_accounts a where a.account_id = g.account_id and a.through_seq >= g.seq)
            or exists (select from transactions t where t.account_id = g.account_id and t.seq = g.seq)
    ) then
        raise exception 'rows of % leave for a recorded archive only', tg_table_name using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;

drop trigger transactions_stay on transactions;
create trigger transactions_stay before update or truncate on transactions
    for each statement execute function refuse_change();
create trigger transactions_leave after delete on transactions
    referencing old table as gone for each statement execute function refuse_unarchived();
drop trigger entries_stay on entries;
create trigger entries_stay before update or truncate on entries
    for each statement execute function refuse_change();
create trigger entries_leave after delete on entries
    referencing old table as gone for each statement execute function refuse_left_over();
