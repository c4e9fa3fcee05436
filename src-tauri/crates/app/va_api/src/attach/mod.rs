//! Working through the process that owns the library: JSON lines over a private local socket.
//!
//! `{id, name, request}` is answered by `{id, ok}` or `{id, error: {code, message, details}}`;
//! `{id, name: "subscribe"}` is answered by `{id, ok: {}}` and then by `{event}` lines until either side closes.
//! A line is JSON without line breaks. Who can open the socket is the user that owns the library.

mod client;
mod listen;
mod place;
mod wire;

pub use client::Attachment;
pub use listen::{Serve, Serving, serve};
