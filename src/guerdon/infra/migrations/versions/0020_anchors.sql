-- Heads of logs that were told to the outside, to a chain or a time-stamp authority, and how far that has come.
-- No secret stands here: a signed transaction is public as soon as it was sent.
create table anchors (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    place text not null check (length(place) between 1 and 300),
    size bigint not null check (size > 0),
    root bytea not null check (length(root) = 32),
    state text not null check (state in ('asked', 'sent', 'mined', 'final', 'lost', 'passed')),
    asked_at timestamptz not null,
    sender bytea check (length(sender) = 20),
    nonce bigint check (nonce >= 0),
    fee bigint check (fee > 0),
    tip bigint check (tip >= 0),
    sent bytea[] not null default '{}',
    raw bytea,
    sent_at timestamptz,
    times_sent integer not null default 0 check (times_sent >= 0),
    times_lost integer not null default 0 check (times_lost >= 0),
    block_number bigint check (block_number >= 0),
    block_hash bytea check (length(block_hash) = 32),
    stamped_at timestamptz,
    final_at timestamptz,
    token bytea,
    fault text not null default '',
    failed_at timestamptz,
    primary key (program_id, place, size),
    check (state <> 'sent' or (sender is not null and nonce is not null and raw is not null)),
    check (state <> 'mined' or (block_number is not null and block_hash is not null)),
    check (state <> 'final' or (final_at is not null and stamped_at is not null))
);
-- One at a time of each log and place is on its way, whoever asks.
create unique index anchors_under_way on anchors (program_id, place) where state not in ('final', 'passed');

-- What is final was told for good.
create function keep_final_anchors() returns trigger
    language plpgsql
    as $$
begin
    if old.state = 'final' then
        raise exception 'an anchor that is final stays as it is' using errcode = 'check_violation';
    end if;
    return new;
end
$$;
create trigger anchors_final before update on anchors for each row execute function keep_final_anchors();
create trigger anchors_stay before delete or truncate on anchors
    for each statement execute function refuse_change();
alter table anchors enable row level security;
alter table anchors force row level security;
create policy tenant on anchors to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on anchors to guerdon_app;
