//! What a built program or library asks of others.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Names of NVIDIA's libraries begin so.
const NVIDIA: [&str; 6] = ["libcuda", "libcublas", "libcudnn", "libcurand", "libnvrtc", "libnvidia"];

/// What names an NVIDIA library cannot be started, or opened, where they lie in a folder that the settings name.
pub fn names_no_nvidia_library(file: &Path) -> Result<()> {
    let text = output(Command::new("readelf").args(["--dynamic", "--wide"]).arg(file))?;
    let needed: Vec<&str> = text.lines().filter(|line| line.contains("(NEEDED)")).collect();
    if needed.is_empty() {
        bail!("{} names no library at all: it was not read rightly", file.display());
    }
    match needed.iter().find(|line| NVIDIA.iter().any(|library| line.contains(&format!("[{library}")))) {
        Some(line) => bail!("{} names an NVIDIA library: {}", file.display(), line.trim()),
        None => Ok(()),
    }
}

/// Symbols that must be in the process before the library is opened. Those with a version are of the system's libraries,
/// which it names.
pub fn undefined(library: &Path) -> Result<Vec<String>> {
    let text = output(Command::new("nm").args(["--dynamic", "--undefined-only"]).arg(library))?;
    Ok(strong_without_version(&text))
}

fn strong_without_version(nm: &str) -> Vec<String> {
    let symbols = nm.lines().filter_map(|line| line.trim().strip_prefix("U "));
    symbols.filter(|symbol| !symbol.contains('@')).map(str::to_owned).collect()
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}: install binutils"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_and_weak_symbols_are_left_out() {
        let nm =
            "                 U cuInit\n                 w __gmon_start__\n                 U malloc@GLIBC_2.2.5\n";
        assert_eq!(strong_without_version(nm), ["cuInit"]);
    }
}
