-- Witnesses: who was told of each log's heads, and what they signed.

-- How far each witness was told of a program's log.
create table witness_pushes (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    witness text not null,
    size bigint not null default 0 check (size >= 0),
    root bytea check (length(root) = 32),
    told_at timestamptz,
    tried_at timestamptz,
    attempts integer not null default 0,
    problem text not null default '',
    refused_at timestamptz,
    next_at timestamptz not null,
    primary key (program_id, witness)
);
alter table witness_pushes enable row level security;
alter table witness_pushes force row level security;
create policy tenant on witness_pushes to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on witness_pushes to guerdon_app;

-- What witnesses signed; none is ever forgotten.
create table log_cosignatures (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    size bigint not null,
    witness text not null,
    line text not null,
    made_at timestamptz not null,
    primary key (program_id, size, witness),
    foreign key (program_id, size) references log_checkpoints (program_id, size)
);
create trigger log_cosignatures_stay before update or delete or truncate on log_cosignatures
    for each statement execute function refuse_change();
alter table log_cosignatures enable row level security;
alter table log_cosignatures force row level security;
create policy tenant on log_cosignatures to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on log_cosignatures to guerdon_app;

-- Logs of others that are witnessed here, each with the keys that it is trusted to sign with.
create table witness_logs (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    origin text not null,
    key text not null,
    trusted_at timestamptz not null,
    primary key (tenant_id, origin, key)
);
alter table witness_logs enable row level security;
alter table witness_logs force row level security;
create policy tenant on witness_logs to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on witness_logs to guerdon_app;

-- Heads of theirs that were seen and signed here: each follows one other, and only one does.
create table witness_heads (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    origin text not null,
    size bigint not null check (size >= 0),
    follows bigint,
    root bytea not null check (length(root) = 32),
    note text not null,
    seen_at timestamptz not null,
    primary key (tenant_id, origin, size),
    unique nulls not distinct (tenant_id, origin, follows),
    foreign key (tenant_id, origin, follows) references witness_heads (tenant_id, origin, size),
    check (size > coalesce(follows, -1))
);
create trigger witness_heads_stay before update or delete or truncate on witness_heads
    for each statement execute function refuse_change();
alter table witness_heads enable row level security;
alter table witness_heads force row level security;
create policy tenant on witness_heads to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on witness_heads to guerdon_app;

-- Heads that do not fit what was seen before: the note itself is the evidence.
create table witness_alarms (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    alarm_id bigint not null,
    origin text not null,
    kind text not null check (kind in ('forked', 'shrunk', 'rewritten')),
    seen_size bigint not null,
    digest bytea not null check (length(digest) = 32),
    note text not null,
    raised_at timestamptz not null,
    settled_at timestamptz,
    settled_by text not null default '',
    primary key (tenant_id, alarm_id),
    unique (tenant_id, origin, digest)
);
alter table witness_alarms enable row level security;
alter table witness_alarms force row level security;
create policy tenant on witness_alarms to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on witness_alarms to guerdon_app;
