//! Running trained models: sessions, the ONNX writer and the parity certificate.

mod card;
mod session;

pub use card::{MODEL_CARD_VERSION, ModelCard};
pub use session::Session;
