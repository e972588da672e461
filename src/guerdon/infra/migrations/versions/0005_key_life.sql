-- The life of an API key: when it was last used, what took its place, how much it may ask.

alter table api_keys add column last_used_at timestamptz;
alter table api_keys add column replaced_by bigint;
-- Calls a second; null takes the server's setting, 0 knows no limit.
alter table api_keys add column rate_limit integer check (rate_limit between 0 and 1000000);
