-- A tier that an operator gave, beside the one that is earned, and losses that campaigns are still to be told of.
alter table tiers add column earned_level text;
alter table tiers add column given_level text;
alter table tiers add column given_until timestamptz;
alter table tiers add column lost jsonb;
create index tiers_untold on tiers (program_id) where lost is not null;
