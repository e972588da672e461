-- The key that opened a guest's checkout which holds something; empty for all others.
alter table checkouts add column opened_by text not null default '';
create index checkouts_anonymous on checkouts (program_id, opened_by, expires_at)
    where status = 'open' and opened_by <> '';
