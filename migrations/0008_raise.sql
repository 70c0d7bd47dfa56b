-- The raise: commitments as a ledger, stages with their transitions, people merged.

alter table funds add column vehicle text not null default '';
-- Stage → percent that counts in a weighted total; absent stages have their default.
alter table funds add column weights text not null default '{}' check (json_valid(weights));
alter table funds add column updated_at integer not null default 0;

-- One line per change of what an investor has in a fund at a stage, written with
-- the grid change that made it. `happened_on` is the day it counts from, in the
-- fund's zone: the day of writing unless a person said another.
create table commitment_events (
  id integer primary key,
  row_id text not null,
  fund_id text not null,
  stage text not null check (stage in ('target', 'soft', 'hard', 'signed', 'wired', 'declined')),
  column_id text not null,
  before text,
  after text,
  currency text not null,
  happened_on text not null,
  at integer not null,
  by text not null,
  change_set_id integer not null references change_sets (id),
  note text not null default '',
  -- The other side of a transfer between investors.
  other_row_id text
) strict;

create index commitment_events_by_fund on commitment_events (fund_id, happened_on, id);
create index commitment_events_by_row on commitment_events (row_id, fund_id, id);
create index commitment_events_by_set on commitment_events (change_set_id);

-- One live pursuit of an investor at most; a lost one stays as it ended.
create table opportunities (
  id text primary key,
  row_id text not null,
  -- The choice of the pipeline column, and the standard stage it stands for.
  choice text not null,
  stage text check (stage in ('lead', 'engaged', 'diligence', 'commitment', 'lost')),
  stage_since_at integer not null,
  opened_at integer not null,
  opened_by text not null,
  closed_at integer,
  closed_by text,
  outcome text check (outcome in ('lost', 'withdrawn')),
  exit_reason text not null default '',
  check ((closed_at is null) = (outcome is null))
) strict;

create unique index opportunities_live on opportunities (row_id) where closed_at is null;
create index opportunities_by_row on opportunities (row_id, opened_at);
create index opportunities_closed on opportunities (closed_at) where closed_at is not null;

-- Every step from stage to stage. A null is "no stage yet" or "taken out".
create table stage_events (
  id integer primary key,
  row_id text not null,
  opportunity_id text not null references opportunities (id),
  from_choice text,
  to_choice text,
  from_stage text,
  to_stage text,
  at integer not null,
  by text not null,
  change_set_id integer not null references change_sets (id)
) strict;

create index stage_events_by_row on stage_events (row_id, id);
create index stage_events_by_time on stage_events (at, id);
create index stage_events_by_opportunity on stage_events (opportunity_id, id);
create index stage_events_by_set on stage_events (change_set_id);

-- Two entries that were one person. In force while its change set is not undone.
create table contact_merges (
  id integer primary key,
  kept_id text not null references contacts (id),
  merged_id text not null references contacts (id),
  change_set_id integer references change_sets (id),
  at integer not null,
  by text not null,
  undone_at integer
) strict;

create index contact_merges_by_merged on contact_merges (merged_id) where undone_at is null;
create index contact_merges_by_set on contact_merges (change_set_id);

-- Every further address a person was known by; the first is contacts.email.
create table contact_addresses (
  email text primary key,
  contact_id text not null references contacts (id)
) strict, without rowid;

create index contact_addresses_by_contact on contact_addresses (contact_id);

-- Two people of whom somebody said that they are not one. Smaller id first.
create table contacts_distinct (
  one_id text not null references contacts (id),
  other_id text not null references contacts (id),
  at integer not null,
  by text not null,
  primary key (one_id, other_id)
) strict, without rowid;

-- What history already tells of commitments, oldest first.
insert into commitment_events (row_id, fund_id, stage, column_id, before, after, currency, happened_on, at, by, change_set_id)
select row_id, fund_id, stage, column_id, before, after, currency, date(at / 1000, 'unixepoch'), at, actor, set_id
from (
  select c.id as change_id, c.row_id, k.options ->> '$.commitment.fund' as fund_id, k.options ->> '$.commitment.stage' as stage,
         k.id as column_id, c.before ->> '$' as before, c.after ->> '$' as after,
         coalesce(k.options ->> '$.currency', '') as currency, s.at, s.actor, s.id as set_id
  from grid_changes c
  join change_sets s on s.id = c.change_set_id
  join grid_columns k on k.id = c.column_id and k.deleted_at is null
  where c.what = 'cell' and k.options ->> '$.commitment.fund' is not null
  union all
  select c.id, c.row_id, k.options ->> '$.commitment.fund', k.options ->> '$.commitment.stage',
         k.id, null, e.value, coalesce(k.options ->> '$.currency', ''), s.at, s.actor, s.id
  from grid_changes c
  join change_sets s on s.id = c.change_set_id
  join json_each(c.after) e
  join grid_columns k on k.id = e.key and k.deleted_at is null
  where c.what = 'row_added' and k.options ->> '$.commitment.fund' is not null
)
where before is not null or after is not null
order by change_id;

-- One live opportunity for everybody who stands at a stage today.
insert into opportunities (id, row_id, choice, stage, stage_since_at, opened_at, opened_by)
select lower(hex(randomblob(16))), r.id, choice.value ->> 'id',
       case lower(choice.value ->> 'name') when 'lead' then 'lead' when 'engaged' then 'engaged'
         when 'diligence' then 'diligence' when 'commitment' then 'commitment' end,
       coalesce((select max(s.at) from grid_changes c join change_sets s on s.id = c.change_set_id
                 where c.row_id = r.id and c.column_id = k.id), r.created_at),
       r.created_at, r.created_by
from (
  select id, options from grid_columns
  where type = 'select' and deleted_at is null and (options ->> '$.pipeline' = 1 or lower(name) = 'stage')
  order by coalesce(options ->> '$.pipeline', 0) desc, position, id limit 1
) k
join grid_rows r on r.deleted_at is null
join json_each(k.options, '$.choices') choice on choice.value ->> 'id' = r.cells ->> ('$.' || k.id)
where lower(choice.value ->> 'name') <> 'lost';
