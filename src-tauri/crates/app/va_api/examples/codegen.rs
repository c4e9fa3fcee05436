//! Writes or checks the generated files of the user interface: `cargo run -p va_api --example codegen -- --check`.
//!
//! `openapi.json` and `commands.ts` come from the command table, `api.ts` from `openapi.json` by openapi-typescript,
//! which `npm ci` in `ui` installs.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let ui = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../ui");
    let generated = ui.join("src/ipc/generated");
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("--write") => write(&ui, &generated),
        Some("--check") => check(&ui, &generated),
        _ => Err("usage: codegen --check | --write".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            report(&message);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr)] // A program of its own: this is its output.
fn report(message: &str) {
    eprintln!("{message}");
}

fn write(ui: &Path, folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for (name, contents) in va_api::codegen() {
        let path = folder.join(name);
        std::fs::write(&path, contents).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    openapi_typescript(ui, &folder.join("openapi.json"), &folder.join("api.ts"))
}

fn check(ui: &Path, folder: &Path) -> Result<(), String> {
    let fresh = tempfile::tempdir().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    write(ui, fresh.path())?;
    for name in ["openapi.json", "commands.ts", "api.ts"] {
        let found = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let wanted = std::fs::read_to_string(fresh.path().join(name)).unwrap_or_default();
        if found != wanted {
            return Err(format!("ui/src/ipc/generated/{name} is not what the commands say: run `cargo xtask codegen`"));
        }
    }
    Ok(())
}

fn openapi_typescript(ui: &Path, document: &Path, out: &Path) -> Result<(), String> {
    let program = ui.join("node_modules/openapi-typescript/bin/cli.js");
    if !program.exists() {
        return Err("openapi-typescript is not installed: run `npm ci` in ui".to_owned());
    }
    // Fields with a default may be left out of a request; answers come without defaults, so nothing else changes.
    let output = Command::new("node")
        .arg(program)
        .arg(document)
        .args(["--default-non-nullable", "false", "--output"])
        .arg(out)
        .output()
        .map_err(|error| format!("cannot start node: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("openapi-typescript failed: {}", String::from_utf8_lossy(&output.stderr)))
}
