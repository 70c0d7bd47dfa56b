-- Imports in depth: profiles that repeat an import, sheets of workbooks, what an
-- import created, and how it was taken back.

-- How files of the same columns are taken, week after week. `headers` is the
-- sorted list of them in lower case: a file fits if its list is the same.
create table import_profiles (
  id text primary key,
  name text not null,
  name_key text not null,
  headers text not null check (json_valid(headers)),
  mapping text not null check (json_valid(mapping)),
  created_by text not null,
  created_at integer not null,
  used_at integer,
  deleted_at integer
) strict;

create unique index import_profiles_by_name on import_profiles (name_key) where deleted_at is null;
create index import_profiles_by_headers on import_profiles (headers, used_at) where deleted_at is null;

alter table imports add column profile_id text references import_profiles (id);
-- The sheet of a workbook that is read, and all there are.
alter table imports add column sheet text;
alter table imports add column sheets text not null default '[]' check (json_valid(sheets));
-- The first lines as they were decoded: a wrong encoding shows here.
alter table imports add column first_lines text not null default '[]' check (json_valid(first_lines));
-- The job that takes it back, and what came of that.
alter table imports add column revert_job_id integer;
alter table imports add column revert_outcome text check (revert_outcome is null or json_valid(revert_outcome));

-- Funds and contacts that exist because of an import: they go with it unless
-- something else refers to them by then.
create table import_created (
  import_id text not null references imports (id) on delete cascade,
  what text not null check (what in ('fund', 'contact')),
  thing_id text not null,
  primary key (import_id, what, thing_id)
) strict, without rowid;
