//! The real application and the real GPU engine on machines that lack something: the application starts, says what is
//! missing and what to do, and trains on the CPU. NVIDIA's libraries are stood in for.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::elf;
use super::exports::{Exports, compile};
use super::scene::{Scene, says};
use crate::step::program;

/// As drivers count: of CUDA 12.2 and 13.0.
const OLD_DRIVER: u32 = 12_020;
const RIGHT_DRIVER: u32 = 13_000;

/// Of an engine interface that no release has.
const OTHER_VERSION: u32 = 1_000_000;

/// # Errors
/// Naming the machine on which the application said or did something else.
pub fn check(plugin: &Path) -> Result<()> {
    for name in ["visaion", "visaion-desktop"] {
        elf::names_no_nvidia_library(&program(name))?;
    }
    let exports = Exports::needed_by(plugin)?;
    let mut scene = Scene::new()?;
    if has_nvidia_software(&scene)? {
        eprintln!(
            "  this machine has NVIDIA's driver or libraries: what is said where they are missing is not tried here"
        );
        return Ok(());
    }
    without_a_driver(&scene, plugin).context("no NVIDIA software at all")?;
    scene.driver = Some(scene.driver_folder("driver-12.2"));
    with_an_old_driver(&scene, &exports).context("the driver is too old")?;
    scene.driver = Some(scene.driver_folder("driver-13.0"));
    without_a_library(&scene, &exports).context("cuDNN is missing")?;
    without_a_card(&scene, &exports).context("everything is there but a card")?;
    with_another_version(&scene).context("the engine is of another version")
}

fn has_nvidia_software(scene: &Scene) -> Result<bool> {
    let cuda = &scene.json(&["resources"])?["cuda"];
    let libraries = cuda["libraries"].as_array().context("no list of libraries")?;
    Ok(!cuda["driver_cuda_version"].is_null() || libraries.iter().any(|library| !library["path"].is_null()))
}

/// With and without the engine beside the application.
fn without_a_driver(scene: &Scene, plugin: &Path) -> Result<()> {
    let said = "No NVIDIA driver was found";
    let cuda = cannot_use_a_gpu(scene, &[said, "install its driver"])?;
    ensure!(cuda["plugin_path"].is_null(), "there is no engine yet: {cuda}");
    scene.put_plugin(plugin)?;
    let cuda = cannot_use_a_gpu(scene, &[said, "install its driver"])?;
    ensure!(cuda["plugin_path"] == scene.plugin().to_string_lossy().as_ref(), "the engine was not seen: {cuda}");
    scene.refuses_the_gpu(&[said])
}

fn with_an_old_driver(scene: &Scene, exports: &Exports) -> Result<()> {
    exports.write_driver(&scene.driver_folder("driver-12.2"), OLD_DRIVER)?;
    let reasons = ["driver is too old", "CUDA 12.2", "CUDA 13.0", "580"];
    let cuda = cannot_use_a_gpu(scene, &reasons)?;
    ensure!(cuda["driver_cuda_version"] == "12.2", "the driver's version: {cuda}");
    scene.refuses_the_gpu(&reasons)
}

fn without_a_library(scene: &Scene, exports: &Exports) -> Result<()> {
    exports.write_driver(&scene.driver_folder("driver-13.0"), RIGHT_DRIVER)?;
    exports.write_libraries(&scene.libraries())?;
    let (cudnn, aside) = (scene.libraries().join("libcudnn.so.9"), scene.libraries().join("aside"));
    std::fs::rename(&cudnn, &aside)?;
    let reasons = ["CUDA libraries are missing: libcudnn.so.9.", "Install the GPU pack"];
    cannot_use_a_gpu(scene, &reasons)?;
    scene.refuses_the_gpu(&reasons)?;
    std::fs::rename(aside, cudnn).map_err(Into::into)
}

/// The engine is opened, with every symbol found, and asks the driver, which has no card.
fn without_a_card(scene: &Scene, exports: &Exports) -> Result<()> {
    let reasons = ["found no GPU that it can use", "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"];
    cannot_use_a_gpu(scene, &reasons)?;
    eprintln!("  the GPU engine opens; {} symbols of NVIDIA's libraries were found", exports.len());
    scene.refuses_the_gpu(&reasons)?;
    scene.trains()
}

fn with_another_version(scene: &Scene) -> Result<()> {
    std::fs::remove_file(scene.plugin())?;
    compile(&scene.plugin(), &format!("unsigned visaion_plugin_abi_version(void) {{ return {OTHER_VERSION}; }}"))?;
    let theirs = format!("speaks version {OTHER_VERSION} of the engine interface");
    let cuda = cannot_use_a_gpu(scene, &[&theirs, "install the plug-in of the same release"])?;
    let note = cuda["note"].as_str().unwrap_or_default();
    let ours = note.split("this application version ").nth(1).and_then(|rest| rest.split(';').next());
    ensure!(ours.is_some_and(|version| version.parse::<u32>().is_ok()), "its own version is not said: {note}");
    scene.trains()
}

/// The application runs and offers the CPU; it says `reasons` for not offering the GPU. What it knows of CUDA.
fn cannot_use_a_gpu(scene: &Scene, reasons: &[&str]) -> Result<Value> {
    let mut resources = scene.json(&["resources"])?;
    let cuda = resources["cuda"].take();
    let note = cuda["note"].as_str().unwrap_or_default();
    says(note, reasons)?;
    ensure!(!note.contains('\n'), "a note is a line, not: {note}");
    ensure!(cuda["ready"] == false, "a GPU is ready: {cuda}");
    let devices = resources["devices"].as_array().context("no devices")?;
    let offered = |kind: &str| devices.iter().find(|device| device["kind"] == kind);
    ensure!(offered("cpu").is_some_and(|cpu| cpu["available"] == true), "the CPU is not offered: {devices:?}");
    let gpu = offered("cuda").context("the GPU is not listed")?;
    ensure!(gpu["available"] == false && gpu["note"] == cuda["note"], "the GPU is described otherwise: {gpu}");
    Ok(cuda)
}
