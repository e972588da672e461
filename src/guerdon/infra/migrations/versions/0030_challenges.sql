-- How far an account is with a challenge: what its metrics do not tell. Metrics tell the rest.
create table challenge_progress (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    challenge text not null,
    program_id bigint not null,
    -- Counts the writings; each states which one it follows, so that none is lost.
    revision integer not null check (revision > 0),
    -- Since when the account takes part in a challenge that one joins; null where it does not, or need not.
    joined_at timestamptz,
    -- How often the prize was reached and is not taken back.
    times integer not null check (times >= 0),
    reached_at timestamptz,
    -- Where each step began and what was counted before, goals that were reckoned, rounds, and what happened.
    state jsonb not null,
    primary key (account_id, challenge)
);
create index challenge_progress_of on challenge_progress (program_id, challenge);
alter table challenge_progress enable row level security;
alter table challenge_progress force row level security;
create policy tenant on challenge_progress to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on challenge_progress to guerdon_app;
