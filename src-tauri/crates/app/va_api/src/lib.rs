//! The contract: every command declared once. From the table come dispatch, the REST routes, the OpenAPI document and
//! the TypeScript of the user interface.
//!
//! Does not know who calls: the window, the HTTP service and the command line are adapters over [`commands`].

pub mod attach;
mod check;
mod codegen;
mod command;
pub mod commands;
mod openapi;
mod routes;
mod schema;
mod typescript;
mod wire;

pub use check::merge_request;
pub use codegen::codegen;
pub use command::{Command, Method, command, commands};
pub use openapi::openapi;
pub use routes::{Body, ROUTES, Route};
pub use schema::{Schemas, schemas};
pub use wire::{ApiError, Done, Nothing};
