//! The service on this machine: REST v1 from the command table, the web user interface, event streams. It binds
//! 127.0.0.1 only.
//!
//! Does not know the store or the engine: every route goes through `va_api`.

mod auth;
mod auth_routes;
mod bytes_route;
mod command_route;
mod core;
mod failure;
mod guard;
mod idempotency;
mod pages;
mod random;
mod rate;
mod router;
mod service;
mod streams;
mod ui;
mod uploads;

pub use auth::{Lifetimes, SecretPlace};
pub use core::Limits;
pub use rate::Rate;
pub use service::{ServeOptions, Service, ServiceStatus, password, service_dir, status, stop};
