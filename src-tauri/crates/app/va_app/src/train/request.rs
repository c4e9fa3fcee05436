//! What must be true before a run may start, said before anything is queued.

use va_domain::{
    Actor, Dataset, DatasetId, DatasetVersionId, DeviceChoice, DeviceKind, Precision, Split, SplitRatios, Task,
    TrainRequest, TrainSettings, check_name,
};
use va_engine::{EngineDescription, SampleSource as _, no_gpu};
use va_error::{Error, Result};

use super::register::free_name;
use super::source::{MediaSource, load_split};
use crate::{App, datasets, models};

/// Seed of the split that is made when there is none.
const SPLIT_SEED: u64 = 42;

/// A request that can run.
pub(super) struct Checked {
    pub dataset_name: String,
    pub dataset_version_id: DatasetVersionId,
    pub new_model_name: String,
    /// What was done or found on the way, for the job's log.
    pub notes: Vec<String>,
}

/// The dataset and how many classes it has.
pub(super) fn dataset_and_classes(app: &App, id: DatasetId) -> Result<(Dataset, usize)> {
    let dataset = datasets::get(app, id)?;
    let classes = usize::try_from(dataset.label_count).unwrap_or(usize::MAX);
    Ok((dataset, classes))
}

/// Training and validation samples, or what the default split would give.
pub(super) fn expected_lens(dataset: &Dataset) -> (usize, usize) {
    let lens = match is_unsplit(dataset) {
        true => {
            let share = |ratio: f64| (dataset.labelled_count as f64 * ratio).round() as u64;
            [share(SplitRatios::default().train), share(SplitRatios::default().val)]
        }
        false => [dataset.splits.train, dataset.splits.val],
    };
    let [train, val] = lens.map(|len| usize::try_from(len).unwrap_or(usize::MAX));
    (train, val)
}

fn is_unsplit(dataset: &Dataset) -> bool {
    dataset.splits.train == 0 && dataset.splits.val == 0 && dataset.splits.test == 0
}

/// Whether these settings can train at all, whatever the data.
pub(super) fn check_settings(app: &App, settings: &TrainSettings) -> Result<()> {
    settings.check()?;
    let engine = app.engine().describe();
    if settings.device == DeviceChoice::Cuda {
        check_gpu(&engine)?;
    }
    let archs = engine.archs;
    let Some(arch) = archs.iter().find(|arch| arch.name == settings.arch) else {
        let names: Vec<&str> = archs.iter().map(|arch| arch.name.as_str()).collect();
        return Err(Error::invalid(format!(
            "there is no architecture {:?}; there is {}",
            settings.arch,
            names.join(", ")
        )));
    };
    arch.check_image_size(settings.image_size_px)
}

/// A run that must have a GPU is not queued on a machine without one.
fn check_gpu(engine: &EngineDescription) -> Result<()> {
    if engine.devices.iter().any(|device| device.kind == DeviceKind::Cuda && device.available) {
        return Ok(());
    }
    Err(engine.cuda.as_ref().map_or_else(|| Error::invalid("this engine trains on the CPU only"), no_gpu))
}

pub(super) fn check(app: &App, actor: &Actor, request: &TrainRequest) -> Result<Checked> {
    let task = request.task;
    check_settings(app, &request.settings)?;
    request.settings.check_for(task)?;
    let (mut dataset, classes) = dataset_and_classes(app, request.dataset_id)?;
    if classes < task.min_classes() {
        return Err(Error::invalid(format!(
            "the dataset {} has {classes} class(es), and {}",
            dataset.name,
            match task {
                Task::Classification => "a classifier needs at least two: label samples of a second class first",
                Task::MultilabelClassification => "a multi-label classifier needs at least one: label samples first",
            }
        )));
    }
    let new_model_name = model_name(app, request, &dataset)?;
    if let Some(project) = request.project_id {
        crate::projects::get(app, project)?;
    }
    let mut notes: Vec<String> = slow_precision(request.settings.precision).into_iter().collect();
    if is_unsplit(&dataset) {
        let ratios = SplitRatios::default();
        let made = crate::split::split(app, actor, dataset.id, ratios, SPLIT_SEED, false)?;
        let counts = made.counts;
        notes.push(format!(
            "the dataset had no split, so one was made, stratified by class with seed {SPLIT_SEED}: {} train, {} val, \
             {} test",
            counts.train, counts.val, counts.test
        ));
        notes
            .extend(made.report.warnings.into_iter().map(|warning| format!("{}: {}", warning.subject, warning.reason)));
        dataset = datasets::get(app, dataset.id)?;
    }
    require_split(&dataset, dataset.splits.train, "training")?;
    require_split(&dataset, dataset.splits.val, "validation")?;
    let version = crate::versions::freeze(app, actor, dataset.id, "training")?;
    let load = |split| load_split(app, version.id, split, &version.classes, task);
    let (train, val) = (load(Split::Train)?, load(Split::Val)?);
    va_engine::check_training_split(&train, &version.classes, task)?;
    if val.is_empty() {
        return Err(Error::invalid(format!(
            "no sample of the validation split of {} has a class: label some, or split the dataset again",
            dataset.name
        )));
    }
    notes.extend(single_samples(&train, &version.classes));
    Ok(Checked { dataset_name: dataset.name, dataset_version_id: version.id, new_model_name, notes })
}

fn require_split(dataset: &Dataset, count: u64, word: &str) -> Result<()> {
    if count > 0 {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the {word} split of {} is empty: give samples to it (for example by splitting the dataset), then start again",
        dataset.name
    )))
}

/// The name of the model that the run would make. An existing model keeps its own.
fn model_name(app: &App, request: &TrainRequest, dataset: &Dataset) -> Result<String> {
    if let Some(id) = request.model_id {
        let model = models::get(app, id)?;
        if model.task != request.task {
            return Err(Error::invalid(format!("the model {} solves another task", model.name)));
        }
        return Ok(model.name);
    }
    let taken = |name: &str| app.store().read(|read| Ok(read.models().find_by_name(name)?.is_some()));
    match &request.model_name {
        Some(name) => {
            let name = check_name("model", name)?;
            if taken(&name)? {
                return Err(Error::conflict(format!(
                    "a model named {name:?} exists already: choose another name, or add a version to that model"
                )));
            }
            Ok(name)
        }
        // Short enough for a number behind it.
        None => {
            let dataset: String = dataset.name.chars().take(150).collect();
            free_name(&format!("{}-{}", dataset.trim(), request.settings.arch), taken)
        }
    }
}

/// What a person should know before a run in bf16 starts on a processor without instructions for it.
fn slow_precision(precision: Precision) -> Option<String> {
    (precision == Precision::Bf16 && !va_engine::bf16_is_native()).then(|| {
        "this processor has no bf16 instructions: the run is correct, but slower than in f32; it needs less memory all \
         the same"
            .to_owned()
    })
}

/// Classes of which a single sample is trained on: allowed, but nothing can be measured of them.
fn single_samples(train: &MediaSource, classes: &[String]) -> Option<String> {
    let count = |class: usize| train.images.iter().filter(|image| image.classes.contains(&(class as u32))).count();
    let single: Vec<&str> =
        classes.iter().enumerate().filter(|(class, _)| count(*class) == 1).map(|(_, name)| name.as_str()).collect();
    (!single.is_empty()).then(|| {
        format!(
            "only one training sample of class {}: it can hardly be learned, and how well cannot be measured; add more",
            single.join(", ")
        )
    })
}
