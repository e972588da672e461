-- Ledger, rewards' first tables, and what the engine keeps: events, their keys, outbox, quarantine.
-- One command a statement; keys and policies as docs and design say: account_id stands in each hot key.

-- The journal: one row for each balanced set of entries, numbered without gaps by account.
create table transactions (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    seq bigint not null check (seq > 0),
    transaction_id uuid not null,
    program_id bigint not null,
    kind text not null check (kind in ('award', 'redeem', 'cancel', 'expire', 'adjust', 'send', 'receive')),
    wallet text not null,
    effective_at timestamptz not null,
    booked_at timestamptz not null,
    event_id uuid not null,
    redemption_id bigint,
    other_account bigint,
    reason text not null,
    leaf_hash bytea not null check (length(leaf_hash) = 32),
    primary key (account_id, seq)
);
create trigger transactions_stay before update or delete or truncate on transactions for each statement execute function refuse_change();
alter table transactions enable row level security;
alter table transactions force row level security;
create policy tenant on transactions to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on transactions to guerdon_app;

-- Lines of a transaction: signed amounts that sum to zero.
create table entries (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    seq bigint not null,
    line smallint not null,
    wallet text not null,
    book text not null check (book in ('member', 'issued', 'redeemed', 'expired', 'adjusted', 'transit')),
    amount bigint not null,
    available_at timestamptz,
    expires_at timestamptz,
    source text not null,
    primary key (account_id, seq, line),
    check (book <> 'member' or available_at is not null),
    check ((available_at is null) = (expires_at is null))
);
create trigger entries_stay before update or delete or truncate on entries for each statement execute function refuse_change();
alter table entries enable row level security;
alter table entries force row level security;
create policy tenant on entries to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on entries to guerdon_app;

-- Open lots; one that is used up is deleted, its entries tell of it.
create table lots (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    wallet text not null,
    expires_at timestamptz not null,
    available_at timestamptz not null,
    remaining bigint not null check (remaining >= 0),
    primary key (account_id, wallet, expires_at, available_at)
);
alter table lots set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
alter table lots enable row level security;
alter table lots force row level security;
create policy tenant on lots to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on lots to guerdon_app;

-- The balance row of each wallet, as booked.
create table wallets (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    wallet text not null,
    program_id bigint not null,
    available bigint not null,
    pending bigint not null check (pending >= 0),
    held bigint not null check (held >= 0),
    changes_at timestamptz,
    idle_expires_at timestamptz,
    primary key (account_id, wallet)
);
alter table wallets set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index wallets_due on wallets (program_id, changes_at) where changes_at is not null;
alter table wallets enable row level security;
alter table wallets force row level security;
create policy tenant on wallets to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on wallets to guerdon_app;

-- What makes an event, and an order, one and the same for ever.
create table event_keys (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    source text not null,
    id text not null,
    account_id bigint not null,
    event_id uuid not null,
    body_hash bytea not null check (length(body_hash) = 32),
    order_id text,
    primary key (program_id, id, source)
);
create unique index event_keys_order on event_keys (program_id, order_id, source) where order_id is not null;
alter table event_keys enable row level security;
alter table event_keys force row level security;
create policy tenant on event_keys to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on event_keys to guerdon_app;

-- Facts and commands with what was decided on them; account 0 is that of guests.
create table events (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    event_id uuid not null,
    program_id bigint not null,
    member_id bigint,
    type text not null,
    source text not null,
    id text not null,
    order_id text,
    channel text not null,
    store text not null,
    occurred_at timestamptz not null,
    booked_at timestamptz not null,
    version integer not null,
    late boolean not null,
    first_seq bigint not null,
    transactions smallint not null,
    body bytea not null,
    sealed bytea,
    decision bytea not null,
    primary key (account_id, event_id)
);
create index events_program on events (program_id, event_id);
alter table events alter column body set storage external;
alter table events alter column decision set storage main;
alter table events enable row level security;
alter table events force row level security;
create policy tenant on events to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on events to guerdon_app;

-- Takings of rewards.
create table redemptions (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    redemption_id bigint not null,
    program_id bigint not null,
    member_id bigint,
    event_id uuid not null,
    reward text not null,
    kind text not null,
    quantity integer not null check (quantity > 0),
    price jsonb not null,
    seqs bigint[] not null,
    code text not null,
    campaign text not null,
    choice text not null,
    version integer not null,
    status text not null check (status in ('issued', 'used', 'cancelled')),
    issued_at timestamptz not null,
    expires_at timestamptz,
    changed_at timestamptz not null,
    primary key (account_id, redemption_id)
);
create index redemptions_by_id on redemptions (redemption_id);
create index redemptions_program on redemptions (program_id, redemption_id);
alter table redemptions enable row level security;
alter table redemptions force row level security;
create policy tenant on redemptions to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on redemptions to guerdon_app;

-- Codes that were given out: what is unique beyond an account.
create table coupon_codes (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    code text not null,
    account_id bigint not null,
    redemption_id bigint not null,
    primary key (program_id, code)
);
alter table coupon_codes enable row level security;
alter table coupon_codes force row level security;
create policy tenant on coupon_codes to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on coupon_codes to guerdon_app;

-- One row for each event that was applied, until the relay has told everybody.
create table outbox (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    event_id uuid not null,
    program_id bigint not null,
    booked_at timestamptz not null,
    notices text[] not null,
    written_in xid8 not null default pg_current_xact_id(),
    primary key (event_id, account_id)
);
alter table outbox set (autovacuum_vacuum_scale_factor = 0.05);
alter table outbox enable row level security;
alter table outbox force row level security;
create policy tenant on outbox to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on outbox to guerdon_app;
grant select, delete on outbox to guerdon_relay;
create policy relay on outbox to guerdon_relay using (true);
grant select on events to guerdon_relay;
create policy relay on events for select to guerdon_relay using (true);

-- Commands that the engine could not apply for a fault of its own; nothing else of them is stored.
create table quarantine (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    quarantine_id uuid not null,
    program_id bigint not null,
    account_id bigint not null,
    kind text not null,
    source text not null,
    id text not null,
    occurred_at timestamptz,
    booked_at timestamptz not null,
    body bytea not null,
    sealed bytea,
    fault text not null,
    detail text not null,
    primary key (quarantine_id)
);
alter table quarantine enable row level security;
alter table quarantine force row level security;
create policy tenant on quarantine to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on quarantine to guerdon_app;

-- First answers to calls that carried an Idempotency-Key, for 24 hours.
create table idempotency_keys (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    scope text not null,
    key text not null,
    body_hash bytea not null check (length(body_hash) = 32),
    answer bytea not null,
    made_at timestamptz not null,
    primary key (tenant_id, key, scope)
);
create index idempotency_keys_made on idempotency_keys (made_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy tenant on idempotency_keys to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on idempotency_keys to guerdon_app;
