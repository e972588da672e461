-- When a post began to bring its author something, when that was taken back, and so on by turns. The events of the
-- first `told` of them were told.
alter table posts add column turns timestamptz[] not null default '{}';
alter table posts add column told_turns integer not null default 0;
-- The owner sees the rows of all tenants for this one command.
alter table posts no force row level security;
update posts set turns = array[approved_at], told_turns = told::integer where approved_at is not null;
alter table posts force row level security;
-- Its constraints and its index go with them.
alter table posts drop column approved_at;
alter table posts drop column told;
alter table posts rename column told_turns to told;
alter table posts add check (state <> 'shown' or cardinality(turns) > 0);
alter table posts add check (told between 0 and cardinality(turns));
create index posts_untold on posts (program_id, post_id) where told < cardinality(turns);
