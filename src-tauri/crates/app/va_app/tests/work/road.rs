//! From images to a proven model file, and the clear refusals on the way.

use va_app::models::{self, ExportRequest};
use va_app::predict::{self, PredictRequest};
use va_app::{App, datasets, evaluations, jobs, samples, train};
use va_domain::{
    CertificateVerdict, ExportFile, JobState, ModelExportFormat, PageRequest, SampleFilter, SampleSort, Split,
};
use va_error::Code;

use crate::fixture::{self, finish, library, owner, result};

#[test]
fn train_evaluate_export_and_predict() {
    let lib = library(16);
    let (app, actor) = (&lib.app, owner());
    let trained = fixture::train(app, lib.dataset.id, 6);
    assert_eq!((trained.model_name.as_str(), trained.number), ("squares-resnet18", 1));

    let version = models::resolve(app, "squares-resnet18@1").unwrap();
    assert_eq!(version.id, trained.model_version_id);
    assert_eq!(version.classes, ["dark", "light"]);
    assert_eq!(version.seed, 7);
    assert!(lib.folder().join("models").join(version.id.to_string()).join("weights.safetensors").is_file());

    let lineage = models::lineage(app, version.model_id, 1).unwrap();
    let job = lineage.job.unwrap();
    assert_eq!(lineage.dataset.id, lib.dataset.id);
    assert_eq!(Some(job.id), version.job_id);
    assert!(!lib.folder().join("jobs").join(job.id.to_string()).exists(), "checkpoints of a success are removed");
    let series = jobs::metrics(app, job.id).unwrap();
    let loss = series.iter().find(|series| series.name == "train/loss").unwrap();
    assert_eq!(loss.steps, (1..=loss.steps.len() as u64).collect::<Vec<_>>());
    assert!(series.iter().any(|series| series.name == "val/accuracy" && series.values.len() == 6));

    let job = evaluations::create(app, &actor, version.id, Split::Test).unwrap();
    let made: evaluations::EvaluateResult = result(&finish(app, &job));
    let evaluation = evaluations::get(app, made.evaluation_id).unwrap();
    assert_eq!(evaluation.summary.sample_count, 8);
    assert!(evaluation.summary.accuracy >= 0.9, "{:?}", evaluation.summary);
    check_samples(app, &evaluation);

    let out = lib.dir.path().join("out/model.onnx");
    let request = ExportRequest { format: ModelExportFormat::Onnx, out: Some(out.clone()) };
    let job = models::export(app, &actor, version.id, &request).unwrap();
    let file: ExportFile = result(&finish(app, &job));
    let certificate = file.certificate.clone().unwrap();
    assert_eq!(certificate.verdict, CertificateVerdict::Pass);
    assert_eq!(certificate.sample_count, 8);
    let inside = models::export_path(app, version.model_id, 1, &file.file_name).unwrap();
    assert_eq!(std::fs::read(&out).unwrap(), std::fs::read(inside).unwrap());
    assert_eq!(models::export_path(app, version.model_id, 1, "../x").unwrap_err().code(), Code::NotFound);

    check_predictions(&lib, version.model_id);

    let second = fixture::train(app, lib.dataset.id, 1);
    assert_eq!(second.model_name, "squares-resnet18-2", "a new model has a name of its own");
    models::delete(app, &actor, version.model_id).unwrap();
    assert_eq!(models::get(app, version.model_id).unwrap_err().code(), Code::NotFound);
    let aside = lib.folder().join("models/deleted").join(version.id.to_string());
    assert!(aside.join("weights.safetensors").is_file() && aside.join("version.json").is_file());
}

fn check_samples(app: &App, evaluation: &va_domain::Evaluation) {
    let all = evaluations::EvaluationSamplesRequest {
        id: evaluation.id,
        actual: None,
        predicted: None,
        wrong_only: false,
        threshold: None,
        class_idx: None,
        limit: Some(3),
        cursor: None,
    };
    let mut names = Vec::new();
    let mut request = all.clone();
    loop {
        let page = evaluations::samples(app, &request).unwrap();
        assert_eq!(page.total, 8);
        names.extend(page.items.into_iter().map(|item| item.name));
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 8, "every sample once");
    for (actual, row) in evaluation.summary.confusion.iter().enumerate() {
        for (predicted, count) in row.iter().enumerate() {
            let cell = evaluations::EvaluationSamplesRequest {
                actual: Some(actual as u32),
                predicted: Some(predicted as u32),
                ..all.clone()
            };
            assert_eq!(evaluations::samples(app, &cell).unwrap().total, *count);
        }
    }
}

