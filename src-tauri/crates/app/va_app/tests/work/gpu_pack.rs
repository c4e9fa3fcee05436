//! The GPU pack: from files and from the network, whole or not at all, used only when it is whole.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use va_app::gpu_pack::{self, InstallRequest};
use va_app::{App, OpenOptions, jobs, train};
use va_domain::{GpuPack, GpuPackState, Job, JobState};
use va_engine::gpu::{PackFolders, Places, find};
use va_engine::{AutoEngine, CpuEngine, Engine};
use va_error::Code;

use crate::fixture::{finish, owner, result};
use crate::gpu_pack_scene::{VERSION, Wheel, manifest, wheels, write_manifest, write_wheels, write_zip, zip_of};
use crate::server::{Behaviour, Server};

const FOLDER: &str = "VISAION_TEST_FOLDER";

struct Scene {
    dir: tempfile::TempDir,
    wheels: Vec<Wheel>,
}

impl Scene {
    fn new(library_bytes: usize) -> Self {
        let scene = Self { dir: tempfile::tempdir().unwrap(), wheels: wheels(library_bytes) };
        write_manifest(&scene.pack(), &manifest(&scene.wheels, |at| format!("https://mirror.example/{at}")));
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn pack(&self) -> PathBuf {
        self.path("user/gpu-pack")
    }

    fn open(&self) -> App {
        open_at(self.dir.path(), Arc::new(CpuEngine::new()))
    }

    /// The one folder of libraries that the record names.
    fn libraries(&self) -> PathBuf {
        let record = va_engine::gpu::PackRecord::read(&self.pack()).unwrap().unwrap();
        self.pack().join(record.folder)
    }

    fn assert_whole(&self) {
        for (name, bytes) in self.wheels.iter().flat_map(|wheel| &wheel.libraries) {
            assert_eq!(&std::fs::read(self.libraries().join(name)).unwrap(), bytes, "{name}");
        }
        assert!(!self.libraries().join("not_wanted.h").exists(), "only what the manifest names");
    }

    /// A file server for each wheel.
    fn serve(&self, behaviours: &[&[Behaviour]]) -> Vec<Server> {
        let servers: Vec<Server> =
            self.wheels.iter().zip(behaviours).map(|(wheel, told)| Server::with(&wheel.bytes, told)).collect();
        let url = |at: usize| servers[at].url(&format!("/{}", self.wheels[at].file));
        write_manifest(&self.pack(), &manifest(&self.wheels, url));
        servers
    }
}

fn packs(root: &Path) -> PackFolders {
    PackFolders { beside: None, own: Some(root.join("user/gpu-pack")) }
}

fn open_at(root: &Path, engine: Arc<dyn Engine>) -> App {
    let options = OpenOptions { create: true, run_jobs: true };
    App::open_with_parts(&root.join("library"), options, engine, packs(root)).unwrap()
}

fn install(app: &App, path: &Path) -> Job {
    let request = InstallRequest { path: Some(path.to_owned()), upload_id: None };
    let job = gpu_pack::install(app, &owner(), &request).unwrap();
    jobs::wait(app, job.id, |_| {}).unwrap()
}

fn installed(app: &App, path: &Path) -> GpuPack {
    let job = install(app, path);
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
    result(&job)
}

fn refusal(app: &App, path: &Path) -> String {
    let job = install(app, path);
    assert_eq!(job.state, JobState::Failed);
    job.error.unwrap()
}

fn state(app: &App) -> GpuPackState {
    gpu_pack::get(app).unwrap().state
}

fn verify(app: &App) -> Job {
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

fn names(dir: &Path) -> Vec<String> {
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
        Places::usual(None, &packs(scene.dir.path())).libraries.contains(&scene.libraries())
            && state(app) == GpuPackState::Installed
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

#[test]
fn a_download_needs_consent_and_goes_on_after_a_cut_connection() {
    let scene = Scene::new(60_000);
    let (cut, honest) = ([Behaviour::Cut(50_000), Behaviour::Honest], [Behaviour::Honest]);
    let servers = scene.serve(&[&honest, &cut, &honest]);
    let app = scene.open();
    let error = gpu_pack::download(&app, &owner(), false).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert_eq!(error.details().unwrap()["licences"][0], "Test licence (proprietary)");
    assert!(servers.iter().all(|server| server.requests().is_empty()), "nothing is asked before");

    let job = finish(&app, &gpu_pack::download(&app, &owner(), true).unwrap());
    assert_eq!(result::<GpuPack>(&job).state, GpuPackState::Installed);
    assert_eq!(servers[1].requests()[1].range.as_deref(), Some("bytes=50000-"));
    scene.assert_whole();
    assert!(!scene.pack().join("download").exists(), "the wheels are not kept");
    assert_eq!(gpu_pack::download(&app, &owner(), true).unwrap_err().code(), Code::Conflict);
    app.close().unwrap();
}

#[test]
fn a_cancelled_download_keeps_what_came() {
    let scene = Scene::new(60_000);
    let (stalled, honest) = ([Behaviour::Stall(70_000), Behaviour::Honest], [Behaviour::Honest]);
    let servers = scene.serve(&[&honest, &stalled, &honest]);
    let app = scene.open();
    let job = gpu_pack::download(&app, &owner(), true).unwrap();
    assert_eq!(gpu_pack::get(&app).unwrap().job_id, Some(job.id));
    assert_eq!(gpu_pack::remove(&app, &owner()).unwrap_err().code(), Code::Conflict);
    assert_eq!(gpu_pack::download(&app, &owner(), true).unwrap_err().code(), Code::Conflict, "one at a time");
    let part = scene.pack().join("download").join(format!("{}.part", scene.wheels[1].file));
    let begun = Instant::now();
    while std::fs::metadata(&part).map_or(0, |file| file.len()) < 70_000 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    jobs::cancel(&app, &owner(), job.id).unwrap();
    assert_eq!(jobs::wait(&app, job.id, |_| {}).unwrap().state, JobState::Cancelled);
    let pack = gpu_pack::get(&app).unwrap();
    let there = scene.wheels[0].bytes.len() as u64 + 70_000;
    assert_eq!((pack.state, pack.downloaded_bytes), (GpuPackState::PartlyDownloaded, there));

    finish(&app, &gpu_pack::download(&app, &owner(), true).unwrap());
    assert_eq!(
        (servers[0].requests().len(), servers[1].requests().len()),
        (1, 2),
        "what was whole is not fetched again"
    );
    scene.assert_whole();
    app.close().unwrap();
}

#[test]
fn a_wrong_hash_or_other_terms_install_nothing() {
    let scene = Scene::new(20_000);
    let mut other = scene.wheels[1].bytes.clone();
    other[500] ^= 1;
    let (honest, lies) = ([Behaviour::Honest], [Behaviour::Other(other)]);
    let servers = scene.serve(&[&honest, &lies, &honest]);
    let app = scene.open();
    let job = gpu_pack::download(&app, &owner(), true).unwrap();
    let failed = jobs::wait(&app, job.id, |_| {}).unwrap();
    assert!(failed.error.unwrap().contains("expected are"));
    assert_eq!(state(&app), GpuPackState::PartlyDownloaded, "the first wheel is right");
    assert!(servers[2].requests().is_empty());
    assert!(!names(&scene.pack()).iter().any(|name| name.starts_with(VERSION)), "nothing was unpacked");
    gpu_pack::remove(&app, &owner()).unwrap();
    assert_eq!(state(&app), GpuPackState::NotInstalled);
    app.close().unwrap();

    // Agreed to, and changed before the job ran.
    let queued = App::open_with_parts(
        &scene.path("library"),
        OpenOptions { create: true, run_jobs: false },
        Arc::new(CpuEngine::new()),
        packs(scene.dir.path()),
    );
    let app = queued.unwrap();
    let job = gpu_pack::download(&app, &owner(), true).unwrap();
    app.close().unwrap();
    let mut changed = manifest(&scene.wheels, |at| servers[at].url("/x"));
    changed["packages"][0]["licence"] = "Another".into();
    write_manifest(&scene.pack(), &changed);
    let app = scene.open();
    assert!(jobs::wait(&app, job.id, |_| {}).unwrap().error.unwrap().contains("since you agreed"));
    app.close().unwrap();
}

/// A card's driver is there and the libraries are not: after the install they are found, without a restart.
#[cfg(target_os = "linux")]
#[test]
fn what_was_installed_is_found_at_once() {
    let scene = Scene::new(5_000);
    let driver = scene.path("driver");
    std::fs::create_dir_all(&driver).unwrap();
    std::fs::write(driver.join("stub.c"), "int cuDriverGetVersion(int *v) { *v = 13000; return 0; }").unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([driver.join("libcuda.so.1"), driver.join("stub.c")])
        .status();
    assert!(compiled.unwrap().success());
    let packs = packs(scene.dir.path());
    let engine = AutoEngine::looking(move || {
        let pack = packs.own.clone().unwrap();
        // Of this machine's own libraries nothing is to be found.
        let libraries = Places::usual(None, &packs).libraries.into_iter().filter(|dir| dir.starts_with(&pack));
        find(&Places { plugin: Vec::new(), libraries: libraries.collect(), driver: vec![driver.clone()] })
    });
    let app = open_at(scene.dir.path(), Arc::new(engine));
    let note = |app: &App| train::options(app).cuda.unwrap().note;
    assert!(note(&app).contains("CUDA libraries are missing") && gpu_pack::get(&app).unwrap().would_help);
    let pack = installed(&app, &write_wheels(&scene.path("wheels"), &scene.wheels));
    assert!(!pack.would_help, "it is there");
    assert!(note(&app).contains("does not lie beside this program"), "{}", note(&app));
    let cuda = train::options(&app).cuda.unwrap();
    let at = scene.libraries().display().to_string();
    assert!(cuda.libraries.iter().all(|library| library.path.as_ref().is_some_and(|path| path.starts_with(&at))));
    gpu_pack::remove(&app, &owner()).unwrap();
    assert!(note(&app).contains("CUDA libraries are missing"), "{}", note(&app));
    app.close().unwrap();
}

/// Killed wherever it may be: either nothing is installed, or a whole pack is; and in the end it is installed.
#[test]
fn kills_leave_no_half_pack() {
    let scene = Scene::new(1_500_000);
    let from = write_wheels(&scene.path("wheels"), &scene.wheels);
    let (mut killed, mut delay) = (0, Duration::from_millis(60));
    loop {
        let mut child = child(scene.dir.path(), &from);
        let begun = Instant::now();
        let ended = loop {
            match child.try_wait().unwrap() {
                None if begun.elapsed() < delay => std::thread::sleep(Duration::from_millis(2)),
                ended => break ended,
            }
        };
        if ended.is_some_and(|status| status.success()) {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        delay += Duration::from_millis(25);
        let looked_into = Places::usual(None, &packs(scene.dir.path())).libraries;
        if looked_into.iter().any(|dir| dir.starts_with(scene.pack())) {
            scene.assert_whole();
        }
        assert!(killed < 200);
    }
    assert!(killed > 2, "{killed}");
    scene.assert_whole();
    let app = scene.open();
    assert_eq!(verify(&app).state, JobState::Succeeded);
    assert_eq!(names(&scene.pack()).iter().filter(|name| name.starts_with(VERSION)).count(), 1, "no leftovers");
    app.close().unwrap();
}

fn child(root: &Path, from: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "gpu_pack::child_installs", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, root)
        .env("VISAION_TEST_FROM", from)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what the killed process does. A job that was interrupted goes on at the next start by itself.
#[test]
#[ignore = "runs as the child of the test above"]
fn child_installs() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let app = open_at(Path::new(&folder), Arc::new(CpuEngine::new()));
    let from = PathBuf::from(std::env::var_os("VISAION_TEST_FROM").unwrap());
    while state(&app) != GpuPackState::Installed {
        let job = match gpu_pack::get(&app).unwrap().job_id {
            Some(job) => jobs::get(&app, job).unwrap(),
            None => {
                let request = InstallRequest { path: Some(from.clone()), upload_id: None };
                gpu_pack::install(&app, &owner(), &request).unwrap()
            }
        };
        // Three kills at one place leave it to a person.
        if job.state == JobState::Interrupted {
            jobs::resume(&app, &owner(), job.id).unwrap();
        }
        jobs::wait(&app, job.id, |_| {}).unwrap();
    }
    app.close().unwrap();
}
