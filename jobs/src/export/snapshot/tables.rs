//! Which tables a snapshot has.

/// A table of the document.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotTable {
    /// Its name, in the database and in the document.
    pub name: &'static str,
    /// Its columns, separated by commas.
    pub columns: &'static str,
    /// By which its rows are in one order only.
    pub order: &'static str,
}

impl SnapshotTable {
    /// Its columns one by one.
    pub fn column_names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.columns.split(", ")
    }
}

const fn table(name: &'static str, columns: &'static str, order: &'static str) -> SnapshotTable {
    SnapshotTable {
        name,
        columns,
        order,
    }
}

/// What is in a snapshot, those that others refer to first.
pub const TABLES: &[SnapshotTable] = &[
    table(
        "users",
        "id, email, name, role, theme, created_at, disabled_at",
        "id",
    ),
    table("settings", "key, value, updated_at, updated_by", "key"),
    table(
        "funds",
        "id, name, name_key, currency, target, hard_cap, first_close_on, final_close_on, status, created_at, deleted_at, vehicle, weights, updated_at",
        "id",
    ),
    table("contacts", "id, name, name_key, email, created_at", "id"),
    table("contact_addresses", "email, contact_id", "email"),
    table(
        "contacts_distinct",
        "one_id, other_id, at, by",
        "one_id, other_id",
    ),
    table("grid_state", "id, version, updated_at, updated_by", "id"),
    table(
        "grid_columns",
        "id, name, type, options, position, hidden, created_at, deleted_at",
        "id",
    ),
    table(
        "grid_rows",
        "id, position, version, cells, list, list_since_at, list_by, list_reason, created_at, created_by, updated_at, updated_by, archived_at, archive_reason, deleted_at",
        "id",
    ),
    table(
        "change_sets",
        "id, actor, origin, summary, job_id, at, reverts, undone_by",
        "id",
    ),
    table(
        "grid_changes",
        "id, change_set_id, what, row_id, column_id, before, after",
        "id",
    ),
    table(
        "grid_views",
        "id, name, mode, owner, config, position, created_at, deleted_at",
        "id",
    ),
    table(
        "contact_merges",
        "id, kept_id, merged_id, change_set_id, at, by, undone_at",
        "id",
    ),
    table(
        "commitment_events",
        "id, row_id, fund_id, stage, column_id, before, after, currency, happened_on, at, by, change_set_id, note, other_row_id",
        "id",
    ),
    table(
        "opportunities",
        "id, row_id, choice, stage, stage_since_at, opened_at, opened_by, closed_at, closed_by, outcome, exit_reason",
        "id",
    ),
    table(
        "stage_events",
        "id, row_id, opportunity_id, from_choice, to_choice, from_stage, to_stage, at, by, change_set_id",
        "id",
    ),
    table(
        "tasks",
        "id, row_id, title, due_on, assignee, status, created_by, created_at, done_at, deleted_at, contact_id, note, snoozed_until, repeat, series_id, updated_at, updated_by, done_by",
        "id",
    ),
    table(
        "interactions",
        "id, row_id, kind, at, note, created_by, created_at, deleted_at, contact_id",
        "id",
    ),
    table(
        "notes",
        "id, row_id, contact_id, interaction_id, body, pinned, created_at, created_by, updated_at, updated_by, deleted_at",
        "id",
    ),
    table("note_versions", "id, note_id, body, at, by", "id"),
    table(
        "note_mentions",
        "note_id, user_id, written, at",
        "note_id, user_id, written",
    ),
    table(
        "files",
        "id, row_id, contact_id, name, media_type, size_bytes, sha256, created_at, created_by, deleted_at, deleted_by",
        "id",
    ),
    table(
        "import_profiles",
        "id, name, name_key, headers, mapping, created_by, created_at, used_at, deleted_at",
        "id",
    ),
    table(
        "imports",
        "id, file_name, size_bytes, sha256, encoding, delimiter, row_count, mapping, profile, state, outcome, error, job_id, change_set_id, created_by, created_at, applied_at, deleted_at, profile_id, sheet, sheets, first_lines, revert_job_id, revert_outcome",
        "id",
    ),
    table(
        "import_created",
        "import_id, what, thing_id",
        "import_id, what, thing_id",
    ),
    table(
        "feature_requests",
        "id, title, body, status, answer, answered_by, answered_at, created_by, created_at, updated_at, deleted_at",
        "id",
    ),
    table(
        "feature_votes",
        "request_id, user_id, at",
        "request_id, user_id",
    ),
    table(
        "automation_rules",
        "id, name, enabled, definition, position, shipped_key, from_version, seen_day, next_at, is_watching, switched_off_at, switched_off_why, created_at, created_by, updated_at, updated_by, deleted_at",
        "id",
    ),
    table(
        "automation_runs",
        "id, rule_id, rule, row_id, row_title, cause, cause_change_set_id, root, facts, depth, state, job_id, change_set_id, steps, outcome, replay_of, started_by, decided_by, decided_at, reverted_by, reverted_at, created_at, finished_at",
        "id",
    ),
    table(
        "automation_made",
        "run_id, what, thing_id",
        "run_id, what, thing_id",
    ),
    table("automation_watch", "rule_id, row_id", "rule_id, row_id"),
    table(
        "automation_cursor",
        "id, change_set_id, change_id, looks, looked_at",
        "id",
    ),
    table(
        "digest_notices",
        "id, run_id, row_id, text, at, told_at, deleted_at",
        "id",
    ),
    table(
        "email_drafts",
        "id, row_id, contact_id, to_name, to_address, subject, body, state, run_id, created_at, created_by, decided_at, decided_by, deleted_at",
        "id",
    ),
    table(
        "mailboxes",
        "id, address, user_id, consent, privacy, state, starts_at, enrolled_at, backfill_cursor, backfill_total, backfill_done, backfilled_at, history_id, synced_at, error_code, error, failed_at, failures, created_at, created_by, updated_at, updated_by, deleted_at, may_draft",
        "id",
    ),
    table("email_threads", "id, subject, first_at, last_at", "id"),
    table(
        "emails",
        "id, message_key, thread_id, sent_at, from_name, from_address, direction, subject, body, said, is_matched, needs_text, privacy, size_bytes, parse_error, created_at, deleted_at",
        "id",
    ),
    table(
        "email_people",
        "email_id, role, address, name",
        "email_id, role, address",
    ),
    table(
        "email_references",
        "email_id, message_key",
        "email_id, message_key",
    ),
    table(
        "email_sightings",
        "mailbox_id, gmail_id, gmail_thread_id, email_id, labels, seen_at, deleted_at",
        "mailbox_id, gmail_id",
    ),
    table(
        "email_attachments",
        "id, email_id, name, media_type, size_bytes, part",
        "id",
    ),
    table(
        "email_links",
        "email_id, row_id, contact_id, rule, sent_at, created_at, created_by, deleted_at, weighed_at",
        "email_id, row_id",
    ),
    table(
        "email_near_matches",
        "id, address, name, row_id, reason, state, created_at, decided_at, decided_by",
        "id",
    ),
    table(
        "email_proposals",
        "id, row_id, thread_id, day, contact_id, note, new_contact, follow_up_on, stage_hint, drafted_by, model, prompt, state, decided_at, decided_by, made, created_at, updated_at",
        "id",
    ),
    table(
        "email_proposal_sources",
        "proposal_id, email_id",
        "proposal_id, email_id",
    ),
    table(
        "email_reply_drafts",
        "id, email_id, mailbox_id, recipients, subject, body, state, error, gmail_id, created_at, created_by, updated_at",
        "id",
    ),
];

