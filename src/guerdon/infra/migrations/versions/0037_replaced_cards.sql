-- The account of the card that took a card's place: what comes back for the one goes onto the other.
alter table gift_cards add column replaced_by bigint check (replaced_by <> account_id);
alter table gift_cards add check (replaced_by is null or blocked_at is not null);
