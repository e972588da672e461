-- Addresses of a member's own pages that were made until then are good for nothing any more.
alter table members add column links_ended_at timestamptz;
