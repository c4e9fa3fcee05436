use serde_json::json;
use va_domain::{DatasetId, Job, JobId, JobKind, JobProgress, JobState, PageRequest, ProjectId};
use va_error::Code;
use va_store::table::jobs::JobFilter;

use crate::scene::Scene;

fn job(kind: JobKind, state: JobState) -> Job {
    Job {
        id: JobId::new(),
        kind,
        state,
        title: "tiles · resnet18".to_owned(),
        project_id: Some(ProjectId::new()),
        dataset_id: Some(DatasetId::new()),
        progress: JobProgress::default(),
        params: json!({ "epochs": 3 }),
        result: None,
        error: None,
        created_ms: 5,
        started_ms: None,
        ended_ms: None,
    }
}

fn insert(scene: &Scene, kind: JobKind, state: JobState) -> Job {
    let job = job(kind, state);
    scene.quiet(|tx| tx.jobs_mut().insert(&job)).unwrap();
    job
}

#[test]
fn a_job_is_kept_exactly() {
    let scene = Scene::new();
    let mut job = insert(&scene, JobKind::Train, JobState::Queued);
    assert_eq!(scene.store.read(|read| read.jobs().get(job.id)).unwrap(), job);
    job.state = JobState::Failed;
    job.result = Some(json!({ "model_version_id": "x" }));
    job.error = Some("the disk is full".to_owned());
    job.started_ms = Some(6);
    job.ended_ms = Some(7);
    job.progress =
        JobProgress { done: 3, total: 9, unit: "steps".to_owned(), remaining_ms: Some(4), ..Default::default() };
    scene.quiet(|tx| tx.jobs_mut().update(&job)).unwrap();
    let scene = scene.reopened();
    assert_eq!(scene.store.read(|read| read.jobs().get(job.id)).unwrap(), job);
}

#[test]
fn the_list_is_newest_first_filtered_and_paged() {
    let scene = Scene::new();
    let jobs: Vec<Job> = (0..5)
        .map(|n| insert(&scene, if n % 2 == 0 { JobKind::Train } else { JobKind::Import }, JobState::Queued))
        .collect();
    let list = |filter: JobFilter, cursor| {
        let page = PageRequest { limit: Some(2), cursor };
        scene.store.read(|read| read.jobs().list(&filter, &page)).unwrap()
    };
    let first = list(JobFilter::default(), None);
    assert_eq!(first.items.iter().map(|job| job.id).collect::<Vec<_>>(), [jobs[4].id, jobs[3].id]);
    assert_eq!(first.total, 5);
    assert_eq!(list(JobFilter::default(), first.next_cursor).items[0].id, jobs[2].id);
    let imports = list(JobFilter { kind: Some(JobKind::Import), ..Default::default() }, None);
    assert_eq!((imports.total, imports.items[0].id), (2, jobs[3].id));
    let one = JobFilter { project_id: jobs[1].project_id, state: Some(JobState::Queued), ..Default::default() };
    assert_eq!(list(one, None).items, jobs[1..2]);
    let none = JobFilter { state: Some(JobState::Running), ..Default::default() };
    assert_eq!(list(none, None).total, 0);
}

#[test]
fn running_jobs_of_a_dead_owner_become_interrupted() {
    let scene = Scene::new();
    let running = insert(&scene, JobKind::Train, JobState::Running);
    let queued = insert(&scene, JobKind::Train, JobState::Queued);
    let scene = scene.reopened();
    assert_eq!(scene.quiet(|tx| tx.jobs_mut().interrupt_running()).unwrap(), [running.id]);
    let state = |id| scene.store.read(|read| read.jobs().get(id)).unwrap().state;
    assert_eq!((state(running.id), state(queued.id)), (JobState::Interrupted, JobState::Queued));
}

#[test]
fn a_queue_is_oldest_first() {
    let scene = Scene::new();
    let jobs: Vec<JobId> = (0..3).map(|_| insert(&scene, JobKind::Import, JobState::Queued).id).collect();
    scene.quiet(|tx| tx.jobs_mut().set_state(jobs[1], JobState::Running)).unwrap();
    let queue = scene.store.read(|read| read.jobs().in_state(JobState::Queued)).unwrap();
    assert_eq!(queue.iter().map(|job| job.id).collect::<Vec<_>>(), [jobs[0], jobs[2]]);
}

#[test]
fn a_deleted_job_takes_its_lines_and_curves_along() {
    let scene = Scene::new();
    let job = insert(&scene, JobKind::Train, JobState::Succeeded);
    scene.quiet(|tx| tx.job_events_mut().append(job.id, "started")).unwrap();
    assert_eq!(scene.store.read(|read| read.job_events().of(job.id)).unwrap()[0].message, "started");
    scene.quiet(|tx| tx.jobs_mut().delete(job.id)).unwrap();
    assert_eq!(scene.store.read(|read| read.job_events().of(job.id)).unwrap(), []);
    assert_eq!(scene.quiet(|tx| tx.jobs_mut().delete(job.id)).unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.quiet(|tx| tx.job_events_mut().append(job.id, "x")).unwrap_err().code(), Code::NotFound);
    assert_eq!(
        scene.quiet(|tx| tx.jobs_mut().set_progress(job.id, &JobProgress::default())).unwrap_err().code(),
        Code::NotFound
    );
    scene.assert_sound();
}
