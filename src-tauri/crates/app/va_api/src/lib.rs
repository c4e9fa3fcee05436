//! The contract: every command declared once. From the table come dispatch, the REST routes, the OpenAPI document and
//! the TypeScript of the user interface.
//!
//! Does not know who calls: the window, the HTTP service and the command line are adapters over [`commands`].

pub mod attach;
mod check;
mod client;
mod codegen;
mod command;
pub mod commands;
mod dispatch;
mod events;
pub mod images;
mod openapi;
mod routes;
mod schema;
mod typescript;
mod wire;

pub use attach::Serving;
pub use check::merge_request;
pub use client::{Client, Owner, RAISE, connect, default_library, open, raise, serve_app};
pub use codegen::codegen;
pub use command::{Command, Method, command, commands};
pub use commands::jobs::JobNotes;
pub use dispatch::{ask, dispatch, finish, job_result};
pub use events::Events;
pub use images::ImageBytes;
pub use openapi::openapi;
pub use routes::{Body, ExchangeRequest, Health, LoginRequest, Me, ROUTES, RefreshRequest, Route, Tokens, Upload};
pub use schema::{Schemas, schemas};
pub use va_app::explain::overlay;
pub use va_app::quickstart::{Quickstart, QuickstartPhase, run as quickstart};
pub use va_app::{App, OpenOptions, staging};
pub use wire::{ApiError, Done, Nothing};
