//! Finding CUDA, against libraries made here that pretend to be it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use va_domain::{CudaPlace, DeviceChoice, GpuReason, TrainSettings};
use va_engine::gpu::{IN_USE_FILE, PLUGIN_FILE, Place, Places, find};
use va_engine::{AutoEngine, DataSize, Engine};

const CUDA: [&str; 6] =
    ["libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10", "libnvrtc.so.13", "libcudnn.so.9"];

fn compile(path: &Path, source: &str) {
    let code = path.with_extension("c");
    std::fs::write(&code, source).unwrap();
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(path).arg(&code).status().unwrap();
    assert!(done.success());
}

/// A driver that supports this CUDA, in a folder of its own.
fn driver(dir: &Path, version: u32) -> PathBuf {
    let folder = dir.join("driver");
    std::fs::create_dir_all(&folder).unwrap();
    compile(&folder.join("libcuda.so.1"), &format!("int cuDriverGetVersion(int *v) {{ *v = {version}; return 0; }}"));
    folder
}

fn places(dir: &Path, driver: Vec<PathBuf>) -> Places {
    Places { plugin: vec![dir.join("program")], libraries: vec![Place::folder(dir.join("libraries"))], driver }
}

fn settings(device: DeviceChoice) -> TrainSettings {
    TrainSettings { image_size_px: 32, batch_size: 2, epochs: 1, warmup_epochs: 0.0, device, ..Default::default() }
}

#[test]
fn a_machine_without_a_driver_is_told_so_and_trains_on_the_cpu() {
    let dir = tempfile::tempdir().unwrap();
    let found = find(&places(dir.path(), vec![dir.path().to_path_buf()]));
    if found.status.driver_cuda_version.is_some() {
        return; // This machine has one.
    }
    assert!(!found.status.ready && found.engine.is_none());
    assert!(found.status.note.contains("install its driver"), "{}", found.status.note);
    let places = places(dir.path(), vec![dir.path().to_path_buf()]);
    let engine = AutoEngine::looking(move || find(&places));
    let description = engine.describe();
    assert_eq!(description.devices.len(), 2);
    assert!(!description.devices[1].available && description.devices[1].note.contains("No NVIDIA driver"));
    let missing = GpuReason::DriverMissing { library: "libcuda.so.1".into() };
    assert_eq!(description.devices[1].reason, Some(missing));
    let data = DataSize { class_count: 2, train_len: 4, val_len: 0, decoded_bytes: 0 };
    assert!(engine.forecast(&settings(DeviceChoice::Auto), &data).is_ok());
    let error = engine.forecast(&settings(DeviceChoice::Cuda), &data).unwrap_err();
    assert!(error.message().contains("no GPU to train on"), "{error}");
}

#[test]
fn an_old_driver_is_named_before_anything_else() {
    let dir = tempfile::tempdir().unwrap();
    let driver = driver(dir.path(), 12_020);
    let found = find(&places(dir.path(), vec![driver]));
    assert_eq!(found.status.driver_cuda_version.as_deref(), Some("12.2"));
    assert!(found.status.note.contains("too old") && found.status.note.contains("580"), "{}", found.status.note);
    let too_old = GpuReason::DriverTooOld {
        supported_cuda_version: "12.2".into(),
        required_cuda_version: "13.0".into(),
        required_driver: "580".into(),
    };
    assert_eq!(found.status.reason, Some(too_old));
}

#[test]
fn a_driver_that_is_none_is_not_asked_further() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("driver");
    std::fs::create_dir_all(&folder).unwrap();
    compile(&folder.join("libcuda.so.1"), "int nothing(void) { return 0; }");
    let found = find(&places(dir.path(), vec![folder]));
    assert!(found.status.note.contains("is not the NVIDIA driver's library"), "{}", found.status.note);
}

#[test]
fn missing_libraries_are_listed_then_the_missing_engine() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path(), vec![driver(dir.path(), 13_010)]);
    std::fs::create_dir_all(&places.libraries[0].root).unwrap();
    for file in &CUDA[..5] {
        compile(&places.libraries[0].root.join(file), "int nothing(void) { return 0; }");
    }
    let found = find(&places);
    assert!(found.status.note.contains("libcudnn.so.9"), "{}", found.status.note);
    assert!(!found.status.note.contains("libcudart"), "{}", found.status.note);
    assert_eq!(found.status.reason, Some(GpuReason::LibrariesMissing { files: vec![CUDA[5].into()] }));
    assert_eq!(found.status.libraries.iter().filter(|library| library.path.is_some()).count(), 5);

    compile(&places.libraries[0].root.join(CUDA[5]), "int nothing(void) { return 0; }");
    let found = find(&places);
    assert!(found.status.note.contains(PLUGIN_FILE) && found.status.plugin_path.is_none(), "{}", found.status.note);

    // A plug-in whose symbols the libraries do not have: which one, not a crash.
    std::fs::create_dir_all(&places.plugin[0]).unwrap();
    let source = "extern int cudnnCreate(void*); unsigned visaion_plugin_abi_version(void) { return cudnnCreate(0); }";
    compile(&places.plugin[0].join(PLUGIN_FILE), source);
    let found = find(&places);
    assert!(found.status.note.contains("cudnnCreate"), "{}", found.status.note);
    assert!(!found.status.ready && matches!(found.status.reason, Some(GpuReason::EngineUnusable { .. })));
}

