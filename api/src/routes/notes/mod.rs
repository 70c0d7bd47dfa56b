//! Notes and the quick log: as JSON under `/api/fundraising`, as forms under
//! `/notes` and `/log`.

use crate::{
    access::Access,
    route::{Route, delete, get, patch, post},
};

mod forms;
mod json;
mod log;
pub mod page;
pub mod unlog;
mod write;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    use Access::Member;
    vec![
        get("/api/fundraising/notes", Member, json::list)
            .json("notes", "Notes of an investor, the newest first, a page at a time")
            .query::<json::NotesQuery>()
            .answers::<json::NotesPage>(200)
            .problems(&[404]),
        post("/api/fundraising/notes", Member, json::add)
            .json("notes", "Add a note in Markdown; @Name calls on a member")
            .body::<json::New>()
            .answers::<crm_jobs::notes::Note>(201),
        patch("/api/fundraising/notes/{id}", Member, json::change)
            .json("notes", "Change a note; what it said before is kept")
            .body::<json::Change>()
            .answers::<crm_jobs::notes::Note>(200)
            .problems(&[404, 409]),
        delete("/api/fundraising/notes/{id}", Member, json::remove)
            .json("notes", "Delete a note; it can be brought back")
            .answers_nothing(204)
            .problems(&[404]),
        post("/api/fundraising/notes/{id}/restore", Member, json::restore)
            .json("notes", "Bring a deleted note back")
            .answers::<crm_jobs::notes::Note>(200)
            .problems(&[404]),
        post("/api/fundraising/log-communication", Member, log::json)
            .json(
                "notes",
                "Log a call, meeting or message: finds or makes the investor and the contact, adds note and follow-up",
            )
            .body::<log::Wanted>()
            .answers::<crm_jobs::work::Logged>(200)
            .problems(&[409]),
        get("/log", Member, log::form),
        post("/log", Member, log::submit),
        post("/log/{id}/undo", Member, unlog::undo),
        post("/notes", Member, forms::add),
        get("/notes/{id}", Member, forms::show),
        post("/notes/{id}", Member, forms::save),
        post("/notes/{id}/pin", Member, forms::pin),
        post("/notes/{id}/delete", Member, forms::delete),
        post("/notes/{id}/restore", Member, forms::restore),
    ]
}
