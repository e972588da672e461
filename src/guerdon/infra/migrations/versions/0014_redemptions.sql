-- What is fixed when a reward is taken: a donation's money and receipt, a warranty's end, an access, a choice.
alter table redemptions add column particulars jsonb not null default '{}';
-- What became of it, oldest first, with who and when; empty for what is older than this column.
alter table redemptions add column steps jsonb not null default '[]';
-- The list of whoever fulfils them: what is open is little beside what was ever taken.
create index redemptions_to_fulfil on redemptions (program_id, kind, redemption_id)
    where status in ('issued', 'sent');
