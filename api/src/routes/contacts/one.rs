//! One person.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use crm_jobs::contacts::{self, Details};

use super::{
    no_contact,
    page::{ContactPage, PlaceLine},
};
use crate::{
    error::AppError,
    extract::Path,
    frame::{frame, html},
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
    drop(conn);
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
