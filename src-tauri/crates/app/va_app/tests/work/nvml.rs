//! The machine's cards through a library that stands in for NVML: what each reports, and what none of them does.

use std::path::{Path, PathBuf};
use std::process::Command;

use va_app::resources::Gpus;
use va_domain::{GpuProgram, GpuReason};

/// The library's source, with three cards.
const CARDS: &str = include_str!("nvml.c");

fn library(dir: &Path, source: &str) -> PathBuf {
    let (code, library) = (dir.join("nvml.c"), dir.join("libnvidia-ml.so.1"));
    std::fs::write(&code, source).unwrap();
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&code).status();
    assert!(done.unwrap().success());
    library
}

/// A library whose start ends with this status.
fn refusing(status: u32) -> Option<GpuReason> {
    let dir = tempfile::tempdir().unwrap();
    let path = library(dir.path(), &format!("unsigned nvmlInit_v2(void) {{ return {status}; }}"));
    let (gpus, reason) = Gpus::open_library(&path, Some(1)).read();
    assert!(gpus.is_empty());
    reason
}

#[test]
fn a_card_is_read_whole_and_one_that_is_gone_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (gpus, reason) = Gpus::open_library(&library(dir.path(), CARDS), Some(std::process::id())).read();
    let lost = GpuReason::CardUnreadable { index: 1, cause: Box::new(GpuReason::CardLost) };
    assert_eq!(reason, Some(lost));
    let [full, sparse] = &gpus[..] else { panic!("{gpus:?}") };

    assert_eq!((full.index, full.name.as_str(), full.driver.as_str()), (0, "NVIDIA RTX 4060", "580.95.05"));
    assert_eq!(full.uuid.as_deref(), Some("GPU-01"));
    assert_eq!(full.utilisation_percent, Some(91.0));
    assert_eq!((full.memory_total_bytes, full.memory_used_bytes), (Some(8192 << 20), Some(5300 << 20)));
    assert_eq!(full.temperature_celsius, Some(67.0));
    assert_eq!((full.power_watts, full.power_limit_watts), (Some(109.5), Some(115.0)));
    assert_eq!((full.sm_clock_mhz, full.sm_clock_max_mhz), (Some(2460), Some(3105)));
    // Not this program; one of both lists once; one without memory or name last.
    let python = GpuProgram { pid: 4100, name: Some("python3".into()), memory_bytes: Some(4096 << 20) };
    let unknown = GpuProgram { pid: 4200, name: None, memory_bytes: None };
    assert_eq!(full.other_programs, Some(vec![python, unknown]));

    // Not supported, or not allowed, is left out: never 0, and never "no other program".
    assert_eq!((sparse.index, sparse.name.as_str()), (2, "NVIDIA T400"));
    assert_eq!((sparse.utilisation_percent, sparse.temperature_celsius), (None, None));
    assert_eq!((sparse.memory_total_bytes, sparse.memory_used_bytes), (None, None));
    assert_eq!((sparse.power_watts, sparse.power_limit_watts), (None, None));
    assert_eq!((sparse.sm_clock_mhz, sparse.sm_clock_max_mhz), (None, None));
    assert_eq!((&sparse.uuid, &sparse.other_programs), (&None, &None));
}

#[test]
fn who_cannot_tell_itself_from_others_names_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = library(dir.path(), CARDS);
    let other_programs = |gpus: &Gpus| gpus.read().0[0].other_programs.clone();
    assert_eq!(other_programs(&Gpus::open_library(&path, None)), None, "a container counts processes otherwise");
    assert_eq!(other_programs(&Gpus::open_library(&path, Some(1))).map(|programs| programs.len()), Some(3));
    let divided = tempfile::tempdir().unwrap();
    let path = library(divided.path(), &CARDS.replace("MIG = 0", "MIG = 1"));
    assert_eq!(other_programs(&Gpus::open_library(&path, Some(1))), None, "parts of a divided card share no memory");
}

#[test]
fn a_driver_that_does_not_serve_says_why() {
    assert_eq!(refusing(18), Some(GpuReason::DriverReplaced));
    assert_eq!(refusing(9), Some(GpuReason::DriverNotLoaded));
    assert_eq!(refusing(4), Some(GpuReason::DriverRefuses));
    assert!(matches!(refusing(999), Some(GpuReason::DriverError { .. })));
    let missing = Gpus::open_library(Path::new("/nowhere/libnvidia-ml.so.1"), Some(1)).read().1;
    assert!(matches!(missing, Some(GpuReason::DriverMissing { .. })), "{missing:?}");
    let dir = tempfile::tempdir().unwrap();
    let none = CARDS.replace("COUNT = 3", "COUNT = 0");
    let (gpus, reason) = Gpus::open_library(&library(dir.path(), &none), Some(1)).read();
    assert!(gpus.is_empty());
    assert_eq!(reason, Some(GpuReason::NoCard { driver: "580.95.05".into() }));
}
