//! Running trained models: the model folder, sessions, the ONNX writer and the parity certificate.

mod card;
mod certificate;
mod cpu_session;
mod export;
mod folder;
mod onnx;
mod session;

pub use card::{MODEL_CARD_VERSION, ModelCard};
pub use certificate::{HALF_TOLERANCE, TOLERANCE, certify, certify_within};
pub use cpu_session::CpuSession;
pub use export::{OnnxFile, export_onnx, export_onnx_as};
pub use folder::{ModelFolder, NewModel, write_model};
pub use onnx::{Precision, onnx_bytes};
pub use session::Session;
