//! The GPU test suite as one archive: the plug-in, the program that asks it, and scripts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::{self, build_bins, program, root, target_dir};

/// What may be carried to a machine with a card.
const MOST_BYTES: u64 = 60 << 20;

/// Scripts, from the project's root; in the archive they lie beside each other.
const SCRIPTS: [&str; 4] = [
    "tests/gpu/run.sh",
    "tests/gpu/pytorch_peer.py",
    "tests/parity/peers/counter_rng.py",
    "tests/parity/peers/network_precision.py",
];

/// The archive.
pub fn pack(plugin: &Path) -> Result<PathBuf> {
    build_bins(&["gpu_suite"])?;
    let folder = target_dir().join("gpu-suite");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for (from, name) in [(plugin.to_path_buf(), "libva_cuda.so"), (program("gpu_suite"), "gpu_suite")] {
        let to = folder.join(name);
        step::run(Command::new("strip").arg("--strip-unneeded").arg(from).arg("-o").arg(to))?;
    }
    for script in SCRIPTS.map(|script| root().join(script)) {
        let name = script.file_name().context("BUG: a script has a name")?;
        fs::copy(&script, folder.join(name)).with_context(|| format!("cannot copy {}", script.display()))?;
    }
    let archive = target_dir().join("visaion-gpu-suite.tar.gz");
    let mut tar = Command::new("tar");
    tar.arg("-czf").arg(&archive).arg("-C").arg(target_dir()).arg("gpu-suite");
    step::run(&mut tar)?;
    let bytes = fs::metadata(&archive)?.len();
    println!("The GPU suite packs to {} MiB.", bytes.div_ceil(1 << 20));
    if bytes > MOST_BYTES {
        bail!("the GPU suite packs to {} MiB, more than {}", bytes >> 20, MOST_BYTES >> 20);
    }
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every file of ours that a packed script runs or imports is packed.
    #[test]
    fn the_packed_scripts_need_nothing_else_of_the_project() {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let packed: BTreeSet<String> = SCRIPTS.iter().map(|script| name(Path::new(script))).collect();
        let ours: BTreeSet<String> = ["tests/gpu", "tests/parity/peers"]
            .iter()
            .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
            .map(|entry| name(&entry.unwrap().path()))
            .filter(|name| name.ends_with(".py") || name.ends_with(".sh"))
            .collect();
        assert!(packed.is_subset(&ours));
        for script in SCRIPTS {
            let text = fs::read_to_string(root().join(script)).unwrap();
            for name in &ours {
                let module = name.trim_end_matches(".py");
                let needs = [format!("from {module} import"), format!("import {module}\n"), format!("\" {name}")];
                let runs =
                    text.lines().any(|line| !line.starts_with('#') && line.contains(&format!("\"$python\" {name}")));
                assert!(
                    !(runs || needs.iter().any(|words| text.contains(words))) || packed.contains(name),
                    "{script}: {name}"
                );
            }
        }
    }
}
