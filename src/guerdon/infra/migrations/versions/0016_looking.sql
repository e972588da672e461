-- What people look for: orders by when they were placed, what came back of them, rewards by how they stand.
create index events_paid on events (program_id, occurred_at, event_id) where type = 'order.paid';
create index events_undone on events (program_id, occurred_at, event_id)
    where type in ('order.returned', 'order.cancelled');
create index redemptions_counted on redemptions (program_id, reward, status) include (quantity);
