//! Every page renders, from its sample and from an empty database.

use askama::Template;
use axum::http::StatusCode;
use crm_api::routes;

use crate::harness::TestApp;

/// One line for each sample there is.
macro_rules! samples {
    ($($page:path),* $(,)?) => { [$((stringify!($page), $page().render())),*] };
}

#[test]
#[allow(clippy::too_many_lines, reason = "one line a page")]
fn every_sample_renders() {
    let pages = samples![
        routes::accounts::page::LoginPage::sample,
        routes::accounts::page::CodePage::sample,
        routes::accounts::page::SetupPage::sample,
        routes::accounts::page::SignedOutPage::sample,
        routes::activity::page::ActivityPage::sample,
        routes::activity::page::ActivityPage::sample_empty,
        routes::errors::page::ErrorPage::sample,
        routes::export::page::ExportPage::sample,
        routes::export::page::ExportPage::sample_empty,
        routes::export::page::ExportPage::sample_member,
        routes::audit::page::AuditLogPage::sample,
        routes::audit::page::AuditLogPage::sample_empty,
        routes::automations::page::AutomationsPage::sample,
        routes::automations::page::AutomationsPage::sample_empty,
        routes::automations::page::RulePage::sample,
        routes::automations::page::RunsPage::sample,
        routes::automations::page::RunsPage::sample_empty,
        routes::automations::page::RunShown::sample,
        routes::automations::page::DraftsPage::sample,
        routes::automations::page::DraftsPage::sample_empty,
        routes::automations::page::ListsPage::sample,
        routes::digest::page::DigestPage::sample,
        routes::digest::page::DigestPage::sample_empty,
        routes::digest::page::LetterPage::sample,
        routes::mail::page::MailPage::sample,
        routes::spark::page::ModelPage::sample,
        routes::backups::page::BackupsPage::sample,
        routes::backups::page::BackupsPage::sample_empty,
        routes::backups::policy_page::PolicyPage::sample,
        routes::backups::policy_page::PolicyPage::sample_proof,
        routes::backups::progress::ProgressPage::sample,
        routes::backups::progress::ProgressPage::sample_finished,
        routes::backups::progress::ProgressPage::sample_failed,
        routes::backups::restore_page::RestorePage::sample,
        routes::backups::restore_page::RestorePage::sample_refused,
        routes::backups::restore_page::RestorePage::sample_shown,
        routes::board::page::BoardPage::sample,
        routes::board::page::BoardPage::sample_empty,
        routes::board::page::CalendarPage::sample,
        routes::board::page::CalendarPage::sample_empty,
        routes::contacts::page::ContactsPage::sample,
        routes::contacts::page::ContactsPage::sample_empty,
        routes::contacts::page::DuplicatesPage::sample,
        routes::contacts::page::ContactPage::sample,
        routes::email::page::MailboxesPage::sample,
        routes::email::page::MailboxesPage::sample_empty,
        routes::email::page::EmailsPage::sample,
        routes::email::page::EmailsPage::sample_empty,
        routes::email::page::ThreadPage::sample,
        routes::email::page::NearPage::sample,
        routes::email::page::NearPage::sample_empty,
        routes::feature_requests::page::RequestsPage::sample,
        routes::feature_requests::page::RequestsPage::sample_empty,
        routes::feature_requests::page::EditPage::sample,
        routes::help::page::IndexPage::sample,
        routes::help::page::HelpPage::sample,
        routes::proposals::page::ProposalsPage::sample,
        routes::proposals::page::ProposalsPage::sample_decided,
        routes::proposals::page::ProposalsPage::sample_empty,
        routes::search::page::SearchPage::sample,
        routes::search::page::SearchPage::sample_kind,
        routes::search::page::SearchPage::sample_empty,
        routes::grid::page::GridPage::sample,
        routes::grid::page::GridPage::sample_conflict,
        routes::grid::page::GridPage::sample_empty,
        routes::investor::page::InvestorPage::sample,
        routes::investor::page::InvestorPage::sample_archived,
        routes::my_day::page::DayPage::sample,
        routes::my_day::page::DayPage::sample_empty,
        routes::notes::page::NotePage::sample,
        routes::notes::page::LogPage::sample,
        routes::reminders::page::TaskPage::sample,
        routes::grid::trash_page::TrashPage::sample,
        routes::put_back::page::PutBackPage::sample,
        routes::put_back::page::PutBackPage::sample_empty,
        routes::home::page::HomePage::sample,
        routes::home::page::HomePage::sample_empty,
        routes::imports::page::ImportsPage::sample,
        routes::imports::page::ImportsPage::sample_empty,
        routes::imports::page::ImportPage::sample,
        routes::imports::page::ImportPage::sample_applying,
        routes::imports::page::ImportPage::sample_applied,
        routes::imports::page::ImportPage::sample_failed,
        routes::imports::page::ImportPage::sample_reverted,
        routes::imports::drift_page::DriftPage::sample,
        routes::imports::drift_page::DriftPage::sample_refused,
        routes::jobs::page::JobsPage::sample,
        routes::jobs::page::JobsPage::sample_empty,
        routes::jobs::page::JobPage::sample,
        routes::raise::page::FundsPage::sample,
        routes::raise::page::FundsPage::sample_empty,
        routes::raise::page::FundPage::sample,
        routes::raise::page::TermsPage::sample,
        routes::raise::page::LedgerPage::sample,
        routes::raise::page::PipelinePage::sample,
        routes::raise::page::PipelinePage::sample_empty,
        routes::security::page::SecurityPage::sample,
        routes::settings::page::AccountPage::sample,
        routes::settings::factor_page::FactorPage::sample,
        routes::settings::page::TeamPage::sample,
        routes::status::page::StatusPage::sample,
        routes::style::page::StylePage::sample,
    ];
    for (name, page) in pages {
        let text = page.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(text.contains("</html>") && text.contains("<h1"), "{name}");
    }
}

