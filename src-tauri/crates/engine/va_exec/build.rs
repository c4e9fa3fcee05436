//! Sets `cfg(onednn)` where the feature is on and the platform has it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(onednn)");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let feature = std::env::var_os("CARGO_FEATURE_ONEDNN").is_some();
    if feature && target("OS") == "linux" && target("ARCH") == "x86_64" {
        println!("cargo::rustc-cfg=onednn");
    }
}
