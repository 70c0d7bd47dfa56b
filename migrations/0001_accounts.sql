-- People who may sign in, how they prove it, and what they did.

create table users (
  id text primary key,
  email text not null check (email = lower(email)),
  name text not null,
  role text not null check (role in ('admin', 'member')),
  password_hash text,
  theme text not null default 'system' check (theme in ('system', 'light', 'dark')),
  created_at integer not null,
  disabled_at integer
) strict;

create unique index users_by_email on users (email);

-- The cookie holds 256 random bits; only their SHA-256 is stored.
create table sessions (
  token_hash text primary key,
  user_id text not null references users (id),
  created_at integer not null,
  last_seen_at integer not null,
  expires_at integer not null,
  ip text not null,
  user_agent text not null
) strict;

create index sessions_by_user on sessions (user_id, last_seen_at);

-- One-time links: first set-up, invitation, password reset.
create table links (
  token_hash text primary key,
  purpose text not null check (purpose in ('setup', 'invite', 'reset')),
  email text,
  role text not null check (role in ('admin', 'member')),
  created_by text not null,
  created_at integer not null,
  expires_at integer not null,
  used_at integer
) strict;

create index links_open on links (expires_at) where used_at is null;

create table api_tokens (
  id text primary key,
  user_id text not null references users (id),
  name text not null,
  prefix text not null,
  token_hash text not null,
  scope text not null check (scope in ('all', 'read')),
  created_at integer not null,
  expires_at integer,
  last_used_at integer,
  revoked_at integer
) strict;

create unique index api_tokens_by_hash on api_tokens (token_hash);
create index api_tokens_by_user on api_tokens (user_id, created_at);

-- Failed sign-ins, counted per address and per account to slow guessing.
create table login_failures (
  id integer primary key autoincrement,
  subject text not null,
  at integer not null
) strict;

create index login_failures_by_subject on login_failures (subject, at);

create table settings (
  key text primary key,
  value text not null check (json_valid(value)),
  updated_at integer not null,
  updated_by text not null
) strict;

-- Append-only and hash-chained: hash = sha256(prev_hash || the row's canonical JSON).
create table audit_log (
  id integer primary key autoincrement,
  at integer not null,
  actor text not null,
  action text not null,
  target text not null default '',
  detail text not null default '{}' check (json_valid(detail)),
  ip text not null default '',
  prev_hash text not null,
  hash text not null
) strict;

create index audit_log_by_actor on audit_log (actor, id);
create index audit_log_by_action on audit_log (action, id);

create trigger audit_log_no_update before update on audit_log
begin select raise(abort, 'the audit log is append-only'); end;

create trigger audit_log_no_delete before delete on audit_log
begin select raise(abort, 'the audit log is append-only'); end;

-- An answer already given to a write is given again to the same key.
create table idempotency_keys (
  actor text not null,
  key text not null,
  request_hash text not null,
  answer text not null,
  created_at integer not null,
  primary key (actor, key)
) strict, without rowid;

create index idempotency_keys_by_age on idempotency_keys (created_at);
