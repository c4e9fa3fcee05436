//! The GPU pack on the command line: shown, refused, downloaded, verified, mended and removed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail where it is")]
#![cfg(target_os = "linux")]

#[path = "../../va_app/tests/work/gpu_pack_scene.rs"]
mod gpu_pack_scene;
mod program;
#[path = "../../../data/va_fetch/tests/server/mod.rs"]
mod server;

use std::path::PathBuf;
use std::process::Output;

use gpu_pack_scene::{manifest, wheels, write_manifest, write_wheels};
use program::Program;
use serde_json::Value;
use server::Server;

struct Scene {
    program: Program,
    pack: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let program = Program::new();
        let pack = program.dir.path().join("data/visaion/gpu-pack");
        Self { program, pack }
    }

    fn run(&self, args: &[&str]) -> Output {
        let data = self.program.dir.path().join("data");
        self.program.command(&[&["gpu-pack"], args].concat()).env("XDG_DATA_HOME", data).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn show(&self) -> Value {
        serde_json::from_str(&self.ok(&["show", "--json"])).unwrap()
    }
}

#[test]
fn the_programs_own_pack_is_shown_with_its_licences_and_not_fetched_unasked() {
    let scene = Scene::new();
    let shown = scene.ok(&["show"]);
    for said in ["not installed", "nvidia-cudnn-cu13", "9.19.0.56", "End User License Agreement (proprietary)"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let terms = scene.refused(&["install"]);
    assert!(terms.contains("files.pythonhosted.org") && terms.contains("--agree-licence"), "{terms}");
    assert_eq!(scene.show()["state"], "not_installed");
    assert!(scene.refused(&["verify"]).contains("no GPU pack is installed"));
    assert!(scene.refused(&["remove"]).contains("no GPU pack is installed"));
}

#[test]
fn a_pack_is_downloaded_verified_mended_from_files_and_removed() {
    let scene = Scene::new();
    let wheels = wheels(50_000);
    let servers: Vec<Server> = wheels.iter().map(|wheel| Server::start(&wheel.bytes)).collect();
    write_manifest(&scene.pack, &manifest(&wheels, |at| servers[at].url("/wheel")));
    assert!(scene.ok(&["install", "--agree-licence"]).contains("installed: test-1.0"));
    let pack = scene.show();
    assert_eq!((pack["state"].as_str(), pack["installed_bytes"].as_u64()), (Some("installed"), Some(350_000)));
    assert!(scene.ok(&["verify"]).contains("installed"));
    assert!(scene.refused(&["install", "--agree-licence"]).contains("verify it, or remove it first"));

    let library = scene.pack.join("test-1.0-1/libcublas.so.13");
    let mut bytes = std::fs::read(&library).unwrap();
    bytes[7] ^= 1;
    std::fs::write(&library, bytes).unwrap();
    assert!(scene.refused(&["verify"]).contains("libcublas.so.13"));
    assert!(scene.ok(&["show"]).contains("damaged  libcublas.so.13"));
    let from = write_wheels(&scene.program.dir.path().join("wheels"), &wheels);
    assert!(scene.ok(&["install", "--from", from.to_str().unwrap()]).contains("installed"));
    assert!(!library.exists(), "the damaged one is gone");
    assert_eq!(scene.ok(&["remove"]).trim(), "removed the GPU pack");
    assert_eq!(scene.show()["state"], "not_installed");
}
