-- Finding things: one entry for each thing that can be found, and its index.
-- Also the order of the activity feed, and feature requests.

-- Investors and contacts are written by the relational sync; notes, tasks and
-- contacts noted by triggers, and again by the sync when their row changes.
-- `kind` is open: what comes later (emails) adds its own.
create table search_entries (
  id integer primary key,
  kind text not null,
  thing_id text not null,
  -- Whose page it is on. Deleted rows are left out when reading.
  row_id text,
  title text not null,
  body text not null,
  archived integer not null check (archived in (0, 1)),
  -- Words no query can reach: they narrow a search inside the index.
  marks text not null generated always as ('is' || kind || iif(archived, ' isarchived', ' islive')) virtual
) strict;

create unique index search_entries_by_thing on search_entries (kind, thing_id);
create index search_entries_by_row on search_entries (row_id) where row_id is not null;

create virtual table search_index using fts5(
  title, body, marks, content='search_entries', content_rowid='id',
  tokenize='unicode61 remove_diacritics 2', prefix='1 2 3'
);

-- Every word of the index with the number of entries it is in: near words for typos.
create virtual table search_terms using fts5vocab('search_index', 'row');

create trigger search_entries_added after insert on search_entries begin
  insert into search_index (rowid, title, body, marks) values (new.id, new.title, new.body, new.marks);
end;

create trigger search_entries_removed after delete on search_entries begin
  insert into search_index (search_index, rowid, title, body, marks)
  values ('delete', old.id, old.title, old.body, old.marks);
end;

create trigger search_entries_changed after update on search_entries begin
  insert into search_index (search_index, rowid, title, body, marks)
  values ('delete', old.id, old.title, old.body, old.marks);
  insert into search_index (rowid, title, body, marks) values (new.id, new.title, new.body, new.marks);
end;

create trigger search_notes_added after insert on notes when new.deleted_at is null begin
  insert into search_entries (kind, thing_id, row_id, title, body, archived)
  select 'note', new.id, new.row_id, '', substr(new.body, 1, 4000), archived_at is not null
  from grid_rows where id = new.row_id;
end;

create trigger search_notes_changed after update of row_id, body, deleted_at on notes begin
  delete from search_entries where kind = 'note' and thing_id = new.id;
  insert into search_entries (kind, thing_id, row_id, title, body, archived)
  select 'note', new.id, new.row_id, '', substr(new.body, 1, 4000), archived_at is not null
  from grid_rows where id = new.row_id and new.deleted_at is null;
end;

create trigger search_notes_removed after delete on notes begin
  delete from search_entries where kind = 'note' and thing_id = old.id;
end;

create trigger search_tasks_added after insert on tasks when new.deleted_at is null begin
  insert into search_entries (kind, thing_id, row_id, title, body, archived)
  values ('task', new.id, new.row_id, new.title, substr(new.note, 1, 4000),
    coalesce((select archived_at is not null from grid_rows where id = new.row_id), 0));
end;

create trigger search_tasks_changed after update of row_id, title, note, deleted_at on tasks begin
  delete from search_entries where kind = 'task' and thing_id = new.id;
  insert into search_entries (kind, thing_id, row_id, title, body, archived)
  select 'task', new.id, new.row_id, new.title, substr(new.note, 1, 4000),
    coalesce((select archived_at is not null from grid_rows where id = new.row_id), 0)
  where new.deleted_at is null;
end;

create trigger search_tasks_removed after delete on tasks begin
  delete from search_entries where kind = 'task' and thing_id = old.id;
end;

create trigger search_interactions_added after insert on interactions when new.deleted_at is null and new.note <> '' begin
  insert into search_entries (kind, thing_id, row_id, title, body, archived)
  select 'interaction', new.id, new.row_id, '', new.note, archived_at is not null
  from grid_rows where id = new.row_id;
end;

