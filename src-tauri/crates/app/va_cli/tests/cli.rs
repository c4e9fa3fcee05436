//! The program as a person and a script use it: one process after another, and two at once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail where it is")]

mod program;

use program::{Program, write_classes};
use serde_json::Value;

#[test]
fn a_folder_is_imported_listed_split_and_written_out() {
    let program = Program::new();
    let images = program.dir.path().join("images");
    write_classes(&images, 6);
    let images = images.to_str().unwrap();

    let preview = program.json(&["dataset", "import", images, "--dataset", "tiles", "--preview"]);
    assert_eq!(preview["image_count"], 12);
    assert_eq!(program.json(&["dataset", "list"])["total"], 0, "a preview changes nothing");
    let report = program.json(&["dataset", "import", images, "--dataset", "tiles"]);
    assert_eq!(report["imported"], 12);
    let again = program.json(&["dataset", "import", images, "--dataset", "tiles"]);
    assert_eq!((again["imported"].as_u64(), again["duplicates"].as_u64()), (Some(0), Some(12)));

    let shown = program.json(&["dataset", "show", "tiles"]);
    assert_eq!((shown["sample_count"].as_u64(), shown["facets"]["labels"].as_array().unwrap().len()), (Some(12), 2));
    let counts =
        program.json(&["dataset", "split", "tiles", "--train", "0.5", "--val", "0", "--test", "0.5", "--seed", "3"]);
    assert_eq!((counts["train"].as_u64(), counts["test"].as_u64()), (Some(6), Some(6)));

    let out = program.dir.path().join("out");
    program.json(&["dataset", "export", "tiles", "--format", "csv", "--out", out.to_str().unwrap()]);
    assert!(std::fs::read_dir(&out).unwrap().next().is_some());

    let jobs = program.json(&["job", "list", "--kind", "import"]);
    assert_eq!(jobs["total"], 2);
    let id = jobs["items"][0]["id"].as_str().unwrap();
    assert_eq!(program.json(&["job", "show", id])["state"], "succeeded");
    assert!(program.text(&["job", "show", id]).contains("started by"), "what the job said");

    program.json(&["dataset", "delete", "tiles"]);
    assert_eq!(program.json(&["dataset", "list"])["total"], 0);
}

#[test]
fn projects_are_made_shown_and_deleted() {
    let program = Program::new();
    let made = program.json(&["project", "create", "Tiles", "--with-dataset"]);
    let shown = program.json(&["project", "show", "tiles"]);
    assert_eq!(shown["id"], made["id"]);
    assert_eq!(shown["datasets"][0]["name"], "Tiles");
    assert!(program.text(&["project", "list"]).contains("Tiles"));
    program.json(&["project", "delete", made["id"].as_str().unwrap()]);
    assert!(program.text(&["project", "list"]).contains("visaion project create"), "an empty list says what to do");
    assert!(program.text(&["dataset", "list"]).contains("Tiles"), "its datasets stay");
}

#[test]
fn the_machine_and_the_diagnostics_are_told() {
    let program = Program::new();
    assert!(program.json(&["resources"])["memory"]["total_bytes"].as_u64().unwrap() > 0);
    assert!(program.text(&["resources"]).contains("CPU"));
    let out = program.dir.path().join("report.zip");
    let written = program.json(&["diagnostics", "--out", out.to_str().unwrap()]);
    assert_eq!(written["path"], out.to_str().unwrap());
    assert!(std::fs::read(&out).unwrap().starts_with(b"PK"));
}

