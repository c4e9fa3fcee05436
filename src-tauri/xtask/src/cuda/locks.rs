//! The two lock files. The plug-in has its own, because cargo unifies features within one; what is in both must be of one
//! version, so that both sides compute, read and write alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::manifest;
use crate::step::{self, cargo, root};

/// Package to versions.
type Versions = BTreeMap<String, BTreeSet<String>>;

fn files() -> [PathBuf; 2] {
    [root().join("Cargo.lock"), manifest().with_file_name("Cargo.lock")]
}

/// # Errors
/// Naming what the plug-in has in a version that the application has not.
pub fn compare() -> Result<()> {
    let [application, plugin] = files().map(|path| {
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display())).map(|text| versions(&text))
    });
    let differences = differences(&application?, &plugin?);
    if differences.is_empty() {
        return Ok(());
    }
    bail!(
        "the application and the GPU engine were locked to different versions of {}; `cargo xtask cuda --relock` takes the \
         application's over",
        differences.join(", ")
    )
}

/// Starts the plug-in's lock file from the application's; cargo then takes out what it does not need.
pub fn relock() -> Result<()> {
    let [application, plugin] = files();
    fs::copy(&application, &plugin)?;
    let mut metadata = cargo();
    metadata.args(["metadata", "--quiet", "--format-version", "1", "--manifest-path"]).arg(manifest());
    step::run(metadata.stdout(std::process::Stdio::null()))?;
    compare()
}

fn versions(lock: &str) -> Versions {
    let mut found = Versions::new();
    let mut name = None;
    for line in lock.lines() {
        let value = |key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"').map(str::to_owned);
        if let Some(package) = value("name") {
            name = Some(package);
        } else if let (Some(version), Some(package)) = (value("version"), name.take()) {
            found.entry(package).or_default().insert(version);
        }
    }
    found
}

/// Packages of both whose version in the plug-in the application has not.
fn differences(application: &Versions, plugin: &Versions) -> Vec<String> {
    let differs = |(name, versions): &(&String, &BTreeSet<String>)| {
        application.get(*name).is_some_and(|theirs| !versions.is_subset(theirs))
    };
    plugin.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &str)]) -> Versions {
        let entry =
            |(name, version): &(&str, &str)| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        versions(&format!("version = 4\n\n{}", packages.iter().map(entry).collect::<Vec<_>>().join("\n")))
    }

    #[test]
    fn a_shared_package_has_one_of_the_applications_versions() {
        let application = lock(&[("candle-core", "0.11.1"), ("half", "2.7.1"), ("rand", "0.8.5"), ("rand", "0.9.2")]);
        let same = lock(&[("candle-core", "0.11.1"), ("rand", "0.9.2"), ("cudarc", "0.19.10")]);
        assert!(differences(&application, &same).is_empty());
        let other = lock(&[("candle-core", "0.12.0"), ("half", "2.7.1"), ("rand", "0.10.0")]);
        assert_eq!(differences(&application, &other), ["candle-core", "rand"]);
    }

    #[test]
    fn the_lock_files_of_this_checkout_agree() {
        compare().unwrap();
        let [application, plugin] = files().map(|path| versions(&fs::read_to_string(path).unwrap()));
        for name in ["candle-core", "half", "serde", "serde_json", "safetensors", "gemm"] {
            assert!(application.contains_key(name) && plugin.contains_key(name), "{name}");
        }
    }
}
