-- People who run programs: who they are, where they are signed in, and how often somebody tried to.

create table staff (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    staff_id bigint not null,
    email text not null,
    name text not null,
    role text not null check (role in ('owner', 'manager', 'support', 'auditor')),
    password_hash text not null,
    initial boolean not null,
    created_by text not null,
    created_at timestamptz not null,
    ended_at timestamptz,
    primary key (staff_id),
    foreign key (tenant_id) references tenants (tenant_id)
);
create unique index staff_by_email on staff (tenant_id, email) where ended_at is null;
alter table staff enable row level security;
alter table staff force row level security;
create policy tenant on staff to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on staff to guerdon_app;

-- A session is found by the hash of what the cookie holds; the cookie itself is stored nowhere.
create table staff_sessions (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    digest bytea not null check (length(digest) = 32),
    staff_id bigint not null,
    begun_at timestamptz not null,
    seen_at timestamptz not null,
    primary key (digest),
    foreign key (staff_id) references staff (staff_id)
);
create index staff_sessions_of on staff_sessions (staff_id);
create index staff_sessions_begun on staff_sessions (begun_at);
alter table staff_sessions enable row level security;
alter table staff_sessions force row level security;
create policy tenant on staff_sessions to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on staff_sessions to guerdon_app;

-- Failed attempts to sign in, by a keyed hash of name and address, in windows of some minutes.
create table staff_attempts (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    subject bytea not null,
    since timestamptz not null,
    tried integer not null,
    primary key (tenant_id, subject)
);
create index staff_attempts_since on staff_attempts (since);
alter table staff_attempts enable row level security;
alter table staff_attempts force row level security;
create policy tenant on staff_attempts to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on staff_attempts to guerdon_app;
