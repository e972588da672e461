-- What reads the outbox, and what goes out and comes in by webhook.

-- The outbox is read in the order of transactions; the same columns as before, in another order.
alter table outbox drop constraint outbox_pkey;
alter table outbox add primary key (written_in, event_id, account_id);

-- How far each consumer has read. Of no tenant: 0 stands for all of them, and only the relay sees it.
create table relay_cursors (
    tenant_id bigint not null default 0 check (tenant_id = 0),
    consumer text not null,
    shard integer not null check (shard >= 0),
    written_in xid8 not null default '0',
    event_id uuid not null default '00000000-0000-0000-0000-000000000000',
    account_id bigint not null default 0,
    primary key (consumer, shard)
);
alter table relay_cursors enable row level security;
alter table relay_cursors force row level security;
create policy relay on relay_cursors to guerdon_relay using (true);
grant select, insert, update on relay_cursors to guerdon_relay;

-- Who wants to be told.
create table webhooks (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    webhook_id bigint not null,
    program_id bigint,
    url text not null,
    types text[] not null,
    description text not null,
    enabled boolean not null,
    disabled_because text not null default '',
    secret bytea not null,
    old_secret bytea,
    old_secret_until timestamptz,
    not_before timestamptz,
    since xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null,
    changed_at timestamptz not null,
    primary key (webhook_id)
);
create index webhooks_by_tenant on webhooks (tenant_id, webhook_id);
alter table webhooks enable row level security;
alter table webhooks force row level security;
create policy tenant on webhooks to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on webhooks to guerdon_app;
create policy relay on webhooks to guerdon_relay using (true);
grant select, update (enabled, disabled_because, not_before, changed_at) on webhooks to guerdon_relay;

-- What is told: one row for a notice, however many want it.
create table webhook_messages (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    message_id uuid not null,
    account_id bigint not null,
    program_id bigint not null,
    event_id uuid not null,
    type text not null,
    made_at timestamptz not null,
    body bytea not null,
    primary key (message_id, account_id)
);
alter table webhook_messages enable row level security;
alter table webhook_messages force row level security;
create policy tenant on webhook_messages to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select on webhook_messages to guerdon_app;
create policy relay on webhook_messages to guerdon_relay using (true);
grant select, insert, delete on webhook_messages to guerdon_relay;

-- To whom, and what became of it.
create table webhook_deliveries (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    webhook_id bigint not null,
    message_id uuid not null,
    account_id bigint not null,
    type text not null,
    state text not null check (state in ('waiting', 'delivered', 'dead')),
    attempts integer not null default 0,
    made_at timestamptz not null,
    next_at timestamptz,
    give_up_at timestamptz not null,
    leased_until timestamptz,
    last_status integer,
    last_problem text not null default '',
    settled_at timestamptz,
    primary key (webhook_id, message_id, account_id),
    check ((state = 'waiting') = (next_at is not null))
);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_at, message_id) where state = 'waiting';
create index webhook_deliveries_open on webhook_deliveries (webhook_id, account_id) where leased_until is not null;
alter table webhook_deliveries set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
alter table webhook_deliveries enable row level security;
alter table webhook_deliveries force row level security;
create policy tenant on webhook_deliveries to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, update, delete on webhook_deliveries to guerdon_app;
create policy relay on webhook_deliveries to guerdon_relay using (true);
grant select, insert, update, delete on webhook_deliveries to guerdon_relay;

-- Doors for the webhooks of others.
create table order_hooks (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    hook_id bigint not null,
    program_id bigint not null,
    program text not null,
    description text not null,
    mapping jsonb not null,
    signature jsonb not null,
    enrol boolean not null,
    secret bytea not null,
    created_at timestamptz not null,
    primary key (hook_id)
);
create index order_hooks_by_tenant on order_hooks (tenant_id, hook_id);
alter table order_hooks enable row level security;
alter table order_hooks force row level security;
create policy tenant on order_hooks to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on order_hooks to guerdon_app;
-- Whose a door is must be known before its tenant is.
create policy lookup on order_hooks for select to guerdon_lookup using (true);
grant select on order_hooks to guerdon_lookup;
