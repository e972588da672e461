-- What a bucket of a metric holds beside its sum: values with how often each was counted, so that they can be taken out
-- again (different values, extremes, units of a streak). NULL holds nothing, as for sums.
alter table metric_buckets add column held jsonb;
-- Up to which version an account's metrics are counted from all of its events; 0 where they are to be counted.
alter table accounts add column metrics_version integer not null default 0;
create index accounts_behind on accounts (program_id, metrics_version);
-- The earliest version since which all metrics of a version are counted as events come.
alter table program_versions add column metrics_since integer not null default 1;
