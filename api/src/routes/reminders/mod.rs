//! Tasks and reminders: as JSON under `/api/reminders`, as forms under `/tasks`.

use crate::{
    access::Access,
    route::{Route, delete, get, patch, post},
};

mod forms;
pub mod item;
mod json;
pub mod page;
pub mod write;

use json::{Answered, Change, New, Snooze, TaskQuery, Understand, Understood};

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    use Access::Member;
    json_routes()
        .into_iter()
        .chain([
            get("/tasks/new", Member, forms::new),
            get("/tasks/{id}", Member, forms::show),
            post("/tasks", Member, forms::add),
            post("/tasks/{id}", Member, forms::save),
            post("/tasks/{id}/done", Member, forms::done),
            post("/tasks/{id}/snooze", Member, forms::snooze),
            post("/tasks/{id}/reopen", Member, forms::reopen),
            post("/tasks/{id}/delete", Member, forms::delete),
            post("/tasks/{id}/restore", Member, forms::restore),
        ])
        .collect()
}

fn json_routes() -> Vec<Route> {
    use Access::Member;
    vec![
        get("/api/reminders", Member, json::list)
            .json("reminders", "Tasks, the soonest first, a page at a time")
            .query::<TaskQuery>()
            .answers::<crm_jobs::work::TaskPage>(200),
        post("/api/reminders", Member, json::add)
            .json(
                "reminders",
                "Add a task; its day may be written as people do",
            )
            .body::<New>()
            .answers::<Answered>(201),
        get("/api/reminders/understand", Member, json::understand)
            .json(
                "reminders",
                "Which day a text means, without saving anything",
            )
            .query::<Understand>()
            .answers::<Understood>(200),
        get("/api/reminders/{id}", Member, json::one)
            .json("reminders", "One task")
            .answers::<Answered>(200)
            .problems(&[404]),
        patch("/api/reminders/{id}", Member, json::change)
            .json(
                "reminders",
                "Change a task; refused if it is no longer as you saw it",
            )
            .body::<Change>()
            .answers::<Answered>(200)
            .problems(&[404, 409]),
        delete("/api/reminders/{id}", Member, json::remove)
            .json("reminders", "Delete a task; it can be brought back")
            .answers_nothing(204)
            .problems(&[404]),
        post("/api/reminders/{id}/done", Member, json::done)
            .json(
                "reminders",
                "Mark a task as done; a repeating one is followed by the next",
            )
            .answers::<crm_jobs::work::Finished>(200)
            .problems(&[404]),
        post("/api/reminders/{id}/snooze", Member, json::snooze)
            .json("reminders", "Hide a task until a day to come")
            .body::<Snooze>()
            .answers::<Answered>(200)
            .problems(&[404]),
        post("/api/reminders/{id}/reopen", Member, json::reopen)
            .json("reminders", "Open a task again")
            .answers::<Answered>(200)
            .problems(&[404]),
        post("/api/reminders/{id}/restore", Member, json::restore)
            .json("reminders", "Bring a deleted task back")
            .answers::<Answered>(200)
            .problems(&[404]),
    ]
}
