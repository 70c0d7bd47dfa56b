//! One person.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use crm_jobs::{
    accounts::users,
    contacts::{self, Details, Told},
    grid::table::Table,
};

use super::{
    MOST_TOLD, no_contact,
    page::{ContactPage, PlaceLine, ToldLine},
};
use crate::{
    error::AppError,
    extract::Path,
    frame::{frame, html},
    routes::{
        investor,
        page::{Choice, LinkTo},
        raise::title,
    },
    session::SignedIn,
    show,
    state::App,
};

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    // Links to somebody who was merged lead to who they are now.
    let kept = contacts::find_kept(&mut *app.db.read().acquire().await?, &id).await?;
    if let Some(kept) = kept {
        return Ok(Redirect::to(&format!("/contacts/{kept}")).into_response());
    }
    Ok(html(&build(&app, &who, &id, None).await?))
}

/// The page, with a form that came back if there is one.
pub async fn build(
    app: &App,
    who: &SignedIn,
    id: &str,
    returned: Option<(&Details, &AppError)>,
) -> Result<ContactPage, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let contact = contacts::contact(&mut conn, id)
        .await?
        .ok_or_else(no_contact)?;
    let places = contacts::places(&mut conn, id).await?;
    let family = contacts::family(&mut conn, id).await?;
    let in_touch = contacts::in_touch(&mut conn, &family).await?;
    let told = contacts::told(&mut conn, &family, MOST_TOLD).await?;
    drop(conn);
    let names = users::names(&app.db).await?;
    let now = app.db.now();
    let table = app.grid.read().await?;
    let text = |given: fn(&Details) -> &Option<String>, stored: &Option<String>| {
        let typed = returned.and_then(|(details, _)| given(details).clone());
        typed.or_else(|| stored.clone()).unwrap_or_default()
    };
    let wrong = |field: &str| {
        let refused = returned.map(|(_, refused)| refused)?;
        (refused.field() == Some(field)).then(|| refused.detail().to_owned())
    };
    Ok(ContactPage {
        id: contact.id.clone(),
        initials: show::initials(&contact.name),
        lead: contact.role.clone().unwrap_or_default(),
        email_href: contact.email.as_ref().map(|e| format!("mailto:{e}")),
        form_name: text(|d| &d.name, &Some(contact.name.clone())),
        form_email: text(|d| &d.email, &contact.email),
        form_phone: text(|d| &d.phone, &contact.phone),
        form_role: text(|d| &d.role, &contact.role),
        name_error: wrong("name"),
        email_error: wrong("email").or_else(|| {
            // Cells refuse bad addresses by their own field names.
            let refused = returned.map(|(_, refused)| refused)?;
            let is_ours = matches!(refused.field(), Some("name" | "email"));
            (!is_ours).then(|| refused.detail().to_owned())
        }),
        email: contact.email,
        phone: contact.phone.unwrap_or_default(),
        first_contact: in_touch.first_at.map(|at| show::ago(now, at)),
        last_contact: in_touch.last_at.map(|at| show::ago(now, at)),
        investors: places
            .iter()
            .map(|p| Choice::new(&p.row_id, &p.investor, false))
            .collect(),
        kinds: investor::kinds(),
        today: crate::routes::raise::today(app).await?,
        told: told
            .iter()
            .map(|it| told_line(it, &table, &names, now))
            .collect(),
        places: places
            .into_iter()
            .map(|place| PlaceLine {
                href: format!("/investors/{}", place.row_id),
                investor: place.investor,
                role: place.role.unwrap_or_default(),
                archived: place.archived,
            })
            .collect(),
        name: contact.name.clone(),
        frame: frame(app, who, &contact.name).await,
    })
}

fn told_line(told: &Told, table: &Table, names: &BTreeMap<String, String>, now: i64) -> ToldLine {
    let (icon, says) = match told.kind.as_str() {
        "note" => ("edit", "wrote a note"),
        "task" => ("check", "added a task"),
        "file" => ("upload", "attached a file"),
        _ => ("user", "was in touch"),
    };
    ToldLine {
        icon,
        by: show::actor(&told.by, names),
        says,
        investor: told
            .row_id
            .as_ref()
            .map(|row| LinkTo::new(&title(table, row), &format!("/investors/{row}"))),
        text: crm_jobs::notes::plain(&told.text, 400),
        when: show::ago(now, told.at),
    }
}
