//! The queue: order, stop, resume, close and open again.

use va_app::jobs::JobListRequest;
use va_app::{OpenOptions, jobs, models, train};
use va_domain::{Event, JobKind, JobState};
use va_error::Code;

use crate::fixture::{self, finish, library, open, owner, request};

fn weights_hash(app: &va_app::App, id: va_domain::ModelVersionId) -> String {
    models::version(app, id).unwrap().weights_hash
}

#[test]
fn a_paused_run_resumes_to_the_same_weights_and_a_closed_one_goes_on_at_the_next_open() {
    let lib = library(16);
    let (app, actor) = (&lib.app, owner());
    let straight = fixture::train(app, lib.dataset.id, 4);
    let expected = weights_hash(app, straight.model_version_id);

    let job = train::start(app, &actor, &request(lib.dataset.id, 4)).unwrap();
    let events = app.subscribe();
    jobs::wait(app, job.id, |job| {
        if job.progress.done >= 3 {
            // Asked again while it stops: no harm.
            drop(jobs::pause(app, &actor, job.id));
        }
    })
    .unwrap();
    drop(events);
    let paused = jobs::get(app, job.id).unwrap();
    assert_eq!(paused.state, JobState::Paused);
    let steps = paused.progress.done;
    assert!(steps >= 3 && steps < paused.progress.total, "{:?}", paused.progress);
    assert_eq!(jobs::delete(app, &actor, job.id).unwrap_err().code(), Code::Conflict);

    jobs::resume(app, &actor, job.id).unwrap();
    let folder = lib.folder();
    let mut closed = false;
    let waited = jobs::wait(app, job.id, |job| {
        if job.progress.done > steps + 2 && !closed {
            closed = true;
            app.close().unwrap();
        }
    });
    assert!(closed && waited.is_err());

    let app = open(&folder, true);
    let job = finish(&app, &jobs::get(&app, job.id).unwrap());
    let resumed: train::TrainResult = fixture::result(&job);
    assert_eq!(weights_hash(&app, resumed.model_version_id), expected);
    let notes = jobs::notes(&app, job.id).unwrap();
    assert!(notes.iter().any(|note| note.starts_with("goes on from step")), "{notes:?}");
    let series = jobs::metrics(&app, job.id).unwrap();
    let loss = series.iter().find(|series| series.name == "train/loss").unwrap();
    assert_eq!(loss.steps, (1..=16).collect::<Vec<u64>>(), "no step twice, none missing");
    jobs::delete(&app, &actor, job.id).unwrap();
    assert_eq!(jobs::get(&app, job.id).unwrap_err().code(), Code::NotFound);
    models::version(&app, resumed.model_version_id).unwrap();
}

#[test]
fn one_trains_the_next_waits_and_waiting_ones_can_be_cancelled() {
    let lib = library(16);
    let (app, actor) = (&lib.app, owner());
    let start = || train::start(app, &actor, &request(lib.dataset.id, 50)).unwrap();
    let (first, second, third) = (start(), start(), start());
    let state = |id| jobs::get(app, id).unwrap().state;
    let mut asked = false;
    let ended = jobs::wait(app, first.id, |job| {
        if job.progress.done == 0 || asked {
            return;
        }
        asked = true;
        assert_eq!((state(second.id), state(third.id)), (JobState::Queued, JobState::Queued));
        assert_eq!(jobs::cancel(app, &actor, second.id).unwrap().state, JobState::Cancelled);
        jobs::cancel(app, &actor, first.id).unwrap();
    })
    .unwrap();
    assert!(asked);
    assert_eq!(ended.state, JobState::Cancelled);
    jobs::cancel(app, &actor, third.id).unwrap();
    assert_eq!(jobs::wait(app, third.id, |_| {}).unwrap().state, JobState::Cancelled);
    assert_eq!(state(second.id), JobState::Cancelled, "it never ran");
    assert_eq!(jobs::cancel(app, &actor, second.id).unwrap_err().code(), Code::Conflict);
}

