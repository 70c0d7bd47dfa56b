//! The inbox by investor, a conversation, and near matches.

use axum::{extract::State, response::Response};
use crm_jobs::email::{self, EmailFull, EmailLine, Filter, Privacy};
use serde::Deserialize;

use super::{
    drafts,
    json::read_cursor,
    nothing,
    page::{EmailItem, EmailsPage, Letter, NearLine, NearPage, ReplyForm, ThreadPage},
};
use crate::{
    error::AppError,
    extract::{Path, Query},
    flash::Done,
    frame::{frame, html},
    routes::page::{Badge, Choice, LinkTo},
    session::SignedIn,
    show,
    state::App,
};

/// Emails on one page.
const PAGE: i64 = 50;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ListQuery {
    q: String,
    direction: String,
    investor: String,
    contact: String,
    cursor: String,
}

fn blank_is_none(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    let before = read_cursor(Some(&query.cursor)).unwrap_or_default();
    let direction = Some(query.direction.as_str()).filter(|d| matches!(*d, "in" | "out"));
    let filter = Filter {
        row: blank_is_none(&query.investor),
        contact: blank_is_none(&query.contact),
        direction,
        search: blank_is_none(&query.q),
        before: before.as_ref().map(|(at, id)| (*at, id.as_str())),
    };
    let mut conn = app.db.read().acquire().await?;
    let mut found = email::list(&mut conn, &filter, PAGE + 1).await?;
    let total = email::count(&mut conn).await?;
    let mailboxes = email::list_mailboxes(&mut conn).await?.len();
    let near = email::near_matches(&mut conn, 200).await?.len();
    drop(conn);
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let has_more = found.len() > most;
    found.truncate(most);
    let now = app.db.now();
    let to = |direction: &str, cursor: &str| {
        format!(
            "/emails?q={}&direction={direction}&investor={}&contact={}&cursor={cursor}",
            show::encoded(&query.q),
            show::encoded(&query.investor),
            show::encoded(&query.contact),
        )
    };
    let older = found
        .last()
        .filter(|_| has_more)
        .map(|last| to(&query.direction, &format!("{}.{}", last.sent_at, last.id)));
    let tabs = [("", "All"), ("in", "Received"), ("out", "Sent")]
        .iter()
        .map(|(word, label)| {
            Choice::new(&to(word, ""), label, *word == direction.unwrap_or_default())
        })
        .collect();
    let narrowed_to = filter
        .row
        .and_then(|_| found.first())
        .map(|first| first.investor.clone());
    Ok(html(&EmailsPage {
        emails: found.iter().map(|line| item(line, now)).collect(),
        is_empty: total == 0,
        has_mailboxes: mailboxes > 0,
        is_admin: who.user.is_admin(),
        near,
        q: query.q.clone(),
        direction: query.direction.clone(),
        investor: query.investor.clone(),
        contact: query.contact.clone(),
        narrowed_to,
        tabs,
        older,
        frame: frame(&app, &who, "Emails").await,
    }))
}

fn name_of(name: &str, address: &str) -> String {
    let shown = if name.is_empty() { address } else { name };
    if shown.is_empty() {
        "Unknown sender".to_owned()
    } else {
        shown.to_owned()
    }
}

pub fn item(line: &EmailLine, now: i64) -> EmailItem {
    EmailItem {
        href: format!("/emails/threads/{}#email-{}", line.thread_id, line.id),
        from: name_of(&line.from_name, &line.from_address),
        initials: show::initials(&name_of(&line.from_name, &line.from_address)),
        is_sent: line.direction == "out",
        subject: subject(line),
        said: line.said.replace('\n', " "),
        investor: LinkTo::new(&line.investor, &format!("/investors/{}", line.row_id)),
        at: show::ago(now, line.sent_at),
        attachments: line.attachments,
    }
}