/// Beside a library that stands in for the driver's: its cards, who else uses them, and the one that cannot be read.
#[cfg(target_os = "linux")]
#[test]
fn cards_are_told_with_what_they_report_and_who_uses_them() {
    let program = Program::new();
    let code = concat!(env!("CARGO_MANIFEST_DIR"), "/../va_app/tests/work/nvml.c");
    let library = program.dir.path().join("libnvidia-ml.so.1");
    let compiled = std::process::Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(code).status();
    assert!(compiled.unwrap().success());
    let run = |args: &[&str]| {
        let output = program.command(args).env("LD_LIBRARY_PATH", program.dir.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&["resources"]);
    assert!(text.contains("NVIDIA RTX 4060, at 91 %") && text.contains("110 of 115 W, SM clock 2460 MHz"), "{text}");
    assert!(text.contains("GPU 2    NVIDIA T400\n") && text.contains("GPU 1 cannot be read"), "{text}");
    let all: Value = serde_json::from_str(&run(&["--json", "resources"])).unwrap();
    assert_eq!(all["gpu_reason"]["cause"]["code"], "card_lost");
    // In a container nobody can tell which program is which.
    if std::fs::read_link("/proc/self/ns/pid").unwrap().as_os_str() == "pid:[4026531836]" {
        assert!(text.contains("python3 (process 4100) uses"), "{text}");
        assert!(text.contains("another program (process 4200) uses this card too"), "{text}");
    } else {
        assert!(all["gpus"][0]["other_programs"].is_null(), "{all}");
    }
}

/// The program names no NVIDIA library that the system must have, and starts beside a GPU engine that cannot be opened.
#[cfg(target_os = "linux")]
#[test]
fn the_program_starts_without_nvidia_libraries_with_and_without_the_gpu_engine_beside_it() {
    let program = Program::new();
    let binary = env!("CARGO_BIN_EXE_visaion");
    let needed = std::process::Command::new("readelf").args(["--dynamic", "--wide", binary]).output().unwrap();
    let needed = String::from_utf8(needed.stdout).unwrap();
    assert!(needed.contains("NEEDED") && needed.contains("libc.so"), "{needed}");
    for library in ["libcuda", "libcublas", "libcudart", "libcudnn", "libnvrtc", "libcurand", "libnvidia"] {
        assert!(!needed.contains(library), "the program needs {library}: {needed}");
    }
    let alone = program.json(&["resources"]);
    assert!(alone["cuda"]["plugin_path"].is_null() && alone["cuda"]["ready"] == false, "{alone}");
    assert!(alone["cuda"]["note"].as_str().is_some_and(|note| !note.is_empty()));

    let beside = program.dir.path().join("program");
    std::fs::create_dir(&beside).unwrap();
    let copy = beside.join("visaion");
    std::fs::copy(binary, &copy).unwrap();
    std::fs::write(beside.join("libva_cuda.so"), "not a library").unwrap();
    let mut command = std::process::Command::new(&copy);
    command.env("VISAION_LIBRARY", program.dir.path().join("library")).env("VISAION_NO_KEYRING", "true");
    let output = command.args(["--json", "resources"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let with: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(with["cuda"]["plugin_path"].as_str().unwrap().ends_with("libva_cuda.so"), "{with}");
    assert_eq!(with["cuda"]["ready"], false);
}

#[test]
fn what_goes_wrong_says_what_to_do() {
    let program = Program::new();
    let empty = program.dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let empty = empty.to_str().unwrap();
    for (args, code, wanted) in [
        (&["dataset", "show", "nothing"][..], 1, "visaion dataset list"),
        (&["predict", "nothing", "a.png"], 1, "visaion train"),
        (&["train", "--dataset", "nothing"], 1, "visaion dataset list"),
        (&["job", "show", "17"], 1, "visaion job list"),
        (&["project", "create", ""], 1, "empty"),
        (&["dataset", "import", "/no/such/folder", "--dataset", "x"], 1, "/no/such/folder"),
        (&["dataset", "import", empty, "--dataset", "x"], 1, "image"),
        (&["dataset", "export", "x", "--format", "coco", "--out", "y"], 2, "csv"),
        (&["dataset"], 2, "Usage"),
        (&["nonsense"], 2, "nonsense"),
        (&[], 2, "Usage"),
    ] {
        let output = program.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(wanted), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    assert_eq!(program.json(&["dataset", "list"])["total"], 0, "a failed import leaves no dataset behind");
    let output = program.run(&["--json", "dataset", "show", "nothing"]);
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["code"], "not_found");
    for args in [&["--help"][..], &["--version"], &["train", "--help"]] {
        assert_eq!(program.run(args).status.code(), Some(0));
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let program = Program::new();
    let mut child = program.command(&["project", "list"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_library_that_cannot_be_made_is_named() {
    let program = Program::new();
    let file = program.dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let output = program.run(&["--library", file.join("library").to_str().unwrap(), "project", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("file"), "{output:?}");
}
