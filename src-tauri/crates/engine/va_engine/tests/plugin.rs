//! The C boundary with the CPU engine on its other side, and libraries that are no engine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use va_dataset::{Batch, BatchRequest, Phase, WantedImage};
use va_domain::{Augmentation, Change, Forecast, ModelPrecision, Task, TrainSettings};
use va_engine::plugin::{abi, guest};
use va_engine::{
    CpuEngine, DataSize, Ending, Engine, EngineDescription, Explainer, ExportedModel, LoaderHost, PluginEngine,
    RgbImage, SampleSource, Session, Stop, TrainEvent, TrainHost, TrainJob, TrainOutcome, standard_preprocessing,
};
use va_error::{Code, Error, Result};

struct Cpu;

impl guest::Guest for Cpu {
    fn engine() -> &'static dyn Engine {
        static ENGINE: CpuEngine = CpuEngine;
        &ENGINE
    }
}

fn remote() -> PluginEngine {
    PluginEngine::within::<Cpu>().unwrap()
}

struct Shades(usize);

impl SampleSource for Shades {
    fn len(&self) -> usize {
        self.0
    }
    fn class_idx(&self, index: usize) -> u32 {
        (index % 2) as u32
    }
    fn key(&self, index: usize) -> String {
        format!("shade-{index}")
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        let level = |i: usize| (40 + 150 * (index % 2) + i * 7 % 50) as u8;
        RgbImage::new(40, 36, (0..40 * 36 * 3).map(level).collect())
    }
}

fn often(strength: f64) -> Change {
    Change { strength, probability: 0.8 }
}

fn settings() -> TrainSettings {
    TrainSettings {
        image_size_px: 32,
        batch_size: 4,
        epochs: 2,
        warmup_epochs: 0.0,
        mixup_alpha: 0.2,
        augmentation: Augmentation {
            rotation: often(9.0),
            hue: often(20.0),
            noise: often(5.0),
            ..Augmentation::default()
        },
        ..TrainSettings::default()
    }
}

const DATA: DataSize = DataSize { class_count: 2, train_len: 12, val_len: 4, decoded_bytes: 0 };

fn job(dir: &Path, host: &impl Counts) -> TrainJob {
    TrainJob {
        task: Task::Classification,
        settings: settings(),
        classes: vec!["dark".to_owned(), "light".to_owned()],
        train_len: host.lens()[0],
        val_len: host.lens()[1],
        decoded_bytes: 0,
        class_counts: vec![6, 6],
        micro_batch_limit: None,
        kept_image_bytes: 0,
        preprocessing: standard_preprocessing(32),
        checkpoint_dir: dir.join("run"),
        model_dir: dir.join("model"),
        resume: false,
        initial_weights: None,
    }
}

trait Counts {
    fn lens(&self) -> [usize; 2];
}

impl<E: FnMut(TrainEvent), S: FnMut() -> Stop> Counts for LoaderHost<E, S> {
    fn lens(&self) -> [usize; 2] {
        [self.train_len(), self.val_len()]
    }
}

fn host<E: FnMut(TrainEvent), S: FnMut() -> Stop>(hear: E, stop: S) -> LoaderHost<E, S> {
    let classes = ["dark".to_owned(), "light".to_owned()];
    let (train, val) = (Arc::new(Shades(12)), Arc::new(Shades(5)));
    let (task, preprocessing) = (Task::Classification, standard_preprocessing(32));
    LoaderHost::new(train, Some(val), &classes, task, &settings(), &preprocessing, None, hear, stop).unwrap()
}

fn train(engine: &dyn Engine, dir: &Path, stop: impl FnMut() -> Stop) -> (Result<TrainOutcome>, Vec<TrainEvent>) {
    let mut events = Vec::new();
    let mut host = host(|event| events.push(event), stop);
    let job = job(dir, &host);
    let outcome = engine.train(&job, &mut host);
    drop(host);
    (outcome, events)
}

/// Without what is measured.
fn steady(events: Vec<TrainEvent>) -> Vec<TrainEvent> {
    events
        .into_iter()
        .map(|event| match event {
            TrainEvent::Step { step, total_steps, epoch, loss, learning_rate, grad_norm, .. } => TrainEvent::Step {
                step,
                total_steps,
                epoch,
                loss,
                learning_rate,
                grad_norm,
                images_per_s: 0.0,
                data_wait: 0.0,
            },
            other => other,
        })
        .collect()
}

