-- People and what is to be done: tasks in full, notes, files, the calendar feed.

alter table tasks add column contact_id text references contacts (id);
alter table tasks add column note text not null default '';
-- Hidden until this day; open again from then on, without anybody writing it.
alter table tasks add column snoozed_until text;
-- An RRULE without its DTSTART, such as FREQ=WEEKLY;INTERVAL=2.
alter table tasks add column repeat text;
-- The first task of a repeating one; all that follow share it.
alter table tasks add column series_id text;
alter table tasks add column updated_at integer not null default 0;
alter table tasks add column updated_by text not null default '';
alter table tasks add column done_by text;
-- The day it asks for somebody: when it is due, or the day it was snoozed to if
-- that is later.
alter table tasks add column day text generated always as
  (iif(snoozed_until is null, due_on, max(coalesce(due_on, snoozed_until), snoozed_until))) virtual;

update tasks set updated_at = created_at, updated_by = created_by;

create index tasks_by_day on tasks (day, id) where deleted_at is null and status in ('open', 'snoozed');
create index tasks_by_contact on tasks (contact_id, status) where contact_id is not null;
create index tasks_added_in_order on tasks (row_id, created_at, id) where deleted_at is null;
create index tasks_done_in_order on tasks (row_id, done_at, id) where done_at is not null and deleted_at is null;
create index tasks_done_newest on tasks (done_at, id) where status = 'done' and deleted_at is null;

alter table interactions add column contact_id text references contacts (id);

create index interactions_in_order on interactions (row_id, at, id) where deleted_at is null;

-- Markdown. A row that is purged takes its notes and files with it.
create table notes (
  id text primary key,
  row_id text not null references grid_rows (id) on delete cascade,
  contact_id text references contacts (id),
  -- The call or meeting it tells of.
  interaction_id text references interactions (id) on delete set null,
  body text not null,
  pinned integer not null default 0 check (pinned in (0, 1)),
  created_at integer not null,
  created_by text not null,
  updated_at integer not null,
  updated_by text not null,
  deleted_at integer
) strict;

create index notes_in_order on notes (row_id, created_at, id) where deleted_at is null;
create index notes_by_interaction on notes (interaction_id) where interaction_id is not null;
create index notes_by_row on notes (row_id);
create index notes_pinned on notes (row_id, created_at) where pinned = 1 and deleted_at is null;

-- What a note said before somebody edited it.
create table note_versions (
  id integer primary key,
  note_id text not null references notes (id) on delete cascade,
  body text not null,
  at integer not null,
  by text not null
) strict;

create index note_versions_by_note on note_versions (note_id, id);

-- Whom a note calls on, and the word that called them.
create table note_mentions (
  note_id text not null references notes (id) on delete cascade,
  user_id text not null references users (id),
  written text not null,
  at integer not null,
  primary key (note_id, user_id, written)
) strict, without rowid;

create index note_mentions_by_user on note_mentions (user_id, at);

-- Files beside the database, by the SHA-256 of their bytes.
create table files (
  id text primary key,
  row_id text not null references grid_rows (id) on delete cascade,
  contact_id text references contacts (id),
  name text not null,
  media_type text not null,
  size_bytes integer not null check (size_bytes >= 0),
  sha256 text not null check (length(sha256) = 64),
  created_at integer not null,
  created_by text not null,
  deleted_at integer,
  deleted_by text
) strict;

create index files_in_order on files (row_id, created_at, id) where deleted_at is null;
create index files_by_row on files (row_id);
create index files_by_bytes on files (sha256);
create index files_deleted on files (deleted_at) where deleted_at is not null;

-- Secret addresses of calendars; of each only the SHA-256 is stored.
create table calendar_feeds (
  id text primary key,
  user_id text not null references users (id),
  token_hash text not null,
  created_at integer not null,
  last_read_at integer,
  revoked_at integer
) strict;

create unique index calendar_feeds_by_hash on calendar_feeds (token_hash);
create index calendar_feeds_by_user on calendar_feeds (user_id) where revoked_at is null;

-- The timeline of one row, in order.
create index stage_events_in_order on stage_events (row_id, at, id);
create index commitment_events_in_order on commitment_events (row_id, at, id);
create index grid_changes_of_lists on grid_changes (row_id, change_set_id) where what = 'list';

-- What a person was told of, for their page and before they are removed.
create index interactions_by_contact on interactions (contact_id, at) where contact_id is not null;
create index notes_by_contact on notes (contact_id, created_at) where contact_id is not null;
create index files_by_contact on files (contact_id, created_at) where contact_id is not null;
