-- What members photographed to show a deed, as it was written anew, sealed with the member's own key.
create table deed_photos (
    tenant_id bigint not null default current_setting('guerdon.tenant')::bigint,
    program_id bigint not null,
    deed_id bigint not null,
    width integer not null check (width > 0),
    height integer not null check (height > 0),
    sealed bytea not null,
    primary key (program_id, deed_id)
);
alter table deed_photos alter column sealed set storage external;
alter table deed_photos enable row level security;
alter table deed_photos force row level security;
create policy tenant on deed_photos to guerdon_app using (tenant_id = current_setting('guerdon.tenant')::bigint);
grant select, insert, delete on deed_photos to guerdon_app;
