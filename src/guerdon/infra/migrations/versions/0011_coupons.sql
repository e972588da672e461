-- Coupons that are not granted to anybody. A batch is one row, however many codes it has: a code tells its own number.
-- Uses are shared counters, so that a code has a row of its own only once it is held, used, assigned or revoked.
create table coupon_batches (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    batch_id bigint not null,
    name text not null,
    -- What is written before the letters, or the whole code where it is shared.
    written text not null,
    -- The same as it is looked up: capitals without dashes.
    prefix text not null,
    -- After the prefix; 0 for a shared code.
    letters smallint not null check (letters between 0 and 16),
    secret bytea not null,
    size bigint not null check (size > 0),
    reward text not null,
    terms jsonb not null,
    starts_at timestamptz,
    ends_at timestamptz,
    created_at timestamptz not null,
    revoked_at timestamptz,
    primary key (program_id, batch_id)
);
create unique index coupon_batches_prefix on coupon_batches (program_id, prefix);
alter table coupon_batches enable row level security;
alter table coupon_batches force row level security;
create policy tenant on coupon_batches to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on coupon_batches to guerdon_app;

-- Single codes of batches that belong to one account, or are good no more.
create table coupon_marks (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    batch_id bigint not null,
    place bigint not null check (place >= 0),
    account_id bigint,
    changed_at timestamptz not null,
    revoked_at timestamptz,
    primary key (program_id, batch_id, place)
);
create index coupon_marks_account on coupon_marks (account_id, program_id) where account_id is not null;
alter table coupon_marks enable row level security;
alter table coupon_marks force row level security;
create policy tenant on coupon_marks to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on coupon_marks to guerdon_app;

-- Granted codes are found however they are typed.
create index coupon_codes_typed on coupon_codes (program_id, translate(upper(code), 'ILOU- ', '110V'));

-- A reward is sent before it is used; what stands satisfies the wider rule, so nothing is read.
alter table redemptions drop constraint redemptions_status_check;
alter table redemptions add constraint redemptions_status_check
    check (status in ('issued', 'sent', 'used', 'cancelled')) not valid;
alter table redemptions add column tracking text not null default '';
