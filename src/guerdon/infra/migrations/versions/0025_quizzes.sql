-- Tries of members at quizzes: what was asked follows from the seed and the version, and so does what was right.
create table quiz_attempts (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    member_id bigint not null,
    quiz text not null,
    attempt integer not null check (attempt > 0),
    program_id bigint not null,
    version integer not null,
    seed bytea not null check (octet_length(seed) = 16),
    started_at timestamptz not null,
    -- From this instant on nothing more is taken; null where there is no end.
    due_at timestamptz,
    -- Since when the question after those answered is open; null until it is.
    opened_at timestamptz,
    -- In the order asked: `at`, and `said`, which is null where nothing was answered in time.
    answers jsonb not null default '[]',
    finished_at timestamptz,
    points integer,
    of integer,
    passed boolean,
    -- Whether the engine was told by an event.
    told boolean not null default false,
    primary key (account_id, member_id, quiz, attempt),
    check ((finished_at is null) = (points is null)),
    check ((finished_at is null) = (of is null)),
    check ((finished_at is null) = (passed is null)),
    check (finished_at is not null or not told)
);
-- Whoever starts twice at once starts once.
create unique index quiz_attempts_open on quiz_attempts (account_id, member_id, quiz) where finished_at is null;
create index quiz_attempts_due on quiz_attempts (program_id, due_at) where finished_at is null and due_at is not null;
create index quiz_attempts_untold on quiz_attempts (program_id, finished_at) where finished_at is not null and not told;
create index quiz_attempts_of_quiz on quiz_attempts (program_id, quiz, version);
alter table quiz_attempts enable row level security;
alter table quiz_attempts force row level security;
create policy tenant on quiz_attempts to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on quiz_attempts to guerdon_app;
