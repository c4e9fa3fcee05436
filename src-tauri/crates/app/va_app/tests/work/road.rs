//! From images to a proven model file, and the clear refusals on the way.

use va_app::explain::{self, ExplainRequest, ExplainedImage};
use va_app::models::{self, ExportRequest, RegisterRequest};
use va_app::predict::{self, PredictRequest};
use va_app::{App, datasets, evaluations, jobs, samples, train};
use va_domain::{
    Actor, CertificateVerdict, ExportFile, JobState, ModelExportFormat, ModelPrecision, Origin, PageRequest,
    SampleFilter, SampleSort, Split,
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
    let (format, precision) = (ModelExportFormat::Onnx, ModelPrecision::Fp32);
    let request = ExportRequest { format, precision, out: Some(out.clone()) };
    let job = models::export(app, &actor, version.id, &request).unwrap();
    let file: ExportFile = result(&finish(app, &job));
    let certificate = file.certificate.clone().unwrap();
    assert_eq!(certificate.verdict, CertificateVerdict::Pass);
    assert_eq!(certificate.sample_count, 8);
    let inside = models::export_path(app, version.model_id, 1, &file.file_name).unwrap();
    assert_eq!(std::fs::read(&out).unwrap(), std::fs::read(inside).unwrap());
    assert_eq!(models::export_path(app, version.model_id, 1, "../x").unwrap_err().code(), Code::NotFound);

    export_in_fp16(&lib, &version);
    check_predictions(&lib, version.model_id);
    check_explanations(&lib, version.model_id);

    let second = fixture::train(app, lib.dataset.id, 1);
    assert_eq!(second.model_name, "squares-resnet18-2", "a new model has a name of its own");
    models::delete(app, &actor, version.model_id).unwrap();
    assert_eq!(models::get(app, version.model_id).unwrap_err().code(), Code::NotFound);
    let aside = lib.folder().join("models/deleted").join(version.id.to_string());
    assert!(aside.join("weights.safetensors").is_file() && aside.join("version.json").is_file());
    take_back(&lib, &version, &aside);
}

/// Beside the fp32 file, with a certificate of its own.
fn export_in_fp16(lib: &fixture::Library, version: &va_domain::ModelVersion) {
    let (app, actor) = (&lib.app, owner());
    let request = |format| ExportRequest { format, precision: ModelPrecision::Fp16, out: None };
    let job = models::export(app, &actor, version.id, &request(ModelExportFormat::Onnx)).unwrap();
    assert!(job.title.ends_with("ONNX fp16"), "{}", job.title);
    let file: ExportFile = result(&finish(app, &job));
    let certificate = file.certificate.unwrap();
    assert_eq!((certificate.verdict, certificate.tolerance), (CertificateVerdict::Pass, 1e-2));
    let exports = models::version(app, version.id).unwrap().exports;
    let listed: Vec<_> = exports.iter().map(|f| (f.file_name.as_str(), f.precision)).collect();
    assert_eq!(listed, [("model.onnx", ModelPrecision::Fp32), ("model.fp16.onnx", ModelPrecision::Fp16)]);
    assert!(exports[1].size_bytes * 10 < exports[0].size_bytes * 6);
    let refused = models::export(app, &actor, version.id, &request(ModelExportFormat::Safetensors)).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidInput);
}

/// The library's classes are dark and light squares.
fn check_explanations(lib: &fixture::Library, model: va_domain::ModelId) {
    let app = &lib.app;
    let page = PageRequest { limit: Some(1), cursor: None };
    let listed = samples::list(app, lib.dataset.id, &SampleFilter::default(), SampleSort::Added, &page).unwrap();
    let sample = &listed.items[0];
    let ask = |actor: &Actor, image, class_idx, layer: Option<&str>| {
        let request = ExplainRequest { id: model, version: None, image, class_idx, layer: layer.map(str::to_owned) };
        explain::explain(app, actor, &request)
    };
    let of_sample = |class_idx, layer| ask(&owner(), ExplainedImage::Sample(sample.id), class_idx, layer);
    let best = of_sample(None, None).unwrap();
    assert_eq!((best.name.as_str(), best.sample_id), (sample.name.as_str(), Some(sample.id)));
    assert_eq!((&best.label, best.score), (&best.probabilities[0].label, best.probabilities[0].probability));
    assert_eq!(best.heat.len(), (best.rows * best.columns) as usize);
    assert!(best.layers.contains(&best.layer) && best.heat.iter().all(|heat| (0.0..=1.0).contains(heat)));
    let other = of_sample(Some(1 - best.class_idx), Some("layer1.1.act2")).unwrap();
    assert!(other.label != best.label && other.rows > best.rows && other.layer == "layer1.1.act2");
    assert_eq!(of_sample(Some(9), None).unwrap_err().code(), Code::InvalidInput);
    let wrong = of_sample(None, Some("layer7")).unwrap_err();
    assert!(wrong.code() == Code::NotFound && wrong.chain().contains("layer1.1.act2"), "{}", wrong.chain());

    let path = app.media_path(&sample.media_hash, &sample.format);
    let of_file = ask(&owner(), ExplainedImage::File(path.clone()), None, None).unwrap();
    assert_eq!((&of_file.heat, of_file.sample_id), (&best.heat, None));
    let png = explain::overlay(&path, &of_file, 0.6).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let http = ask(&Actor::owner(Origin::Http), ExplainedImage::File(path.clone()), None, None).unwrap_err();
    assert_eq!(http.code(), Code::Forbidden, "a map of an early layer would show the picture");
    let predicted = predict::predict(
        app,
        &Actor::owner(Origin::Desktop),
        &PredictRequest {
            id: model,
            version: None,
            sample_ids: Vec::new(),
            paths: vec![path.display().to_string()],
            threshold: None,
        },
    );
    let preview = predicted.unwrap().predictions[0].preview_id.clone().unwrap();
    let of_preview = ask(&Actor::owner(Origin::Desktop), ExplainedImage::Preview(preview), None, None).unwrap();
    assert_eq!(of_preview.heat, best.heat);
    assert!(ask(&owner(), ExplainedImage::Preview("guess".into()), None, None).is_err());

    let network = models::network(app, model, 1).unwrap();
    assert!(network.svg.contains("layer1.0") && network.parameters > 11_000_000 && network.peak_activation_bytes > 0);
}

