-- Names that members chose to be seen by: found by a keyed hash, sealed with the member's own key.
create table chosen_names (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    digest bytea not null check (octet_length(digest) = 32),
    account_id bigint not null,
    member_id bigint not null,
    sealed bytea not null,
    chosen_at timestamptz not null,
    primary key (program_id, digest)
);
create unique index chosen_names_of_member on chosen_names (program_id, member_id);
-- Members are found by a handle that they have elsewhere.
create index members_by_attribute on members using gin (attributes jsonb_path_ops);
-- Posts, questions, answers, and what members say they shared elsewhere.
create table posts (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    post_id bigint not null,
    kind text not null check (kind in ('post', 'question', 'answer', 'share')),
    -- The question that is answered; null for all others.
    question_id bigint,
    -- The share link that is meant; empty for all others.
    share text not null default '',
    account_id bigint not null,
    member_id bigint not null,
    product text not null,
    bought boolean not null,
    language text not null,
    state text not null check (state in ('waiting', 'shown', 'refused', 'hidden', 'withdrawn')),
    -- Why somebody has to look at it.
    held_for text[] not null default '{}',
    -- What was written, sealed with the author's own key; null once it was taken back or its author forgotten.
    sealed bytea,
    words integer not null check (words >= 0),
    has_photo boolean not null,
    -- A keyed hash of what was written, by which copies are found.
    digest bytea,
    posted_at timestamptz not null,
    decided_at timestamptz,
    decided_by text not null default '',
    reason text not null default '',
    -- When it was shown first; its event says so.
    approved_at timestamptz,
    likes integer not null default 0 check (likes >= 0),
    answers integer not null default 0 check (answers >= 0),
    reports integer not null default 0 check (reports >= 0),
    -- Whether the engine was told by an event that it was approved.
    told boolean not null default false,
    primary key (program_id, post_id),
    check ((kind = 'answer') = (question_id is not null)),
    check ((kind = 'share') = (share <> '')),
    check (state <> 'shown' or approved_at is not null),
    check (approved_at is not null or not told)
);
create index posts_shown on posts (program_id, post_id) where state = 'shown' and kind in ('post', 'question');
create index posts_of_product on posts (program_id, product, post_id)
    where state = 'shown' and kind in ('post', 'question');
create index posts_of_question on posts (program_id, question_id, post_id) where question_id is not null;
create index posts_of_member on posts (program_id, member_id, post_id);
create index posts_waiting on posts (program_id, post_id) where state = 'waiting';
create index posts_untold on posts (program_id, post_id) where approved_at is not null and not told;
create index posts_alike on posts (program_id, digest) where digest is not null;
-- Photos as they were written anew, sealed with the author's own key.
create table post_photos (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    post_id bigint not null,
    -- Of the file, keyed: it says whether the bytes are those that were stored, and what a browser may keep.
    hash bytea not null check (octet_length(hash) = 32),
    width integer not null check (width > 0),
    height integer not null check (height > 0),
    sealed bytea not null,
    primary key (program_id, post_id)
);
alter table post_photos alter column sealed set storage external;
create table post_likes (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    post_id bigint not null,
    member_id bigint not null,
    account_id bigint not null,
    liked_at timestamptz not null,
    -- Whether the engine was told, or need not be.
    told boolean not null default false,
    primary key (program_id, post_id, member_id)
);
create index post_likes_untold on post_likes (program_id, post_id, member_id) where not told;
create index post_likes_of_member on post_likes (program_id, member_id);
create table post_reports (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    post_id bigint not null,
    member_id bigint not null,
    account_id bigint not null,
    why text not null check (why in ('spam', 'rude', 'wrong', 'private', 'other')),
    reported_at timestamptz not null,
    primary key (program_id, post_id, member_id)
);
-- How much a member did in a day, exact under any number of callers.
create table post_days (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    member_id bigint not null,
    on_date date not null,
    kind text not null check (kind in ('posts', 'likes', 'reports', 'shares', 'visits')),
    program_id bigint not null,
    count integer not null check (count > 0),
    primary key (account_id, member_id, on_date, kind)
);
-- Addresses under which members show what they bought, took or earned.
create table shares (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    code text not null check (code ~ '^[2-9a-hjkmnp-z]{11}$'),
    program_id bigint not null,
    account_id bigint not null,
    member_id bigint not null,
    kind text not null check (kind in ('purchase', 'reward', 'badge')),
    -- The product, the reward or the badge.
    what text not null,
    -- What it is called and its picture, where the definition does not say so.
    shown jsonb not null,
    shared_at timestamptz not null,
    ended_at timestamptz,
    visits integer not null default 0 check (visits >= 0),
    joined integer not null default 0 check (joined >= 0),
    primary key (code)
);
create index shares_open on shares (program_id, member_id, kind, what) where ended_at is null;
create index shares_of_member on shares (program_id, member_id, shared_at);
-- Visits of a day, each known by a keyed hash that no other day has; forgotten once they are told.
create table share_visits (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    code text not null,
    on_date date not null,
    visitor bytea not null check (octet_length(visitor) = 32),
    program_id bigint not null,
    number integer not null check (number > 0),
    visited_at timestamptz not null,
    told boolean not null default false,
    primary key (code, on_date, visitor)
);
create index share_visits_untold on share_visits (program_id, code, number) where not told;
create index share_visits_old on share_visits (program_id, on_date);
-- Who came by a share.
create table share_joins (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    member_id bigint not null,
    program_id bigint not null,
    code text not null,
    joined_at timestamptz not null,
    told boolean not null default false,
    primary key (account_id, member_id)
);
create index share_joins_untold on share_joins (program_id, account_id, member_id) where not told;
create index share_joins_of_share on share_joins (program_id, code);

alter table chosen_names enable row level security;
alter table chosen_names force row level security;
create policy tenant on chosen_names to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on chosen_names to guerdon_app;
alter table posts enable row level security;
alter table posts force row level security;
create policy tenant on posts to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on posts to guerdon_app;
alter table post_photos enable row level security;
alter table post_photos force row level security;
create policy tenant on post_photos to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on post_photos to guerdon_app;
alter table post_likes enable row level security;
alter table post_likes force row level security;
create policy tenant on post_likes to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on post_likes to guerdon_app;
alter table post_reports enable row level security;
alter table post_reports force row level security;
create policy tenant on post_reports to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on post_reports to guerdon_app;
alter table post_days enable row level security;
alter table post_days force row level security;
create policy tenant on post_days to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on post_days to guerdon_app;
alter table shares enable row level security;
alter table shares force row level security;
create policy tenant on shares to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on shares to guerdon_app;
-- Whose an address is must be known before its tenant is.
create policy lookup on shares for select to guerdon_lookup using (true);
grant select (code, tenant_id) on shares to guerdon_lookup;
alter table share_visits enable row level security;
alter table share_visits force row level security;
create policy tenant on share_visits to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on share_visits to guerdon_app;
alter table share_joins enable row level security;
alter table share_joins force row level security;
create policy tenant on share_joins to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on share_joins to guerdon_app;
