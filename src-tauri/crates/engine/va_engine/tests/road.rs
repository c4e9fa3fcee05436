//! The whole engine road through the trait: forecast, train, evaluate, export.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::sync::Arc;
use std::sync::Mutex;

use va_domain::{CertificateVerdict, ClassBalance, ModelPrecision, Task, TrainSettings};
use va_engine::{
    CpuEngine, DataSize, Ending, Engine, LoaderHost, RgbImage, SampleSource, Stop, TrainEvent, TrainJob,
    describe_network, evaluate, standard_preprocessing,
};
use va_error::{Code, Error, Result};

/// Stripes: class 0 lie, class 1 stand.
struct Stripes {
    len: usize,
    broken: Option<usize>,
}

impl SampleSource for Stripes {
    fn len(&self) -> usize {
        self.len
    }
    fn class_idx(&self, index: usize) -> u32 {
        (index % 2) as u32
    }
    fn key(&self, index: usize) -> String {
        format!("stripes-{index}")
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        if self.broken == Some(index) {
            return Err(Error::invalid("truncated"));
        }
        let side = 32u32;
        let value = |x: u32, y: u32| {
            let along = if index.is_multiple_of(2) { y } else { x } + index as u32;
            if (along / 3).is_multiple_of(2) { 220 - index as u8 } else { 30 + index as u8 }
        };
        let pixels = (0..side * side).flat_map(|at| [value(at % side, at / side); 3]).collect();
        RgbImage::new(side, side, pixels)
    }
}

fn stripes(len: usize) -> Arc<Stripes> {
    Arc::new(Stripes { len, broken: None })
}

fn classes() -> Vec<String> {
    vec!["lying".to_owned(), "standing".to_owned()]
}

fn settings() -> TrainSettings {
    TrainSettings { image_size_px: 32, batch_size: 8, epochs: 3, warmup_epochs: 0.0, ..TrainSettings::default() }
}

fn job(dir: &std::path::Path, settings: &TrainSettings) -> TrainJob {
    TrainJob {
        task: Task::Classification,
        settings: settings.clone(),
        classes: classes(),
        train_len: 24,
        val_len: 8,
        decoded_bytes: 0,
        class_counts: vec![12, 12],
        micro_batch_limit: None,
        kept_image_bytes: 0,
        preprocessing: standard_preprocessing(settings.image_size_px),
        checkpoint_dir: dir.join("run"),
        model_dir: dir.join("model"),
        resume: true,
        initial_weights: None,
    }
}

#[test]
fn from_images_to_a_certified_file() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, settings) = (CpuEngine::new(), settings());
    let events = Mutex::new(Vec::new());
    let hear = |event| events.lock().unwrap().push(event);
    let preprocessing = standard_preprocessing(32);
    let mut host = LoaderHost::new(
        stripes(24),
        Some(stripes(8)),
        &classes(),
        Task::Classification,
        &settings,
        &preprocessing,
        None,
        hear,
        || Stop::Continue,
    )
    .unwrap();
    assert_eq!(host.class_counts(), [12, 12]);
    let job = job(dir.path(), &settings);
    let outcome = engine.train(&job, &mut host).unwrap();
    assert_eq!((outcome.ending, outcome.steps), (Ending::Completed, 9));
    assert!(outcome.metrics.contains_key("val/macro_f1"), "{:?}", outcome.metrics);
    assert!(matches!(events.lock().unwrap().last(), Some(TrainEvent::Finished { outcome: Ending::Completed, .. })));

    let session = engine.open_session(&job.model_dir).unwrap();
    assert_eq!(Some(&session.card().weights_hash), outcome.weights_hash.as_ref());
    let test = Stripes { len: 20, broken: Some(4) };
    let result = evaluate(session.as_ref(), &test, &mut |_, _| Stop::Continue).unwrap();
    assert_eq!(result.summary.sample_count, 19);
    assert_eq!(result.left_out.warnings[0].subject, "stripes-4");
    assert_eq!(result.samples.len(), 19);
    assert!(result.summary.accuracy >= 0.9, "{:?}", result.summary);

    let exported = engine.export_onnx(&job.model_dir, &dir.path().join("m.onnx"), &test, ModelPrecision::Fp32).unwrap();
    assert_eq!(exported.certificate.verdict, CertificateVerdict::Pass, "{:?}", exported.certificate);
    let half = engine.export_onnx(&job.model_dir, &dir.path().join("h.onnx"), &test, ModelPrecision::Fp16).unwrap();
    assert_eq!(half.certificate.verdict, CertificateVerdict::Pass, "{:?}", half.certificate);
    assert!(half.size_bytes * 10 < exported.size_bytes * 6, "{} and {} bytes", half.size_bytes, exported.size_bytes);

    let network = describe_network(&job.model_dir).unwrap();
    assert!(network.svg.starts_with("<svg ") && network.parameters > 11_000_000 && network.multiply_adds > 0);
    let explainer = engine.open_explainer(&job.model_dir).unwrap();
    let image = test.load(0).unwrap();
    let seen = explainer.explain(&image, None, None).unwrap();
    let answer = &session.probabilities(std::slice::from_ref(&image)).unwrap()[0];
    assert!(seen.probabilities.iter().zip(answer).all(|(a, b)| (a - b).abs() < 1e-3), "{seen:?}, {answer:?}");
    assert_eq!(seen.heat.len(), seen.grid[0] * seen.grid[1]);
}

