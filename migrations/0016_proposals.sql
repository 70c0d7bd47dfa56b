-- Proposals out of captured mail: which links were weighed, and one open proposal for each thread, investor and day.

-- When it was looked at for a proposal, whatever came of it.
alter table email_links add column weighed_at integer;

create index email_links_unweighed on email_links (sent_at, email_id) where weighed_at is null and deleted_at is null;

-- A decided one stays; mail that comes later on the same day makes another.
drop index email_proposals_once;
create unique index email_proposals_open on email_proposals (row_id, thread_id, day) where state = 'pending';

-- The page lists them by the day of their mail, the newest first.
drop index email_proposals_by_state;
create index email_proposals_by_state on email_proposals (state, day, id);

-- Those decided in one go are taken back in one go.
create index email_proposals_by_decision on email_proposals (decided_at) where decided_at is not null;
