-- Why a backup was taken, for whom it is encrypted, its second copy; drills and restores.

alter table backups add column kind text not null default 'manual'
  check (kind in ('nightly', 'manual', 'before_restore', 'before_upgrade'));
-- The age recipient it is encrypted to, beside the box's own; null: not encrypted.
alter table backups add column recipient text;
-- Of the second directory; null: there was none.
alter table backups add column second_state text check (second_state in ('copied', 'failed'));
alter table backups add column second_error text;

create index backups_verified on backups (created_at) where deleted_at is null and state = 'verified';

-- A backup restored into a scratch file, opened as the app opens it, and compared.
create table drills (
  id text primary key,
  backup_id text not null,
  state text not null check (state in ('passed', 'failed')),
  -- What was compared, one line each: {what, expected, found, ok}.
  compared text not null check (json_valid(compared)),
  error text,
  job_id integer,
  started_at integer not null,
  finished_at integer not null
) strict;

create index drills_newest on drills (started_at);
create index drills_passed on drills (finished_at) where state = 'passed';

-- Databases that replaced the one before. Each is written into the database it brought.
create table restores (
  id text primary key,
  backup_id text,
  file text not null,
  -- Of the backup, if its manifest told.
  taken_at integer,
  by text not null,
  safety_backup text,
  -- Folder under `replaced/` that has the database before it.
  replaced text not null,
  downtime_ms integer not null,
  at integer not null
) strict;

create index restores_newest on restores (at);
