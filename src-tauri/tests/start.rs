//! What can be said of the shell without a display. The walk through the real window is `tests/e2e/window.test.mjs`.

use std::process::Command;

#[test]
fn a_library_option_without_a_folder_is_refused_with_a_reason() {
    let output = Command::new(env!("CARGO_BIN_EXE_visaion-desktop"))
        .arg("--library")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("the program starts");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--library needs a folder"), "{said}");
}
