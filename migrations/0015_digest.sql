-- The daily digest: what was told, in whose words, to whom it went.

create table digests (
  id text primary key,
  -- What happened from here up to there is told: created_at >= window_from and < window_to.
  window_from integer not null,
  window_to integer not null,
  state text not null default 'building'
    check (state in ('building', 'delivering', 'delivered', 'quiet', 'held', 'failed')),
  -- What it tells, without the text of any mail; null once it is removed.
  facts text check (json_valid(facts)),
  subject text not null default '',
  html text not null default '',
  text text not null default '',
  -- 'model', 'rule' or 'both'; which model, the version of the prompt, why a rule had to do.
  narrated_by text not null default '',
  model text not null default '',
  prompt text not null default '',
  note text not null default '',
  error text not null default '',
  job_id integer,
  created_at integer not null,
  created_by text not null,
  finished_at integer
) strict;

create index digests_newest on digests (created_at, id);
create index digests_unfinished on digests (created_at) where state in ('building', 'delivering');
-- The window runs from the newest of these.
create index digests_delivered on digests (window_to) where state = 'delivered';

-- A summary is paid for once: a crash between two of them asks for none again.
create table digest_narratives (
  digest_id text not null references digests (id) on delete cascade,
  -- Whose mail; '' for the whole team.
  user_id text not null,
  row_id text not null,
  -- [{text, emails: [number]}]
  sentences text not null check (json_valid(sentences)),
  told_by text not null check (told_by in ('model', 'rule')),
  reason text not null default '',
  model text not null default '',
  at integer not null,
  primary key (digest_id, user_id, row_id)
) strict, without rowid;

-- 'sending' is written before a letter leaves: found again after a crash it is unknown.
create table digest_deliveries (
  digest_id text not null references digests (id) on delete cascade,
  user_id text not null references users (id),
  address text not null,
  message_id text not null,
  state text not null default 'queued'
    check (state in ('queued', 'sending', 'sent', 'failed', 'unknown', 'skipped')),
  attempts integer not null default 0,
  error text not null default '',
  at integer not null,
  primary key (digest_id, user_id)
) strict, without rowid;

-- What the digest looks up by time.
create index commitment_events_by_time on commitment_events (at, id);
