//! The import job: 256 images at a time are read, hashed, proved and copied in parallel; while the next ones are, the disk
//! syncs them, and they are written as one change. Stopped or killed at any moment it goes on from there: what is in the
//! dataset is known by its bytes.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rayon::prelude::*;
use serde_json::Value;
use va_domain::{AnnotationSource, Geometry, ImportReport, MediaHash, Sample, SplitRatios};
use va_error::{Code, Context, Error, FileFault, Result, WarningReport};
use va_formats::{FoundImage, display_name};
use va_media::Limits;
use va_store::Op;
use va_store::table::samples::NewSample;

use super::look::{Known, Look, Looked, Looker, MaskLook};
use super::source::Source;
use super::{ImportParams, discard_upload, media, media_row, preview, space};
use crate::jobs::{JobContext, Stop};
use crate::split;

/// Images a change.
const BATCH: usize = 256;

/// # Errors
/// `InvalidInput` when nothing in the source is an image, `DiskFull`, `Cancelled`; what was committed stays.
pub fn run(context: &JobContext) -> Result<Value> {
    let params: ImportParams = context.params()?;
    let app = context.app();
    let _no_purge = app.media_gate().read();
    context.progress(0, 0, "images", "listing");
    let stop = || context.stop_requested() != Stop::Continue;
    let source = Source::open(app, &params.request, &stop).or_else(|error| stopped_or(context, error))?;
    let (known, classes) = preview::known(app, params.dataset_id)?;
    let mut lonely = WarningReport::default();
    let found: Vec<FoundImage> = source.images(&mut lonely).collect();
    media::clear_unfinished(&app.store().library().media_dir());
    space::check(app, &found, &known)?;

    let mut import = Import::new(context, &params, &source, &known, classes);
    import.report.left_out.extend(source.shown_report(source.layout.left_out()));
    import.report.left_out.extend(source.shown_report(&lonely));
    import.report.rows_left_out = source.shown_report(&source.layout.rows_left_out());
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("import-{number}"))
        .build()
        .map_err(|error| Error::internal("cannot start the import threads").with_source(error))?;
    let (done, total) = (AtomicU64::new(0), found.len() as u64);
    let step = || context.progress(done.fetch_add(1, Ordering::Relaxed) + 1, total, "images", "importing");
    let looking = &Looking { context, known: &known, pool, step: &step };
    let mut batches = found.chunks(BATCH);
    let mut ahead = batches.next().map(|batch| (batch, looking.look(batch)));
    while let Some((batch, looked)) = ahead {
        let looked = looked.map_err(|error| import.interrupted(error))?;
        let next = if stop() { None } else { batches.next() };
        ahead = thread::scope(|scope| {
            let next = next.map(|batch| scope.spawn(move || (batch, looking.look(batch))));
            import.commit(batch, looked).map_err(|error| import.interrupted(error))?;
            Ok::<_, Error>(next.map(|next| next.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))))
        })?;
    }
    context.check_cancel()?;
    if !import.recognised {
        return Err(source.nothing_found(&import.report.left_out));
    }
    if let Some(ratios) = params.request.options.split {
        import.split(ratios, params.request.options.split_seed)?;
    }
    discard_upload(app, &params.request);
    Ok(serde_json::to_value(import.report)?)
}

/// A walk that was stopped is no failure of the source.
fn stopped_or<T>(context: &JobContext, error: Error) -> Result<T> {
    context.check_cancel()?;
    Err(error)
}

/// Looks at images on all cores.
struct Looking<'a> {
    context: &'a JobContext,
    known: &'a Known,
    pool: rayon::ThreadPool,
    step: &'a (dyn Fn() + Sync),
}

impl Looking<'_> {
    fn look(&self, batch: &[FoundImage]) -> Result<Vec<Looked>> {
        let looker = Looker { known: self.known, keep_in: Some(self.context.app()), limits: Limits::default() };
        let one = |found: &FoundImage| {
            if self.context.stop_requested() != Stop::Continue {
                return Ok(Looked::Skipped);
            }
            let looked = looker.look(found);
            (self.step)();
            looked
        };
        self.pool.install(|| batch.par_iter().map(one).collect())
    }
}

struct Import<'a> {
    context: &'a JobContext,
    params: &'a ImportParams,
    source: &'a Source,
    known: &'a Known,
    /// Lower-case names of the classes that were there before.
    classes: HashSet<String>,
    seen: HashMap<MediaHash, Met>,
    report: ImportReport,
    /// Something in the source is an image, if only a damaged one.
    recognised: bool,
}

/// An image of this batch that is not in the dataset yet.
struct New<'b> {
    found: &'b FoundImage,
    look: Box<Look>,
}

/// What one more file says of an image that is in the dataset, or comes with this batch: classes that it may not have yet,
/// or that it shows none.
struct More<'b> {
    hash: MediaHash,
    classes: Vec<&'b str>,
    /// The masks of the file, which are not taken twice.
    masks: u64,
}

/// An image as this run met it first, and the classes that it has by now.
struct Met {
    path: PathBuf,
    classes: Vec<String>,
    no_class: bool,
}

