//! Trains and tests on given folds and prints one JSON line a fold: our side of the accuracy parity with
//! `tests/parity/peers/train_classifier.py`, which takes the same arguments.
//!
//! ```text
//! cargo run -p va_engine --example fold_run -- --folds folds.json --data DIR --settings settings.json --out DIR
//! ```
//! `folds.json`: `{"classes": [...], "folds": [{"train": [["a/1.jpg", 0], ...], "test": [...]}, ...]}`, paths below
//! `--data`. `settings.json`: fields of `TrainSettings` that differ from the default. `--only 0,2` runs these folds alone.
//! The initial weights of fold k are written to `OUT/initial-k.safetensors` before it trains, so that the peer starts from
//! the same numbers; with `--initial-only` nothing else is done. After it trained, for comparison with other runtimes,
//! `OUT/model-k.onnx` is its export, `OUT/pixels-k.npy` the network's input for every test image (`[N, H, W, 3]`, f32,
//! normalised) and `OUT/probabilities-k.json` what our inference says of it.

#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use va_domain::{ModelPrecision, Preprocessing, Task, TrainSettings};
use va_engine::{
    CpuEngine, Engine, LoaderHost, RgbImage, SampleSource, Stop, TrainJob, evaluate, standard_preprocessing,
};
use va_error::{Context, Error, Result};

#[derive(Deserialize)]
struct Folds {
    classes: Vec<String>,
    folds: Vec<Fold>,
}

#[derive(Deserialize)]
struct Fold {
    train: Vec<(String, u32)>,
    test: Vec<(String, u32)>,
}

struct Files {
    root: PathBuf,
    files: Vec<(String, u32)>,
}

impl SampleSource for Files {
    fn len(&self) -> usize {
        self.files.len()
    }
    fn class_idx(&self, index: usize) -> u32 {
        self.files[index].1
    }
    fn key(&self, index: usize) -> String {
        self.files[index].0.clone()
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        let path = self.root.join(&self.files[index].0);
        let image = image::open(&path).map_err(|e| Error::invalid("cannot decode the image").with_source(e))?.to_rgb8();
        RgbImage::new(image.width(), image.height(), image.into_raw())
    }
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    let path = |name: &str| {
        arguments.get(name).map(PathBuf::from).ok_or_else(|| Error::invalid(format!("--{name} is missing")))
    };
    let folds: Folds = serde_json::from_slice(&std::fs::read(path("folds")?).context("cannot read the folds")?)?;
    let settings: TrainSettings = match arguments.get("settings") {
        Some(file) => serde_json::from_slice(&std::fs::read(file).context("cannot read the settings")?)?,
        None => TrainSettings::default(),
    };
    let (data, out) = (path("data")?, path("out")?);
    std::fs::create_dir_all(&out).context("cannot make the output folder")?;
    for number in chosen(arguments.get("only"), folds.folds.len())? {
        let fold = &folds.folds[number];
        let settings = TrainSettings { seed: settings.seed + number as u64, ..settings.clone() };
        let initial = out.join(format!("initial-{number}.safetensors"));
        write_initial(&settings, folds.classes.len(), &initial)?;
        if !arguments.contains_key("initial-only") {
            run(number, fold, &folds.classes, &settings, &data, &out, &initial)?;
        }
    }
    Ok(())
}

fn arguments() -> Result<HashMap<String, String>> {
    let mut found = HashMap::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").ok_or_else(|| Error::invalid(format!("unexpected argument {word}")))?;
        let value = if name == "initial-only" { Some(String::new()) } else { words.next() };
        found.insert(name.to_owned(), value.ok_or_else(|| Error::invalid(format!("--{name} needs a value")))?);
    }
    Ok(found)
}

/// The folds to run: those that `only` names, or all.
fn chosen(only: Option<&String>, count: usize) -> Result<Vec<usize>> {
    let Some(only) = only else { return Ok((0..count).collect()) };
    let number = |word: &str| word.trim().parse().ok().filter(|number| *number < count);
    let numbers: Option<Vec<usize>> = only.split(',').map(number).collect();
    numbers.ok_or_else(|| Error::invalid(format!("--only takes numbers from 0 to {}, with commas", count - 1)))
}

