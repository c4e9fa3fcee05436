//! The script that starts the suite, beside a program that tells what it was given.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("run.sh"), folder.path("run.sh")).unwrap();
        folder.program("gpu_suite", r#"for argument in "$@"; do echo "[$argument]"; done"#);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        std::fs::write(self.path(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What the script said, and what the suite was given.
    fn run(&self, args: &[&str], python: &str) -> String {
        let output = Command::new("sh")
            .arg(self.path("run.sh"))
            .args(args)
            .env("PYTHON", python)
            .env_remove("HOME")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn without_python_the_suite_runs_and_the_reason_is_said() {
    let said = Folder::new().run(&["--minutes", "9"], "/nowhere/python3");
    assert!(said.starts_with("PyTorch is not measured"), "{said}");
    assert!(said.ends_with("[--out]\n[gpu-suite.json]\n[--minutes]\n[9]\n"), "{said}");
}

#[test]
fn a_python_without_pytorch_may_have_the_libraries() {
    let folder = Folder::new();
    let python =
        r#"case $2 in *find_spec*) echo "/some where/nvidia" ;; *) echo "No module named 'torch'" >&2; exit 1 ;; esac"#;
    folder.program("python", python);
    let said = folder.run(&["--only", "speed,soak"], folder.path("python").to_str().unwrap());
    assert!(said.contains("No module named 'torch'\n"), "{said}");
    assert!(said.contains("[--cuda]\n[/some where/nvidia]\n[--only]\n[speed,soak]\n"), "{said}");
    let named = folder.run(&["--cuda", "/mine", "--out", "a b"], folder.path("python").to_str().unwrap());
    assert!(named.ends_with("[--cuda]\n[/mine]\n[--out]\n[a b]\n"), "who names a folder is asked no more: {named}");
}

#[test]
fn pytorch_that_sees_the_card_is_measured_unless_it_was() {
    let folder = Folder::new();
    folder.program("python", "exit 0");
    let python = folder.path("python");
    let python = python.to_str().unwrap();
    assert_eq!(folder.run(&[], python), format!("[--pytorch]\n[{python}]\n[--out]\n[gpu-suite.json]\n"));
    assert_eq!(folder.run(&["--peer", "old.json"], python), "[--out]\n[gpu-suite.json]\n[--peer]\n[old.json]\n");
    assert_eq!(folder.run(&["--cpu"], python), "[--cpu]\n", "the suite's own test asks nobody");
}
