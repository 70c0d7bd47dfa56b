-- The grid: the one master table of investors, its history, and what its cells link to.

create table grid_state (
  id integer primary key check (id = 1),
  version integer not null,
  updated_at integer not null,
  updated_by text not null
) strict;

insert into grid_state (id, version, updated_at, updated_by) values (1, 0, 0, 'system');

-- Column ids are short slugs, not UUIDs: they repeat in every row's JSON.
create table grid_columns (
  id text primary key,
  name text not null,
  type text not null,
  options text not null default '{}' check (json_valid(options)),
  position integer not null,
  hidden integer not null default 0 check (hidden in (0, 1)),
  created_at integer not null,
  deleted_at integer
) strict;

-- `cells` is one JSON object {column id: value} without blanks; `version` is the
-- grid version that last changed the row.
create table grid_rows (
  id text primary key,
  position integer not null,
  version integer not null,
  cells text not null check (json_valid(cells)),
  list text not null default 'main' check (list in ('main', 'follow_up', 'longshot', 'graveyard')),
  list_since_at integer not null,
  list_by text not null,
  list_reason text not null default '',
  created_at integer not null,
  created_by text not null,
  updated_at integer not null,
  updated_by text not null,
  archived_at integer,
  archive_reason text,
  deleted_at integer,
  check ((archived_at is null) = (archive_reason is null))
) strict;

create index grid_rows_live on grid_rows (position, id) where deleted_at is null;
create index grid_rows_by_position on grid_rows (position);
create index grid_rows_by_list on grid_rows (list, position, id) where deleted_at is null and archived_at is null;
create index grid_rows_by_version on grid_rows (version);

-- All that one action changed; `id` is the grid version it made.
create table change_sets (
  id integer primary key,
  actor text not null,
  origin text not null,
  summary text not null default '',
  job_id integer,
  at integer not null
) strict;

create index change_sets_by_time on change_sets (at, id);

-- `what` says which part of the row or column: a cell (column_id set), a new row
-- (after = its cells), its list, archive or delete mark, or a column's definition.
create table grid_changes (
  id integer primary key,
  change_set_id integer not null references change_sets (id),
  what text not null check (what in ('cell', 'row_added', 'list', 'archived', 'deleted', 'column')),
  row_id text,
  column_id text,
  before text,
  after text
) strict;

create index grid_changes_by_set on grid_changes (change_set_id, row_id);
create index grid_changes_by_row on grid_changes (row_id, change_set_id, column_id) where row_id is not null;

create table grid_views (
  id text primary key,
  name text not null,
  mode text not null check (mode in ('shared', 'personal', 'locked')),
  owner text,
  config text not null check (json_valid(config)),
  position integer not null,
  created_at integer not null,
  deleted_at integer
) strict;

create table funds (
  id text primary key,
  name text not null,
  name_key text not null,
  currency text not null,
  target text,
  hard_cap text,
  first_close_on text,
  final_close_on text,
  status text not null default 'raising' check (status in ('planned', 'raising', 'closed')),
  created_at integer not null,
  deleted_at integer
) strict;

create unique index funds_by_name on funds (name_key) where deleted_at is null;

-- Who the pills in contact cells are: one row per person, found again by email.
create table contacts (
  id text primary key,
  name text not null,
  name_key text not null,
  email text,
  created_at integer not null
) strict;

create unique index contacts_by_email on contacts (email) where email is not null;
create index contacts_by_name on contacts (name_key);

create table tasks (
  id text primary key,
  row_id text references grid_rows (id),
  title text not null,
  due_on text,
  assignee text references users (id),
  status text not null default 'open' check (status in ('open', 'done', 'snoozed', 'cancelled')),
  created_by text not null,
  created_at integer not null,
  done_at integer,
  deleted_at integer
) strict;

create index tasks_by_row on tasks (row_id, status) where deleted_at is null;
create index tasks_open on tasks (due_on) where status = 'open' and deleted_at is null;
