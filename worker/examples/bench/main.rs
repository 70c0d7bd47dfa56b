//! `ops/bench`: figures beside a raw ceiling of the same run. Never a test.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a measuring tool: it prints, and stops at the first surprise"
)]

mod backup;
mod capture;
mod email;
mod grid;
mod import;
mod mailboxes;
#[path = "../shared/measure.rs"]
mod measure;
mod others;
mod queue;
mod search;
mod table;
mod team;
mod write;

#[tokio::main]
async fn main() {
    crm_jobs::outside::prepare_tls();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    let known = [
        "queue", "write", "grid", "team", "import", "search", "backup", "email",
    ];
    if let Some(unknown) = wanted.iter().find(|w| !known.contains(&w.as_str())) {
        eprintln!("no benchmark {unknown:?}: choose from {}", known.join(", "));
        std::process::exit(2);
    }
    println!(
        "Two processes, SQLite WAL with synchronous=full, on {} cores.",
        std::thread::available_parallelism().map_or(0, usize::from)
    );
    if wants("queue") {
        queue::run().await;
    }
    if wants("write") {
        write::run().await;
    }
    if wants("grid") {
        grid::run().await;
    }
    if wants("team") {
        team::run().await;
    }
    if wants("import") {
        import::run().await;
    }
    if wants("search") {
        search::run().await;
    }
    if wants("backup") {
        backup::run().await;
    }
    if wants("email") {
        email::run().await;
    }
}