create trigger search_interactions_changed after update of row_id, note, deleted_at on interactions begin
  delete from search_entries where kind = 'interaction' and thing_id = new.id;
  insert into search_entries (kind, thing_id, row_id, title, body, archived)
  select 'interaction', new.id, new.row_id, '', new.note, archived_at is not null
  from grid_rows where id = new.row_id and new.deleted_at is null and new.note <> '';
end;

create trigger search_interactions_removed after delete on interactions begin
  delete from search_entries where kind = 'interaction' and thing_id = old.id;
end;

insert into search_entries (kind, thing_id, row_id, title, body, archived)
select 'note', n.id, n.row_id, '', substr(n.body, 1, 4000), r.archived_at is not null
from notes n join grid_rows r on r.id = n.row_id
where n.deleted_at is null and r.deleted_at is null;

insert into search_entries (kind, thing_id, row_id, title, body, archived)
select 'task', t.id, t.row_id, t.title, substr(t.note, 1, 4000), coalesce(r.archived_at is not null, 0)
from tasks t left join grid_rows r on r.id = t.row_id
where t.deleted_at is null and r.deleted_at is null;

insert into search_entries (kind, thing_id, row_id, title, body, archived)
select 'interaction', i.id, i.row_id, '', i.note, r.archived_at is not null
from interactions i join grid_rows r on r.id = i.row_id
where i.deleted_at is null and i.note <> '' and r.deleted_at is null;

-- Investors and contacts follow at once, by the job that writes them.
insert into jobs (kind, state, run_at, payload, max_attempts, unique_key, group_key, created_by, created_at)
select 'sync_relational', 'available', updated_at, '{"rebuild":true}', 8, 'rebuild', 'relational', 'system', updated_at
from grid_state where version > 0;

-- The activity feed: by time, for everybody and for one person. Actions that a
-- change set, an import or a backup tells better are told there; the condition
-- must read the same in jobs/src/activity, or these are not used.
create index audit_log_by_time on audit_log (at, id);
create index audit_log_by_actor_and_time on audit_log (actor, at, id);
create index audit_log_by_action_and_time on audit_log (action, at, id);
create index audit_log_told on audit_log (at, id)
where action not in ('row.added', 'row.moved', 'row.archived', 'row.restored', 'row.deleted', 'row.purged', 'grid.changed', 'grid.columns_changed', 'grid.undone', 'grid.redone', 'grid.reverted', 'grid.replaced', 'contact.changed', 'contact.merged', 'commitment.recorded', 'commitment.transferred', 'import.started', 'backup.asked');
create index audit_log_told_by_actor on audit_log (actor, at, id)
where action not in ('row.added', 'row.moved', 'row.archived', 'row.restored', 'row.deleted', 'row.purged', 'grid.changed', 'grid.columns_changed', 'grid.undone', 'grid.redone', 'grid.reverted', 'grid.replaced', 'contact.changed', 'contact.merged', 'commitment.recorded', 'commitment.transferred', 'import.started', 'backup.asked');
create index change_sets_by_actor_and_time on change_sets (actor, at, id);
create index change_sets_by_job on change_sets (job_id) where job_id is not null;
create index imports_applied on imports (applied_at, id) where applied_at is not null;
create index imports_by_job on imports (job_id) where job_id is not null;
create index imports_by_revert_job on imports (revert_job_id) where revert_job_id is not null;

-- What the team wishes the program would do.
create table feature_requests (
  id text primary key,
  title text not null,
  body text not null default '',
  status text not null default 'open' check (status in ('open', 'planned', 'done', 'declined')),
  -- The word that came with the status.
  answer text not null default '',
  answered_by text,
  answered_at integer,
  created_by text not null references users (id),
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
) strict;

create index feature_requests_live on feature_requests (created_at, id) where deleted_at is null;

create table feature_votes (
  request_id text not null references feature_requests (id) on delete cascade,
  user_id text not null references users (id),
  at integer not null,
  primary key (request_id, user_id)
) strict, without rowid;
