//! Settings: one's own account, and the team.

use askama::Template;

use crate::routes::page::{Badge, Choice, Frame, When};

/// One's own account.
#[derive(Debug, Template)]
#[template(path = "pages/account.html")]
pub struct AccountPage {
    /// The frame.
    pub frame: Frame,
    /// Name, as saved or as typed.
    pub name: String,
    /// Address, which only an admin changes.
    pub email: String,
    /// What is wrong with the name.
    pub name_error: Option<String>,
    /// What is wrong with the present password.
    pub current_password_error: Option<String>,
    /// What is wrong with the new password.
    pub new_password_error: Option<String>,
    /// Fewest characters of a password.
    pub min_password: usize,
    /// System, light, dark.
    pub themes: Vec<Choice>,
    /// Sessions, this one first.
    pub sessions: Vec<SessionRow>,
    /// API tokens.
    pub tokens: Vec<TokenRow>,
    /// Scopes a token may have.
    pub scopes: Vec<Choice>,
    /// How long a token may work.
    pub lifetimes: Vec<Choice>,
    /// A token just made, shown this once.
    pub new_token: Option<String>,
    /// What is wrong with the token form.
    pub token_error: Option<String>,
    /// They sign in with a second factor.
    pub second_factor: bool,
    /// They ought to: they are an admin and do not.
    pub urge_second_factor: bool,
    /// They want no daily digest.
    pub no_digest: bool,
    /// The calendar feed, if there is one.
    pub calendar: Option<CalendarRow>,
    /// Its address, shown this once.
    pub new_calendar: Option<String>,
}

/// The calendar feed.
#[derive(Debug, Clone, Default)]
pub struct CalendarRow {
    /// When its address was made.
    pub created: When,
    /// When a calendar last read it.
    pub read: Option<When>,
}

/// One session.
#[derive(Debug, Clone, Default)]
pub struct SessionRow {
    /// Its public id.
    pub id: String,
    /// Such as `"Firefox on Linux"`.
    pub device: String,
    /// Its network address.
    pub ip: String,
    /// When it was last used.
    pub seen: When,
    /// Whether it is this one.
    pub current: bool,
}

/// One API token.
#[derive(Debug, Clone, Default)]
pub struct TokenRow {
    /// Its public id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scope: String,
    /// When it was made.
    pub created: When,
    /// The day it ends; never if absent.
    pub ends: Option<String>,
    /// That day is over.
    pub ended: bool,
    /// When it was last used.
    pub used: Option<When>,
}

/// Members and invitations.
#[derive(Debug, Template)]
#[template(path = "pages/team.html")]
pub struct TeamPage {
    /// The frame.
    pub frame: Frame,
    /// Members.
    pub members: Vec<MemberRow>,
    /// Invitations not accepted yet.
    pub invites: Vec<InviteRow>,
    /// Roles an invitation may give.
    pub roles: Vec<Choice>,
    /// Address typed for an invitation.
    pub invite_email: String,
    /// Domains it can be mailed to, in one line; empty if nothing is mailed.
    pub invite_domains: String,
    /// Whether it was to be mailed.
    pub invite_mailed: bool,
    /// What is wrong with it.
    pub invite_error: Option<String>,
    /// A link just made, shown this once.
    pub new_link: Option<NewLink>,
}

/// A link to hand to a person.
#[derive(Debug, Clone, Default)]
pub struct NewLink {
    /// Such as `"Invitation for jo@example.org"`.
    pub label: String,
    /// The whole address.
    pub url: String,
    /// Until when it works, in words.
    pub expires: String,
}

/// One member.
#[derive(Debug, Clone, Default)]
pub struct MemberRow {
    /// Their id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Letters for the avatar.
    pub initials: String,
    /// Address.
    pub email: String,
    /// Roles, theirs selected.
    pub roles: Vec<Choice>,
    /// Active or disabled.
    pub state: Badge,
    /// When they were last here.
    pub seen: Option<When>,
    /// They sign in with a second factor.
    pub second_factor: bool,
    /// Whether it is the reader.
    pub is_you: bool,
    /// Whether they may sign in.
    pub active: bool,
}

/// One invitation.
#[derive(Debug, Clone, Default)]
pub struct InviteRow {
    /// Its public id.
    pub id: String,
    /// Whom it is for.
    pub email: String,
    /// The role it gives.
    pub role: String,
    /// Who sent it.
    pub by: String,
    /// Until when it works.
    pub expires: When,
    /// How far its letter is, if it is mailed.
    pub letter: Option<Badge>,
}

