-- Sums that the overview shows, so that no page looks at the journal: kept by a reader of the outbox.

-- How far a tenant's sums have come. What a snapshot `since` saw was summed from the tables themselves; of the outbox
-- only what it did not see is added, up to the place that was read last.
create table rollup_places (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    since pg_snapshot not null default pg_current_snapshot(),
    written_in xid8 not null default '0',
    event_id uuid not null default '00000000-0000-0000-0000-000000000000',
    account_id bigint not null default 0,
    complete_at timestamptz not null,
    primary key (tenant_id)
);
alter table rollup_places enable row level security;
alter table rollup_places force row level security;
create policy tenant on rollup_places to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on rollup_places to guerdon_app;

-- Units by the program's day on which they moved.
create table rollup_units (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    moved_on date not null,
    wallet text not null,
    kind text not null,
    book text not null,
    source text not null,
    amount bigint not null,
    times bigint not null,
    primary key (program_id, moved_on, wallet, kind, book, source)
);
alter table rollup_units enable row level security;
alter table rollup_units force row level security;
create policy tenant on rollup_units to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on rollup_units to guerdon_app;

-- What is left of all lots that end on a day.
create table rollup_endings (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    ends_on date not null,
    wallet text not null,
    amount bigint not null,
    primary key (program_id, ends_on, wallet)
);
alter table rollup_endings enable row level security;
alter table rollup_endings force row level security;
create policy tenant on rollup_endings to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on rollup_endings to guerdon_app;

-- What is counted by the program's day: orders, their net in minor units, buyers, enrolments.
create table rollup_days (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    counted_on date not null,
    measure text not null,
    amount bigint not null,
    primary key (program_id, counted_on, measure)
);
alter table rollup_days enable row level security;
alter table rollup_days force row level security;
create policy tenant on rollup_days to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on rollup_days to guerdon_app;

-- The day of a month on which an account bought first, so that buyers are counted once.
create table rollup_buyers (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    account_id bigint not null,
    month_on date not null,
    first_on date not null,
    primary key (account_id, month_on)
);
alter table rollup_buyers enable row level security;
alter table rollup_buyers force row level security;
create policy tenant on rollup_buyers to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on rollup_buyers to guerdon_app;

-- How many accounts stand on each level of a ladder.
create table rollup_levels (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    ladder text not null,
    level text not null,
    accounts bigint not null,
    primary key (program_id, ladder, level)
);
alter table rollup_levels enable row level security;
alter table rollup_levels force row level security;
create policy tenant on rollup_levels to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on rollup_levels to guerdon_app;

-- The language in which somebody of the staff wants the console; empty where they never said.
alter table staff add column language text not null default '' check (length(language) <= 35);

-- Erased people are few, and are counted as they are.
create index members_erased on members (program_id, member_id) where erased_at is not null;