impl<'a> Import<'a> {
    fn new(
        context: &'a JobContext,
        params: &'a ImportParams,
        source: &'a Source,
        known: &'a Known,
        classes: Vec<String>,
    ) -> Self {
        Self {
            context,
            params,
            source,
            known,
            classes: classes_before(context, classes),
            seen: HashMap::new(),
            report: ImportReport::default(),
            recognised: false,
        }
    }

    /// Counts a batch and writes what is new in it.
    fn commit(&mut self, batch: &[FoundImage], looked: Vec<Looked>) -> Result<()> {
        let (mut new, mut more) = (Vec::new(), Vec::new());
        for (found, looked) in batch.iter().zip(looked) {
            match looked {
                Looked::Skipped => {}
                Looked::Broken { reason, fault, foreign } => {
                    self.recognised |= !foreign;
                    self.leave_out(found, reason, fault);
                }
                Looked::Known(hash) => more.extend(self.count_known(found, hash)),
                Looked::Image(look) => {
                    self.recognised = true;
                    match self.repeated(found, &look.hash) {
                        Some(repeated) => more.extend(repeated),
                        None => {
                            self.meet(found, look.hash.clone());
                            new.push(New { found, look });
                        }
                    }
                }
            }
        }
        if new.is_empty() && more.is_empty() {
            return Ok(());
        }
        let app = self.context.app();
        media::keep(new.iter_mut().filter_map(|n| n.look.incoming.take()).collect())?;
        let paths: Vec<PathBuf> =
            new.iter().map(|n| app.media_path(&n.look.hash, n.look.probe.kind.as_str())).collect();
        media::sync_folders(paths.iter().filter_map(|path| path.parent()).collect())?;
        let (taken, added) = self.write(&new, &more)?;
        let (taken, new): (Vec<_>, Vec<_>) = new.into_iter().partition(|n| taken.contains(&n.look.hash));
        self.report.duplicates += taken.iter().map(|n| 1 + u64::from(n.found.mask.is_some())).sum::<u64>();
        self.count_new(&new);
        for (More { classes, masks, .. }, is_added) in more.into_iter().zip(added) {
            self.report.more_classes += u64::from(is_added);
            self.report.duplicates += masks + u64::from(!is_added);
            classes.into_iter().for_each(|class| self.note_class(class));
        }
        Ok(())
    }

    /// Gives the images that came in by another import since this one looked: they are left as they are. And which of the
    /// further files said something new of their image.
    fn write(&self, new: &[New<'_>], more: &[More<'_>]) -> Result<(HashSet<MediaHash>, Vec<bool>)> {
        let dataset = self.params.dataset_id;
        let op = Op::undoable(dataset, "import").group(self.context.id().0).count(new.len() as u64);
        self.context.app().transact(self.context.actor(), op, |tx| {
            let mut taken = HashSet::new();
            for New { found, look } in new {
                if !tx.samples().with_media(dataset, &look.hash)?.is_empty() {
                    taken.insert(look.hash.clone());
                    continue;
                }
                tx.media_mut().put(&media_row(look))?;
                let (name, name_bytes) = display_name(found.path.file_name().unwrap_or_default());
                let sample = NewSample { media_hash: look.hash.clone(), name, name_bytes, split: found.split };
                let id = tx.samples_mut().insert(dataset, &sample)?;
                let mut labels = Vec::with_capacity(found.classes.len());
                for class in &found.classes {
                    let label = tx.labels_mut().get_or_create(dataset, class)?.id;
                    tx.samples_mut().add_label(&[id], label, AnnotationSource::Import)?;
                    labels.push(label);
                }
                if found.no_class {
                    tx.samples_mut().set_no_class(&[id])?;
                }
                if let Some(MaskLook::Regions(mask)) = &look.mask {
                    let (geometry, label) = (Geometry::Mask(mask.clone()), labels.first().copied());
                    tx.annotations_mut().insert(id, label, &geometry, AnnotationSource::Import)?;
                }
            }
            let mut added = Vec::with_capacity(more.len());
            for More { hash, classes, .. } in more {
                let samples = tx.samples().with_media(dataset, hash)?;
                let mut changed = 0;
                for class in classes {
                    let label = tx.labels_mut().get_or_create(dataset, class)?.id;
                    changed += tx.samples_mut().add_label(&samples, label, AnnotationSource::Import)?;
                }
                added.push(changed > 0);
            }
            Ok((taken, added))
        })
    }

    fn note_class(&mut self, class: &str) {
        if self.classes.insert(class.to_lowercase()) {
            self.report.new_classes.push(class.to_owned());
        }
    }

    fn meet(&mut self, found: &FoundImage, hash: MediaHash) {
        let met = Met { path: found.path.clone(), classes: found.classes.clone(), no_class: found.no_class };
        self.seen.insert(hash, met);
    }

