//! A dataset's images and labels written out: CSV, or a folder a class. Nothing is ever written over. Where an image has
//! several classes, or is said to show none, the CSV has a column a class and the image lies in the folder of each.

use std::collections::HashMap;
use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use va_domain::{Actor, DatasetId, ExportFormat, Job, JobKind, LabelId, Role, Sample};
use va_error::{Context, Error, Result, WarningReport};
use va_formats::{CsvWriter, FolderWriter, SampleRow};

use crate::App;
use crate::app::require;
use crate::jobs::{self, JobContext, NewJob};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetExportRequest {
    pub format: ExportFormat,
    /// `folders`: a new or empty folder. `csv`: a file ending in `.csv`, or a folder that gets `labels.csv`.
    pub out: PathBuf,
}

/// What an export job gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetExportResult {
    pub path: PathBuf,
    pub samples: u64,
    /// Samples whose image is missing from the library.
    pub left_out: WarningReport,
}

#[derive(Serialize, Deserialize)]
struct ExportParams {
    dataset_id: DatasetId,
    #[serde(flatten)]
    request: DatasetExportRequest,
}

/// Queues the export; the job's result is a [`DatasetExportResult`].
///
/// # Errors
/// `NotFound` for the dataset, `Conflict` when something is already at `out`, `InvalidInput` inside the library.
pub fn start(app: &App, actor: &Actor, dataset: DatasetId, request: &DatasetExportRequest) -> Result<Job> {
    require(actor, Role::Annotator)?;
    let name = app.store().read(|read| read.datasets().get(dataset))?.name;
    let out = std::path::absolute(&request.out).context("the place to export to cannot be understood")?;
    if out.starts_with(std::path::absolute(app.library_dir())?) {
        return Err(Error::invalid(format!("{} lies inside the library: choose a folder outside", out.display())));
    }
    let request = DatasetExportRequest { format: request.format, out };
    refuse_taken(&request)?;
    let title = format!("{name} · {}", target(&request).display());
    let params = serde_json::to_value(ExportParams { dataset_id: dataset, request })
        .map_err(|_| Error::invalid("the path to export to is not valid Unicode: choose another"))?;
    let new = NewJob { kind: JobKind::DatasetExport, title, project_id: None, dataset_id: Some(dataset), params };
    jobs::submit(app, actor, new)
}

/// The export job. Written beside its place and renamed at the end: what is there is whole.
///
/// # Errors
/// `Conflict` when something appeared at the place, `DiskFull`, `Io`, `Cancelled`.
pub fn run(context: &JobContext) -> Result<Value> {
    let params: ExportParams = context.params()?;
    let (samples, labels) = context.app().store().read(|read| {
        let labels = read.labels().of_dataset(params.dataset_id)?;
        Ok((read.samples().all_of_dataset(params.dataset_id)?, labels))
    })?;
    let has_several = samples.iter().any(|sample| sample.label_ids.len() > 1 || sample.no_class);
    let columns = has_several.then(|| labels.iter().map(|label| label.name.clone()).collect());
    let classes = labels.into_iter().map(|label| (label.id, label.name)).collect();
    let rows = Rows { context, samples, classes, columns };
    refuse_taken(&params.request)?;
    let place = target(&params.request);
    let parent = place.parent().ok_or_else(|| Error::invalid("the place to export to is no folder"))?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
    let result = match params.request.format {
        ExportFormat::Csv => rows.csv(&place)?,
        ExportFormat::Folders => rows.folders(&place)?,
    };
    Ok(serde_json::to_value(result)?)
}

/// The file or folder that will appear.
fn target(request: &DatasetExportRequest) -> PathBuf {
    let is_file = request.out.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    match request.format {
        ExportFormat::Csv if !is_file => request.out.join("labels.csv"),
        _ => request.out.clone(),
    }
}

fn refuse_taken(request: &DatasetExportRequest) -> Result<()> {
    let place = target(request);
    let empty_folder = place.is_dir() && fs::read_dir(&place).is_ok_and(|mut entries| entries.next().is_none());
    if !place.exists() || (request.format == ExportFormat::Folders && empty_folder) {
        return Ok(());
    }
    let what = if place.is_dir() { "is not empty" } else { "is already there" };
    Err(Error::conflict(format!(
        "{} {what}, and an export never writes over anything: choose a new place",
        place.display()
    )))
}

