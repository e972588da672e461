-- So many turns had the post when somebody liked it: each turn since is one of the like's own.
alter table post_likes add column since integer not null default 1 check (since > 0);
-- Whether it was taken back: what it brought stays, until the post is hidden.
alter table post_likes add column gone boolean not null default false;
-- So many of the like's turns does the engine know, the like itself being the first; -1 where it need not.
drop index post_likes_untold;
alter table post_likes alter column told drop default;
alter table post_likes alter column told type integer using case when told then -1 else 0 end;
alter table post_likes alter column told set default 0;
alter table post_likes add check (told >= -1);
create index post_likes_untold on post_likes (program_id, post_id, member_id) where told = 0;
-- So many turns of a post does the engine know by all who liked it.
alter table posts add column liked_turns integer not null default 0;
-- The owner sees the rows of all tenants for these commands.
alter table posts no force row level security;
update posts set liked_turns = cardinality(turns);
alter table post_likes no force row level security;
update post_likes l set since = greatest(1, (select count(*) from unnest(p.turns) t where t <= l.liked_at))
from posts p where p.program_id = l.program_id and p.post_id = l.post_id;
alter table post_likes force row level security;
alter table posts force row level security;
alter table posts add check (liked_turns between 0 and cardinality(turns));
create index posts_unliked on posts (program_id, post_id) where liked_turns < cardinality(turns) and cardinality(turns) > 1;
