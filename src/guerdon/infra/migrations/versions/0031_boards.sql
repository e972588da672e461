-- Leaderboards, names on them, prizes for ranks, and teams.

-- Leaderboards as they are kept behind the engine, and how far each is built.
create table boards (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    board text not null,
    identity text not null,
    begins_on date not null,
    built_to bigint,
    primary key (program_id, board)
);
alter table boards enable row level security;
alter table boards force row level security;
create policy tenant on boards to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on boards to guerdon_app;

-- The times that boards rank; what is closed stays as it stood.
create table board_windows (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    board text not null,
    opens_on date not null,
    ends_at timestamptz,
    closed_at timestamptz,
    primary key (program_id, board, opens_on)
);
create index board_windows_open on board_windows (program_id, ends_at) where closed_at is null;
alter table board_windows enable row level security;
alter table board_windows force row level security;
create policy tenant on board_windows to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on board_windows to guerdon_app;

-- Who stands where: an account, or a team. `changes_on` is the day on which time alone may change the value.
create table board_rows (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    board text not null,
    opens_on date not null,
    participant bigint not null,
    value numeric not null check (value > 0),
    -- The value as bytes in the same order: under row-level security an index finds no range of numerics.
    score bytea not null check (octet_length(score) = 16),
    changes_on date,
    primary key (program_id, board, opens_on, participant)
);
create index board_rows_ranked on board_rows (program_id, board, opens_on, score desc, participant);
create index board_rows_of on board_rows (program_id, participant);
create index board_rows_changing on board_rows (program_id, changes_on) where changes_on is not null;
alter table board_rows enable row level security;
alter table board_rows force row level security;
create policy tenant on board_rows to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on board_rows to guerdon_app;

-- How many stand in a range of values, from its first one up to the next range's: a rank is a sum of few of them.
create table board_ranges (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    board text not null,
    opens_on date not null,
    from_score bytea not null check (octet_length(from_score) = 16),
    count bigint not null check (count >= 0),
    primary key (program_id, board, opens_on, from_score)
);
alter table board_ranges enable row level security;
alter table board_ranges force row level security;
create policy tenant on board_ranges to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on board_ranges to guerdon_app;

-- Who joined a board, under which name; the name is sealed with the member's own key.
create table board_names (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    board text not null,
    account_id bigint not null,
    member_id bigint not null,
    joined_at timestamptz not null,
    sealed bytea,
    name_hash bytea,
    taken_at timestamptz,
    primary key (program_id, board, account_id),
    check ((sealed is null) = (name_hash is null))
);
create unique index board_names_once on board_names (program_id, board, name_hash);
create index board_names_of on board_names (program_id, account_id, member_id);
alter table board_names enable row level security;
alter table board_names force row level security;
create policy tenant on board_names to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on board_names to guerdon_app;

-- Whom the engine is told of: who stood where when a time was over, and whose team reached a goal.
create table board_prizes (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    board text not null,
    opens_on date not null,
    account_id bigint not null,
    times integer not null default 1,
    team_id bigint,
    rank integer not null,
    value numeric not null,
    closed_at timestamptz not null,
    told boolean not null default false,
    primary key (program_id, board, opens_on, account_id, times)
);
create index board_prizes_untold on board_prizes (program_id, closed_at) where not told;
alter table board_prizes enable row level security;
alter table board_prizes force row level security;
create policy tenant on board_prizes to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on board_prizes to guerdon_app;

-- Teams; their names are sealed with the key of who gave them.
create table teams (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    team_id bigint not null,
    kind text not null,
    captain bigint not null,
    member_id bigint not null,
    sealed bytea,
    name_hash bytea,
    founded_at timestamptz not null,
    ended_at timestamptz,
    primary key (program_id, team_id),
    check ((sealed is null) = (name_hash is null))
);
create unique index teams_once on teams (program_id, kind, name_hash);
alter table teams enable row level security;
alter table teams force row level security;
create policy tenant on teams to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on teams to guerdon_app;

-- Who is or was in which team; a day counts for the team in which it ends.
create table team_members (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    team_id bigint not null,
    kind text not null,
    account_id bigint not null,
    joined_at timestamptz not null,
    joined_on date not null,
    left_at timestamptz,
    left_on date,
    primary key (program_id, team_id, account_id, joined_at),
    check ((left_at is null) = (left_on is null))
);
-- One team of a kind at a time.
create unique index team_members_once on team_members (program_id, kind, account_id) where left_at is null;
create index team_members_of on team_members (program_id, account_id);
alter table team_members enable row level security;
alter table team_members force row level security;
create policy tenant on team_members to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on team_members to guerdon_app;

-- Who asked to join a team, or was invited by its captain.
create table team_asks (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    team_id bigint not null,
    account_id bigint not null,
    invited boolean not null,
    asked_at timestamptz not null,
    primary key (program_id, team_id, account_id)
);
create index team_asks_of on team_asks (program_id, account_id);
alter table team_asks enable row level security;
alter table team_asks force row level security;
create policy tenant on team_asks to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on team_asks to guerdon_app;