struct Rows<'a> {
    context: &'a JobContext,
    samples: Vec<Sample>,
    classes: HashMap<LabelId, String>,
    /// Of a CSV with a column a class.
    columns: Option<Vec<String>>,
}

impl Rows<'_> {
    fn names(&self, sample: &Sample) -> Vec<String> {
        sample.label_ids.iter().filter_map(|id| self.classes.get(id).cloned()).collect()
    }

    fn row(&self, sample: &Sample, file: String) -> SampleRow {
        let names = self.names(sample);
        let classes = if names.is_empty() && !sample.no_class { None } else { Some(names) };
        SampleRow { file, classes, split: sample.split, media_hash: sample.media_hash.clone() }
    }

    fn writer<W: std::io::Write>(&self, target: W) -> Result<CsvWriter<W>> {
        match &self.columns {
            None => CsvWriter::new(target),
            Some(columns) => CsvWriter::with_classes(target, columns),
        }
    }

    fn csv(&self, place: &Path) -> Result<DatasetExportResult> {
        let cannot = || format!("cannot write {}", place.display());
        let folder = place.parent().unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
        let mut csv = self.writer(BufWriter::new(file))?;
        for (done, sample) in self.samples.iter().enumerate() {
            self.context.check_cancel()?;
            self.context.progress(done as u64, self.samples.len() as u64, "images", "exporting");
            csv.write(&self.row(sample, sample.name.clone())).with_context(cannot)?;
        }
        let file = csv.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(cannot)?;
        file.as_file().sync_all().with_context(cannot)?;
        file.persist_noclobber(place).map_err(|error| error.error).with_context(cannot)?;
        Ok(self.result(place, self.samples.len(), WarningReport::default()))
    }

    fn folders(&self, place: &Path) -> Result<DatasetExportResult> {
        let partial = self.partial(place)?;
        let mut writer = FolderWriter::create(&partial)?;
        let mut csv = self.writer(BufWriter::new(fs::File::create(partial.join("labels.csv"))?))?;
        // Mixed folders could not be read back: with one sample in no split, the splits are told by the CSV alone.
        let with_splits = self.samples.iter().all(|sample| sample.split.is_some());
        let mut left_out = WarningReport::default();
        for (done, sample) in self.samples.iter().enumerate() {
            if let Err(stop) = self.context.check_cancel() {
                let _ = fs::remove_dir_all(&partial);
                return Err(stop);
            }
            self.context.progress(done as u64, self.samples.len() as u64, "images", "exporting");
            let source = self.context.app().media_path(&sample.media_hash, &sample.format);
            if !source.exists() {
                left_out.push(&sample.name, "its file is missing from the library's media folder");
                continue;
            }
            let split = sample.split.filter(|_| with_splits);
            let names = self.names(sample);
            let file = writer.place(&source, &sample.name, names.first().map(String::as_str), split)?;
            for further in names.iter().skip(1) {
                writer.place(&source, &sample.name, Some(further), split)?;
            }
            csv.write(&self.row(sample, file))?;
        }
        csv.finish()?;
        if place.is_dir() {
            // Refused by the system unless it is still empty.
            fs::remove_dir(place).with_context(|| format!("{} is not empty any more", place.display()))?;
        }
        fs::rename(&partial, place).with_context(|| format!("cannot rename the export to {}", place.display()))?;
        Ok(self.result(place, self.samples.len() - left_out.len(), left_out))
    }

    /// A folder beside the place, on the same disk; what an interrupted run of this job left there goes.
    fn partial(&self, place: &Path) -> Result<PathBuf> {
        let name = place.file_name().map_or_else(|| "export".to_owned(), |name| name.to_string_lossy().into_owned());
        let partial = place.with_file_name(format!(".{name}.{}", self.context.id()));
        if partial.exists() {
            fs::remove_dir_all(&partial).with_context(|| format!("cannot clear {}", partial.display()))?;
        }
        Ok(partial)
    }

    fn result(&self, place: &Path, samples: usize, left_out: WarningReport) -> DatasetExportResult {
        DatasetExportResult { path: place.to_owned(), samples: samples as u64, left_out }
    }
}