fn take_back(lib: &fixture::Library, version: &va_domain::ModelVersion, aside: &std::path::Path) {
    let (app, actor) = (&lib.app, owner());
    let copy = lib.dir.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let from = |folder: &std::path::Path, name: Option<&str>| {
        let request = RegisterRequest { folder: folder.to_owned(), name: name.map(str::to_owned) };
        models::register(app, &actor, &request)
    };
    assert_eq!(from(&copy, None).unwrap_err().code(), Code::NotFound, "a folder without a model");
    for file in ["model.json", "weights.safetensors", "version.json"] {
        std::fs::copy(aside.join(file), copy.join(file)).unwrap();
    }
    let mut weights = std::fs::read(copy.join("weights.safetensors")).unwrap();
    *weights.last_mut().unwrap() ^= 1;
    std::fs::write(copy.join("weights.safetensors"), weights).unwrap();
    assert_eq!(from(&copy, None).unwrap_err().code(), Code::InvalidInput);
    std::fs::write(copy.join("version.json"), b"{}").unwrap();
    assert_eq!(from(&copy, None).unwrap_err().code(), Code::InvalidInput);
    let place = lib.folder().join("models").join(version.id.to_string());
    assert_eq!(from(aside, Some("squares-resnet18-2")).unwrap_err().code(), Code::Conflict, "a name that is taken");
    assert!(!place.exists(), "what was refused leaves nothing");

    let model = from(aside, None).unwrap();
    assert_eq!(model.name, "squares-resnet18");
    let back = models::version(app, version.id).unwrap();
    assert_eq!((back.number, &back.weights_hash, &back.metrics), (1, &version.weights_hash, &version.metrics));
    assert!(back.exports.is_empty() && place.join("weights.safetensors").is_file());
    check_predictions(lib, model.id);
    assert_eq!(from(aside, None).unwrap_err().code(), Code::Conflict, "once is enough");
}

fn check_samples(app: &App, evaluation: &va_domain::Evaluation) {
    let all = evaluations::EvaluationSamplesRequest {
        id: evaluation.id,
        actual: None,
        predicted: None,
        wrong_only: false,
        threshold: None,
        class_idx: None,
        mistake: None,
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
        threshold: None,
    };
    let made = predict::predict(&lib.app, &owner(), &request).unwrap();
    assert_eq!(made.predictions.len(), 3);
    assert_eq!(made.predictions[0].sample_id, Some(sample.id));
    for prediction in &made.predictions[1..] {
        assert_eq!(prediction.label, "light");
        let sum: f32 = prediction.probabilities.iter().map(|p| p.probability).sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
    check_previews(lib, &request, &made);
    let left_out: Vec<&str> = made.left_out.warnings.iter().map(|w| w.subject.as_str()).collect();
    assert_eq!(left_out.len(), 3, "{left_out:?}");
    let thresholded = PredictRequest { threshold: Some(0.3), ..request.clone() };
    let error = predict::predict(&lib.app, &owner(), &thresholded).unwrap_err();
    assert!(error.message().contains("no threshold"), "{error}");
    let nothing = PredictRequest { sample_ids: Vec::new(), paths: Vec::new(), ..request };
    assert_eq!(predict::predict(&lib.app, &owner(), &nothing).unwrap_err().code(), Code::InvalidInput);
}

/// The window sees files of this machine by ids, and nobody else does.
fn check_previews(lib: &fixture::Library, request: &PredictRequest, by_terminal: &predict::Predictions) {
    assert!(by_terminal.predictions.iter().all(|prediction| prediction.preview_id.is_none()));
    let over_http = predict::predict(&lib.app, &Actor::owner(Origin::Http), request).unwrap();
    assert!(over_http.predictions.iter().all(|prediction| prediction.preview_id.is_none()));
    let in_window = predict::predict(&lib.app, &Actor::owner(Origin::Desktop), request).unwrap().predictions;
    assert_eq!(in_window[0].preview_id, None, "a sample has its own thumbnail");
    for prediction in &in_window[1..] {
        let id = prediction.preview_id.as_deref().unwrap();
        let shown = predict::thumbnail(&lib.app, id, 32).unwrap();
        assert_eq!((shown.mime, &shown.bytes[..2]), ("image/jpeg", &[0xff, 0xd8][..]));
        assert_eq!(predict::thumbnail(&lib.app, &prediction.name, 32).unwrap_err().code(), Code::NotFound);
    }
    let secret = lib.dir.path().join("new/light/light-000.png");
    std::fs::write(&secret, b"the diary").unwrap();
    let id = in_window.iter().find(|p| p.name.ends_with("light-000.png")).unwrap().preview_id.as_deref().unwrap();
    assert!(predict::thumbnail(&lib.app, id, 32).is_err(), "what is no image is not shown");
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
