//! Who may ask: one owner account, tokens for programs, a cookie for the browser.

mod account;
mod secret;
mod sessions;

pub(crate) use account::Account;
pub use secret::SecretPlace;
pub(crate) use secret::{Secrets, write_private};
pub use sessions::Lifetimes;
pub(crate) use sessions::Sessions;
