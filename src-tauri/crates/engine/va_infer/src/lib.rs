//! Running trained models: the model folder, sessions, explanations, the ONNX writer and the parity certificate.

mod batch_limit;
mod card;
mod certificate;
mod explain;
mod export;
mod folder;
mod local_session;
mod onnx;
mod outputs;
mod session;

pub use card::{MODEL_CARD_VERSION, ModelCard};
pub use certificate::{FP16_TOLERANCE, TOLERANCE, certify, certify_within};
pub use explain::{Explainer, Explanation, Layer, LocalExplainer, default_layer, explainable_layers};
pub use export::{OnnxFile, export_onnx};
pub use folder::{ModelFolder, NewModel, read_network, write_model};
pub use local_session::LocalSession;
pub use onnx::onnx_bytes;
pub use session::Session;
