//! One investor on one page: what happened, its fields, contacts, commitments,
//! tasks, notes and files.

use crate::{
    access::Access,
    route::{Route, get, post},
};

mod build;
mod changes;
pub mod page;
mod record;
mod timeline;
mod touch;

pub use changes::lines_of;
pub use record::{with_conflicts, with_file_error};
pub use touch::kinds;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    use Access::Member;
    vec![
        get("/investors/{id}", Member, record::show),
        post("/investors/{id}", Member, record::save),
        post("/investors/{id}/list", Member, record::move_to),
        post("/investors/{id}/contacts", Member, touch::note),
        post(
            "/investors/{id}/contacts/{contact}/remove",
            Member,
            touch::remove,
        ),
        post("/investors/{id}/archive", Member, record::archive),
        post("/investors/{id}/restore", Member, record::restore),
        post("/investors/{id}/delete", Member, record::delete),
        get(
            "/api/fundraising/investors/{id}/timeline",
            Member,
            timeline::json,
        )
        .json(
            "investors",
            "Everything that happened around an investor, the newest first",
        )
        .query::<timeline::TimelineQuery>()
        .answers::<crm_jobs::timeline::Page>(200)
        .problems(&[404]),
    ]
}
