-- Which order a checkout becomes, so that whoever pays it as another member ends the checkout.
alter table checkouts add column order_id text not null default '';
create index checkouts_order on checkouts (program_id, order_id) where status = 'open';
