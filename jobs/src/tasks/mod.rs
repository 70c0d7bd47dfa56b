//! What jobs do when they run: one file per kind.

mod apply_import;
