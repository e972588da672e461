-- What an operator gave besides, which holds once `given_level` has ended: `[{"tier": …, "until": …}]`, each lower than
-- the one before and with a later end. Null for nothing.
alter table tiers add column given_next jsonb;
