//! Sets `cfg(onednn)` where the feature is on and the platform has it; with the feature `cuda`, compiles `gpu/*.cu`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest cards that are served: those with bf16 (compute capability 8.0). The driver makes code for newer ones.
const ARCHITECTURE: &str = "compute_80";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(onednn)");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let feature = std::env::var_os("CARGO_FEATURE_ONEDNN").is_some();
    if feature && target("OS") == "linux" && target("ARCH") == "x86_64" {
        println!("cargo::rustc-cfg=onednn");
    }
    if std::env::var_os("CARGO_FEATURE_CUDA").is_some() {
        compile_kernels();
    }
}

/// Each file once for f32 and once for bf16, as PTX in `OUT_DIR`.
fn compile_kernels() {
    println!("cargo::rerun-if-changed=gpu");
    println!("cargo::rerun-if-env-changed=CUDA_HOME");
    let sources = std::fs::read_dir("gpu").expect("the kernels lie in gpu/").flatten().map(|entry| entry.path());
    for source in sources.filter(|path| path.extension().is_some_and(|ending| ending == "cu")) {
        for (name, flag) in [("f32", "-DVALUE_F32"), ("bf16", "-DVALUE_BF16")] {
            compile(&source, name, flag);
        }
    }
}

fn compile(source: &Path, name: &str, flag: &str) {
    let nvcc = std::env::var_os("CUDA_HOME").map_or_else(|| "nvcc".into(), |home| Path::new(&home).join("bin/nvcc"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let stem = source.file_stem().and_then(|stem| stem.to_str()).expect("file names of kernels are UTF-8");
    let mut command = Command::new(&nvcc);
    command.args(["-std=c++17", "-O3", "-ptx", flag]).arg(format!("-arch={ARCHITECTURE}"));
    if stem == "augment" {
        // It promises the bits of the CPU, which rounds after every multiplication.
        command.arg("-fmad=false");
    }
    command.arg("-o").arg(out.join(format!("{stem}_{name}.ptx"))).arg(source);
    let status = command.status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{} cannot compile {}; `cargo xtask cuda` brings the compiler",
        nvcc.display(),
        source.display()
    );
}
