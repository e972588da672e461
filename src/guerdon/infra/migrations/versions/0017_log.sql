-- The Merkle log of each program: leaves in order, what is hashed of them, and signed heads. All of it only grows.
-- Keyed by program, apart from the journal, so that one sequencer writes it in transactions of one shard.

-- How the leaves came in: each batch begins where another ended, so there is no gap and there are no two heads.
create table log_batches (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    size bigint not null check (size > 0),
    follows bigint,
    root bytea not null check (length(root) = 32),
    edge bytea not null check (length(edge) % 32 = 0),
    logged_at timestamptz not null,
    primary key (program_id, size),
    unique nulls not distinct (program_id, follows),
    foreign key (program_id, follows) references log_batches (program_id, size),
    check (size > coalesce(follows, 0))
);
create trigger log_batches_stay before update or delete or truncate on log_batches
    for each statement execute function refuse_change();
alter table log_batches enable row level security;
alter table log_batches force row level security;
create policy tenant on log_batches to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on log_batches to guerdon_app;

-- One row for each transaction of the journal, at its place in the log.
create table log_leaves (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    position bigint not null check (position >= 0),
    account_id bigint not null,
    seq bigint not null check (seq > 0),
    transaction_id uuid not null,
    hash bytea not null check (length(hash) = 32),
    primary key (program_id, position),
    unique (program_id, account_id, seq),
    unique (program_id, transaction_id)
);
create trigger log_leaves_stay before update or delete or truncate on log_leaves
    for each statement execute function refuse_change();
alter table log_leaves enable row level security;
alter table log_leaves force row level security;
create policy tenant on log_leaves to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on log_leaves to guerdon_app;

-- Hashes of complete subtrees of 64, 4,096, … leaves, so that a proof reads few rows.
create table log_nodes (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    level smallint not null check (level > 0 and level % 6 = 0),
    place bigint not null check (place >= 0),
    hash bytea not null check (length(hash) = 32),
    primary key (program_id, level, place)
);
create trigger log_nodes_stay before update or delete or truncate on log_nodes
    for each statement execute function refuse_change();
alter table log_nodes enable row level security;
alter table log_nodes force row level security;
create policy tenant on log_nodes to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on log_nodes to guerdon_app;

-- A batch has all its leaves when it is committed, one beside the other.
create function log_batch_is_whole() returns trigger
    language plpgsql
    as $$
begin
    if (
        select count(*) from log_leaves
        where program_id = new.program_id and position >= coalesce(new.follows, 0) and position < new.size
    ) <> new.size - coalesce(new.follows, 0) then
        raise exception 'a batch of the log has all its leaves' using errcode = 'check_violation';
    end if;
    return null;
end
$$;
create constraint trigger log_batches_whole after insert on log_batches
    deferrable initially deferred for each row execute function log_batch_is_whole();

-- Since when a program's journal is in the log from its beginning.
create table log_begun (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    begun_at timestamptz not null,
    primary key (program_id)
);
alter table log_begun enable row level security;
alter table log_begun force row level security;
create policy tenant on log_begun to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on log_begun to guerdon_app;

-- Keys that heads are signed with. The secret half is derived from the master key and the salt, and stands nowhere.
create table log_keys (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    number integer not null check (number > 0),
    name text not null,
    salt bytea not null check (length(salt) = 32),
    public_key bytea not null check (length(public_key) = 32),
    since timestamptz not null,
    primary key (program_id, number)
);
create trigger log_keys_stay before update or delete or truncate on log_keys
    for each statement execute function refuse_change();
alter table log_keys enable row level security;
alter table log_keys force row level security;
create policy tenant on log_keys to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on log_keys to guerdon_app;

-- Signed heads; none is ever forgotten, and each names the one before it.
create table log_checkpoints (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    size bigint not null check (size >= 0),
    follows bigint,
    note text not null,
    signed_at timestamptz not null,
    primary key (program_id, size),
    unique nulls not distinct (program_id, follows),
    foreign key (program_id, follows) references log_checkpoints (program_id, size),
    check (size > coalesce(follows, -1))
);
create trigger log_checkpoints_stay before update or delete or truncate on log_checkpoints
    for each statement execute function refuse_change();
alter table log_checkpoints enable row level security;
alter table log_checkpoints force row level security;
create policy tenant on log_checkpoints to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on log_checkpoints to guerdon_app;