#[tokio::test]
async fn pages_work_on_an_empty_database() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    for path in [
        "/",
        "/activity",
        "/grid",
        "/grid/trash",
        "/grid?list=archived&q=x&sort=-nothing&page=x&edit=y&column=z",
        "/grid/board",
        "/grid/board?view=x&by=y&q=z",
        "/grid/calendar",
        "/grid/calendar?view=x&by=y&q=z&month=w",
        "/contacts",
        "/contacts?q=x",
        "/contacts/duplicates",
        "/funds",
        "/funds/new",
        "/pipeline",
        "/pipeline?days=9",
        "/day",
        "/day?whose=team&quiet=x",
        "/tasks/new?row=x&due=soon",
        "/log?investor=x",
        "/automations",
        "/automations/new",
        "/automations/runs",
        "/automations/runs?rule=x&state=y&cursor=z&row=w",
        "/drafts",
        "/drafts?state=used",
        "/lists/graveyard",
        "/lists/main?cursor=x",
        "/imports",
        "/export",
        "/export?view=x&list=y",
        "/jobs",
        "/backups",
        "/backups/policy",
        "/backups/restore",
        "/restore",
        "/activity?actor=user:x&source=audit&action=x",
        "/activity?source=x&from=soon&cursor=y",
        "/search",
        "/search?q=%22NEAR(&kind=note&page=99",
        "/search?q=x&kind=nothing",
        "/feature-requests",
        "/feature-requests?status=x&page=-1",
        "/settings/account",
        "/settings/team",
        "/style",
    ] {
        let page = admin.get(&app, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn the_style_page_is_for_development() {
    let app = TestApp::with(&[("CRM_ENV", "production")]).await;
    let reply = app.admin().await.get(&app, "/style").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}

/// Samples are for debug builds: one that a release build sees too does not compile
/// there, which no other test would notice.
#[test]
fn samples_stay_out_of_release_builds() {
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/routes"
    ))];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let (mut before, mut is_for_debug) = ("", text.starts_with("//! Samples"));
            for line in text.lines() {
                let is_marked = before.contains("#[cfg(") && before.contains("debug_assertions");
                if line.starts_with("impl ") {
                    is_for_debug = is_marked;
                }
                if line.trim_start().starts_with("pub fn sample") {
                    seen += 1;
                    assert!(
                        is_for_debug || is_marked || path.ends_with("sample.rs"),
                        "{}: {line}",
                        path.display()
                    );
                }
                before = line;
            }
        }
    }
    assert!(seen > 40, "{seen} samples");
}
