//! The page on which a backup is chosen, looked at and restored.

use askama::Template;
use crm_jobs::{
    backup::Backup,
    restore::{NamedDifference, Preview},
};

use crate::{
    routes::page::{Choice, Frame, When},
    show,
};

/// Pick, look, confirm.
#[derive(Debug, Template)]
#[template(path = "pages/restore.html")]
pub struct RestorePage {
    /// The frame.
    pub frame: Frame,
    /// Backups to choose from.
    pub backups: Vec<Choice>,
    /// What was looked at.
    pub shown: Option<Shown>,
    /// What is wrong with the choice or the file.
    pub error: Option<String>,
}

/// What restoring it would change.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Posted back.
    pub token: String,
    /// What to type.
    pub confirm: String,
    /// Its file.
    pub file: String,
    /// When it was taken.
    pub taken: Option<When>,
    /// Release, schema, rows: a line.
    pub about: String,
    /// What to know first.
    pub warnings: Vec<String>,
    /// Things with names.
    pub things: Vec<Thing>,
    /// Commitments: fund, now, then, whether they differ.
    pub funds: Vec<(String, String, String, bool)>,
    /// Tables: name, now, then.
    pub tables: Vec<(String, String, String)>,
    /// Until when it can be acted on.
    pub until: When,
    /// What is wrong with the typed name.
    pub confirm_error: Option<String>,
    /// What is wrong with the password.
    pub password_error: Option<String>,
}

/// One kind of thing people know by name.
#[derive(Debug, Clone, Default)]
pub struct Thing {
    /// Such as `Investors`.
    pub what: String,
    /// Three groups: words, tone, count, names, how many more.
    pub groups: Vec<Group>,
}

/// Lost, back or changed.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Such as `3 would be lost`.
    pub label: String,
    /// `bad`, `ok` or `warn`.
    pub tone: &'static str,
    /// The first names.
    pub names: Vec<String>,
    /// Names beyond them.
    pub more: i64,
}

impl RestorePage {
    /// The page over backups, with what was looked at.
    pub fn new(
        frame: Frame,
        now: i64,
        backups: &[Backup],
        preview: Option<Preview>,
        error: Option<(String, String)>,
    ) -> Self {
        let chosen = preview.as_ref().and_then(|p| p.backup_id.clone());
        let of = |field: &str| {
            error
                .as_ref()
                .filter(|(name, _)| name == field)
                .map(|(_, says)| says.clone())
        };
        let shown = preview.map(|p| Shown {
            confirm_error: of("confirm"),
            password_error: of("password"),
            ..shown(now, p)
        });
        let has_own_place = shown
            .as_ref()
            .is_some_and(|s| s.confirm_error.is_some() || s.password_error.is_some());
        Self {
            frame,
            backups: backups
                .iter()
                .filter(|b| b.state == "verified")
                .map(|b| {
                    let label = format!(
                        "{}, {}, {}",
                        show::ago(now, b.created_at).text,
                        super::list::kind(&b.kind).to_lowercase(),
                        b.file_name
                    );
                    Choice::new(&b.id, &label, chosen.as_deref() == Some(b.id.as_str()))
                })
                .collect(),
            error: error.filter(|_| !has_own_place).map(|(_, says)| says),
            shown,
        }
    }
}

fn shown(now: i64, p: Preview) -> Shown {
    let mut about = vec![show::count(p.rows, "row", "rows")];
    if let Some(release) = &p.app_version {
        about.push(format!("release {release}"));
    }
    about.push(if p.schema_version == p.migrated_to {
        format!("schema {}", p.schema_version)
    } else {
        format!("schema {}, brought to {}", p.schema_version, p.migrated_to)
    });
    about.push(
        match (p.has_manifest, p.was_encrypted) {
            (true, true) => "encrypted, and as its manifest says",
            (true, false) => "as its manifest says",
            (false, _) => "without a manifest",
        }
        .to_owned(),
    );
    Shown {
        token: p.token,
        confirm: p.confirm,
        file: p.file,
        taken: p.taken_at.map(|at| show::ago(now, at)),
        about: about.join(" · "),
        warnings: p.warnings,
        things: p.differences.things.iter().map(thing).collect(),
        funds: p
            .differences
            .funds
            .into_iter()
            .map(|f| {
                let differs = f.now != f.then;
                (f.fund, show::amount(&f.now), show::amount(&f.then), differs)
            })
            .collect(),
        tables: p
            .differences
            .tables
            .into_iter()
            .map(|t| (t.table, show::number(t.now), show::number(t.then)))
            .collect(),
        until: When::new(&show::iso(p.expires_at), "one hour from now"),
        confirm_error: None,
        password_error: None,
    }
}

