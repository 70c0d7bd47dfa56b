//! Venture CRM's HTTP core: pages, JSON and live events over the verbs of
//! `crm_jobs`. It holds no SQL and no rule of the domain. [`app`] is the whole
//! program as a service; `main.rs` only wires it to a socket.

mod access;
mod assets;
pub mod cli;
mod cli_audit;
mod closed;
pub mod config;
mod cors;
mod csrf;
pub mod doctor;
mod drain;
pub mod error;
pub mod extract;
pub mod flash;
pub mod frame;
mod headers;
mod limits;
mod live;
pub mod look;
mod metrics;
pub mod openapi;
pub mod proxy;
mod qr;
pub mod request;
pub mod route;
mod router;
pub mod routes;
mod serve;
pub mod session;
pub mod show;
mod state;

pub use access::Access;
pub use headers::CSP;
pub use router::{app, routes as route_table};
pub use state::App;