/// Class 0: a bright left half; class 1: a bright upper half; both, one or none.
struct Halves(usize);

impl SampleSource for Halves {
    fn len(&self) -> usize {
        self.0
    }
    fn class_idx(&self, index: usize) -> u32 {
        self.class_indices(index).first().copied().unwrap_or(0)
    }
    fn class_indices(&self, index: usize) -> Vec<u32> {
        (0..2).filter(|class| (index >> class) & 1 == 1).collect()
    }
    fn key(&self, index: usize) -> String {
        format!("halves-{index}")
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        let side = 32u32;
        let level = |at: u32| {
            let (left, upper) = (index & 1 == 1 && at % side < side / 2, index & 2 == 2 && at / side < side / 2);
            40 + 90 * u8::from(left) + 90 * u8::from(upper) + (at as usize * 7 + index * 13) as u8 % 30
        };
        RgbImage::new(side, side, (0..side * side).flat_map(|at| [level(at); 3]).collect())
    }
}

#[test]
fn several_classes_an_image_from_images_to_a_certified_file() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = (CpuEngine::new(), Task::MultilabelClassification);
    let mut settings = TrainSettings { epochs: 12, class_balance: ClassBalance::Weights, ..settings() };
    settings.augmentation = va_domain::Augmentation::none();
    let (train, val) = (Arc::new(Halves(32)), Arc::new(Halves(8)));
    let preprocessing = standard_preprocessing(32);
    let mut host =
        LoaderHost::new(train, Some(val), &classes(), task, &settings, &preprocessing, None, |_| {}, || Stop::Continue)
            .unwrap();
    assert_eq!(host.class_counts(), [16, 16]);
    let job = TrainJob { task, train_len: 32, class_counts: vec![16, 16], ..job(dir.path(), &settings) };
    let outcome = engine.train(&job, &mut host).unwrap();
    assert!(outcome.metrics.contains_key("val/mean_average_precision"), "{:?}", outcome.metrics);

    let session = engine.open_session(&job.model_dir).unwrap();
    let result = evaluate(session.as_ref(), &Halves(20), &mut |_, _| Stop::Continue).unwrap();
    let (summary, multilabel) = (&result.summary, result.summary.multilabel.clone().unwrap());
    assert!(summary.accuracy >= 0.9 && multilabel.mean_average_precision.unwrap() > 0.95, "{summary:?}");
    assert!(summary.confusion.is_empty() && multilabel.hamming_loss <= 0.05);
    let counts = multilabel.counts[0];
    assert_eq!(counts.true_positive + counts.false_negative, 10);
    let both = &result.samples[3];
    assert_eq!(both.predicted, session.card().decide(&both.probabilities, 0.5));
    let loss = result.samples.iter().map(|sample| sample.loss).sum::<f64>() / 20.0;
    assert!((loss - summary.loss).abs() < 1e-12);

    let exported =
        engine.export_onnx(&job.model_dir, &dir.path().join("m.onnx"), &Halves(12), ModelPrecision::Fp32).unwrap();
    assert_eq!(exported.certificate.verdict, CertificateVerdict::Pass, "{:?}", exported.certificate);
}

