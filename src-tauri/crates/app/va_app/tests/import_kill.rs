//! `kill -9` during an import, and a full disk: the library opens, nothing confirmed is missing, and the import goes on
//! to its end without anything twice.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on may panic, and a child reports on standard output"
)]

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use va_app::import::{ImportRequest, start};
use va_app::{Actor, App, OpenOptions, Origin, datasets, jobs};
use va_domain::{DatasetId, ImportReport, JobId, JobState, Sample};
use va_media::{RgbImage, encode_jpeg};

const LIBRARY: &str = "VISAION_TEST_LIBRARY";
const JOB: &str = "VISAION_TEST_JOB";
const IMAGES: usize = 900;

fn kills() -> u64 {
    std::env::var("VISAION_SOAK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

fn open(library: &Path, run_jobs: bool) -> App {
    App::open(library, OpenOptions { create: true, run_jobs }).unwrap()
}

fn samples(app: &App, dataset: DatasetId) -> Vec<Sample> {
    app.store().read(|read| read.samples().all_of_dataset(dataset)).unwrap()
}

/// Every number gives another image: its digits are its pixels.
fn jpeg(number: usize) -> Vec<u8> {
    let blocks = (0..32 * 32).map(|i| (i / 8) % 4 + (i / 256) * 4);
    let pixels = blocks.flat_map(|block| [if number >> block & 1 == 1 { 230 } else { 20 }; 3]).collect();
    encode_jpeg(&RgbImage { width_px: 32, height_px: 32, pixels }, 90).unwrap()
}

fn write_source(folder: &Path) {
    for number in 0..IMAGES {
        let class = folder.join(["cat", "dog", "owl"][number % 3]);
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join(format!("{number}.jpg")), jpeg(number)).unwrap();
    }
}

fn queue(app: &App, source: &Path) -> (DatasetId, JobId) {
    let actor = Actor::owner(Origin::Cli);
    let dataset = datasets::create(app, &actor, "killed", "", None).unwrap().id;
    let request = ImportRequest { paths: vec![source.to_owned()], ..ImportRequest::default() };
    (dataset, start(app, &actor, dataset, &request).unwrap().id)
}

/// Every row has its whole file, every image is there once.
fn check(app: &App, dataset: DatasetId) -> usize {
    let samples = samples(app, dataset);
    let mut seen = HashSet::new();
    for sample in &samples {
        let bytes = fs::read(app.media_path(&sample.media_hash, &sample.format)).unwrap();
        assert_eq!(va_media::hash(&bytes), sample.media_hash, "a row whose file is not whole");
        assert!(seen.insert(sample.media_hash.clone()), "{} twice", sample.name);
        assert!(sample.label_id.is_some(), "{} lost its class", sample.name);
    }
    assert_eq!(app.store().check_integrity().unwrap(), Vec::<String>::new());
    samples.len()
}

#[test]
fn a_killed_import_loses_nothing_and_ends_as_if_undisturbed() {
    let place = tempfile::tempdir().unwrap();
    let (source, mut state, mut killed) = (place.path().join("source"), 0x2545_F491_4F6C_DD1D_u64, 0);
    write_source(&source);
    for round in 0.. {
        let library = place.path().join(format!("library {round}"));
        let app = open(&library, false);
        let (dataset, job) = queue(&app, &source);
        app.close().unwrap();
        // Three kills a library: after that its import may be over.
        for _ in 0..3.min(kills() - killed) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let confirmed = kill_after(&library, job, state % 4, (state >> 32) % 120_000);
            killed += 1;
            let app = open(&library, false);
            let found = check(&app, dataset);
            assert!(found >= confirmed, "{confirmed} images were confirmed, {found} are there");
            app.close().unwrap();
        }
        let app = open(&library, true);
        let mut job = jobs::get(&app, job).unwrap();
        if job.state == JobState::Interrupted {
            // Killed three times at the same place, a job waits for a person.
            job = jobs::resume(&app, &Actor::owner(Origin::Cli), job.id).unwrap();
        }
        let job = jobs::wait(&app, job.id, |_| ()).unwrap();
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
        let report: ImportReport = serde_json::from_value(job.result.unwrap()).unwrap();
        assert_eq!((report.imported, report.duplicates, report.left_out.len()), (IMAGES as u64, 0, 0));
        assert_eq!(report.new_classes, ["cat", "dog", "owl"]);
        assert_eq!(check(&app, dataset), IMAGES);
        app.close().unwrap();
        if killed >= kills() {
            return;
        }
    }
}

