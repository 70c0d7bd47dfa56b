-- The relational projection of the grid, written by the sync job only.

create table fundraising_sync (
  id integer primary key check (id = 1),
  synced_version integer not null,
  synced_at integer not null
) strict;

insert into fundraising_sync (id, synced_version, synced_at) values (1, 0, 0);

create table fundraising_investors (
  id text primary key,
  name text not null,
  list text not null,
  archived integer not null check (archived in (0, 1)),
  owner text,
  email text,
  row_version integer not null,
  created_at integer not null,
  updated_at integer not null
) strict;

create index fundraising_investors_by_list on fundraising_investors (list, name);
create index fundraising_investors_by_email on fundraising_investors (email) where email is not null;

-- Where each person appears, as the cell has them.
create table fundraising_investor_contacts (
  investor_id text not null,
  contact_id text not null,
  position integer not null,
  name text not null,
  email text,
  phone text,
  role text,
  primary key (investor_id, contact_id)
) strict, without rowid;

create index fundraising_investor_contacts_by_contact on fundraising_investor_contacts (contact_id, investor_id);

-- Each person once, however many investors they stand at.
create table fundraising_contacts (
  id text primary key,
  name text not null,
  email text,
  phone text,
  role text,
  investor_count integer not null
) strict;

create index fundraising_contacts_by_email on fundraising_contacts (email) where email is not null;

create table fundraising_funds (
  id text primary key,
  name text not null,
  currency text not null,
  target text,
  hard_cap text,
  status text not null
) strict;

create table fundraising_commitments (
  investor_id text not null,
  fund_id text not null,
  stage text not null,
  amount text not null,
  currency text not null,
  primary key (investor_id, fund_id, stage)
) strict, without rowid;

create index fundraising_commitments_by_fund on fundraising_commitments (fund_id, stage);

create table fundraising_views (
  id text primary key,
  name text not null,
  mode text not null,
  config text not null
) strict;