    fn count_new(&mut self, new: &[New<'_>]) {
        for New { found, look } in new {
            self.count_image(found);
            match (&look.mask, &found.mask) {
                (Some(MaskLook::Broken(reason)), Some(path)) => {
                    self.report.left_out.push(self.source.shown(path), reason.clone());
                }
                (Some(_), _) => self.report.masks += 1,
                (None, _) => {}
            }
        }
    }

    fn count_image(&mut self, found: &FoundImage) {
        self.report.imported += 1;
        self.report.no_class += u64::from(found.no_class);
        found.classes.iter().for_each(|class| self.note_class(class));
    }

    /// In the dataset before this run: by another import, or by this one before it was interrupted.
    fn count_known<'b>(&mut self, found: &'b FoundImage, hash: MediaHash) -> Option<More<'b>> {
        self.recognised = true;
        if let Some(repeated) = self.repeated(found, &hash) {
            return repeated;
        }
        let own = self.known.get(&hash).is_some_and(|added_ms| *added_ms >= self.context.job().created_ms);
        let mask = u64::from(found.mask.is_some());
        if own {
            self.count_image(found);
            self.report.masks += mask;
            self.meet(found, hash);
            return None;
        }
        self.meet(found, hash.clone());
        if found.classes.is_empty() || !self.takes_several() {
            self.report.duplicates += 1 + mask;
            return None;
        }
        Some(More { hash, classes: found.classes.iter().map(String::as_str).collect(), masks: mask })
    }

    fn takes_several(&self) -> bool {
        self.params.request.options.several_classes
    }

    /// Some when the same bytes were met before in this run. In another class that is one more class of the image where
    /// the import takes several; otherwise a contradiction that a person must see.
    fn repeated<'b>(&mut self, found: &'b FoundImage, hash: &MediaHash) -> Option<Option<More<'b>>> {
        let takes_several = self.takes_several();
        let met = self.seen.get_mut(hash)?;
        let masks = u64::from(found.mask.is_some());
        let new: Vec<&str> =
            found.classes.iter().filter(|class| !met.classes.contains(class)).map(String::as_str).collect();
        let against = match met.classes.first() {
            Some(first) if found.no_class || !(new.is_empty() || takes_several) => Some(format!("in class {first}")),
            None if met.no_class && !new.is_empty() => Some("said to show none of the classes".to_owned()),
            _ => None,
        };
        if let Some(against) = against {
            let reason = format!("the same image is {} {against}, which was kept", self.source.shown(&met.path));
            self.report.left_out.push(self.source.shown(&found.path), reason);
            self.report.duplicates += masks;
            return Some(None);
        }
        if new.is_empty() || !takes_several {
            self.report.duplicates += 1 + masks;
            return Some(None);
        }
        met.classes.extend(new.iter().map(|class| (*class).to_owned()));
        Some(Some(More { hash: hash.clone(), classes: new, masks }))
    }

    fn leave_out(&mut self, found: &FoundImage, reason: String, fault: Option<FileFault>) {
        self.report.left_out.push_fault(self.source.shown(&found.path), reason, fault);
        if let Some(mask) = &found.mask {
            let fault = Some(FileFault::ImageLeftOut);
            self.report.left_out.push_fault(self.source.shown(mask), "its image could not be imported", fault);
        }
    }

    /// Splits what came from this source and is in no split; part of the same undo step.
    fn split(&self, ratios: SplitRatios, seed: u64) -> Result<()> {
        let dataset = self.params.dataset_id;
        let op = Op::undoable(dataset, "import").group(self.context.id().0).count(0);
        self.context.app().transact(self.context.actor(), op, |tx| {
            let samples = tx.samples().all_of_dataset(dataset)?;
            let ours = |sample: &Sample| sample.split.is_none() && self.seen.contains_key(&sample.media_hash);
            let (assigned, _) = split::assign(samples.into_iter().filter(ours), ratios, seed);
            for (id, split) in assigned {
                tx.samples_mut().set_split(id, Some(split))?;
            }
            Ok(())
        })
    }

    /// Says what is safe when the library's disk gives up.
    fn interrupted(&self, error: Error) -> Error {
        let code = error.code();
        let result: Result<()> = Err(error);
        let imported = self.report.imported;
        let message = match code {
            Code::DiskFull => format!(
                "the disk is full: {imported} images are imported and safe; free some space and start the import again, \
                 it goes on where it stopped"
            ),
            _ => format!("the import stopped after {imported} images, which are safe; start it again to go on"),
        };
        result.context(message).err().unwrap_or_else(Error::cancelled)
    }
}

/// The classes before the job began, also when it began in an earlier process: kept in the job's folder, so that the report
/// of a resumed job names all new ones.
fn classes_before(context: &JobContext, now: Vec<String>) -> HashSet<String> {
    let lower = |names: Vec<String>| names.into_iter().map(|name| name.to_lowercase()).collect();
    let Ok(folder) = context.folder() else { return lower(now) };
    let file = folder.join("classes_before.json");
    if let Some(before) = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return lower(before);
    }
    let written = serde_json::to_vec(&now).map_err(Error::from).and_then(|bytes| Ok(std::fs::write(&file, bytes)?));
    if let Err(error) = written {
        tracing::warn!("the report of a resumed import may name too few new classes: {error:#}");
    }
    lower(now)
}
