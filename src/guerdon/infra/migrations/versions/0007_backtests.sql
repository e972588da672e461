-- Backtests that people asked for, how far each has come, and the files that it left.

create table backtests (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    backtest_id bigint not null,
    program_id bigint not null,
    once text not null,
    state text not null check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
    source text not null check (source in ('stored', 'file')),
    file_name text not null,
    titles text[] not null,
    texts text[] not null,
    asked_by text not null,
    asked_at timestamptz not null,
    begun_at timestamptz,
    ended_at timestamptz,
    leased_until timestamptz not null,
    stop_asked boolean not null default false,
    part text not null default '',
    done bigint not null default 0,
    total bigint not null default 0,
    problem_code text not null default '',
    problem_detail text not null default '',
    figures jsonb not null default '{}',
    primary key (backtest_id)
);
create unique index backtests_once on backtests (tenant_id, program_id, once);
create index backtests_by_program on backtests (program_id, backtest_id);
alter table backtests enable row level security;
alter table backtests force row level security;
create policy tenant on backtests to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update, delete on backtests to guerdon_app;

create table backtest_files (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    backtest_id bigint not null,
    name text not null,
    size bigint not null check (size >= 0),
    body bytea not null,
    primary key (backtest_id, name)
);
alter table backtest_files alter column body set storage external;
alter table backtest_files enable row level security;
alter table backtest_files force row level security;
create policy tenant on backtest_files to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on backtest_files to guerdon_app;
