-- A second factor: a secret shared with an authenticator app, and codes for when the
-- phone is gone.

-- The secret is sealed with a key outside the database. `last_step` is the time step of
-- the newest code that worked: no code of it or of an earlier one works again.
create table second_factors (
  user_id text primary key references users (id),
  sealed text not null,
  last_step integer not null default 0,
  created_at integer not null,
  confirmed_at integer
) strict;

create table recovery_codes (
  user_id text not null references users (id),
  code_hash text not null,
  used_at integer,
  primary key (user_id, code_hash)
) strict, without rowid;

-- The password was right, the code is still to come. The cookie holds 256 random bits;
-- only their SHA-256 is stored, and nothing but the code page asks for it.
create table half_sign_ins (
  token_hash text primary key,
  user_id text not null references users (id),
  created_at integer not null,
  expires_at integer not null
) strict;

create index half_sign_ins_by_user on half_sign_ins (user_id);
create index half_sign_ins_by_end on half_sign_ins (expires_at);

-- Invitations that an admin wants mailed. The link's secret is sealed until the letter is
-- out, because the table of links knows only its hash.
create table invite_letters (
  link_hash text primary key references links (token_hash) on delete cascade,
  state text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
  sealed text not null,
  error text not null default '',
  updated_at integer not null
) strict;
