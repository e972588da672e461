-- Returns: a default that is no expression is added without rewriting the table, and what stands satisfies the
-- wider rules, so nothing is read while the tables are locked.
alter table wallets add column debt bigint not null default 0;
alter table wallets add constraint wallets_debt_check check (debt >= 0) not valid;
alter table transactions drop constraint transactions_kind_check;
alter table transactions add constraint transactions_kind_check
    check (kind in ('award', 'redeem', 'cancel', 'expire', 'adjust', 'send', 'receive', 'convert', 'return', 'repay')) not valid;
alter table entries drop constraint entries_book_check;
alter table entries add constraint entries_book_check
    check (book in ('member', 'issued', 'redeemed', 'expired', 'adjusted', 'transit', 'converted', 'owed')) not valid;

-- What came back of an order, numbered by order: two returns at once of a guest's order, whose account nobody locks,
-- cannot both be the same one. Account 0 is that of guests.
create table order_returns (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    account_id bigint not null,
    order_event uuid not null,
    number integer not null check (number > 0),
    return_event uuid not null,
    primary key (account_id, order_event, number)
);
alter table order_returns enable row level security;
alter table order_returns force row level security;
create policy tenant on order_returns to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert on order_returns to guerdon_app;
