-- Checkouts that nobody paid are kept for a time, for whoever pays late, and then they go.
grant delete on checkouts to guerdon_app;
create index checkouts_over on checkouts (program_id, expires_at) where status <> 'confirmed';
