-- Reply drafts: which mailboxes may have them, and each one that somebody asked for.

alter table mailboxes add column may_draft integer not null default 0 check (may_draft in (0, 1));

-- A draft is written into a mailbox, for a person to look at and send from there.
create table email_reply_drafts (
  id text primary key,
  -- The email it answers, and the mailbox it lies in.
  email_id text not null references emails (id),
  mailbox_id text not null references mailboxes (id),
  -- Everybody it is addressed to: [{"role", "address", "name"}].
  recipients text not null check (json_valid(recipients)),
  subject text not null,
  body text not null,
  state text not null default 'pending' check (state in ('pending', 'saved', 'refused')),
  -- Why it is not saved yet, or never will be.
  error text,
  -- Gmail's name of it, once it is there.
  gmail_id text,
  created_at integer not null,
  created_by text not null,
  updated_at integer not null
) strict;

create index email_reply_drafts_by_email on email_reply_drafts (email_id, created_at, id);
