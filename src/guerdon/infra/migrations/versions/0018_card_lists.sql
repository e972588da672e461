-- Gift cards as people look through them: a program's newest, and those that are blocked.
create index gift_cards_newest on gift_cards (program_id, account_id);
create index gift_cards_blocked on gift_cards (program_id, account_id) where blocked_at is not null;
