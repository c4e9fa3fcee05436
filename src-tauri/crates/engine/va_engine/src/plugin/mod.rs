//! Engines in a library of their own, opened at run time. The trait is the same; between the two sides lies a C ABI of
//! serialised messages and raw buffers ([`abi`]), so that neither needs the other's compiler, allocator or Candle features.
//! A plug-in exports what [`guest`] makes of its engine; the application sees a [`PluginEngine`].

pub mod abi;
mod call;
pub mod guest;
mod host;
mod open;
mod session;

pub use host::PluginEngine;
pub(crate) use open::{Visible, load};
