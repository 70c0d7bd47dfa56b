//! The fund's data as one JSON document, and back into an empty database.
//!
//! `{"format", "schema", "at", "tables": {name: {"columns": […], "rows": [[…]]}}}`.
//! [`TABLES`] says what is in it and [`LEFT_OUT`] what is not, and why; a test
//! holds both against the schema, so a new table or column is decided on when it
//! is made. What the document says, it says in an order that depends on the data
//! alone: equal data are equal bytes.

mod load;
mod read;
mod tables;
mod write;

pub use load::{LoadError, Loaded, load};
pub use tables::{LEFT_OUT, SnapshotTable, TABLES, WITHHELD};
pub use write::{Snapshot, SnapshotError};

/// How a document says what it is.
pub const FORMAT: &str = "venture-crm-snapshot";
