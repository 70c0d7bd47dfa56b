//! A message for the next page: it travels in a cookie that lives until it is
//! shown. The text is ours and is escaped like any other.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::{Deserialize, Serialize};

use crate::{
    request::{RequestInfo, cookie},
    routes::page::{Flash, FlashAction, FlashKind},
    state::App,
};

/// A redirect that leaves a message: `Done::to("/grid").saying(FlashKind::Ok, "Saved.")`.
#[derive(Debug)]
pub struct Done {
    to: String,
    note: Option<Note>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note {
    kind: char,
    text: String,
    /// Label, address, whether it is posted.
    action: Option<(String, String, bool)>,
}

impl Done {
    /// Sends the browser on (303).
    pub fn to(path: impl Into<String>) -> Self {
        Self {
            to: path.into(),
            note: None,
        }
    }

    /// Leaves a message.
    #[must_use]
    pub fn saying(mut self, kind: FlashKind, text: impl Into<String>) -> Self {
        let kind = match kind {
            FlashKind::Ok => 'o',
            FlashKind::Info => 'i',
            FlashKind::Warn => 'w',
            FlashKind::Bad => 'b',
        };
        self.note = Some(Note {
            kind,
            text: text.into(),
            action: None,
        });
        self
    }

    /// Adds the one thing to do about it, posted.
    #[must_use]
    pub fn offering(mut self, label: &str, href: &str) -> Self {
        if let Some(note) = &mut self.note {
            note.action = Some((label.to_owned(), href.to_owned(), true));
        }
        self
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let mut response = Redirect::to(&self.to).into_response();
        if let Some(note) = self.note {
            response.extensions_mut().insert(note);
        }
        response
    }
}

/// The message that came with a request.
pub fn read(app: &App, headers: &HeaderMap) -> Option<Flash> {
    let text = unhex(cookie(headers, name(app))?)?;
    let note: Note = serde_json::from_slice(&text).ok()?;
    Some(Flash {
        kind: match note.kind {
            'o' => FlashKind::Ok,
            'w' => FlashKind::Warn,
            'b' => FlashKind::Bad,
            _ => FlashKind::Info,
        },
        text: note.text,
        action: note
            .action
            .map(|(label, href, post)| FlashAction { label, href, post }),
    })
}

/// Sets the cookie of a message left now; clears that of one just shown.
pub fn write(app: &App, info: &RequestInfo, response: &mut Response) {
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let (value, age) = if let Some(note) = response.extensions().get::<Note>() {
        let json = serde_json::to_vec(note).unwrap_or_default();
        (
            json.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .concat(),
            60,
        )
    } else if info.flash.is_some() && is_page {
        (String::new(), 0)
    } else {
        return;
    };
    let secure = if app.config.is_https() {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}",
        name(app)
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn name(app: &App) -> &'static str {
    if app.config.is_https() {
        "__Host-crm_flash"
    } else {
        "crm_flash"
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok())
        .collect()
}
