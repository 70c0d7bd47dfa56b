//! The page for what went wrong.

pub mod page;
