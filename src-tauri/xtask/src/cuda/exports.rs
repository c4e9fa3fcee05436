//! Libraries that stand in for NVIDIA's where a built GPU engine is opened without a card: they export what it takes from
//! them, and answer every call with an error.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::elf;
use crate::step;

struct Library {
    file: &'static str,
    /// How the names of its functions begin, underscores aside.
    prefix: &'static str,
    /// Its word for: not without a card.
    status: u32,
}

const DRIVER: &str = "libcuda.so.1";

/// The longer prefix first.
const LIBRARIES: [Library; 7] = [
    Library { file: "libcudnn.so.9", prefix: "cudnn", status: 1001 },
    Library { file: "libcublasLt.so.13", prefix: "cublasLt", status: 1 },
    Library { file: "libcublas.so.13", prefix: "cublas", status: 1 },
    Library { file: "libcurand.so.10", prefix: "curand", status: 203 },
    Library { file: "libnvrtc.so.13", prefix: "nvrtc", status: 11 },
    Library { file: "libcudart.so.13", prefix: "cuda", status: 100 },
    Library { file: DRIVER, prefix: "cu", status: 100 },
];

/// What every driver answers, also one that knows no card.
const ANSWERED: [&str; 2] = ["cuDriverGetVersion", "cuGetErrorString"];

/// Symbols of each of [`LIBRARIES`], in its order.
pub struct Exports([Vec<String>; LIBRARIES.len()]);

impl Exports {
    /// # Errors
    /// Naming what the engine needs and no library has.
    pub fn needed_by(engine: &Path) -> Result<Self> {
        Self::sorted(elf::undefined(engine)?)
            .with_context(|| format!("{} could not be opened on any machine", engine.display()))
    }

    fn sorted(symbols: Vec<String>) -> Result<Self> {
        let mut of = BTreeMap::<usize, Vec<String>>::new();
        let mut lost = Vec::new();
        for symbol in symbols {
            let name = symbol.trim_start_matches('_');
            match LIBRARIES.iter().position(|library| name.starts_with(library.prefix)) {
                Some(index) => of.entry(index).or_default().push(symbol),
                None => lost.push(symbol),
            }
        }
        if !lost.is_empty() {
            bail!("no library has {}", lost.join(", "));
        }
        Ok(Self(std::array::from_fn(|index| of.remove(&index).unwrap_or_default())))
    }

    /// How many symbols there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// The driver's library in `folder`: it supports CUDA up to `version` (12020 is 12.2), and knows no card.
    pub fn write_driver(&self, folder: &Path, version: u32) -> Result<()> {
        let answers = format!(
            "int cuDriverGetVersion(int *version) {{ *version = {version}; return 0; }}\n\
             int cuGetErrorString(int status, const char **text) {{ *text = \"no CUDA-capable device is detected\"; return 0; }}\n"
        );
        self.write(folder, |file| file == DRIVER, &answers)
    }

    /// The other libraries in `folder`.
    pub fn write_libraries(&self, folder: &Path) -> Result<()> {
        self.write(folder, |file| file != DRIVER, "")
    }

    fn write(&self, folder: &Path, wanted: impl Fn(&str) -> bool, answers: &str) -> Result<()> {
        fs::create_dir_all(folder)?;
        for (library, symbols) in LIBRARIES.iter().zip(&self.0).filter(|(library, _)| wanted(library.file)) {
            compile(&folder.join(library.file), &(source(library.status, symbols) + answers))?;
        }
        Ok(())
    }
}

fn source(status: u32, symbols: &[String]) -> String {
    let refused = symbols.iter().filter(|symbol| !ANSWERED.contains(&symbol.as_str()));
    refused.fold(String::new(), |mut text, symbol| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "int {symbol}(void) {{ return {status}; }}");
        text
    })
}

/// A shared library of this C, with its own name inside as real ones have it.
pub fn compile(library: &Path, source: &str) -> Result<()> {
    let code = library.with_extension("c");
    fs::write(&code, source).with_context(|| format!("cannot write {}", code.display()))?;
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-w", "-o"]).arg(library).arg(&code).arg(format!("-Wl,-soname,{name}"));
    step::run_quietly(&mut cc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(symbols: &[&str]) -> Result<Exports> {
        Exports::sorted(symbols.iter().map(|symbol| (*symbol).to_owned()).collect())
    }

    #[test]
    fn each_symbol_is_of_one_library() {
        let exports =
            sorted(&["cuInit", "cublasLtCreate", "cublasCreate_v2", "__cudaRegisterFatBinary", "cudnnCreate"]);
        let exports = exports.unwrap();
        let of = |file| &exports.0[LIBRARIES.iter().position(|library| library.file == file).unwrap()];
        assert_eq!(of("libcuda.so.1"), &["cuInit"]);
        assert_eq!(of("libcublasLt.so.13"), &["cublasLtCreate"]);
        assert_eq!(of("libcublas.so.13"), &["cublasCreate_v2"]);
        assert_eq!(of("libcudart.so.13"), &["__cudaRegisterFatBinary"]);
        assert_eq!(of("libcudnn.so.9"), &["cudnnCreate"]);
        assert_eq!(exports.len(), 5);
    }

    #[test]
    fn what_no_library_has_is_named() {
        let error = sorted(&["cuInit", "moe_gemm"]).err().unwrap();
        assert!(error.to_string().contains("moe_gemm") && !error.to_string().contains("cuInit"), "{error}");
    }
}
