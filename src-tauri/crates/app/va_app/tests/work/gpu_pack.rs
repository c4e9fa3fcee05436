//! The GPU pack: from files and from the network, whole or not at all, used only when it is whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use va_app::gpu_pack::{self, InstallRequest};
use va_app::{App, OpenOptions, jobs};
use va_domain::{GpuPack, GpuPackState, Job, JobState};
use va_engine::gpu::{PackFolders, Places};
use va_engine::{CpuEngine, Engine};
use va_error::Code;

use crate::fixture::{owner, result};
use crate::gpu_pack_scene::{VERSION, Wheel, manifest, wheels, write_manifest, write_wheels, write_zip, zip_of};
use crate::server::{Behaviour, Server};

pub struct Scene {
    pub dir: tempfile::TempDir,
    pub wheels: Vec<Wheel>,
}

impl Scene {
    pub fn new(library_bytes: usize) -> Self {
        let scene = Self { dir: tempfile::tempdir().unwrap(), wheels: wheels(library_bytes) };
        write_manifest(&scene.pack(), &manifest(&scene.wheels, |at| format!("https://mirror.example/{at}")));
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn pack(&self) -> PathBuf {
        self.path("user/gpu-pack")
    }

    pub fn open(&self) -> App {
        open_at(self.dir.path(), Arc::new(CpuEngine::new()))
    }

    /// The one folder of libraries that the record names.
    pub fn libraries(&self) -> PathBuf {
        let record = va_engine::gpu::PackRecord::read(&self.pack()).unwrap().unwrap();
        self.pack().join(record.folder)
    }

    pub fn assert_whole(&self) {
        for (name, bytes) in self.wheels.iter().flat_map(|wheel| &wheel.libraries) {
            assert_eq!(&std::fs::read(self.libraries().join(name)).unwrap(), bytes, "{name}");
        }
        assert!(!self.libraries().join("not_wanted.h").exists(), "only what the manifest names");
    }

    /// A file server for each wheel.
    pub fn serve(&self, behaviours: &[&[Behaviour]]) -> Vec<Server> {
        let servers: Vec<Server> =
            self.wheels.iter().zip(behaviours).map(|(wheel, told)| Server::with(&wheel.bytes, told)).collect();
        let url = |at: usize| servers[at].url(&format!("/{}", self.wheels[at].file));
        write_manifest(&self.pack(), &manifest(&self.wheels, url));
        servers
    }
}

pub fn packs(root: &Path) -> PackFolders {
    PackFolders { beside: None, own: Some(root.join("user/gpu-pack")) }
}

pub fn open_at(root: &Path, engine: Arc<dyn Engine>) -> App {
    let options = OpenOptions { create: true, run_jobs: true };
    App::open_with_parts(&root.join("library"), options, engine, packs(root)).unwrap()
}

pub fn install(app: &App, path: &Path) -> Job {
    let request = InstallRequest { path: Some(path.to_owned()), upload_id: None };
    let job = gpu_pack::install(app, &owner(), &request).unwrap();
    jobs::wait(app, job.id, |_| {}).unwrap()
}

pub fn installed(app: &App, path: &Path) -> GpuPack {
    let job = install(app, path);
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
    result(&job)
}

fn refusal(app: &App, path: &Path) -> String {
    let job = install(app, path);
    assert_eq!(job.state, JobState::Failed);
    job.error.unwrap()
}

pub fn state(app: &App) -> GpuPackState {
    gpu_pack::get(app).unwrap().state
}

pub fn verify(app: &App) -> Job {
    let job = gpu_pack::verify(app, &owner()).unwrap();
    jobs::wait(app, job.id, |_| {}).unwrap()
}

#[test]
fn a_pack_comes_from_a_folder_a_zip_file_or_wheel_by_wheel() {
    let scene = Scene::new(40_000);
    let app = scene.open();
    let before = gpu_pack::get(&app).unwrap();
    assert_eq!(
        (before.state, before.version.as_str(), before.packages.len()),
        (GpuPackState::NotInstalled, VERSION, 3)
    );
    assert!(before.is_supported && !before.would_help && before.installed_version.is_none());
    assert_eq!(before.packages[0].licence, "Test licence (proprietary)");

    let folder = write_wheels(&scene.path("wheels"), &scene.wheels);
    let zip = write_zip(&scene.path("pack.zip"), &scene.wheels);
    for from in [&folder, &zip] {
        let pack = installed(&app, from);
        assert_eq!((pack.state, pack.installed_version.as_deref()), (GpuPackState::Installed, Some(VERSION)));
        assert_eq!((pack.installed_bytes, pack.downloaded_bytes, pack.job_id), (7 * 40_000, 0, None));
        scene.assert_whole();
        let again = gpu_pack::install(&app, &owner(), &InstallRequest { path: Some(from.clone()), upload_id: None });
        assert_eq!(again.unwrap_err().code(), Code::Conflict);
        assert_eq!(verify(&app).state, JobState::Succeeded);
        gpu_pack::remove(&app, &owner()).unwrap();
        assert_eq!(state(&app), GpuPackState::NotInstalled);
        assert_eq!(names(&scene.pack()), ["install.lock", "manifest.json"], "nothing else stays");
    }
    assert_eq!(gpu_pack::remove(&app, &owner()).unwrap_err().code(), Code::NotFound);

    // One after the other; a browser gave one of them another name.
    let other = scene.path("download (1).whl");
    std::fs::copy(folder.join(&scene.wheels[2].file), &other).unwrap();
    let brought = [folder.join(&scene.wheels[0].file), other, folder.join(&scene.wheels[1].file)];
    let states: Vec<GpuPackState> = brought.iter().map(|wheel| installed(&app, wheel).state).collect();
    use GpuPackState::{Installed, PartlyDownloaded};
    assert_eq!(states, [PartlyDownloaded, PartlyDownloaded, Installed]);
    scene.assert_whole();
    app.close().unwrap();
}

pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_not_nvidias_file_is_not_unpacked() {
    let scene = Scene::new(20_000);
    let app = scene.open();
    let good = write_wheels(&scene.path("good"), &scene.wheels);
    let changed = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let folder = write_wheels(&scene.path(name), &scene.wheels);
        let path = folder.join(&scene.wheels[1].file);
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        folder
    };
    let turned = changed("turned", &|bytes| bytes[1000] ^= 1);
    let cut = changed("cut", &|bytes| bytes.truncate(9000));
    let lacking = write_wheels(&scene.path("lacking"), &scene.wheels[..2]);
    let empty = write_wheels(&scene.path("empty"), &[]);
    let wheel = |at: usize| (scene.wheels[at].file.clone(), &scene.wheels[at].bytes[..]);
    let zip = |name: &str, entries: &[(String, &[u8])]| {
        std::fs::write(scene.path(name), zip_of(entries)).unwrap();
        scene.path(name)
    };
    let climbing = zip("climbing.zip", &[wheel(0), wheel(1), wheel(2), ("../evil.so".into(), b"x")]);
    let doubled = zip("doubled.zip", &[wheel(0), (format!("a/{}", scene.wheels[0].file), &scene.wheels[0].bytes[..])]);
    let bomb = zip("bomb.zip", &[(scene.wheels[0].file.clone(), &vec![0; 30 << 20])]);
    let page = scene.path("page.zip");
    std::fs::write(&page, "<html>404</html>").unwrap();
    for (from, said) in [
        (&turned, "is not the file that NVIDIA published"),
        (&cut, "was not copied whole"),
        (&lacking, "these files are missing: test-cudnn"),
        (&empty, "holds none of the files"),
        (&climbing, "the path `../evil.so`"),
        (&doubled, "twice"),
        (&bomb, "was not copied whole"),
        (&page, "not a ZIP file"),
    ] {
        let error = refusal(&app, from);
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(state(&app), GpuPackState::NotInstalled, "{said}");
    }
    assert!(!scene.path("user/evil.so").exists() && !scene.path("evil.so").exists());
    assert_eq!(installed(&app, &good).state, GpuPackState::Installed);
    app.close().unwrap();
}

