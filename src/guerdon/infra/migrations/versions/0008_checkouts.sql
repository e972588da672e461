-- Checkouts and holds. A hold is inside the figures that it binds (wallets.held, the counters' used), and its row
-- tells until when; who locks an account or a counter lets go of what has lapsed on it.

-- What open checkouts have set aside of an account's own.
create table account_holds (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    checkout_id uuid not null,
    kind text not null check (kind in ('units', 'use', 'redemption')),
    name text not null,
    program_id bigint not null,
    amount numeric not null check (amount > 0),
    expires_at timestamptz not null,
    primary key (account_id, checkout_id, kind, name)
);
create index account_holds_lapsing on account_holds (program_id, expires_at);
alter table account_holds enable row level security;
alter table account_holds force row level security;
create policy tenant on account_holds to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on account_holds to guerdon_app;

-- What open checkouts have drawn from counters that all accounts share.
create table shared_holds (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    counter text not null,
    checkout_id uuid not null,
    amount numeric not null check (amount > 0),
    expires_at timestamptz not null,
    primary key (program_id, counter, checkout_id)
);
create index shared_holds_lapsing on shared_holds (program_id, counter, expires_at);
create index shared_holds_checkout on shared_holds (program_id, checkout_id);
alter table shared_holds enable row level security;
alter table shared_holds force row level security;
create policy tenant on shared_holds to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on shared_holds to guerdon_app;

-- One row for each checkout, whoever it is for; account 0 is that of guests.
create table checkouts (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    source text not null,
    id text not null,
    checkout_id uuid not null,
    account_id bigint not null,
    member_id bigint,
    status text not null check (status in ('open', 'confirmed', 'cancelled')),
    version integer not null,
    quoted_at timestamptz not null,
    expires_at timestamptz not null,
    changed_at timestamptz not null,
    promised bytea not null,
    sealed bytea,
    event_id uuid,
    primary key (program_id, id, source)
);
create index checkouts_account on checkouts (account_id, checkout_id);
create index checkouts_open on checkouts (program_id, expires_at) where status = 'open';
alter table checkouts enable row level security;
alter table checkouts force row level security;
create policy tenant on checkouts to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on checkouts to guerdon_app;