/// Preloaded libraries serve the plug-in their symbols; it is then asked for its version.
#[test]
fn a_plugin_finds_the_symbols_of_the_libraries_loaded_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path(), vec![driver(dir.path(), 13_000)]);
    std::fs::create_dir_all(&places.libraries[0].root).unwrap();
    std::fs::create_dir_all(&places.plugin[0]).unwrap();
    for (index, file) in CUDA.iter().enumerate() {
        compile(
            &places.libraries[0].root.join(file),
            &format!("int stub_symbol_{index}(void) {{ return 70 + {index}; }}"),
        );
    }
    let source =
        "extern int stub_symbol_5(void); unsigned visaion_plugin_abi_version(void) { return stub_symbol_5(); }";
    compile(&places.plugin[0].join(PLUGIN_FILE), source);
    let found = find(&places);
    assert!(found.status.note.contains("version 75"), "{}", found.status.note);
}

/// An engine that opened, on a machine whose driver has no card for it: whoever leaves the choice open trains on the CPU,
/// and whoever demands the GPU is told the driver's reason.
#[test]
fn an_engine_without_a_card_leaves_the_work_to_the_cpu() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path(), vec![driver(dir.path(), 13_000)]);
    std::fs::create_dir_all(&places.libraries[0].root).unwrap();
    std::fs::create_dir_all(&places.plugin[0]).unwrap();
    CUDA.iter().for_each(|file| compile(&places.libraries[0].root.join(file), "int nothing(void) { return 0; }"));
    let device = r#"{"kind": "cuda", "name": "NVIDIA GPU", "available": false, "note": "no card is there"}"#;
    let description = format!(r#"{{"version": "x", "archs": [], "presets": [], "devices": [{device}], "cuda": null}}"#);
    // Functions of the table that are not called stand for each other.
    let source = format!(
        "struct answer {{ char *data; unsigned long len, capacity; }};
         static char description[] = {description:?};
         static void give_back(struct answer a) {{}}
         static int describe(struct answer *out) {{
             out->data = description; out->len = out->capacity = sizeof description - 1; return 0;
         }}
         static void *table[] = {{ give_back, describe, describe, describe, describe, describe, describe, describe }};
         unsigned visaion_plugin_abi_version(void) {{ return {}; }}
         void *visaion_plugin_table(void) {{ return table; }}",
        va_engine::plugin::abi::VERSION
    );
    compile(&places.plugin[0].join(PLUGIN_FILE), &source);
    let engine = AutoEngine::looking(move || find(&places));
    let description = engine.describe();
    let status = description.cuda.unwrap();
    assert!(!status.ready && status.note.contains("no card is there"), "{}", status.note);
    assert!(description.devices[0].available && !description.devices[1].available);
    assert_eq!(description.devices[1].note, status.note);
    assert_eq!(status.reason, Some(GpuReason::CardUnusable { detail: "no card is there".into() }));
    let data = DataSize { class_count: 2, train_len: 4, val_len: 0, decoded_bytes: 0 };
    let on = |device| engine.forecast(&settings(device), &data);
    on(DeviceChoice::Auto).unwrap();
    let error = on(DeviceChoice::Cuda).unwrap_err();
    assert!(error.message().contains("no card is there"), "{error}");
}

