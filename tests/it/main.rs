//! Workflows through `va_api` and the service, as programs and people use them.

mod commands;
mod service_auth;
mod service_limits;
mod service_routes;
mod support;
mod workflow;
