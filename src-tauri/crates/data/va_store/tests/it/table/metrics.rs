use serde_json::json;
use va_domain::{Job, JobId, JobKind, JobProgress, JobState, MetricPoint};
use va_error::Code;

use crate::scene::Scene;

fn with_job() -> (Scene, JobId) {
    let scene = Scene::new();
    let job = Job {
        id: JobId::new(),
        kind: JobKind::Train,
        state: JobState::Running,
        title: String::new(),
        project_id: None,
        dataset_id: None,
        progress: JobProgress::default(),
        params: json!({}),
        result: None,
        error: None,
        created_ms: 0,
        started_ms: None,
        ended_ms: None,
    };
    scene.quiet(|tx| tx.jobs_mut().insert(&job)).unwrap();
    (scene, job.id)
}

fn point(name: &str, step: u64, value: f64) -> MetricPoint {
    MetricPoint { name: name.to_owned(), step, epoch: step as f64 / 10.0, value }
}

#[test]
fn curves_are_by_name_and_step() {
    let (scene, job) = with_job();
    let points = [point("val/loss", 10, 0.5), point("train/loss", 2, 2.0), point("train/loss", 1, 1.0)];
    scene.quiet(|tx| tx.metrics_mut().append(job, &points)).unwrap();
    let series = scene.store.read(|read| read.metrics().series(job)).unwrap();
    assert_eq!(series.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["train/loss", "val/loss"]);
    assert_eq!((series[0].steps.clone(), series[0].values.clone()), (vec![1, 2], vec![1.0, 2.0]));
    assert_eq!(series[1].epochs, [1.0]);
}

#[test]
fn a_repeated_step_takes_the_later_value() {
    let (scene, job) = with_job();
    scene.quiet(|tx| tx.metrics_mut().append(job, &[point("lr", 1, 1.0), point("lr", 2, 2.0)])).unwrap();
    scene.quiet(|tx| tx.metrics_mut().append(job, &[point("lr", 2, 3.0)])).unwrap();
    assert_eq!(scene.store.read(|read| read.metrics().series(job)).unwrap()[0].values, [1.0, 3.0]);
}

#[test]
fn what_lies_behind_a_checkpoint_can_be_dropped() {
    let (scene, job) = with_job();
    let points: Vec<MetricPoint> = (1..=10).map(|step| point("lr", step, step as f64)).collect();
    scene.quiet(|tx| tx.metrics_mut().append(job, &points)).unwrap();
    scene.quiet(|tx| tx.metrics_mut().truncate_after(job, 4)).unwrap();
    assert_eq!(scene.store.read(|read| read.metrics().series(job)).unwrap()[0].steps, [1, 2, 3, 4]);
}

#[test]
fn values_that_are_no_numbers_come_back_as_such() {
    let (scene, job) = with_job();
    scene.quiet(|tx| tx.metrics_mut().append(job, &[point("a", 1, f64::NAN), point("a", 2, f64::INFINITY)])).unwrap();
    let values = scene.store.read(|read| read.metrics().series(job)).unwrap().remove(0).values;
    assert!(values[0].is_nan());
    assert_eq!(values[1], f64::INFINITY);
}

#[test]
fn curves_need_their_job() {
    let (scene, _) = with_job();
    let missing = JobId::new();
    assert_eq!(scene.quiet(|tx| tx.metrics_mut().append(missing, &[])).unwrap_err().code(), Code::NotFound);
    assert_eq!(scene.store.read(|read| read.metrics().series(missing)).unwrap(), []);
}
