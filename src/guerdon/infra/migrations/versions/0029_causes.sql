-- Who waits for a seat. The number is given under the lock of the reward's counter: the order of the line.
create table seat_waits (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    reward text not null,
    number integer not null check (number > 0),
    member_id bigint not null,
    state text not null check (state in ('waiting', 'called', 'seated', 'left', 'passed')),
    joined_at timestamptz not null,
    changed_at timestamptz not null,
    -- Why somebody was passed over, as a code.
    reason text not null default '',
    redemption_id bigint,
    primary key (program_id, reward, number),
    check ((state = 'seated') = (redemption_id is not null))
);
create unique index seat_waits_member on seat_waits (program_id, member_id, reward)
    where state in ('waiting', 'called');
create index seat_waits_line on seat_waits (program_id, reward, number) where state in ('waiting', 'called');
alter table seat_waits enable row level security;
alter table seat_waits force row level security;
create policy tenant on seat_waits to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on seat_waits to guerdon_app;

-- What became of a service beside its redemption: when it takes place, and what staff noted.
create table service_steps (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    redemption_id bigint not null,
    number integer not null check (number > 0),
    state text not null check (state in ('scheduled', 'done', 'declined')),
    -- When it takes place.
    at timestamptz,
    -- Who does it, or why it is declined; nothing that names a member.
    note text not null default '',
    actor text not null,
    noted_at timestamptz not null,
    primary key (program_id, redemption_id, number),
    check ((state = 'scheduled') = (at is not null))
);
alter table service_steps enable row level security;
alter table service_steps force row level security;
create policy tenant on service_steps to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on service_steps to guerdon_app;

-- What a member did for the environment, with evidence; it is an event once it is approved.
create table deeds (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    deed_id bigint not null,
    member_id bigint not null,
    type text not null,
    occurred_at timestamptz not null,
    data jsonb not null,
    -- An address of a picture, sealed with the member's own key.
    photo bytea,
    receipt text,
    state text not null check (state in ('waiting', 'approved', 'refused')),
    sent_at timestamptz not null,
    sent_by text not null,
    decided_at timestamptz,
    decided_by text,
    reason text not null default '',
    -- Whether the engine was told by an event.
    told boolean not null default false,
    primary key (program_id, deed_id),
    check ((state = 'waiting') = (decided_at is null)),
    check ((decided_at is null) = (decided_by is null)),
    check (state = 'approved' or not told)
);
-- A receipt is shown once, unless what it was shown for was refused.
create unique index deeds_receipt on deeds (program_id, receipt) where receipt is not null and state <> 'refused';
create index deeds_waiting on deeds (program_id, deed_id) where state = 'waiting';
create index deeds_untold on deeds (program_id, deed_id) where state = 'approved' and not told;
create index deeds_of_member on deeds (program_id, member_id);
alter table deeds enable row level security;
alter table deeds force row level security;
create policy tenant on deeds to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on deeds to guerdon_app;

-- What was paid to charities: the donations of a period that stood then, and which nobody can take back.
create table cause_payouts (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    cause text not null,
    starts_on date not null,
    number integer not null check (number > 0),
    -- The first day after the period.
    ends_on date not null,
    state text not null check (state in ('closing', 'paid')),
    given numeric not null default 0 check (given >= 0),
    matched numeric not null default 0 check (matched >= 0),
    donations integer not null default 0 check (donations >= 0),
    reference text not null default '',
    begun_at timestamptz not null,
    begun_by text not null,
    paid_at timestamptz,
    primary key (program_id, cause, starts_on, number),
    check ((state = 'paid') = (paid_at is not null))
);
alter table cause_payouts enable row level security;
alter table cause_payouts force row level security;
create policy tenant on cause_payouts to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on cause_payouts to guerdon_app;
create index redemptions_donations on redemptions (program_id, issued_at) where kind = 'donation';
