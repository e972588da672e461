-- Units of a wallet that is given up turn into another's: each wallet balances against a book of the program's own.
-- What stands satisfies the narrower rule, so nothing is read while the tables are locked.
alter table transactions drop constraint transactions_kind_check;
alter table transactions add constraint transactions_kind_check
    check (kind in ('award', 'redeem', 'cancel', 'expire', 'adjust', 'send', 'receive', 'convert')) not valid;
alter table entries drop constraint entries_book_check;
alter table entries add constraint entries_book_check
    check (book in ('member', 'issued', 'redeemed', 'expired', 'adjusted', 'transit', 'converted')) not valid;
