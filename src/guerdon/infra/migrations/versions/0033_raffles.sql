-- Raffles that were drawn. A row is written with the draw, in one commit, and never again: whoever draws twice draws once.
create table raffles (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    identity text not null,
    draw text not null,
    version integer not null,
    drawn_at timestamptz not null,
    accounts bigint not null check (accounts >= 0),
    tickets bigint not null check (tickets >= accounts),
    -- Over who had how many, so that nobody can be added once the seed is known.
    tickets_hash text not null,
    primary key (program_id, identity)
);
alter table raffles enable row level security;
alter table raffles force row level security;
create policy tenant on raffles to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on raffles to guerdon_app;

-- Who had how many tickets when a raffle was drawn, and what they won.
create table raffle_tickets (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    program_id bigint not null,
    identity text not null,
    tickets integer not null check (tickets > 0),
    -- Place of the prize, and the ticket that won it; null for whoever won nothing.
    prize integer check (prize > 0),
    ticket integer check (ticket between 1 and tickets),
    -- Whether the engine was told by an event.
    told boolean not null default false,
    primary key (account_id, identity),
    check ((prize is null) = (ticket is null)),
    check (prize is not null or not told)
);
create index raffle_tickets_won on raffle_tickets (program_id, identity, prize) where prize is not null;
create index raffle_tickets_untold on raffle_tickets (program_id, account_id) where prize is not null and not told;
alter table raffle_tickets enable row level security;
alter table raffle_tickets force row level security;
create policy tenant on raffle_tickets to guerdon_app
    using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on raffle_tickets to guerdon_app;