fn thing(t: &NamedDifference) -> Thing {
    let group = |n: i64, names: &[String], one: &str, many: &str, tone| Group {
        label: show::count(n, one, many),
        tone,
        more: n - i64::try_from(names.len()).unwrap_or(0),
        names: names.to_vec(),
    };
    let mut what: Vec<char> = t.what.chars().collect();
    if let Some(first) = what.first_mut() {
        *first = first.to_ascii_uppercase();
    }
    Thing {
        what: what.into_iter().collect(),
        groups: [
            group(
                t.lost,
                &t.lost_names,
                "would be lost",
                "would be lost",
                "bad",
            ),
            group(
                t.added,
                &t.added_names,
                "would come back",
                "would come back",
                "ok",
            ),
            group(
                t.changed,
                &t.changed_names,
                "would be as it was then",
                "would be as they were then",
                "warn",
            ),
        ]
        .into_iter()
        .filter(|g| !g.names.is_empty())
        .collect(),
    }
}

#[cfg(any(test, debug_assertions))]
impl RestorePage {
    /// Nothing chosen yet.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Restore a backup", "/backups"),
            backups: vec![
                Choice::new(
                    "1",
                    "9 h ago, nightly, crm-20250304-020000-1a2b3c4d.db.zst",
                    true,
                ),
                Choice::new(
                    "2",
                    "yesterday, nightly, crm-20250303-020000-5e6f7a8b.db.zst",
                    false,
                ),
            ],
            shown: None,
            error: None,
        }
    }

    /// A file that is none.
    #[must_use]
    pub fn sample_refused() -> Self {
        Self {
            error: Some("This file cannot be restored: it is neither an SQLite database nor one compressed with zstd.".to_owned()),
            ..Self::sample()
        }
    }

    /// A preview, with a name typed wrongly.
    #[must_use]
    pub fn sample_shown() -> Self {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let difference = |what: &str, lost: &[&str], added: &[&str], changed: &[&str]| {
            thing(&NamedDifference {
                what: what.to_owned(),
                lost: i64::try_from(lost.len()).unwrap_or(0),
                lost_names: names(lost),
                added: i64::try_from(added.len()).unwrap_or(0),
                added_names: names(added),
                changed: i64::try_from(changed.len()).unwrap_or(0) * 40,
                changed_names: names(changed),
            })
        };
        Self {
            shown: Some(Shown {
                token: "x.y".to_owned(),
                confirm: "Sample Fund III".to_owned(),
                file: "crm-20250304-020000-1a2b3c4d.db.zst".to_owned(),
                taken: Some(When::new("2025-03-04T02:00:00Z", "9 h ago")),
                about:
                    "48,210 rows · release 0.1.0 · schema 11, brought to 13 · as its manifest says"
                        .to_owned(),
                warnings: vec![
                    "It is of an older release: it was brought from schema 11 to 13.".to_owned(),
                ],
                things: vec![
                    difference(
                        "investors",
                        &["Sample Family Office", "Sample Endowment 12"],
                        &["Sample Pension Fund 3"],
                        &["Sample Insurance 7", "Sample Angel 2"],
                    ),
                    difference(
                        "tasks",
                        &["Call Sample Endowment 12 about the side letter"],
                        &[],
                        &[],
                    ),
                ],
                funds: vec![
                    (
                        "Sample Fund II".to_owned(),
                        "40,000,000".to_owned(),
                        "40,000,000".to_owned(),
                        false,
                    ),
                    (
                        "Sample Fund III".to_owned(),
                        "58,000,000".to_owned(),
                        "55,500,000".to_owned(),
                        true,
                    ),
                ],
                tables: vec![("grid_rows".to_owned(), "412".to_owned(), "411".to_owned())],
                until: When::new("2025-03-04T12:00:00Z", "one hour from now"),
                confirm_error: Some("Type Sample Fund III to confirm.".to_owned()),
                password_error: None,
            }),
            ..Self::sample()
        }
    }
}
