-- Files on their way into the grid. The bytes stay, zstd-compressed, so that an
-- import can be explained and repeated, and so that they are in every backup.

create table imports (
  id text primary key,
  file_name text not null,
  size_bytes integer not null,
  sha256 text not null,
  encoding text not null,
  delimiter text not null,
  row_count integer not null,
  mapping text not null check (json_valid(mapping)),
  -- What each column looks like: types, samples, notes; as read, never edited.
  profile text not null check (json_valid(profile)),
  state text not null check (state in ('draft', 'applying', 'applied', 'failed')),
  outcome text check (outcome is null or json_valid(outcome)),
  error text,
  job_id integer,
  change_set_id integer references change_sets (id),
  created_by text not null,
  created_at integer not null,
  applied_at integer,
  deleted_at integer
) strict;

create index imports_newest on imports (created_at, id) where deleted_at is null;

create table import_files (
  import_id text primary key references imports (id) on delete cascade,
  zstd blob not null
) strict;
