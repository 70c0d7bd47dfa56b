-- Captured mail: mailboxes, each message once, who saw it, whom it concerns, what it suggests.

create table mailboxes (
  id text primary key,
  address text not null check (address = lower(address)),
  -- Whose it is on our team.
  user_id text references users (id),
  -- Who agreed to this, when and how, in the words of the admin who enrolled it.
  consent text not null,
  -- What is kept of a message that concerns an investor.
  privacy text not null check (privacy in ('metadata', 'subject', 'body')),
  state text not null default 'active' check (state in ('active', 'paused')),
  -- Messages before this are not read; those before enrolled_at propose nothing.
  starts_at integer not null,
  enrolled_at integer not null,
  -- Where the backfill stands: Gmail's page token, and how far that is.
  backfill_cursor text,
  backfill_total integer,
  backfill_done integer not null default 0,
  backfilled_at integer,
  -- Everything up to here is read. Taken before the backfill begins.
  history_id text,
  synced_at integer,
  -- The last failure, its code and what to do; empty again after a success.
  error_code text,
  error text,
  failed_at integer,
  failures integer not null default 0,
  created_at integer not null,
  created_by text not null,
  updated_at integer not null,
  updated_by text not null,
  deleted_at integer
) strict;

create unique index mailboxes_by_address on mailboxes (address) where deleted_at is null;
create index mailboxes_live on mailboxes (state, id) where deleted_at is null;

create table email_threads (
  id text primary key,
  subject text not null default '',
  first_at integer not null,
  last_at integer not null
) strict;

-- One message, however many mailboxes it is in.
create table emails (
  id text primary key,
  -- The Message-ID without its brackets; "sha256:…" of the content if it has none.
  message_key text not null,
  thread_id text not null references email_threads (id),
  sent_at integer not null,
  from_name text not null default '',
  from_address text not null default '',
  -- As our team sees it.
  direction text not null check (direction in ('in', 'out', 'internal')),
  -- Empty where the privacy level, or not concerning anybody, withholds them.
  subject text not null default '',
  body text not null default '',
  -- The body without what it quotes and without signatures.
  said text not null default '',
  -- Whether it concerns an investor. If not, only metadata is kept and shown nowhere.
  is_matched integer not null default 0 check (is_matched in (0, 1)),
  -- It concerns an investor and its text may be kept, but has to be fetched first.
  needs_text integer not null default 0 check (needs_text in (0, 1)),
  -- The most that any mailbox that saw it allows to keep.
  privacy text not null check (privacy in ('metadata', 'subject', 'body')),
  size_bytes integer not null default 0,
  -- Why it could not be read as a message.
  parse_error text,
  created_at integer not null,
  -- Set when its last sighting is gone.
  deleted_at integer
) strict;

create unique index emails_by_key on emails (message_key);
create index emails_by_thread on emails (thread_id, sent_at, id);
create index emails_by_time on emails (sent_at, id) where is_matched = 1 and deleted_at is null;
create index emails_needing_text on emails (id) where needs_text = 1 and deleted_at is null;

create table email_people (
  email_id text not null references emails (id) on delete cascade,
  role text not null check (role in ('from', 'to', 'cc', 'bcc', 'reply_to')),
  address text not null,
  name text not null default '',
  domain text not null generated always as (substr(address, instr(address, '@') + 1)) virtual,
  primary key (email_id, role, address)
) strict, without rowid;

create index email_people_by_address on email_people (address, email_id);
create index email_people_by_domain on email_people (domain, email_id);

-- Whose an address or a domain is, as mail was last matched by: what differs from
-- the grid is what is still to be looked for.
create table email_book (
  key text not null,
  row_id text not null,
  contact_id text,
  rule text not null check (rule in ('contact', 'domain', 'address')),
  primary key (key, row_id)
) strict, without rowid;

-- Message keys a message names as those it answers: threads across mailboxes.
create table email_references (
  email_id text not null references emails (id) on delete cascade,
  message_key text not null,
  primary key (email_id, message_key)
) strict, without rowid;

create index email_references_by_key on email_references (message_key);

-- Where a message was seen. It is gone when every mailbox has thrown it away.
create table email_sightings (
  mailbox_id text not null references mailboxes (id),
  gmail_id text not null,
  gmail_thread_id text not null,
  -- None for a message left out (drafts, spam, chat) or that could not be had: not asked again.
  email_id text references emails (id),
  labels text not null default '[]' check (json_valid(labels)),
  seen_at integer not null,
  deleted_at integer,
  primary key (mailbox_id, gmail_id)
) strict, without rowid;

