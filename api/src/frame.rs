//! The frame around every page, filled in one place.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use crm_jobs::{accounts::Theme, settings};

use crate::{
    assets,
    error::AppError,
    request::RequestInfo,
    routes::page::{Frame, FrameUser, NavItem},
    session::SignedIn,
    show,
    state::App,
};

/// Label, address, icon. An entry is current on its address and all below it.
const NAV: &[(&str, &str, &str)] = &[
    ("Home", "/", "home"),
    ("My day", "/day", "check"),
    ("Investors", "/grid", "grid"),
    ("Pipeline", "/pipeline", "funnel"),
    ("Contacts", "/contacts", "team"),
    ("Emails", "/emails", "mail"),
    ("Proposals", "/proposals", "inbox"),
    ("Funds", "/funds", "fund"),
    ("Automations", "/automations", "retry"),
    ("Imports", "/imports", "import"),
    ("Activity", "/activity", "activity"),
];
const ADMIN_NAV: &[(&str, &str, &str)] = &[
    ("Worker", "/jobs", "jobs"),
    ("Mailboxes", "/mailboxes", "mail"),
    ("Backups", "/backups", "shield"),
    ("Digest", "/digest", "clock"),
    ("Team", "/settings/team", "team"),
    ("Security", "/settings/security", "shield"),
];

/// The frame of a page for somebody signed in.
pub async fn frame(app: &App, who: &SignedIn, title: &str) -> Frame {
    let path = &who.request.path;
    let admin = who.user.is_admin();
    Frame {
        user: Some(FrameUser {
            name: who.user.name.clone(),
            email: who.user.email.clone(),
            initials: show::initials(&who.user.name),
            is_admin: admin,
        }),
        nav: entries(NAV, path),
        admin_nav: if admin {
            entries(ADMIN_NAV, path)
        } else {
            Vec::new()
        },
        theme: match who.user.theme {
            Theme::System => String::new(),
            Theme::Light => "light".to_owned(),
            Theme::Dark => "dark".to_owned(),
        },
        ..bare(app, &who.request, title).await
    }
}

/// The frame of a page without navigation.
pub async fn bare(app: &App, info: &RequestInfo, title: &str) -> Frame {
    // The strip is a courtesy: no page fails because it cannot be decided.
    let demo = settings::get(&app.db, settings::DEMO).await;
    Frame {
        title: title.to_owned(),
        flash: info.flash.clone(),
        low_space: app.gauge.is_low(),
        demo: matches!(demo, Ok(Some(true))),
        assets: assets::names(),
        path: info.return_path().to_owned(),
        request_id: info.id.clone(),
        ..Frame::default()
    }
}

fn entries(items: &[(&'static str, &'static str, &'static str)], path: &str) -> Vec<NavItem> {
    let path = path.split('?').next().unwrap_or(path);
    let is_at = |href: &str| {
        let below = path.strip_prefix(href);
        below.is_some_and(|rest| rest.is_empty() || (href != "/" && rest.starts_with('/')))
            || (href == "/grid" && (path.starts_with("/investors/") || path.starts_with("/lists/")))
            || (href == "/automations" && path == "/drafts")
            || (href == "/settings/security" && path.starts_with("/settings/audit"))
            || (href == "/day" && (path.starts_with("/tasks/") || path == "/log"))
    };
    items
        .iter()
        .map(|(label, href, icon)| NavItem {
            current: is_at(href),
            ..NavItem::new(label, href, icon)
        })
        .collect()
}

/// A page as an answer.
pub fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(error) => AppError::internal(error).into_response(),
    }
}

/// A form that came back: the page again, with the status of what was wrong.
pub fn html_with(status: StatusCode, page: &impl Template) -> Response {
    let mut response = html(page);
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}
