-- The account that stands for this one since it was merged: always one that was not merged itself.
alter table accounts add column merged_into bigint;
create index accounts_merged on accounts (merged_into, account_id) where merged_into is not null;

-- Which account went into which, once and for ever; the other one may have been merged later.
create table account_merges (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    into_account bigint not null check (into_account <> account_id),
    program_id bigint not null,
    left_event uuid not null,
    arrived_event uuid not null,
    merged_at timestamptz not null,
    primary key (account_id)
);
create index account_merges_into on account_merges (into_account, account_id);
create trigger account_merges_stay before update or delete or truncate on account_merges
    for each statement execute function refuse_change();
alter table account_merges enable row level security;
alter table account_merges force row level security;
create policy tenant on account_merges to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on account_merges to guerdon_app;

-- Who acted for an account before, and with which role: its history was decided with them.
create table member_moves (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    member_id bigint not null,
    event_id uuid not null,
    into_account bigint not null,
    program_id bigint not null,
    role text not null check (role in ('owner', 'admin', 'buyer', 'approver')),
    primary key (account_id, member_id, event_id)
);
create trigger member_moves_stay before update or delete or truncate on member_moves
    for each statement execute function refuse_change();
alter table member_moves enable row level security;
alter table member_moves force row level security;
create policy tenant on member_moves to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on member_moves to guerdon_app;

-- A row of an account never changes whose it is: it is written anew with the other account.
grant delete on members to guerdon_app;
grant update (account_id) on identities to guerdon_app;
grant delete on redemptions to guerdon_app;
grant update (account_id) on coupon_codes to guerdon_app;
-- In whose journal `seqs` are, where that is another account's.
alter table redemptions add column origin_account bigint;

alter table transactions drop constraint transactions_kind_check;
alter table transactions add constraint transactions_kind_check check (kind in (
    'award', 'redeem', 'cancel', 'expire', 'adjust', 'send', 'receive', 'convert', 'return', 'repay', 'merge'
)) not valid;