create index email_sightings_by_email on email_sightings (email_id) where email_id is not null;
create index email_sightings_by_thread on email_sightings (mailbox_id, gmail_thread_id);

create table email_attachments (
  id text primary key,
  email_id text not null references emails (id) on delete cascade,
  name text not null,
  media_type text not null,
  size_bytes integer not null,
  -- Which part of the message it is, from 0: its bytes are fetched when asked for.
  part integer not null
) strict;

create unique index email_attachments_by_part on email_attachments (email_id, part);

-- Whom a message concerns, and the rule that says so.
create table email_links (
  email_id text not null references emails (id) on delete cascade,
  row_id text not null,
  contact_id text references contacts (id),
  rule text not null check (rule in ('contact', 'domain', 'address', 'person')),
  sent_at integer not null,
  created_at integer not null,
  created_by text not null,
  deleted_at integer,
  primary key (email_id, row_id)
) strict, without rowid;

create index email_links_by_row on email_links (row_id, sent_at, email_id) where deleted_at is null;
-- The last contact with an investor may be another one now.
create trigger email_links_added after insert on email_links
begin insert into grid_touches (row_id) values (new.row_id); end;
create trigger email_links_changed after update on email_links
begin insert into grid_touches (row_id) values (new.row_id); end;
create trigger emails_gone after update of deleted_at on emails when new.is_matched = 1 and old.deleted_at is not new.deleted_at
begin insert into grid_touches (row_id) select row_id from email_links where email_id = new.id and deleted_at is null; end;

create index email_links_by_contact on email_links (contact_id, sent_at) where contact_id is not null and deleted_at is null;

-- An address that looks like somebody's, for a person to say.
create table email_near_matches (
  id text primary key,
  address text not null,
  name text not null default '',
  row_id text not null,
  reason text not null,
  state text not null default 'open' check (state in ('open', 'accepted', 'dismissed')),
  created_at integer not null,
  decided_at integer,
  decided_by text
) strict;

create unique index email_near_matches_once on email_near_matches (address, row_id);
create index email_near_matches_open on email_near_matches (created_at, id) where state = 'open';

-- What captured mail suggests; nothing reaches the grid before a person approves it.
create table email_proposals (
  id text primary key,
  row_id text not null,
  thread_id text not null references email_threads (id),
  -- The day in the fund's zone: one proposal for each thread, investor and day.
  day text not null,
  contact_id text references contacts (id),
  note text not null,
  new_contact text check (json_valid(new_contact)),
  follow_up_on text,
  stage_hint text,
  -- 'model' or 'rule', which model, and the version of the prompt.
  drafted_by text not null check (drafted_by in ('model', 'rule')),
  model text not null default '',
  prompt text not null default '',
  state text not null default 'pending' check (state in ('pending', 'approved', 'dismissed')),
  decided_at integer,
  decided_by text,
  -- What approving made, so that it can be taken back.
  made text not null default '{}' check (json_valid(made)),
  created_at integer not null,
  updated_at integer not null
) strict;

create unique index email_proposals_once on email_proposals (row_id, thread_id, day);
create index email_proposals_by_state on email_proposals (state, created_at, id);
create index email_proposals_by_row on email_proposals (row_id, created_at, id);

create table email_proposal_sources (
  proposal_id text not null references email_proposals (id) on delete cascade,
  email_id text not null references emails (id),
  primary key (proposal_id, email_id)
) strict, without rowid;

create index email_proposal_sources_by_email on email_proposal_sources (email_id);

-- What can be found of mail: what concerns an investor, as far as it may be kept.
create trigger search_emails_changed after update of subject, said, is_matched, deleted_at on emails
when old.subject <> new.subject or old.said <> new.said or old.is_matched <> new.is_matched or old.deleted_at is not new.deleted_at
begin
  delete from search_entries where kind = 'email' and thing_id = new.id;
  insert into search_entries (kind, thing_id, row_id, title, body, archived)
  select 'email', new.id, r.id, new.subject, substr(new.said, 1, 4000), r.archived_at is not null
  from grid_rows r
  where new.is_matched = 1 and new.deleted_at is null and new.subject || new.said <> ''
    and r.id = (select min(l.row_id) from email_links l join grid_rows g on g.id = l.row_id and g.deleted_at is null
                where l.email_id = new.id and l.deleted_at is null);
end;
