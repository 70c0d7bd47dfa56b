-- Automations: rules, what fired, who stands in a watched view, what runs left behind.

create table automation_rules (
  id text primary key,
  name text not null,
  enabled integer not null default 0 check (enabled in (0, 1)),
  definition text not null check (json_valid(definition)),
  position integer not null,
  -- Rules that come with the program, inserted once each.
  shipped_key text unique,
  -- Changes up to this version are history to the rule: it begins after them.
  from_version integer not null,
  -- The last day whose dates it has looked at, in the fund's zone.
  seen_day text not null,
  -- The next slot of a schedule.
  next_at integer,
  -- Whether automation_watch knows who is in its view.
  is_watching integer not null default 0 check (is_watching in (0, 1)),
  switched_off_at integer,
  switched_off_why text,
  created_at integer not null,
  created_by text not null,
  updated_at integer not null,
  updated_by text not null,
  deleted_at integer
) strict;

create index automation_rules_in_order on automation_rules (position, id) where deleted_at is null;
create index automation_rules_enabled on automation_rules (id) where enabled = 1 and deleted_at is null;

-- One firing: a rule × a row × what caused it. `rule` is the rule as it was then.
create table automation_runs (
  id integer primary key,
  rule_id text not null references automation_rules (id),
  rule text not null check (json_valid(rule)),
  row_id text not null,
  row_title text not null,
  cause text not null,
  cause_change_set_id integer,
  -- What began the chain of runs that this one belongs to.
  root text not null,
  facts text not null check (json_valid(facts)),
  depth integer not null,
  state text not null check (state in ('queued', 'asked', 'declined', 'done', 'failed', 'skipped', 'reverted')),
  job_id integer,
  change_set_id integer,
  steps text not null default '[]' check (json_valid(steps)),
  outcome text not null default '',
  replay_of integer references automation_runs (id),
  started_by text not null,
  decided_by text,
  decided_at integer,
  reverted_by text,
  reverted_at integer,
  created_at integer not null,
  finished_at integer
) strict;

-- At most one firing for each rule, row and cause.
create unique index automation_runs_once on automation_runs (rule_id, row_id, cause);
create index automation_runs_by_rule on automation_runs (rule_id, id);
create index automation_runs_by_rule_and_time on automation_runs (rule_id, created_at);
create index automation_runs_by_row on automation_runs (row_id, id);
create index automation_runs_by_state on automation_runs (state, id);
create index automation_runs_by_change_set on automation_runs (change_set_id) where change_set_id is not null;
create index automation_runs_by_time on automation_runs (created_at, id);

-- What a run made beside its change set, so that it can be taken back.
create table automation_made (
  run_id integer not null references automation_runs (id),
  what text not null check (what in ('task', 'note', 'notice', 'draft')),
  thing_id text not null,
  primary key (run_id, what, thing_id)
) strict, without rowid;

-- Who is in the view that a rule watches.
create table automation_watch (
  rule_id text not null references automation_rules (id),
  row_id text not null,
  primary key (rule_id, row_id)
) strict, without rowid;

-- How far the change log was looked at: a change set, and a change in it.
create table automation_cursor (
  id integer primary key check (id = 1),
  change_set_id integer not null,
  change_id integer not null,
  looks integer not null,
  looked_at integer not null
) strict;

-- What rules want told in the daily digest.
create table digest_notices (
  id text primary key,
  run_id integer references automation_runs (id),
  row_id text,
  text text not null,
  at integer not null,
  told_at integer,
  deleted_at integer
) strict;

create index digest_notices_untold on digest_notices (at, id) where told_at is null and deleted_at is null;

-- Mail that a rule proposes. Nothing here is ever sent by the program.
create table email_drafts (
  id text primary key,
  row_id text not null,
  contact_id text,
  to_name text not null default '',
  to_address text not null default '',
  subject text not null,
  body text not null,
  state text not null default 'proposed' check (state in ('proposed', 'used', 'dismissed')),
  run_id integer references automation_runs (id),
  created_at integer not null,
  created_by text not null,
  decided_at integer,
  decided_by text,
  deleted_at integer
) strict;

create index email_drafts_by_state on email_drafts (state, created_at, id) where deleted_at is null;
create index email_drafts_by_row on email_drafts (row_id, created_at, id) where deleted_at is null;
