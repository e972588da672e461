-- Which keys of access tokens and tickets took another's place, and how long the others are still good.
-- No secret is here: keys are derived from the tenant's own by their number. Without a row number 1 signs.
create table access_keys (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    number integer not null check (number > 0),
    since timestamptz not null,
    -- When tokens that it signed are good no more; null for the one that signs.
    ends_at timestamptz,
    primary key (program_id, number),
    check (ends_at is null or ends_at >= since)
);
create unique index access_keys_signing on access_keys (program_id) where ends_at is null;
alter table access_keys enable row level security;
alter table access_keys force row level security;
create policy tenant on access_keys to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on access_keys to guerdon_app;
