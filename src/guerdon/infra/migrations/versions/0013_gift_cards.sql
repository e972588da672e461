-- Gift cards. A card is an account of the kind `card`, which holds its money; here stands by which code it is found,
-- as a keyed hash of the code, which is stored nowhere.
create table gift_cards (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    digest bytea not null,
    account_id bigint not null,
    -- The code's last letters, by which people tell cards apart.
    ending text not null,
    -- The redemption that the card is, and whose it was.
    redemption_id bigint,
    owner_account bigint,
    opened_at timestamptz not null,
    blocked_at timestamptz,
    primary key (program_id, digest)
);
create index gift_cards_account on gift_cards (account_id);
create index gift_cards_redemption on gift_cards (redemption_id, account_id) where redemption_id is not null;
alter table gift_cards enable row level security;
alter table gift_cards force row level security;
create policy tenant on gift_cards to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, update on gift_cards to guerdon_app;
