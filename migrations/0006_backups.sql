-- Verified copies of the whole database; each file has its manifest beside it.

create table backups (
  id text primary key,
  file_name text not null,
  size_bytes integer not null,
  database_bytes integer not null,
  sha256 text not null,
  manifest text not null check (json_valid(manifest)),
  state text not null check (state in ('verified', 'failed')),
  error text,
  job_id integer,
  created_at integer not null,
  verified_at integer,
  deleted_at integer
) strict;

create index backups_newest on backups (created_at) where deleted_at is null;