#[test]
fn a_run_through_the_boundary_is_the_run_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = (dir.path().join("here"), dir.path().join("there"));
    let (direct, direct_events) = train(&CpuEngine::new(), &here, || Stop::Continue);
    let engine = remote();
    let (crossed, crossed_events) = train(&engine, &there, || Stop::Continue);
    assert_eq!(direct.unwrap(), crossed.unwrap());
    let (direct, crossed) = (steady(direct_events), steady(crossed_events));
    assert!(direct.iter().any(|event| matches!(event, TrainEvent::Step { .. })));
    assert_eq!(direct, crossed);

    let (near, far) = (CpuEngine::new().open_session(&here.join("model")), engine.open_session(&there.join("model")));
    let (near, far) = (near.unwrap(), far.unwrap());
    assert_eq!(near.card().classes, far.card().classes);
    let images: Vec<RgbImage> = (0..3).map(|index| Shades(3).load(index).unwrap()).collect();
    assert_eq!(near.probabilities(&images).unwrap(), far.probabilities(&images).unwrap());
    let pixels: Vec<f32> = (0..2 * 32 * 32 * 3).map(|i| (i % 17) as f32 / 9.0 - 1.0).collect();
    assert_eq!(near.logits(&pixels).unwrap(), far.logits(&pixels).unwrap());
    assert_eq!(near.probabilities(&[]).unwrap(), far.probabilities(&[]).unwrap());
    assert_eq!(far.logits(&pixels[1..]).unwrap_err().code(), Code::InvalidInput);
    // A session keeps its plug-in open.
    drop(engine);
    assert_eq!(near.logits(&pixels).unwrap(), far.logits(&pixels).unwrap());
}

#[test]
fn descriptions_and_forecasts_cross() {
    let engine = remote();
    assert_eq!(engine.describe(), CpuEngine::new().describe());
    let forecast = engine.forecast(&settings(), &DATA).unwrap();
    assert_eq!(forecast.steps, 6);
    assert!(forecast.seconds.is_some_and(|seconds| seconds > 0.0));
}

#[test]
fn errors_keep_code_message_and_causes() {
    let engine = remote();
    let wrong = TrainSettings { arch: "resnet19".to_owned(), ..settings() };
    let (direct, crossed) =
        (CpuEngine::new().forecast(&wrong, &DATA).unwrap_err(), engine.forecast(&wrong, &DATA).unwrap_err());
    assert_eq!((direct.code(), direct.chain()), (crossed.code(), crossed.chain()));
    let missing = engine.open_session(Path::new("/nowhere/at all")).err().unwrap();
    assert_eq!(missing.chain(), CpuEngine::new().open_session(Path::new("/nowhere/at all")).err().unwrap().chain());
}

#[test]
fn a_stop_crosses_and_the_run_goes_on_later() {
    let dir = tempfile::tempdir().unwrap();
    let mut polls = 0;
    let stop = || {
        polls += 1;
        if polls > 2 { Stop::Pause } else { Stop::Continue }
    };
    let (outcome, _) = train(&remote(), dir.path(), stop);
    assert_eq!(outcome.unwrap().ending, Ending::Paused);
}

/// A host that has no batch to give, or breaks.
struct Broken {
    panics: bool,
}

impl TrainHost for Broken {
    fn next_batch(&mut self, _: BatchRequest, _: &mut Batch) -> Result<()> {
        assert!(!self.panics, "the host broke");
        Err(Error::new(Code::DiskFull, "sample 7 cannot be used").with_source(std::io::Error::other("no room")))
    }
    fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.next_batch(request, batch)
    }
    fn copy_images(&mut self, _: &[WantedImage], _: &mut [u8]) -> Result<()> {
        Err(Error::invalid("there are no images"))
    }
    fn event(&mut self, _: TrainEvent) {}
    fn should_stop(&mut self) -> Stop {
        Stop::Continue
    }
}

impl Counts for Broken {
    fn lens(&self) -> [usize; 2] {
        [12, 0]
    }
}

#[test]
fn what_the_host_reports_comes_back_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Broken { panics: false };
    let error = remote().train(&job(dir.path(), &host), &mut host).unwrap_err();
    assert_eq!(error.code(), Code::DiskFull);
    assert!(error.chain().contains("sample 7") && error.chain().contains("no room"), "{}", error.chain());
}

#[test]
#[should_panic(expected = "the host broke")]
fn a_panic_of_the_host_goes_on_at_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Broken { panics: true };
    let _ = remote().train(&job(dir.path(), &host), &mut host);
}

/// What a host gives an engine that prepares images itself, as text: every number to its last bit.
fn images_of(host: &mut dyn TrainHost) -> Result<String> {
    let mut batch = Batch::default();
    let mut text = String::new();
    for (phase, epoch) in [(Phase::Train, 0), (Phase::Val, 0), (Phase::Train, 1)] {
        host.next_images(BatchRequest { phase, epoch, step: 0 }, &mut batch)?;
        let wanted: Vec<_> = (0..batch.len()).map(|place| WantedImage { place, is_kept: place == 1 }).collect();
        let mut room = vec![0; batch.images.iter().map(|image| image.bytes()).sum()];
        host.copy_images(&wanted, &mut room)?;
        let hash = room.iter().fold(7u64, |hash, &byte| hash.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte));
        text += &format!("{batch:?} {hash}\n");
    }
    Ok(text)
}

/// An engine that trains nothing and says what it was given.
struct Curious;

