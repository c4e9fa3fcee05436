use va_domain::{Evaluation, EvaluationId, EvaluationSample, EvaluationSummary, PageRequest, SampleId, Split};
use va_error::Code;
use va_store::table::predictions::PredictionFilter;

use super::models::{model, version};
use crate::scene::Scene;

pub fn evaluation(scene: &Scene) -> Evaluation {
    let version = version(scene, &model(scene, "tiles"));
    let evaluation = Evaluation {
        id: EvaluationId::new(),
        model_version_id: version.id,
        dataset_version_id: version.dataset_version_id,
        split: Split::Test,
        job_id: None,
        classes: vec!["ok".to_owned(), "crack".to_owned()],
        summary: EvaluationSummary {
            sample_count: 4,
            accuracy: 0.75,
            macro_f1: 0.7,
            loss: 0.3,
            per_class: Vec::new(),
            confusion: vec![vec![2, 1], vec![0, 1]],
            multilabel: None,
        },
        created_ms: 3,
    };
    scene.audited(|tx| tx.evaluations_mut().insert(&evaluation)).unwrap();
    evaluation
}

fn results(cells: &[(u32, u32)]) -> Vec<EvaluationSample> {
    cells
        .iter()
        .enumerate()
        .map(|(n, (actual, predicted))| EvaluationSample {
            sample_id: SampleId::new(),
            name: format!("{n}.jpg"),
            actual: Some(*actual),
            predicted: Some(*predicted),
            actual_classes: vec![*actual],
            predicted_classes: vec![*predicted],
            probabilities: vec![0.1, 1.0 / 3.0],
            loss: 0.5,
            current_label_id: None,
        })
        .collect()
}

#[test]
fn an_evaluation_is_kept_exactly() {
    let scene = Scene::new();
    let made = evaluation(&scene);
    assert_eq!(scene.store.read(|read| read.evaluations().get(made.id)).unwrap(), made);
    let missing = scene.store.read(|read| read.evaluations().get(EvaluationId::new()));
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_cell_of_the_confusion_matrix_opens_its_samples() {
    let scene = Scene::new();
    let made = evaluation(&scene);
    let samples = results(&[(0, 0), (0, 1), (1, 1), (0, 0)]);
    scene.audited(|tx| tx.predictions_mut().append(made.id, &samples)).unwrap();
    let list = |filter, limit, cursor| {
        let page = PageRequest { limit: Some(limit), cursor };
        scene.store.read(|read| read.predictions().list(made.id, filter, &page)).unwrap()
    };
    let cell = list(PredictionFilter { actual: Some(0), predicted: Some(0), wrong_only: false }, 1, None);
    assert_eq!((cell.total, &cell.items[0]), (2, &samples[0]));
    let next = list(PredictionFilter { actual: Some(0), predicted: Some(0), wrong_only: false }, 1, cell.next_cursor);
    assert_eq!((next.items, next.next_cursor), (samples[3..].to_vec(), None));
    let wrong = list(PredictionFilter { wrong_only: true, ..Default::default() }, 10, None);
    assert_eq!(wrong.items, samples[1..2]);
    assert_eq!(scene.store.read(|read| read.predictions().all(made.id)).unwrap(), samples);
}

#[test]
fn sets_of_classes_are_kept_and_compared() {
    let scene = Scene::new();
    let made = evaluation(&scene);
    let sample = |actual: &[u32], predicted: &[u32]| EvaluationSample {
        actual: None,
        predicted: None,
        actual_classes: actual.to_vec(),
        predicted_classes: predicted.to_vec(),
        ..results(&[(0, 0)]).remove(0)
    };
    let samples = [sample(&[0, 1], &[0, 1]), sample(&[], &[1]), sample(&[], &[]), sample(&[1], &[])];
    scene.audited(|tx| tx.predictions_mut().append(made.id, &samples)).unwrap();
    assert_eq!(scene.store.read(|read| read.predictions().all(made.id)).unwrap(), samples);
    let wrong = PredictionFilter { wrong_only: true, ..Default::default() };
    let list = scene.store.read(|read| read.predictions().list(made.id, wrong, &PageRequest::default())).unwrap();
    assert_eq!(list.items, [samples[1].clone(), samples[3].clone()]);
}

#[test]
fn the_list_is_by_version_or_project() {
    let scene = Scene::new();
    let made = evaluation(&scene);
    let version = scene.store.read(|read| read.model_versions().get(made.model_version_id)).unwrap();
    let project = scene
        .audited(|tx| {
            let project = tx.projects_mut().create("p", "", Default::default())?;
            tx.models_mut().link(project.id, version.model_id)?;
            tx.projects_mut().create("empty", "", Default::default())?;
            Ok(project)
        })
        .unwrap();
    let empty = scene.store.read(|read| read.projects().find_by_name("empty")).unwrap().unwrap();
    let total = |version, project| {
        scene.store.read(|read| read.evaluations().list(version, project, &PageRequest::default())).unwrap().total
    };
    assert_eq!(total(None, None), 1);
    assert_eq!(total(Some(version.id), None), 1);
    assert_eq!(total(Some(va_domain::ModelVersionId::new()), None), 0);
    assert_eq!(total(None, Some(project.id)), 1);
    assert_eq!(total(None, Some(empty.id)), 0);
}

#[test]
fn a_deleted_model_takes_its_results_along() {
    let scene = Scene::new();
    let made = evaluation(&scene);
    scene.audited(|tx| tx.predictions_mut().append(made.id, &results(&[(0, 0)]))).unwrap();
    let version = scene.store.read(|read| read.model_versions().get(made.model_version_id)).unwrap();
    scene.audited(|tx| tx.models_mut().delete(version.model_id)).unwrap();
    assert_eq!(scene.store.statistics().unwrap().rows["predictions"], 0);
    let late = scene.audited(|tx| tx.predictions_mut().append(made.id, &results(&[(0, 0)])));
    assert_eq!(late.unwrap_err().code(), Code::NotFound);
}

#[test]
fn the_class_of_today_is_found_beside_the_class_of_then() {
    let (scene, samples, labels) = Scene::with_samples(1);
    let today = || scene.store.read(|read| read.predictions().current_labels(samples[0])).unwrap();
    assert_eq!(today(), []);
    scene.set_label(&samples, Some(labels[1]));
    assert_eq!(today(), [labels[1]]);
    scene.delete(&samples);
    assert_eq!(today(), []);
}
