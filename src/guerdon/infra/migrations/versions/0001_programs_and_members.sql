-- Programs and members (floors 2 and 3).
--
-- Each table begins with tenant_id, filled in from the transaction's tenant and fenced by row-level security that holds
-- for the owner too. A transaction that named no tenant gets an error from the policy, never somebody's rows.
-- Tables of the hot path have account_id in each key; what must be unique beyond an account (identities) or is shared
-- by a program (shared_counters) stands in a table keyed by just that. Hot tables leave room for updates in place.

create function refuse_change() returns trigger
    language plpgsql
    as $$
begin
    raise exception 'rows of % are never changed or deleted', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

-- Reference tables: small, read everywhere, never written on the hot path ----------------------------------------------

create table tenants (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    key text not null,
    name text not null,
    sandbox boolean not null default false,
    created_at timestamptz not null,
    primary key (tenant_id),
    unique (key)
);
alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenant on tenants to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on tenants to guerdon_app;
create policy lookup on tenants for select to guerdon_lookup using (true);
grant select on tenants to guerdon_lookup;

create table api_keys (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    key_id bigint not null,
    prefix text not null,
    digest bytea not null,
    name text not null,
    scopes text[] not null,
    created_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (key_id),
    unique (digest),
    foreign key (tenant_id) references tenants (tenant_id)
);
create index api_keys_by_prefix on api_keys (prefix);
alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy tenant on api_keys to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on api_keys to guerdon_app;
create policy lookup on api_keys for select to guerdon_lookup using (true);
grant select on api_keys to guerdon_lookup;

create table programs (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    key text not null,
    live_version integer not null,
    created_at timestamptz not null,
    primary key (program_id),
    unique (tenant_id, key),
    foreign key (tenant_id) references tenants (tenant_id)
);
alter table programs enable row level security;
alter table programs force row level security;
create policy tenant on programs to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on programs to guerdon_app;

create table program_versions (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    version integer not null,
    definition_sha256 bytea not null,
    canonical bytea not null,
    source_text text not null,
    applied_by text not null,
    applied_at timestamptz not null,
    primary key (program_id, version),
    foreign key (program_id) references programs (program_id)
);
create trigger program_versions_stay before update or delete on program_versions
    for each row execute function refuse_change();
alter table program_versions enable row level security;
alter table program_versions force row level security;
create policy tenant on program_versions to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on program_versions to guerdon_app;

create table audit (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    audit_id uuid not null,
    program_id bigint,
    at timestamptz not null,
    actor text not null,
    action text not null,
    object text not null,
    detail jsonb not null,
    primary key (audit_id)
);
create index audit_by_object on audit (tenant_id, object, audit_id);
create trigger audit_stays before update or delete on audit
    for each row execute function refuse_change();
alter table audit enable row level security;
alter table audit force row level security;
create policy tenant on audit to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on audit to guerdon_app;

-- Shared by all accounts of a program ----------------------------------------------------------------------------------

create table shared_counters (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    counter text not null,
    used numeric not null default 0,
    bound numeric,
    primary key (program_id, counter),
    check (used >= 0)
) with (fillfactor = 50);
alter table shared_counters enable row level security;
alter table shared_counters force row level security;
create policy tenant on shared_counters to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on shared_counters to guerdon_app;

-- Accounts and their people --------------------------------------------------------------------------------------------

create table accounts (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    program_id bigint not null,
    kind text not null,
    created_at timestamptz not null,
    last_occurred_at timestamptz,
    last_booked_at timestamptz,
    next_seq bigint not null default 1,
    members integer not null default 1,
    salt bytea not null,
    primary key (account_id)
) with (fillfactor = 80);
create index accounts_by_program on accounts (program_id, account_id);
alter table accounts enable row level security;
alter table accounts force row level security;
create policy tenant on accounts to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on accounts to guerdon_app;

-- What names a person stands in `sealed` alone, under a key of that person's own; birth_mmdd and plain attributes go
-- with it on erasure. `consents` is {topic: {given, at}}.
create table members (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    member_id bigint not null,
    program_id bigint not null,
    role text not null,
    language text not null default '',
    birth_mmdd text not null default '',
    joined_at timestamptz not null,
    attributes jsonb not null default '{}',
    consents jsonb not null default '{}',
    wrapped_key bytea,
    sealed bytea,
    erased_at timestamptz,
    primary key (account_id, member_id),
    foreign key (account_id) references accounts (account_id),
    check (erased_at is null or (wrapped_key is null and sealed is null)),
    check (role in ('owner', 'admin', 'buyer', 'approver'))
) with (fillfactor = 90);
create index members_by_program on members (program_id, member_id);
create index members_by_birthday on members (program_id, birth_mmdd) where birth_mmdd <> '';
alter table members enable row level security;
alter table members force row level security;
create policy tenant on members to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on members to guerdon_app;

create table identities (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    digest bytea not null,
    kind text not null,
    account_id bigint not null,
    member_id bigint not null,
    primary key (program_id, digest)
);
create index identities_by_member on identities (account_id, member_id);
alter table identities enable row level security;
alter table identities force row level security;
create policy tenant on identities to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on identities to guerdon_app;

create table name_words (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    member_id bigint not null,
    digest bytea not null,
    program_id bigint not null,
    primary key (account_id, member_id, digest)
);
create index name_words_by_digest on name_words (program_id, digest, member_id);
alter table name_words enable row level security;
alter table name_words force row level security;
create policy tenant on name_words to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on name_words to guerdon_app;

-- Standing: what decisions read and change -----------------------------------------------------------------------------

create table metric_buckets (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    metric text not null,
    bucket_on date not null,
    total numeric not null,
    count bigint not null,
    primary key (account_id, metric, bucket_on)
) with (fillfactor = 80);
alter table metric_buckets enable row level security;
alter table metric_buckets force row level security;
create policy tenant on metric_buckets to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on metric_buckets to guerdon_app;

create table account_counters (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    counter text not null,
    used numeric not null,
    primary key (account_id, counter)
) with (fillfactor = 80);
alter table account_counters enable row level security;
alter table account_counters force row level security;
create policy tenant on account_counters to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on account_counters to guerdon_app;

create table tiers (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    ladder text not null,
    program_id bigint not null,
    level text not null,
    since timestamptz not null,
    changes_at timestamptz,
    anchor_level text not null,
    anchor_on date not null,
    definition text not null,
    primary key (account_id, ladder)
) with (fillfactor = 80);
create index tiers_due on tiers (program_id, changes_at) where changes_at is not null;
alter table tiers enable row level security;
alter table tiers force row level security;
create policy tenant on tiers to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on tiers to guerdon_app;

create table badges (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    badge text not null,
    earned_at timestamptz not null,
    primary key (account_id, badge)
);
alter table badges enable row level security;
alter table badges force row level security;
create policy tenant on badges to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on badges to guerdon_app;
