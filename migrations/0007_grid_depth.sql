-- The grid in depth: who undid what, personal views, contacts with investors,
-- and a list of rows whose derived columns changed.

-- A set that takes another back names it, and is named by it. Undo and redo walk
-- these, per actor.
alter table change_sets add column reverts integer references change_sets (id);
alter table change_sets add column undone_by integer references change_sets (id);

create index change_sets_by_actor on change_sets (actor, id);

-- `what` gains 'purged': SQLite cannot change a check in place.
create table grid_changes_new (
  id integer primary key,
  change_set_id integer not null references change_sets (id),
  what text not null check (what in ('cell', 'row_added', 'list', 'archived', 'deleted', 'column', 'purged')),
  row_id text,
  column_id text,
  before text,
  after text
) strict;

insert into grid_changes_new (id, change_set_id, what, row_id, column_id, before, after)
select id, change_set_id, what, row_id, column_id, before, after from grid_changes;

drop table grid_changes;
alter table grid_changes_new rename to grid_changes;

create index grid_changes_by_set on grid_changes (change_set_id, row_id);
create index grid_changes_by_row on grid_changes (row_id, change_set_id, column_id) where row_id is not null;
create index grid_changes_of_columns on grid_changes (change_set_id) where row_id is null;

create index grid_rows_deleted on grid_rows (deleted_at) where deleted_at is not null;

-- Views were a list each; now they are filters.
update grid_views
set config = iif(config ->> 'list' is null, '{}',
  json_object('filter', json_object('all', json_array(
    json_object('column', '@list', 'op', 'is', 'value', config ->> 'list')))));

create index grid_views_by_position on grid_views (position, id) where deleted_at is null;

-- When somebody of ours was in touch with an investor, and how.
create table interactions (
  id text primary key,
  row_id text not null references grid_rows (id),
  kind text not null check (kind in ('call', 'meeting', 'email', 'message')),
  at integer not null,
  note text not null default '',
  created_by text not null,
  created_at integer not null,
  deleted_at integer
) strict;

create index interactions_by_row on interactions (row_id, at) where deleted_at is null;

-- Rows whose derived columns (tasks, last contact) may read otherwise now, for
-- readers that keep the grid in memory. No row means: all of them, in a new
-- order too. Old entries are swept.
create table grid_touches (
  id integer primary key autoincrement,
  row_id text
) strict;

create trigger tasks_added after insert on tasks when new.row_id is not null
begin insert into grid_touches (row_id) values (new.row_id); end;
create trigger tasks_changed after update on tasks when new.row_id is not null or old.row_id is not null
begin
  insert into grid_touches (row_id)
  select row_id from (select old.row_id as row_id union select new.row_id) where row_id is not null;
end;
create trigger interactions_added after insert on interactions
begin insert into grid_touches (row_id) values (new.row_id); end;
create trigger interactions_changed after update on interactions
begin insert into grid_touches (row_id) values (new.row_id); end;