/// The wheel is the published one, and what it holds is not what the manifest says: nothing of it is used.
#[test]
fn a_wheel_that_does_not_hold_what_it_should_leaves_no_pack() {
    let scene = Scene::new(20_000);
    let mut wrong = manifest(&scene.wheels, |at| format!("https://mirror.example/{at}"));
    wrong["packages"][2]["contents"][1]["sha256"] = "00".repeat(32).into();
    write_manifest(&scene.pack(), &wrong);
    let app = scene.open();
    let error = refusal(&app, &write_wheels(&scene.path("wheels"), &scene.wheels));
    assert!(error.contains("libnvrtc.so.13 is another file"), "{error}");
    assert_eq!(state(&app), GpuPackState::NotInstalled);
    app.close().unwrap();
}

#[test]
fn a_damaged_pack_is_found_not_used_and_mended() {
    let scene = Scene::new(30_000);
    let app = scene.open();
    let from = write_wheels(&scene.path("wheels"), &scene.wheels);
    installed(&app, &from);
    let library = scene.libraries().join("libcublas.so.13");
    let mut bytes = std::fs::read(&library).unwrap();
    bytes[12_345] ^= 0x40;
    std::fs::write(&library, bytes).unwrap();
    assert_eq!(state(&app), GpuPackState::Installed, "the size is right, so only reading tells");
    let failed = verify(&app);
    assert!(failed.error.unwrap().contains("libcublas.so.13"));
    let pack = gpu_pack::get(&app).unwrap();
    assert_eq!((pack.state, pack.damaged_files), (GpuPackState::Damaged, vec!["libcublas.so.13".to_owned()]));
    let looked_into = |app: &App| {
        let places = Places::usual(None, &packs(scene.dir.path())).libraries;
        places.iter().any(|place| place.root == scene.libraries()) && state(app) == GpuPackState::Installed
    };
    assert!(!looked_into(&app), "never used");
    assert_eq!(installed(&app, &from).state, GpuPackState::Installed);
    assert!(looked_into(&app));
    scene.assert_whole();

    std::fs::remove_file(scene.libraries().join("libcudnn.so.9")).unwrap();
    assert_eq!(state(&app), GpuPackState::Damaged, "a missing file is seen at once");
    assert_eq!(verify(&app).state, JobState::Failed);
    assert_eq!(installed(&app, &from).state, GpuPackState::Installed);
    std::fs::write(scene.pack().join("pack.json"), "{").unwrap();
    assert_eq!(gpu_pack::get(&app).unwrap().damaged_files, ["pack.json"]);
    assert_eq!(installed(&app, &from).state, GpuPackState::Installed);
    scene.assert_whole();
    app.close().unwrap();
}
