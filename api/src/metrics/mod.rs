//! What `/metrics` tells: counted here as requests pass, the rest looked up when
//! somebody asks.

mod requests;
mod text;

pub use requests::Requests;
pub use text::{Kind, Page};