fn check_predictions(lib: &fixture::Library, model: va_domain::ModelId) {
    let folder = lib.dir.path().join("new");
    fixture::write_images(&folder, &[("light", 180, 2)]);
    std::fs::write(folder.join("broken.png"), b"not a picture").unwrap();
    std::fs::write(folder.join("empty.jpg"), b"").unwrap();
    let page = PageRequest { limit: Some(1), cursor: None };
    let sample = samples::list(&lib.app, lib.dataset.id, &SampleFilter::default(), SampleSort::Added, &page)
        .unwrap()
        .items
        .remove(0);
    let request = PredictRequest {
        id: model,
        version: None,
        sample_ids: vec![sample.id],
        paths: vec![folder.display().to_string(), "missing.jpg".into()],
    };
    let made = predict::predict(&lib.app, &request).unwrap();
    assert_eq!(made.predictions.len(), 3);
    assert_eq!(made.predictions[0].sample_id, Some(sample.id));
    for prediction in &made.predictions[1..] {
        assert_eq!(prediction.label, "light");
        let sum: f32 = prediction.probabilities.iter().map(|p| p.probability).sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
    let left_out: Vec<&str> = made.left_out.warnings.iter().map(|w| w.subject.as_str()).collect();
    assert_eq!(left_out.len(), 3, "{left_out:?}");
    let nothing = PredictRequest { sample_ids: Vec::new(), paths: Vec::new(), ..request };
    assert_eq!(predict::predict(&lib.app, &nothing).unwrap_err().code(), Code::InvalidInput);
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_is_queued() {
    let lib = library(4);
    let (app, actor) = (&lib.app, owner());
    let refused = |request: &va_domain::TrainRequest| {
        let error = train::start(app, &actor, request).unwrap_err();
        assert_eq!(error.code(), Code::InvalidInput);
        error.message().to_owned()
    };
    let request = fixture::request(lib.dataset.id, 1);
    let mut wild = request.clone();
    wild.settings.learning_rate = f64::NAN;
    assert!(refused(&wild).contains("learning rate"));
    let mut unknown = request.clone();
    unknown.settings.arch = "resnet9000".into();
    assert!(refused(&unknown).contains("resnet18"));

    let all = |split| {
        let filter = SampleFilter { splits: vec![split], ..SampleFilter::default() };
        let page = PageRequest::default();
        let items = samples::list(app, lib.dataset.id, &filter, SampleSort::Added, &page).unwrap().items;
        items.into_iter().map(|sample| sample.id).collect::<Vec<_>>()
    };
    samples::set_split(app, &actor, &all(Split::Val), Some(Split::Test)).unwrap();
    let message = refused(&request);
    assert!(message.contains("validation split") && message.contains("empty"), "{message}");
    samples::set_split(app, &actor, &all(Split::Train), Some(Split::Val)).unwrap();
    let message = refused(&request);
    assert!(message.contains("training split") && message.contains("empty"), "{message}");

    let empty = datasets::create(app, &actor, "empty", "", None).unwrap();
    assert!(refused(&fixture::request(empty.id, 1)).contains("at least two"));
    let training = jobs::JobListRequest { kind: Some(va_domain::JobKind::Train), ..Default::default() };
    assert_eq!(jobs::list(app, &training).unwrap().total, 0);
}

#[test]
fn a_dataset_without_split_is_split_and_a_lonely_class_is_named() {
    let lib = library(8);
    let (app, actor) = (&lib.app, owner());
    let folder = lib.dir.path().join("more");
    fixture::write_images(&folder, &[("grey", 120, 1), ("white", 200, 8), ("black", 10, 8)]);
    let dataset = datasets::create(app, &actor, "unsplit", "", None).unwrap();
    fixture::import_folder(app, dataset.id, &folder, None);
    let job = train::start(app, &actor, &fixture::request(dataset.id, 1)).unwrap();
    finish(app, &job);
    let notes = jobs::notes(app, job.id).unwrap();
    assert!(notes.iter().any(|note| note.contains("had no split")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("only one training sample of class grey")), "{notes:?}");
}

#[test]
fn damaged_weights_fail_with_one_message_and_nothing_is_lost() {
    let lib = library(8);
    let (app, actor) = (&lib.app, owner());
    let trained = fixture::train(app, lib.dataset.id, 1);
    let weights = lib.folder().join("models").join(trained.model_version_id.to_string()).join("weights.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let from = bytes.len() - 4;
    bytes[from..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&weights, &bytes).unwrap();

    let job = evaluations::create(app, &actor, trained.model_version_id, Split::Test).unwrap();
    let job = jobs::wait(app, job.id, |_| {}).unwrap();
    assert_eq!(job.state, JobState::Failed);
    assert!(job.error.unwrap().contains("model"), "says what cannot be used");
    let request = evaluations::EvaluationListRequest::default();
    assert_eq!(evaluations::list(app, &request).unwrap().total, 0, "no half evaluation");
    assert_eq!(datasets::get(app, lib.dataset.id).unwrap().sample_count, 16);
}
