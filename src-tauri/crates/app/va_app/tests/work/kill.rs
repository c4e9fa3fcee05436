//! `kill -9` while training: the library opens, the job resumes, and the weights are those of a run that nobody
//! disturbed, bit for bit.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use va_app::{App, jobs, models, train};
use va_domain::{Job, JobId, JobState};

use crate::fixture::{self, finish, library, open, owner, request};

const LIBRARY: &str = "VISAION_TEST_LIBRARY";
const JOB: &str = "VISAION_TEST_JOB";
const EPOCHS: u32 = 4;

/// Kills in this run: 3, or as many as the campaign asks for.
fn kills() -> u64 {
    std::env::var("VISAION_SOAK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

#[test]
fn killed_runs_end_with_the_weights_of_an_undisturbed_one() {
    let lib = library(16);
    let straight = fixture::train(&lib.app, lib.dataset.id, EPOCHS);
    let expected = models::version(&lib.app, straight.model_version_id).unwrap().weights_hash;
    lib.app.close().unwrap();

    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut killed = 0;
    while killed < kills() {
        // A run ends after so many kills; a campaign needs several runs.
        let job = queue_run(&lib);
        while killed < kills() {
            let done = peek(&lib.folder(), job.id);
            if done.state.is_final() {
                break;
            }
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let steps = 1 + state % 6;
            kill_after(&lib.folder(), &job, steps, (state >> 32) % 40_000);
            killed += 1;
        }
        let app = open(&lib.folder(), true);
        go_on(&app, job.id);
        let job = finish(&app, &jobs::get(&app, job.id).unwrap());
        let resumed: train::TrainResult = fixture::result(&job);
        assert_eq!(models::version(&app, resumed.model_version_id).unwrap().weights_hash, expected);
        assert!(app.store().check_integrity().unwrap().is_empty());
        app.close().unwrap();
    }
}

fn queue_run(lib: &fixture::Library) -> Job {
    let app = open(&lib.folder(), false);
    let job = train::start(&app, &owner(), &request(lib.dataset.id, EPOCHS)).unwrap();
    app.close().unwrap();
    job
}

fn peek(folder: &Path, id: JobId) -> Job {
    let app = open(folder, false);
    let job = jobs::get(&app, id).unwrap();
    app.close().unwrap();
    job
}

/// Lets a process of its own train, and kills it some steps (and some microseconds) later.
fn kill_after(folder: &Path, job: &Job, steps: u64, extra_us: u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child_trains", "--ignored", "--nocapture", "--test-threads=1"])
        .env(LIBRARY, folder)
        .env(JOB, job.id.to_string())
        .env("VISAION_RECOVERY_MS", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_steps(&mut child, steps);
    std::thread::sleep(std::time::Duration::from_micros(extra_us));
    // SIGKILL on Unix, TerminateProcess on Windows: nothing of the child runs after it.
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Returns after so many reports of progress, or when the child has ended.
fn wait_for_steps(child: &mut Child, steps: u64) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reports = lines.map_while(Result::ok).filter(|line| line.starts_with("step "));
    drop(reports.take(usize::try_from(steps).unwrap()).last());
}

/// Not a test of its own: what the killed process does.
#[test]
#[ignore = "runs as the child of the test above"]
fn child_trains() {
    let Some(folder) = std::env::var_os(LIBRARY) else { return };
    let id: JobId = std::env::var(JOB).unwrap().parse().unwrap();
    let app = open(Path::new(&folder), true);
    go_on(&app, id);
    let mut last = 0;
    let job = jobs::wait(&app, id, |job| {
        if job.progress.done != last {
            last = job.progress.done;
            // On a line of its own: the test runner writes before it.
            println!("\nstep {last}");
        }
    })
    .unwrap();
    assert_eq!(job.state, JobState::Succeeded);
    app.close().unwrap();
}

/// Three kills at one place leave it to a person.
fn go_on(app: &App, id: JobId) {
    if jobs::get(app, id).unwrap().state == JobState::Interrupted {
        jobs::resume(app, &owner(), id).unwrap();
    }
}
