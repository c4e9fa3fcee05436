//! A folder with the application in it, run as on a machine that has what the folder has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::step::{program, root, target_dir};

/// What would bring libraries of this machine in.
const ELSEWHERE: [&str; 5] = ["CUDA_PATH", "CUDA_HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH"];

const PROGRAM: &str = "visaion";
const PLUGIN: &str = "libva_cuda.so";
const DATASET: &str = "cells";

pub struct Scene {
    folder: PathBuf,
    /// Holds the driver's library; None on a machine without one.
    pub driver: Option<PathBuf>,
}

impl Scene {
    /// The application alone, with the bundled sample to train on.
    pub fn new() -> Result<Self> {
        let folder = target_dir().join("cuda-opening");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let scene = Self { folder, driver: None };
        fs::create_dir_all(scene.program_folder())?;
        let built = program(PROGRAM);
        fs::copy(&built, scene.program_folder().join(PROGRAM))
            .with_context(|| format!("{} is not there; the Rust tests build it", built.display()))?;
        let sample = root().join("assets/sample");
        scene.json(&["dataset", "import", &sample.to_string_lossy(), "--dataset", DATASET])?;
        scene.json(&["dataset", "split", DATASET])?;
        Ok(scene)
    }

    fn program_folder(&self) -> PathBuf {
        self.folder.join("program")
    }

    /// Of the GPU pack beside the program.
    pub fn libraries(&self) -> PathBuf {
        self.program_folder().join("gpu-pack")
    }

    /// For a driver of this name.
    pub fn driver_folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn plugin(&self) -> PathBuf {
        self.program_folder().join(PLUGIN)
    }

    pub fn put_plugin(&self, built: &Path) -> Result<()> {
        // Another file, not other bytes in the same one.
        if self.plugin().exists() {
            fs::remove_file(self.plugin())?;
        }
        fs::copy(built, self.plugin()).with_context(|| format!("cannot copy {}", built.display()))?;
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(self.program_folder().join(PROGRAM));
        ELSEWHERE.iter().for_each(|name| _ = command.env_remove(name));
        // What is said is for people, also where programmers asked for more.
        command.env("RUST_BACKTRACE", "1");
        command.env("XDG_DATA_HOME", self.folder.join("data")).env("VISAION_NO_KEYRING", "true");
        if let Some(driver) = &self.driver {
            command.env("LD_LIBRARY_PATH", driver);
        }
        command.arg("--library").arg(self.folder.join("library")).arg("--json").args(arguments);
        command.output().with_context(|| format!("cannot start {command:?}"))
    }

    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.run(arguments)?;
        if !output.status.success() {
            bail!("visaion {arguments:?}: {}, {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("visaion {arguments:?} printed no JSON"))
    }

    /// Trains for a moment on this choice of device.
    fn train(&self, device: &str) -> Result<Output> {
        self.run(&[
            "train",
            "--dataset",
            DATASET,
            "--device",
            device,
            "--arch",
            "mobilenetv4_conv_small",
            "--epochs",
            "1",
            "--image-size",
            "32",
            "--batch",
            "16",
        ])
    }

    /// Whoever leaves the device open trains.
    pub fn trains(&self) -> Result<()> {
        let output = self.train("auto")?;
        ensure!(output.status.success(), "training failed: {}", String::from_utf8_lossy(&output.stderr));
        let version: Value = serde_json::from_slice(&output.stdout).context("the training printed no JSON")?;
        ensure!(
            version["metrics"].as_object().is_some_and(|metrics| !metrics.is_empty()),
            "it measured nothing: {version}"
        );
        Ok(())
    }

    /// Whoever demands the GPU is told why there is none, and nothing is queued.
    pub fn refuses_the_gpu(&self, because: &[&str]) -> Result<()> {
        let before = self.json(&["job", "list"])?;
        let output = self.train("cuda")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success(), "it trained on a GPU that is not there");
        says(&said, because)?;
        says(&said, &["no GPU to train on"])?;
        let after = self.json(&["job", "list"])?;
        ensure!(before == after, "a job was queued: {after}");
        Ok(())
    }
}

pub fn says(text: &str, parts: &[&str]) -> Result<()> {
    match parts.iter().find(|part| !text.contains(**part)) {
        Some(part) => bail!("{part:?} is not said, but: {text}"),
        None => Ok(()),
    }
}
