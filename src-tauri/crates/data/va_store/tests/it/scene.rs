//! A library to try things on.

use tempfile::TempDir;
use va_domain::{
    Actor, AnnotationSource, Dataset, DatasetId, Label, LabelId, MediaHash, Origin, Sample, SampleFilter, SampleId,
    SampleSort, Split,
};
use va_error::Result;
use va_store::table::media::MediaRow;
use va_store::table::samples::NewSample;
use va_store::{Op, Store, Tx};

pub struct Scene {
    pub folder: TempDir,
    pub store: Store,
    pub dataset: DatasetId,
}

pub fn owner() -> Actor {
    Actor::owner(Origin::Desktop)
}

impl Scene {
    /// A library with one empty dataset.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), true).unwrap();
        let dataset = create_dataset(&store, "tiles");
        Self { folder, store, dataset: dataset.id }
    }

    /// `count` samples `00.jpg`, `01.jpg` …, and the classes `ok` and `crack`.
    pub fn with_samples(count: usize) -> (Self, Vec<SampleId>, Vec<LabelId>) {
        let scene = Self::new();
        let labels = ["ok", "crack"].map(|name| scene.label(name).id).to_vec();
        let samples = scene.add(count);
        (scene, samples, labels)
    }

    pub fn undoable<T>(&self, name: &'static str, change: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.store.transact(&owner(), Op::undoable(self.dataset, name), change).map(|done| done.output)
    }

    pub fn audited<T>(&self, change: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.store.transact(&owner(), Op::audited("test"), change).map(|done| done.output)
    }

    pub fn quiet<T>(&self, change: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.store.transact(&owner(), Op::quiet("test"), change).map(|done| done.output)
    }

    pub fn label(&self, name: &str) -> Label {
        self.undoable("create_label", |tx| tx.labels_mut().create(self.dataset, name, None)).unwrap()
    }

    pub fn add(&self, count: usize) -> Vec<SampleId> {
        let first = self.dataset().sample_count as usize;
        self.undoable("import", |tx| {
            (first..first + count).map(|n| insert(tx, self.dataset, &format!("{n:02}.jpg"), n as u64)).collect()
        })
        .unwrap()
    }

    pub fn set_label(&self, samples: &[SampleId], label: Option<LabelId>) -> u64 {
        self.undoable("set_label", |tx| tx.samples_mut().set_label(samples, label, AnnotationSource::Person)).unwrap()
    }

    pub fn toggle(&self, samples: &[SampleId], label: Option<LabelId>) -> u64 {
        self.undoable("toggle_label", |tx| tx.samples_mut().toggle_label(samples, label, AnnotationSource::Person))
            .unwrap()
    }

    pub fn set_split(&self, samples: &[SampleId], split: Option<Split>) {
        self.undoable("set_split", |tx| samples.iter().try_for_each(|id| tx.samples_mut().set_split(*id, split)))
            .unwrap();
    }

    pub fn delete(&self, samples: &[SampleId]) {
        self.undoable("delete_samples", |tx| samples.iter().try_for_each(|id| tx.samples_mut().delete(*id))).unwrap();
    }

    pub fn undo(&self) -> Result<va_domain::HistoryState> {
        self.store.undo(&owner(), self.dataset).map(|done| done.output)
    }

    pub fn redo(&self) -> Result<va_domain::HistoryState> {
        self.store.redo(&owner(), self.dataset).map(|done| done.output)
    }

    pub fn sample(&self, id: SampleId) -> Sample {
        self.store.read(|read| read.samples().get(id)).unwrap()
    }

    pub fn dataset(&self) -> Dataset {
        self.store.read(|read| read.datasets().get(self.dataset)).unwrap()
    }

    pub fn labels(&self) -> Vec<Label> {
        self.store.read(|read| read.labels().of_dataset(self.dataset)).unwrap()
    }

    pub fn names(&self, filter: &SampleFilter, sort: SampleSort) -> Vec<String> {
        let window = self.store.sample_window(self.dataset, filter, sort, 0, 500).unwrap();
        window.items.into_iter().map(|sample| sample.name).collect()
    }

    /// Integrity of the file, foreign keys, every maintained count, and the audit chain.
    pub fn assert_sound(&self) {
        assert_eq!(self.store.check_integrity().unwrap(), Vec::<String>::new());
    }

    /// The same library after a restart.
    pub fn reopened(self) -> Self {
        let Self { folder, store, dataset } = self;
        store.close().unwrap();
        drop(store);
        let store = Store::open(folder.path(), false).unwrap();
        Self { folder, store, dataset }
    }
}

pub fn create_dataset(store: &Store, name: &str) -> Dataset {
    store.transact(&owner(), Op::audited("create_dataset"), |tx| tx.datasets_mut().create(name, "")).unwrap().output
}

/// One sample with media of its own, `1000 + content` bytes large.
pub fn insert(tx: &Tx<'_>, dataset: DatasetId, name: &str, content: u64) -> Result<SampleId> {
    let hash = MediaHash::of(&content.to_le_bytes());
    tx.media_mut().put(&MediaRow {
        hash: hash.clone(),
        size_bytes: 1000 + content,
        width_px: 640,
        height_px: 480,
        format: "jpeg".to_owned(),
        orientation: 1,
    })?;
    tx.samples_mut()
        .insert(dataset, &NewSample { media_hash: hash, name: name.to_owned(), name_bytes: None, split: None })
}