/// Columns of those tables that never leave, or follow from others.
pub const WITHHELD: &[(&str, &str, &str)] = &[
    ("users", "password_hash", "a secret"),
    ("tasks", "day", "computed by the database"),
    ("email_people", "domain", "computed by the database"),
];

/// Tables that are no part of it, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("sessions", "secrets of who is signed in"),
    ("invite_letters", "secrets of who may sign up"),
    ("half_sign_ins", "secrets of who is about to sign in"),
    ("second_factors", "secrets of who signs in"),
    ("recovery_codes", "secrets of who signs in"),
    ("links", "secrets of who may sign up"),
    ("api_tokens", "secrets of programs"),
    ("calendar_feeds", "secret addresses"),
    ("login_failures", "of use for a day"),
    (
        "audit_log",
        "it tells of this installation: it is in backups and archives",
    ),
    ("idempotency_keys", "of use for a week"),
    ("jobs", "work of this installation"),
    ("job_attempts", "work of this installation"),
    ("job_steps", "work of this installation"),
    ("job_log", "work of this installation"),
    ("job_kinds", "work of this installation"),
    ("job_counts", "work of this installation"),
    ("job_stats", "work of this installation"),
    ("schedules", "work of this installation"),
    ("workers", "work of this installation"),
    ("probe_marks", "tests"),
    ("import_files", "bytes: they are in backups and archives"),
    ("backups", "files of this installation"),
    ("drills", "tries of this installation"),
    ("restores", "history of this installation"),
    ("digests", "what this installation told by mail"),
    ("digest_narratives", "what this installation told by mail"),
    ("digest_deliveries", "what this installation told by mail"),
    ("grid_touches", "of use for minutes"),
    ("fundraising_sync", "rebuilt"),
    ("fundraising_investors", "rebuilt"),
    ("fundraising_investor_contacts", "rebuilt"),
    ("fundraising_contacts", "rebuilt"),
    ("fundraising_funds", "rebuilt"),
    ("fundraising_commitments", "rebuilt"),
    ("fundraising_views", "rebuilt"),
    ("email_book", "rebuilt"),
    ("search_entries", "rebuilt"),
    ("search_index", "rebuilt"),
    ("search_index_config", "rebuilt"),
    ("search_index_data", "rebuilt"),
    ("search_index_docsize", "rebuilt"),
    ("search_index_idx", "rebuilt"),
    ("search_terms", "rebuilt"),
];