impl Engine for Curious {
    fn describe(&self) -> EngineDescription {
        CpuEngine::new().describe()
    }
    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        CpuEngine::new().forecast(settings, data)
    }
    fn train(&self, _: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        let given = images_of(host)?;
        let mut small = vec![0; 3];
        assert!(host.copy_images(&[WantedImage { place: 0, is_kept: false }], &mut small).is_err());
        assert!(host.copy_images(&[], &mut []).is_ok());
        host.event(TrainEvent::Note { message: given });
        Err(Error::cancelled())
    }
    fn open_session(&self, dir: &Path) -> Result<Box<dyn Session>> {
        CpuEngine::new().open_session(dir)
    }
    fn open_explainer(&self, dir: &Path) -> Result<Box<dyn Explainer>> {
        CpuEngine::new().open_explainer(dir)
    }
    fn export_onnx(&self, _: &Path, _: &Path, _: &dyn SampleSource, _: ModelPrecision) -> Result<ExportedModel> {
        Err(Error::cancelled())
    }
}

impl guest::Guest for Curious {
    fn engine() -> &'static dyn Engine {
        &Curious
    }
}

#[test]
fn images_and_what_is_to_be_done_to_them_cross_to_the_last_bit() {
    let dir = tempfile::tempdir().unwrap();
    let engine = PluginEngine::within::<Curious>().unwrap();
    let (outcome, events) = train(&engine, dir.path(), || Stop::Continue);
    assert_eq!(outcome.unwrap_err().code(), Code::Cancelled);
    let [TrainEvent::Note { message }] = events.as_slice() else { panic!("{events:?}") };
    let mut host = host(|_| (), || Stop::Continue);
    assert_eq!(*message, images_of(&mut host).unwrap());
    assert!(message.contains("projection: Some") && message.contains("noise: Some"), "{message}");

    let mut host = Broken { panics: false };
    let error = engine.train(&job(dir.path(), &host), &mut host).unwrap_err();
    assert_eq!(error.code(), Code::DiskFull);
}

/// An engine that breaks at everything but its description.
struct Fragile;

impl Engine for Fragile {
    fn describe(&self) -> EngineDescription {
        CpuEngine::new().describe()
    }
    fn forecast(&self, _: &TrainSettings, _: &DataSize) -> Result<Forecast> {
        panic!("a kernel failed")
    }
    fn train(&self, _: &TrainJob, _: &mut dyn TrainHost) -> Result<TrainOutcome> {
        panic!("a kernel failed")
    }
    fn open_session(&self, _: &Path) -> Result<Box<dyn Session>> {
        panic!("a kernel failed")
    }
    fn open_explainer(&self, _: &Path) -> Result<Box<dyn Explainer>> {
        panic!("a kernel failed")
    }
    fn export_onnx(&self, _: &Path, _: &Path, _: &dyn SampleSource, _: ModelPrecision) -> Result<ExportedModel> {
        panic!("a kernel failed")
    }
}

impl guest::Guest for Fragile {
    fn engine() -> &'static dyn Engine {
        &Fragile
    }
}

#[test]
fn a_panic_of_the_engine_is_an_error() {
    let engine = PluginEngine::within::<Fragile>().unwrap();
    let error = engine.forecast(&settings(), &DATA).unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(error.message().contains("a kernel failed"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let mut host = Broken { panics: false };
    assert!(engine.train(&job(dir.path(), &host), &mut host).is_err());
    assert!(engine.open_session(dir.path()).is_err());
}

/// Compiles a shared library.
#[cfg(target_os = "linux")]
fn library(dir: &Path, name: &str, source: &str) -> PathBuf {
    let (code, out) = (dir.join(format!("{name}.c")), dir.join(format!("lib{name}.so")));
    std::fs::write(&code, source).unwrap();
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&out).arg(&code).status().unwrap();
    assert!(done.success());
    out
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_is_no_engine_of_this_version_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |path: &Path| PluginEngine::open(path).err().unwrap();
    let absent = refused(&dir.path().join("libabsent.so"));
    assert_eq!(absent.code(), Code::NotFound);

    let text = dir.path().join("libtext.so");
    std::fs::write(&text, "no library").unwrap();
    assert!(refused(&text).chain().contains("cannot be opened"));

    let other = library(dir.path(), "other", "int something(void) { return 1; }");
    assert!(refused(&other).message().contains("is no engine"));

    let newer = library(dir.path(), "newer", "unsigned visaion_plugin_abi_version(void) { return 99; }");
    let error = refused(&newer);
    assert_eq!(error.code(), Code::Conflict);
    assert!(error.message().contains("version 99") && error.message().contains(&abi::VERSION.to_string()), "{error}");

    let version = format!("unsigned visaion_plugin_abi_version(void) {{ return {}; }}", abi::VERSION);
    let bare = library(dir.path(), "bare", &version);
    assert!(refused(&bare).message().contains("has no functions"));

    let needs =
        "extern int cublasCreate_v2(void*); unsigned visaion_plugin_abi_version(void) { return cublasCreate_v2(0); }";
    let error = refused(&library(dir.path(), "needs", needs));
    assert!(error.chain().contains("cublasCreate_v2"), "{}", error.chain());
}
