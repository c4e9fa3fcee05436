//! What an import would do. Every file is read and decoded, so that the import brings no surprise; nothing is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use va_domain::{DatasetId, ImportClass, ImportPreview, MediaHash};
use va_error::{Error, Result, WarningReport};
use va_formats::FoundImage;
use va_media::Limits;

use super::ImportRequest;
use super::look::{Known, Looked, Looker, MaskLook};
use super::source::Source;
use crate::App;

/// # Errors
/// `NotFound` for the dataset or source, `InvalidInput` when nothing in it is an image.
pub fn preview(app: &App, dataset: DatasetId, request: &ImportRequest) -> Result<ImportPreview> {
    preview_until(app, dataset, request, &|| false)
}

/// As [`preview`]; `stop` is asked at every file.
///
/// # Errors
/// As [`preview`], and `Cancelled` when `stop` says so.
pub fn preview_until(
    app: &App,
    dataset: DatasetId,
    request: &ImportRequest,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<ImportPreview> {
    let (known, classes) = known(app, dataset)?;
    let source = Source::open(app, request, &|| stop())?;
    let mut lonely = WarningReport::default();
    let found: Vec<FoundImage> = source.images(&mut lonely).collect();
    let looker = Looker { known: &known, keep_in: None, limits: Limits::default() };
    let stopped = AtomicBool::new(false);
    let looked: Vec<Looked> = found
        .par_iter()
        .map(|image| {
            if stopped.load(Ordering::Relaxed) || stop() {
                stopped.store(true, Ordering::Relaxed);
                return Ok(Looked::Skipped);
            }
            looker.look(image)
        })
        .collect::<Result<_>>()?;
    if stopped.into_inner() {
        return Err(Error::cancelled());
    }
    let mut tally = Tally::new(&source, request.options.several_classes);
    tally.broken = source.shown_report(source.layout.left_out());
    for (image, looked) in found.iter().zip(&looked) {
        tally.count(image, looked);
    }
    tally.broken.extend(source.shown_report(&lonely));
    tally.finish(&classes)
}

/// The bytes that are in the dataset, and its class names.
pub(super) fn known(app: &App, dataset: DatasetId) -> Result<(Known, Vec<String>)> {
    app.store().read(|read| {
        let samples = read.samples().all_of_dataset(dataset)?;
        let labels = read.labels().of_dataset(dataset)?;
        let known = samples.into_iter().map(|sample| (sample.media_hash, sample.created_ms)).collect();
        Ok((known, labels.into_iter().map(|label| label.name).collect()))
    })
}

struct Tally<'a> {
    source: &'a Source,
    /// Every image with the classes that it was met in.
    seen: HashMap<MediaHash, HashSet<String>>,
    /// Whether an image of several classes gets all of them.
    takes_several: bool,
    classes: BTreeMap<String, u64>,
    broken: WarningReport,
    images: u64,
    bytes: u64,
    masks: u64,
    duplicates: u64,
    existing: u64,
    no_class: u64,
    recognised: bool,
}

impl<'a> Tally<'a> {
    fn new(source: &'a Source, takes_several: bool) -> Self {
        Self {
            source,
            seen: HashMap::new(),
            takes_several,
            classes: BTreeMap::new(),
            broken: WarningReport::default(),
            images: 0,
            bytes: 0,
            masks: 0,
            duplicates: 0,
            existing: 0,
            no_class: 0,
            recognised: false,
        }
    }

    fn count(&mut self, image: &FoundImage, looked: &Looked) {
        let hash = match looked {
            Looked::Image(look) => &look.hash,
            Looked::Known(hash) => hash,
            Looked::Broken { reason, fault, foreign } => {
                self.recognised |= !foreign;
                return self.broken.push_fault(self.source.shown(&image.path), reason.clone(), *fault);
            }
            Looked::Skipped => return,
        };
        self.recognised = true;
        self.images += 1;
        self.bytes += std::fs::metadata(&image.path).map_or(0, |m| m.len());
        self.no_class += u64::from(image.no_class);
        for class in &image.classes {
            *self.classes.entry(class.clone()).or_default() += 1;
        }
        let is_met = self.seen.contains_key(hash);
        let classes = self.seen.entry(hash.clone()).or_default();
        let count_before = classes.len();
        classes.extend(image.classes.iter().cloned());
        let is_new_class = classes.len() > count_before;
        if is_met {
            self.duplicates += u64::from(!(is_new_class && self.takes_several));
        } else if matches!(looked, Looked::Known(_)) {
            self.existing += 1;
        }
        match (looked, &image.mask) {
            (Looked::Image(look), Some(path)) => match &look.mask {
                Some(MaskLook::Broken(reason)) => self.broken.push(self.source.shown(path), reason.clone()),
                _ => self.masks += 1,
            },
            (_, Some(_)) => self.masks += 1,
            _ => {}
        }
    }

    fn finish(self, existing: &[String]) -> Result<ImportPreview> {
        if !self.recognised {
            return Err(self.source.nothing_found(&self.broken));
        }
        let exists = |name: &str| existing.iter().any(|class| class.to_lowercase() == name.to_lowercase());
        let classes = self.classes.into_iter();
        Ok(ImportPreview {
            format: self.source.layout.format(),
            image_count: self.images,
            total_bytes: self.bytes,
            classes: classes
                .map(|(name, image_count)| ImportClass { exists: exists(&name), name, image_count })
                .collect(),
            mask_count: self.masks,
            duplicate_count: self.duplicates,
            existing_count: self.existing,
            several_classes_count: self.seen.values().filter(|classes| classes.len() > 1).count() as u64,
            no_class_count: self.no_class,
            broken: self.broken,
            csv_files: self.source.csv_files(),
            broken_rows: self.source.shown_report(&self.source.layout.rows_left_out()),
            has_splits: self.source.layout.has_splits(),
        })
    }
}