/// Lets a process of its own import, and kills it some reports and microseconds later. Gives what it had confirmed.
fn kill_after(library: &Path, job: JobId, reports: u64, extra_us: u64) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_imports", "--ignored", "--nocapture", "--test-threads=1"])
        .env(LIBRARY, library)
        .env(JOB, job.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut confirmations = lines.filter_map(|line| line.strip_prefix("confirmed ")?.parse::<usize>().ok());
    let before = confirmations.by_ref().take(usize::try_from(reports).unwrap() + 1).last().unwrap_or(0);
    std::thread::sleep(Duration::from_micros(extra_us));
    child.kill().unwrap();
    child.wait().unwrap();
    confirmations.last().unwrap_or(before)
}

/// Not a test of its own: what the killed process does.
#[test]
#[ignore = "runs as the child of the test above"]
fn child_imports() {
    let Some(library) = std::env::var_os(LIBRARY) else { return };
    let id: JobId = std::env::var(JOB).unwrap().parse().unwrap();
    let app = open(Path::new(&library), true);
    let dataset = jobs::get(&app, id).unwrap().dataset_id.unwrap();
    let watcher = std::thread::spawn({
        let app = app.clone();
        move || {
            let mut last = usize::MAX;
            loop {
                let count = samples(&app, dataset).len();
                if count != last {
                    println!("\nconfirmed {count}");
                    last = count;
                }
                if jobs::get(&app, id).unwrap().state.is_final() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });
    jobs::wait(&app, id, |_| ()).unwrap();
    watcher.join().unwrap();
    app.close().unwrap();
}

/// A small disk of its own, where the system lets us make one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_with_a_clear_message_and_keeps_what_was_confirmed() {
    let place = tempfile::tempdir().unwrap();
    let disk = place.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let script =
        "mount -t tmpfs -o size=48m tmpfs \"$DISK\" && exec \"$0\" --exact child_fills_the_disk --ignored --nocapture";
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("DISK", &disk)
        .output();
    let Ok(output) = output else { return };
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if !said.contains("running 1 test") {
        return println!("no disk of our own on this system: {said}");
    }
    assert!(output.status.success() && said.contains("full as expected"), "{said}");
}

/// Not a test of its own: runs with a small disk mounted at `DISK`.
#[test]
#[ignore = "runs as the child of the test above"]
fn child_fills_the_disk() {
    let Some(disk) = std::env::var_os("DISK") else { return };
    let place = tempfile::tempdir().unwrap();
    let source = place.path().join("source");
    write_source(&source);
    let library = Path::new(&disk).join("library");
    let app = open(&library, false);
    let (dataset, job) = queue(&app, &source);
    app.close().unwrap();
    let ballast = Path::new(&disk).join("ballast");
    // Less than the reserve is left: refused before the first byte is copied.
    fs::write(&ballast, vec![1; 30 << 20]).unwrap();
    let app = open(&library, true);
    let ended = jobs::wait(&app, job, |_| ()).unwrap();
    assert_eq!(ended.state, JobState::Failed);
    let error = ended.error.unwrap();
    assert!(error.contains("MiB free") && error.contains("nothing was changed"), "{error}");
    assert_eq!(check(&app, dataset), 0);
    fs::remove_file(&ballast).unwrap();
    let request = ImportRequest { paths: vec![source], ..ImportRequest::default() };
    let again = start(&app, &Actor::owner(Origin::Cli), dataset, &request).unwrap();
    assert_eq!(jobs::wait(&app, again.id, |_| ()).unwrap().state, JobState::Succeeded);
    assert_eq!(check(&app, dataset), IMAGES);
    app.close().unwrap();
    println!("full as expected");
}