#[cfg(any(test, debug_assertions))]
impl AccountPage {
    /// Two sessions, two tokens, one of them new.
    #[must_use]
    pub fn sample() -> Self {
        let session = |id: &str, device: &str, ip: &str, text: &str, current| SessionRow {
            id: id.to_owned(),
            device: device.to_owned(),
            ip: ip.to_owned(),
            seen: When::new("2025-03-04T08:12:00Z", text),
            current,
        };
        let token = |id: &str, name: &str, scope: &str, used: Option<&str>| TokenRow {
            id: id.to_owned(),
            name: name.to_owned(),
            scope: scope.to_owned(),
            created: When::new("2025-02-01", "1 Feb 2025"),
            ends: used.map(|_| "2 May 2025".to_owned()),
            ended: false,
            used: used.map(|text| When::new("2025-03-04T07:00:00Z", text)),
        };
        Self {
            frame: Frame::sample("Account", "/settings/account"),
            name: "Robin Sample".to_owned(),
            email: "robin@example.org".to_owned(),
            name_error: None,
            current_password_error: Some("This is not your present password.".to_owned()),
            new_password_error: None,
            min_password: 8,
            themes: vec![
                Choice::new("system", "Same as this device", true),
                Choice::new("light", "Light", false),
                Choice::new("dark", "Dark", false),
            ],
            sessions: vec![
                session("s1", "Firefox on Linux", "192.0.2.10", "now", true),
                session("s2", "Safari on iPhone", "192.0.2.77", "3 days ago", false),
            ],
            tokens: vec![
                token("t1", "Report script", "read", Some("1 h ago")),
                token("t2", "Backup check", "all", None),
            ],
            scopes: vec![
                Choice::new("read", "Read only", true),
                Choice::new("all", "Everything I may do", false),
            ],
            lifetimes: vec![Choice::new("90", "For 90 days", true)],
            new_token: Some("vcrm_sample_0000000000000000000000000000".to_owned()),
            token_error: None,
            second_factor: false,
            urge_second_factor: true,
            no_digest: false,
            calendar: Some(CalendarRow {
                created: When::new("2025-03-01T08:00:00Z", "3 days ago"),
                read: Some(When::new("2025-03-04T08:00:00Z", "12 min ago")),
            }),
            new_calendar: Some("https://crm.example.org/calendar/0123456789abcdef.ics".to_owned()),
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl TeamPage {
    /// Three members, one invitation, one link just made.
    #[must_use]
    pub fn sample() -> Self {
        let roles = |admin: bool| {
            vec![
                Choice::new("member", "Member", !admin),
                Choice::new("admin", "Admin", admin),
            ]
        };
        let member = |id: &str, initials: &str, name: &str, email: &str, admin, active| MemberRow {
            id: id.to_owned(),
            name: name.to_owned(),
            initials: initials.to_owned(),
            email: email.to_owned(),
            roles: roles(admin),
            state: if active {
                Badge::new("Active", "ok")
            } else {
                Badge::new("Disabled", "muted")
            },
            seen: active.then(|| When::new("2025-03-04T08:12:00Z", "12 min ago")),
            second_factor: id == "u2",
            is_you: id == "u1",
            active,
        };
        Self {
            frame: Frame::sample("Team", "/settings/team"),
            members: vec![
                member("u1", "RS", "Robin Sample", "robin@example.org", true, true),
                member("u2", "JT", "Jo Testcase", "jo@example.org", false, true),
                member(
                    "u3",
                    "KP",
                    "Kim Placeholder",
                    "kim@example.org",
                    false,
                    false,
                ),
            ],
            invites: vec![InviteRow {
                id: "i1".to_owned(),
                email: "new.person@example.org".to_owned(),
                role: "Member".to_owned(),
                by: "Robin Sample".to_owned(),
                expires: When::new("2025-03-11T08:00:00Z", "11 Mar 2025"),
                letter: Some(Badge::new("Mailed", "ok")),
            }],
            roles: roles(false),
            invite_email: String::new(),
            invite_domains: "example.org".to_owned(),
            invite_mailed: false,
            invite_error: None,
            new_link: Some(NewLink {
                label: "Invitation for new.person@example.org".to_owned(),
                url: "https://crm.example.org/setup/sample-token-0000000000".to_owned(),
                expires: "works once, until 11 March".to_owned(),
            }),
        }
    }
}