#[test]
fn a_cancelled_evaluation_and_an_empty_one_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, mut settings) = (CpuEngine::new(), settings());
    settings.epochs = 1;
    let preprocessing = standard_preprocessing(32);
    let mut host = LoaderHost::new(
        stripes(24),
        Some(stripes(8)),
        &classes(),
        Task::Classification,
        &settings,
        &preprocessing,
        None,
        |_| {},
        || Stop::Continue,
    )
    .unwrap();
    let job = job(dir.path(), &settings);
    engine.train(&job, &mut host).unwrap();
    let session = engine.open_session(&job.model_dir).unwrap();
    let error = evaluate(session.as_ref(), stripes(4).as_ref(), &mut |_, _| Stop::Cancel).unwrap_err();
    assert_eq!(error.code(), Code::Cancelled);
    let error = evaluate(session.as_ref(), stripes(0).as_ref(), &mut |_, _| Stop::Continue).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
}

#[test]
fn a_cancelled_run_leaves_no_model() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings();
    let preprocessing = standard_preprocessing(32);
    let mut host = LoaderHost::new(
        stripes(24),
        None,
        &classes(),
        Task::Classification,
        &settings,
        &preprocessing,
        None,
        |_| {},
        || Stop::Cancel,
    )
    .unwrap();
    let mut job = job(dir.path(), &settings);
    job.val_len = 0;
    let outcome = CpuEngine::new().train(&job, &mut host).unwrap();
    assert_eq!((outcome.ending, outcome.weights_hash), (Ending::Cancelled, None));
    assert!(!job.model_dir.exists());
}

const DATA: DataSize = DataSize { class_count: 3, train_len: 1000, val_len: 100, decoded_bytes: 50 << 20 };

#[test]
fn the_forecast_grows_with_the_batch_and_refuses_what_cannot_be() {
    let engine = CpuEngine::new();
    let mut settings = settings();
    let small = engine.forecast(&settings, &DATA).unwrap();
    settings.batch_size = 64;
    let large = engine.forecast(&settings, &DATA).unwrap();
    assert!(large.peak_memory_bytes > small.peak_memory_bytes);
    assert_eq!((small.steps, large.steps), (375, 45));
    assert_eq!(small.parameter_count, 11_178_051);
    assert!(small.fits && small.free_memory_bytes > 0);
    assert_eq!((small.micro_batch_size, large.micro_batch_size), (8, 64));
    assert!(small.seconds.is_some_and(|seconds| seconds > 0.0));
    settings.arch = "resnet0".to_owned();
    assert!(engine.forecast(&settings, &DATA).unwrap_err().to_string().contains("resnet18"));
}

#[test]
fn the_engine_says_what_it_is() {
    let about = CpuEngine::new().describe();
    let arch = |name: &str| about.archs.iter().find(|arch| arch.name == name).unwrap();
    arch("resnet18").check_image_size(33).unwrap();
    assert!(arch("vit_tiny_patch16_224").check_image_size(33).unwrap_err().to_string().contains("32 or 48"));
    for arch in &about.archs {
        arch.check_image_size(arch.default_image_size_px).unwrap();
        arch.check_image_size(arch.image_sizes.min_px).unwrap();
        arch.check_image_size(arch.image_sizes.max_px).unwrap();
    }
    assert!(about.devices.len() == 1 && about.devices[0].available && about.cuda.is_none());
}
