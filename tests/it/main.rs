//! Workflows through `va_api` and the service, as programs and people use them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail where it is")]

mod commands;
mod gpu_pack;
mod multilabel;
mod multilabel_csv;
mod service_auth;
mod service_limits;
mod service_routes;
mod support;
mod weights;
mod workflow;
