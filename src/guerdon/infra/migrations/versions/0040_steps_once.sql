-- The engine's event of what was noted: a call that is sent again finds it, and notes nothing twice.
alter table service_steps add column event_id uuid;
create unique index service_steps_event on service_steps (program_id, redemption_id, event_id);
