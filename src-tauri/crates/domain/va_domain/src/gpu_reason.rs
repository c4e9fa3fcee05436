use std::fmt::{Display, Formatter, Result};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a GPU cannot be used or read, with what the sentence about it names. It prints as that sentence, in English, with
/// what to do; the codes are stable, so that a program can say it in another language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum GpuReason {
    /// The system has no such library.
    DriverMissing {
        library: String,
    },
    DriverNotLoaded,
    /// Its library is of another version than the part that runs.
    DriverReplaced,
    DriverRefuses,
    /// It gave this status instead of its version.
    DriverSilent {
        status: i32,
    },
    /// A library of that name that is not NVIDIA's.
    DriverForeign {
        library: String,
    },
    DriverTooOld {
        supported_cuda_version: String,
        required_cuda_version: String,
        /// `580`.
        required_driver: String,
    },
    DriverError {
        detail: String,
    },
    /// The driver, of this version, lists no card.
    NoCard {
        driver: String,
    },
    CardLost,
    /// One of several cards, perhaps.
    CardUnreadable {
        index: u32,
        cause: Box<GpuReason>,
    },
    /// The engine is there and cannot compute on a card.
    CardUnusable {
        detail: String,
    },
    LibrariesMissing {
        files: Vec<String>,
    },
    /// Found out when it was loaded; until then its name and place left it open.
    LibraryOfOtherVersion {
        /// Its path.
        library: String,
        /// `12`.
        found_cuda_version: String,
        required_cuda_version: String,
    },
    /// The plug-in lies nowhere.
    EngineMissing {
        file: String,
    },
    EngineUnusable {
        detail: String,
    },
}

impl Display for GpuReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::DriverMissing { library } => write!(
                f,
                "No NVIDIA driver was found (its library {library} is missing); training uses the CPU. If this machine \
                 has an NVIDIA card, install its driver."
            ),
            Self::DriverNotLoaded => f.write_str(
                "The NVIDIA driver is installed but not loaded; restart the machine, or check that a card is present.",
            ),
            Self::DriverReplaced => {
                f.write_str("The NVIDIA driver was updated while it ran; restart the machine to use the new one.")
            }
            Self::DriverRefuses => f.write_str("This user may not read the NVIDIA driver."),
            Self::DriverSilent { status } => write!(
                f,
                "The NVIDIA driver does not answer (status {status}); restart the machine, or install it again."
            ),
            Self::DriverForeign { library } => {
                write!(f, "{library} is not the NVIDIA driver's library; install the driver again.")
            }
            Self::DriverTooOld { supported_cuda_version, required_cuda_version, required_driver } => write!(
                f,
                "The NVIDIA driver is too old: it supports CUDA {supported_cuda_version}, and CUDA \
                 {required_cuda_version} is needed. Install driver {required_driver} or newer; training uses the CPU \
                 until then."
            ),
            Self::DriverError { detail } => write!(f, "The NVIDIA driver answers with an error: {detail}."),
            Self::NoCard { driver } => write!(f, "The NVIDIA driver {driver} is installed, but reports no GPU."),
            Self::CardLost => f.write_str("The GPU stopped answering; restart the machine."),
            Self::CardUnreadable { index, cause } => write!(f, "GPU {index} cannot be read: {cause}"),
            Self::CardUnusable { detail } => write!(
                f,
                "The GPU engine found no GPU that it can use: {detail}. Training uses the CPU; it is tried again when \
                 VisAIon is started anew."
            ),
            Self::LibrariesMissing { files } => write!(
                f,
                "The NVIDIA driver is ready, but CUDA libraries are missing: {}. Install the GPU pack, or name a folder \
                 that holds them (a CUDA 13 toolkit, or a Python environment with NVIDIA's packages) in the settings.",
                files.join(", ")
            ),
            Self::LibraryOfOtherVersion { library, found_cuda_version, required_cuda_version } => write!(
                f,
                "{library} was made for CUDA {found_cuda_version}, and CUDA {required_cuda_version} is needed. Install the \
                 GPU pack, or name a folder with libraries for CUDA {required_cuda_version} in the settings; training uses \
                 the CPU until VisAIon is started anew."
            ),
            Self::EngineMissing { file } => {
                write!(f, "The GPU engine ({file}) does not lie beside this program; install VisAIon's GPU package.")
            }
            Self::EngineUnusable { detail } => write!(
                f,
                "The GPU engine cannot be used: {detail}. Training uses the CPU; it is tried again when VisAIon is \
                 started anew."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_travels_as_a_code_with_what_it_names() {
        let cause = Box::new(GpuReason::LibrariesMissing { files: vec!["a.so".into(), "b.so".into()] });
        let reason = GpuReason::CardUnreadable { index: 1, cause };
        let wire = serde_json::to_value(&reason).unwrap();
        let cause = serde_json::json!({ "code": "libraries_missing", "files": ["a.so", "b.so"] });
        assert_eq!(wire, serde_json::json!({ "code": "card_unreadable", "index": 1, "cause": cause }));
        assert_eq!(serde_json::from_value::<GpuReason>(wire).unwrap(), reason);
        assert!(reason.to_string().starts_with("GPU 1 cannot be read: The NVIDIA driver is ready"), "{reason}");
        assert!(reason.to_string().contains("a.so, b.so"));
    }
}