#[test]
fn a_job_found_running_is_queued_again_but_not_for_ever() {
    let lib = library(4);
    let job = {
        let app = &lib.app;
        app.close().unwrap();
        let app = open(&lib.folder(), false);
        let mut job = train::start(&app, &owner(), &request(lib.dataset.id, 1)).unwrap();
        assert_eq!(job.state, JobState::Queued, "nobody runs jobs here");
        // Stands for a process that was killed.
        job.state = JobState::Running;
        app.transact(&owner(), va_store::Op::quiet("test"), |tx| tx.jobs_mut().update(&job)).unwrap();
        app.close().unwrap();
        job
    };
    let app = open(&lib.folder(), true);
    finish(&app, &job);
    let notes = jobs::notes(&app, job.id).unwrap();
    assert!(notes.iter().any(|note| note == "interrupted at 0"), "{notes:?}");
}

#[test]
fn a_checkpoint_that_cannot_be_written_fails_the_job_and_the_rest_is_safe() {
    let lib = library(16);
    let (app, actor) = (&lib.app, owner());
    lib.app.close().unwrap();
    let job = {
        let app = open(&lib.folder(), false);
        let job = train::start(&app, &actor, &request(lib.dataset.id, 1)).unwrap();
        app.close().unwrap();
        job
    };
    let _ = app;
    // A file where the folder of checkpoints has to be.
    let folder = lib.folder().join("jobs").join(job.id.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("checkpoints"), b"in the way").unwrap();
    let app = open(&lib.folder(), true);
    let failed = jobs::wait(&app, job.id, |_| {}).unwrap();
    assert_eq!(failed.state, JobState::Failed);
    let message = failed.error.unwrap();
    assert!(message.contains("checkpoint"), "{message}");
    std::fs::remove_file(folder.join("checkpoints")).unwrap();
    let again = fixture::train(&app, lib.dataset.id, 1);
    models::version(&app, again.model_version_id).unwrap();
}

#[test]
fn a_library_has_one_owner() {
    let lib = library(4);
    let error = va_app::App::open(&lib.folder(), OpenOptions { create: false, run_jobs: true }).err().unwrap();
    assert_eq!(error.code(), Code::LibraryLocked);
}

#[test]
fn listeners_hear_of_jobs_and_curves() {
    let lib = library(8);
    let events = lib.app.subscribe();
    let job = train::start(&lib.app, &owner(), &request(lib.dataset.id, 2)).unwrap();
    finish(&lib.app, &job);
    let mut states = Vec::new();
    let mut points = 0;
    while let Ok(event) = events.recv_timeout(std::time::Duration::from_millis(200)) {
        match event {
            Event::Job { job } if job.kind == JobKind::Train && states.last() != Some(&job.state) => {
                states.push(job.state);
            }
            Event::Metrics { points: some, .. } => points += some.len(),
            _ => {}
        }
    }
    assert_eq!(states, [JobState::Queued, JobState::Running, JobState::Succeeded]);
    assert!(points > 0);
}

#[test]
fn settings_that_cannot_train_are_refused_before_a_job_is_made() {
    let lib = library(8);
    let mut asked = request(lib.dataset.id, 1);
    (asked.settings.arch, asked.settings.image_size_px) = ("vit_tiny_patch16_224".to_owned(), 40);
    let refused = train::start(&lib.app, &owner(), &asked).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidInput);
    assert!(refused.to_string().contains("choose 32 or 48"), "{refused}");
    let forecast = train::ForecastRequest { dataset_id: lib.dataset.id, settings: asked.settings.clone() };
    assert_eq!(train::forecast(&lib.app, &forecast).unwrap_err().to_string(), refused.to_string());
    asked.settings.arch = "resnet0".to_owned();
    assert!(train::start(&lib.app, &owner(), &asked).unwrap_err().to_string().contains("there is resnet18"));
    let runs = JobListRequest { kind: Some(JobKind::Train), ..JobListRequest::default() };
    assert_eq!(jobs::list(&lib.app, &runs).unwrap().total, 0);
}