fn subject(line: &EmailLine) -> String {
    match (line.subject.is_empty(), line.privacy) {
        (false, _) => line.subject.clone(),
        (true, Privacy::Metadata) => "Subject not kept".to_owned(),
        (true, _) => "No subject".to_owned(),
    }
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = email::thread(&mut conn, &id).await?;
    let first = found.first().ok_or_else(nothing)?;
    let drafting = email::drafting(&mut conn, &id, &who.user.id).await?;
    let (reply, written) = drafting.map_or_else(Default::default, |d| (d.reply, d.drafts));
    let zone = crm_jobs::settings::fund_zone_in(&mut conn).await?;
    drop(conn);
    let zone = show::zone(&zone);
    let title = found
        .iter()
        .map(|m| &m.line)
        .find(|l| !l.subject.is_empty())
        .unwrap_or(&first.line);
    let title = subject(title);
    let mut investors: Vec<LinkTo> = Vec::new();
    for one in found.iter().flat_map(|m| &m.investors) {
        let link = LinkTo::new(&one.name, &format!("/investors/{}", one.row_id));
        if investors.iter().all(|known| known.href != link.href) {
            investors.push(link);
        }
    }
    let last = found.len() - 1;
    Ok(html(&ThreadPage {
        letters: found
            .iter()
            .enumerate()
            .map(|(n, message)| Letter {
                open: n == last || found.len() < 4,
                at: show::moment(&zone, message.line.sent_at),
                ..letter(message)
            })
            .collect(),
        investors,
        drafts: written
            .iter()
            .map(|draft| drafts::line(draft, app.db.now()))
            .collect(),
        reply: reply.map(|reply| {
            let (to, cc) = drafts::addressed(&reply);
            ReplyForm {
                action: format!("/emails/threads/{id}/draft"),
                to,
                cc,
                address: reply.address,
            }
        }),
        frame: frame(&app, &who, &title).await,
        title,
    }))
}

/// Where an email stands in its conversation.
pub async fn find(State(app): State<App>, Path(id): Path<String>) -> Result<Done, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = email::email(&mut conn, &id).await?.ok_or_else(nothing)?;
    Ok(Done::to(format!(
        "/emails/threads/{}#email-{id}",
        found.line.thread_id
    )))
}

fn letter(message: &EmailFull) -> Letter {
    let line = &message.line;
    let of = |roles: &[&str]| {
        let people = message
            .people
            .iter()
            .filter(|p| roles.contains(&p.role.as_str()));
        people
            .map(|p| name_of(&p.name, &p.address))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let said = line.said.trim();
    let rest = message.body.trim();
    Letter {
        id: line.id.clone(),
        from: name_of(&line.from_name, &line.from_address),
        address: line.from_address.clone(),
        initials: show::initials(&name_of(&line.from_name, &line.from_address)),
        to: of(&["to", "cc", "bcc"]),
        badge: if line.direction == "out" {
            Badge::new("Sent", "info")
        } else {
            Badge::new("Received", "muted")
        },
        said: said.to_owned(),
        whole: if rest == said {
            String::new()
        } else {
            rest.to_owned()
        },
        withheld: match (line.privacy, rest.is_empty()) {
            (Privacy::Body, false) => String::new(),
            (Privacy::Body, true) => "This email has no text.".to_owned(),
            _ => "This mailbox’s privacy keeps no text.".to_owned(),
        },
        investors: message
            .investors
            .iter()
            .map(|i| {
                let why = match i.rule.as_str() {
                    "contact" => "by a contact",
                    "domain" => "by their domain",
                    "address" => "by an address somebody assigned",
                    _ => "because somebody said so",
                };
                (i.row_id.clone(), i.name.clone(), why.to_owned())
            })
            .collect(),
        files: message
            .files
            .iter()
            .map(|f| {
                (
                    format!("/emails/attachments/{}", f.id),
                    f.name.clone(),
                    show::bytes(f.size_bytes),
                )
            })
            .collect(),
        ..Letter::default()
    }
}

pub async fn near(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = email::near_matches(&mut conn, 200).await?;
    drop(conn);
    Ok(html(&NearPage {
        lines: found
            .iter()
            .map(|n| NearLine {
                id: n.id.clone(),
                address: n.address.clone(),
                name: n.name.clone(),
                investor: LinkTo::new(&n.investor, &format!("/investors/{}", n.row_id)),
                reason: n.reason.clone(),
                emails: show::count(n.emails, "email", "emails"),
            })
            .collect(),
        frame: frame(&app, &who, "Near matches").await,
    }))
}
