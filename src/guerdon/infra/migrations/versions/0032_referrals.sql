-- The personal codes by which members invite others.
create table referral_codes (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    code text not null check (code <> ''),
    account_id bigint not null,
    member_id bigint not null,
    made_at timestamptz not null,
    primary key (program_id, code)
);
create unique index referral_codes_of_member on referral_codes (program_id, member_id);
-- Who was invited by whom: written with the enrolment, one row for each friend.
create table referrals (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    -- The friend's.
    account_id bigint not null,
    member_id bigint not null,
    program_id bigint not null,
    code text not null,
    advocate_account bigint not null,
    advocate_id bigint not null,
    joined_at timestamptz not null,
    -- Joined with the friend's prize; held for somebody to look at; or refused.
    state text not null check (state in ('joined', 'held', 'refused')),
    reasons text[] not null default '{}',
    decided_at timestamptz,
    decided_by text not null default '',
    -- Whether the engine has the event by which the friend is invited.
    told boolean not null,
    primary key (account_id, member_id),
    check (state = 'joined' or not told)
);
create index referrals_of_advocate on referrals (program_id, advocate_id, member_id);
create index referrals_of_program on referrals (program_id, member_id);
create index referrals_held on referrals (program_id, member_id) where state = 'held';
create index referrals_untold on referrals (program_id, member_id) where state = 'joined' and not told;
-- Events of friends that bring the advocate's prize, each with what became of that.
create table referral_completions (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    -- The friend's account, and the event that counted.
    account_id bigint not null,
    event_id uuid not null,
    program_id bigint not null,
    -- The friend; null until it is looked at for the first time.
    member_id bigint,
    -- Who invited; null until then as well.
    advocate_id bigint,
    happened_at timestamptz not null,
    -- What the order came to, in minor units; 0 for another event.
    net bigint not null,
    state text not null
        check (state in ('new', 'held', 'refused', 'completed', 'reversing', 'reversed')),
    reasons text[] not null default '{}',
    -- Keyed hashes of what the event said of card, device and address.
    traces bytea[] not null default '{}',
    -- How many friends of the advocate had come with this one.
    friends integer check (friends > 0),
    completed_at timestamptz,
    decided_at timestamptz,
    decided_by text not null default '',
    -- Whether the engine was told that it is completed.
    told boolean not null default false,
    primary key (account_id, event_id),
    check ((friends is null) = (completed_at is null)),
    check (state not in ('completed', 'reversing') or completed_at is not null),
    check (completed_at is not null or not told)
);
create index referral_completions_new on referral_completions (program_id, account_id, event_id)
    where state in ('new', 'reversing') or (state = 'completed' and not told);
create index referral_completions_of on referral_completions (program_id, advocate_id, event_id);
create index referral_completions_held on referral_completions (program_id, event_id) where state = 'held';
create index members_by_joining on members (program_id, joined_at) where erased_at is null;
-- Up to which instant birthdays and anniversaries of a program were told.
create table occasion_marks (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint primary key,
    told_until timestamptz not null
);
alter table referral_codes enable row level security;
alter table referral_codes force row level security;
create policy tenant on referral_codes to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
alter table referrals enable row level security;
alter table referrals force row level security;
create policy tenant on referrals to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
alter table referral_completions enable row level security;
alter table referral_completions force row level security;
create policy tenant on referral_completions to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
alter table occasion_marks enable row level security;
alter table occasion_marks force row level security;
create policy tenant on occasion_marks to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on referral_codes, referrals, referral_completions, occasion_marks
    to guerdon_app;