fn write_initial(settings: &TrainSettings, classes: usize, path: &Path) -> Result<()> {
    let graph = va_zoo::build(&settings.arch, classes, settings.image_size_px as usize, 3)?;
    let mut net = va_exec::Network::new(graph, candle_core::DType::F32)?;
    net.init(settings.seed)?;
    let state: HashMap<String, candle_core::Tensor> = net.state()?.into_iter().collect();
    candle_core::safetensors::save(&state, path).map_err(|e| Error::internal("cannot write weights").with_source(e))
}

fn run(
    number: usize,
    fold: &Fold,
    classes: &[String],
    settings: &TrainSettings,
    data: &Path,
    out: &Path,
    initial: &Path,
) -> Result<()> {
    let files = |files: &[(String, u32)]| Files { root: data.to_path_buf(), files: files.to_vec() };
    let preprocessing = standard_preprocessing(settings.image_size_px);
    let train = Arc::new(files(&fold.train));
    let mut host = LoaderHost::new(
        train,
        None,
        classes,
        Task::Classification,
        settings,
        &preprocessing,
        None,
        |_| {},
        || Stop::Continue,
    )?;
    let (checkpoint_dir, model_dir) = (out.join(format!("run-{number}")), out.join(format!("model-{number}")));
    if model_dir.exists() {
        std::fs::remove_dir_all(&model_dir).context("cannot remove the earlier model")?;
    }
    let job = TrainJob {
        task: Task::Classification,
        settings: settings.clone(),
        classes: classes.to_vec(),
        train_len: host.train_len(),
        val_len: 0,
        decoded_bytes: host.decoded_bytes(),
        class_counts: host.class_counts().to_vec(),
        micro_batch_limit: None,
        kept_image_bytes: 0,
        preprocessing,
        checkpoint_dir,
        model_dir,
        resume: false,
        initial_weights: Some(va_train::StartWeights { path: initial.to_path_buf(), sha256: None }),
    };
    let began = Instant::now();
    let engine = CpuEngine::new();
    let outcome = engine.train(&job, &mut host)?;
    let seconds = began.elapsed().as_secs_f64();
    let session = engine.open_session(&job.model_dir)?;
    let test = files(&fold.test);
    let result = evaluate(session.as_ref(), &test, &mut |_, _| Stop::Continue)?;
    let exported =
        engine.export_onnx(&job.model_dir, &out.join(format!("model-{number}.onnx")), &test, ModelPrecision::Fp32)?;
    write_pixels(&test, &job.preprocessing, &out.join(format!("pixels-{number}.npy")))?;
    let probabilities: Vec<_> = result.samples.iter().map(|s| (test.key(s.index), &s.probabilities)).collect();
    std::fs::write(out.join(format!("probabilities-{number}.json")), serde_json::to_vec(&probabilities)?)
        .context("cannot write the probabilities")?;
    let line = serde_json::json!({
        "engine": engine.describe().version,
        "fold": number,
        "accuracy": result.summary.accuracy,
        "macro_f1": result.summary.macro_f1,
        "loss": result.summary.loss,
        "train_loss": outcome.metrics.get("train/loss"),
        "steps": outcome.steps,
        "train_seconds": seconds,
        "certificate": exported.certificate,
    });
    println!("{line}");
    Ok(())
}

/// `[N, H, W, 3]` in f32 as NumPy's file format, version 1: what evaluation gave the network for each image.
fn write_pixels(source: &Files, preprocessing: &Preprocessing, path: &Path) -> Result<()> {
    let size = preprocessing.image_size_px;
    let shape = format!("({}, {size}, {size}, 3)", source.len());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length are 10 bytes; with the header's closing line break the numbers begin at a multiple of 64.
    header.push_str(&" ".repeat(63 - (header.len() + 10) % 64));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| Error::internal("the header is too long"))?;
    let mut bytes = [b"\x93NUMPY\x01\x00".as_slice(), &length.to_le_bytes(), header.as_bytes()].concat();
    for index in 0..source.len() {
        let pixels = va_dataset::preprocess(&source.load(index)?, preprocessing)?;
        bytes.extend(pixels.iter().flat_map(|value| value.to_le_bytes()));
    }
    std::fs::write(path, bytes).context("cannot write the pixels")
}
