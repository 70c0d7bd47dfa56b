-- The durable queue. docs/jobs.md explains the states and the guarantees.

create table jobs (
  id integer primary key autoincrement,
  kind text not null,
  state text not null check (state in ('scheduled', 'available', 'running', 'done', 'discarded', 'cancelled')),
  priority integer not null default 0,
  run_at integer not null,
  payload text not null check (json_valid(payload)),
  attempt integer not null default 0,
  max_attempts integer not null check (max_attempts > 0),
  -- Raised by every claim. Whoever holds an older value can no longer finish the job.
  fence integer not null default 0,
  worker_id text,
  started_at integer,
  finished_at integer,
  cancel_requested_at integer,
  unique_key text,
  group_key text,
  progress_done integer,
  progress_total integer,
  progress_message text,
  output text check (output is null or json_valid(output)),
  last_error text,
  parent_id integer references jobs (id) on delete set null,
  created_by text not null,
  created_at integer not null,
  check ((finished_at is not null) = (state in ('done', 'discarded', 'cancelled'))),
  check (state <> 'running' or (worker_id is not null and started_at is not null))
) strict;

create index jobs_claimable on jobs (priority, run_at, id, kind, group_key) where state = 'available';
create index jobs_due on jobs (run_at) where state = 'scheduled';
create index jobs_running on jobs (worker_id, kind, group_key) where state = 'running';
create index jobs_unique on jobs (kind, unique_key, id) where unique_key is not null;
create index jobs_finished on jobs (state, finished_at) where finished_at is not null;
create index jobs_by_kind on jobs (kind, id);
create index jobs_children on jobs (parent_id) where parent_id is not null;

-- Attempts that did not end in success; the last success is on the job itself.
create table job_attempts (
  job_id integer not null references jobs (id) on delete cascade,
  fence integer not null,
  attempt integer not null,
  outcome text not null check (outcome in ('failed', 'panicked', 'timed_out', 'worker_died', 'snoozed', 'released', 'cancelled', 'gave_up')),
  worker_id text,
  started_at integer,
  finished_at integer not null,
  error text not null,
  primary key (job_id, fence)
) strict, without rowid;

-- What a durable step returned; a rerun reads it instead of doing the step again.
create table job_steps (
  job_id integer not null references jobs (id) on delete cascade,
  name text not null,
  output text not null check (json_valid(output)),
  at integer not null,
  primary key (job_id, name)
) strict, without rowid;

create table job_log (
  id integer primary key autoincrement,
  job_id integer not null references jobs (id) on delete cascade,
  fence integer not null,
  at integer not null,
  line text not null
) strict;

create index job_log_by_job on job_log (job_id, id);

create table schedules (
  name text primary key,
  kind text not null,
  payload text not null check (json_valid(payload)),
  expression text not null,
  -- null: the fund's own zone, from settings
  zone text,
  catch_up text not null check (catch_up in ('skip', 'once', 'all')),
  enabled integer not null default 1 check (enabled in (0, 1)),
  next_at integer not null,
  last_at integer,
  last_job_id integer,
  -- set once a person changed it: a release no longer updates it then
  edited_at integer
) strict;

create index schedules_due on schedules (next_at) where enabled = 1;

create table workers (
  id text primary key,
  pid integer not null,
  version text not null,
  slots integer not null,
  started_at integer not null,
  heartbeat_at integer not null,
  lease_until integer not null
) strict;

-- Only kinds somebody paused or limited have a row.
create table job_kinds (
  kind text primary key,
  paused integer not null default 0 check (paused in (0, 1)),
  max_running integer check (max_running is null or max_running > 0)
) strict;

-- Kept by triggers: counting a million finished rows would take a third of a second.
create table job_counts (
  kind text not null,
  state text not null,
  count integer not null,
  primary key (kind, state)
) strict, without rowid;

create trigger jobs_count_insert after insert on jobs begin
  insert into job_counts (kind, state, count) values (new.kind, new.state, 1)
  on conflict (kind, state) do update set count = count + 1;
end;

create trigger jobs_count_update after update of state on jobs when old.state <> new.state begin
  update job_counts set count = count - 1 where kind = old.kind and state = old.state;
  insert into job_counts (kind, state, count) values (new.kind, new.state, 1)
  on conflict (kind, state) do update set count = count + 1;
end;

create trigger jobs_count_delete after delete on jobs begin
  update job_counts set count = count - 1 where kind = old.kind and state = old.state;
end;

-- Per kind and hour; outlives the pruned rows.
create table job_stats (
  hour_at integer not null,
  kind text not null,
  done integer not null default 0,
  failed integer not null default 0,
  discarded integer not null default 0,
  cancelled integer not null default 0,
  started integer not null default 0,
  wait_ms integer not null default 0,
  wait_max_ms integer not null default 0,
  run_ms integer not null default 0,
  run_max_ms integer not null default 0,
  primary key (hour_at, kind)
) strict, without rowid;

-- What `probe` jobs leave behind, once each: the chaos test counts them.
create table probe_marks (
  mark text not null,
  job_id integer not null
) strict;

create index probe_marks_by_job on probe_marks (job_id);