/// Loading CUDA takes a gigabyte and seconds: a program that lists its projects does not.
#[test]
fn a_gpu_is_looked_for_when_it_is_first_asked_for_and_again_only_when_something_came() {
    let dir = tempfile::tempdir().unwrap();
    let driver = driver(dir.path(), 13_000);
    let (looks, places) = (Arc::new(AtomicUsize::new(0)), places(dir.path(), vec![driver]));
    let (counted, looked) = (Arc::clone(&looks), places.clone());
    let engine = AutoEngine::looking(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        find(&looked)
    });
    let looks = || looks.load(Ordering::SeqCst);
    engine.look_again();
    assert_eq!(looks(), 0, "making one looks for nothing");
    let data = DataSize { class_count: 2, train_len: 4, val_len: 0, decoded_bytes: 0 };
    engine.forecast(&settings(DeviceChoice::Cpu), &data).unwrap();
    assert_eq!(looks(), 0, "the CPU is at hand");
    assert!(engine.forecast(&settings(DeviceChoice::Cuda), &data).is_err());
    let before = engine.describe().cuda.unwrap();
    assert_eq!(looks(), 1, "what was found is remembered");

    std::fs::create_dir_all(&places.libraries[0].root).unwrap();
    CUDA.iter().for_each(|file| compile(&places.libraries[0].root.join(file), "int nothing(void) { return 0; }"));
    assert_eq!(engine.describe().cuda.unwrap(), before);
    engine.look_again();
    let after = engine.describe().cuda.unwrap();
    assert_eq!(looks(), 2);
    assert!(before.note.contains("are missing") && after.note.contains(PLUGIN_FILE), "{} {}", before.note, after.note);

    // A plug-in that cannot be opened: by then the libraries are in the program, and others must not join them.
    std::fs::create_dir_all(&places.plugin[0]).unwrap();
    compile(&places.plugin[0].join(PLUGIN_FILE), "int nothing(void) { return 0; }");
    engine.look_again();
    assert!(engine.describe().cuda.unwrap().note.contains("started anew"));
    engine.look_again();
    engine.describe();
    assert_eq!(looks(), 3);
}

/// The compiler of kernels opens its built-in functions by name alone: they are in the program before it.
#[test]
fn what_a_library_opens_by_its_name_is_loaded_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path(), vec![driver(dir.path(), 13_000)]);
    std::fs::create_dir_all(&places.libraries[0].root).unwrap();
    std::fs::create_dir_all(&places.plugin[0]).unwrap();
    for file in CUDA {
        compile(&places.libraries[0].root.join(file), "int nothing(void) { return 0; }");
    }
    let mark = places.libraries[0].root.join(IN_USE_FILE);
    std::fs::write(&mark, "").unwrap();
    let builtins = "libnvrtc-builtins.so.13.0";
    compile(&places.libraries[0].root.join(builtins), "int stub_builtins(void) { return 83; }");
    let source =
        "extern int stub_builtins(void); unsigned visaion_plugin_abi_version(void) { return stub_builtins(); }";
    compile(&places.plugin[0].join(PLUGIN_FILE), source);
    let found = find(&places);
    assert!(found.status.note.contains("version 83"), "{}", found.status.note);
    assert!(std::fs::File::open(&mark).unwrap().try_lock().is_err(), "who removes packs sees that it is in use");
}

/// A Python environment of CUDA 12 before a toolkit of CUDA 13 that has no cuDNN: its cuDNN has the right name, and is not taken.
#[test]
fn libraries_of_two_major_versions_are_never_paired() {
    let dir = tempfile::tempdir().unwrap();
    let (twelve, thirteen) = (dir.path().join("twelve"), dir.path().join("thirteen"));
    for folder in [&twelve, &thirteen] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let nothing = "int nothing(void) { return 0; }";
    for file in ["libcublas.so.12", CUDA[3], CUDA[5]] {
        compile(&twelve.join(file), nothing);
    }
    CUDA[..5].iter().for_each(|file| compile(&thirteen.join(file), nothing));
    let libraries = [&twelve, &thirteen].map(Place::folder).to_vec();
    let places = Places { libraries, ..places(dir.path(), vec![driver(dir.path(), 13_000)]) };
    let status = find(&places).status;
    assert_eq!(status.reason, Some(GpuReason::LibrariesMissing { files: vec![CUDA[5].into()] }));
    let place = CudaPlace { folder: twelve.display().to_string(), major_versions: vec![12] };
    assert_eq!(status.other_versions, [place]);
    let from_thirteen = |path: &String| path.starts_with(&thirteen.display().to_string());
    assert!(status.libraries[..5].iter().all(|library| library.path.as_ref().is_some_and(from_thirteen)));

    // Beside nothing that tells, it is loaded, and says itself what it was made for.
    let alone = dir.path().join("alone");
    std::fs::create_dir_all(&alone).unwrap();
    compile(&alone.join(CUDA[5]), "unsigned long cudnnGetCudartVersion(void) { return 12080; }");
    std::fs::create_dir_all(&places.plugin[0]).unwrap();
    compile(&places.plugin[0].join(PLUGIN_FILE), nothing);
    let libraries = [&thirteen, &alone].map(Place::folder).to_vec();
    let found = find(&Places { libraries, ..places });
    let reason = GpuReason::LibraryOfOtherVersion {
        library: alone.join(CUDA[5]).display().to_string(),
        found_cuda_version: "12".into(),
        required_cuda_version: "13".into(),
    };
    assert_eq!(found.status.reason, Some(reason));
    assert!(found.libraries_loaded && found.status.note.contains("was made for CUDA 12"), "{}", found.status.note);
}
