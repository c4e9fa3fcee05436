//! An open library with everything that works on it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::RwLock;
use serde_json::{Value, json};
use va_domain::{Actor, Event, MediaHash, Role};
use va_engine::gpu::PackFolders;
use va_engine::{AutoEngine, Engine};
use va_error::{Code, Error, Result};
use va_media::ImageKind;
use va_store::{Op, Store, Tx};

use crate::event_bus::{EventBus, Subscription};
use crate::models::Sessions;
use crate::predict::Previews;
use crate::{jobs, resources, settings};

#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// Make a library where there is none.
    pub create: bool,
    /// Work off the queue of jobs. Without it jobs are only written down.
    pub run_jobs: bool,
}

/// The application: store, media folder, engine, job runner and event bus. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

/// Does not keep the library open.
#[derive(Clone)]
pub struct WeakApp {
    inner: Weak<Inner>,
}

struct Inner {
    store: Store,
    engine: Arc<dyn Engine>,
    gpu_packs: PackFolders,
    bus: EventBus,
    runner: jobs::Runner,
    resources: resources::Sampler,
    sessions: Sessions,
    previews: Previews,
    /// Read-held by who brings in media files, which are there before their rows; write-held by who removes media.
    media_gate: RwLock<()>,
}

impl App {
    /// Opens the library with the engine that this machine can use: the GPU's where everything that it needs is there,
    /// the CPU's otherwise. The GPU is looked for when it is first asked for, not here.
    ///
    /// # Errors
    /// `LibraryLocked` when it is owned, and the others of [`Store::open`].
    pub fn open(library_dir: &Path, options: OpenOptions) -> Result<Self> {
        let store = Store::open(library_dir, options.create)?;
        let folder = settings::of(&store)?.cuda_folder;
        let folder = if folder.is_empty() { None } else { Some(Path::new(&folder)) };
        let packs = PackFolders::usual();
        let engine = AutoEngine::new(folder, &packs);
        Self::over(store, options, Arc::new(engine), packs)
    }

    /// As [`open`](Self::open), with an engine of choice.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_engine(library_dir: &Path, options: OpenOptions, engine: Arc<dyn Engine>) -> Result<Self> {
        Self::open_with_parts(library_dir, options, engine, PackFolders::usual())
    }

    /// As [`open`](Self::open), with an engine of choice and GPU packs elsewhere than usual.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_parts(
        library_dir: &Path,
        options: OpenOptions,
        engine: Arc<dyn Engine>,
        gpu_packs: PackFolders,
    ) -> Result<Self> {
        Self::over(Store::open(library_dir, options.create)?, options, engine, gpu_packs)
    }

    fn over(store: Store, options: OpenOptions, engine: Arc<dyn Engine>, gpu_packs: PackFolders) -> Result<Self> {
        let library_dir = store.library().root().to_path_buf();
        let app = Self {
            inner: Arc::new(Inner {
                store,
                engine,
                gpu_packs,
                bus: EventBus::default(),
                runner: jobs::Runner::new(),
                resources: resources::Sampler::new(&library_dir),
                sessions: Sessions::default(),
                previews: Previews::default(),
                media_gate: RwLock::default(),
            }),
        };
        if options.run_jobs {
            jobs::start(&app)?;
        }
        Ok(app)
    }

    /// Asks running jobs to checkpoint and stop, moves the write-ahead log into the file, and gives the library free.
    /// Later calls fail with `Conflict`.
    ///
    /// # Errors
    /// `Io` or `DiskFull` from the last write; nothing that was confirmed is lost.
    pub fn close(&self) -> Result<()> {
        jobs::close(self);
        self.inner.bus.close();
        self.inner.store.close()
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> Subscription {
        self.inner.bus.subscribe()
    }

    pub fn subscriber_count(&self) -> usize {
        self.inner.bus.subscriber_count()
    }

    pub(crate) fn emit(&self, event: &Event) {
        self.inner.bus.emit(event);
    }

    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    pub fn engine(&self) -> &dyn Engine {
        self.inner.engine.as_ref()
    }

    pub(crate) fn gpu_packs(&self) -> &PackFolders {
        &self.inner.gpu_packs
    }

    pub fn library_dir(&self) -> &Path {
        self.inner.store.library().root()
    }

    /// Where the original of a sample lies; `format` as in [`va_domain::Sample`].
    pub fn media_path(&self, hash: &MediaHash, format: &str) -> PathBuf {
        let extension = match ImageKind::from_name(format) {
            Some(kind) => kind.extension(),
            None => format,
        };
        self.inner.store.library().media_path(hash, extension)
    }

    /// What all originals take on disk, as counted by the store.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn media_bytes(&self) -> Result<u64> {
        self.inner.store.read(|read| read.media().total_bytes())
    }

    /// Sizes of the library for the diagnostics file: no names, no images.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn statistics(&self) -> Result<Value> {
        let statistics = self.inner.store.statistics()?;
        Ok(json!({ "schema": statistics.schema, "rows": statistics.rows, "database_bytes": statistics.database_bytes }))
    }

    /// The one door for change: commits, then tells everyone what changed.
    ///
    /// # Errors
    /// Those of `change`; `DiskFull` or `Io` when it could not be saved (then nothing was).
    pub fn transact<T>(&self, actor: &Actor, op: Op, change: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let done = self.inner.store.transact(actor, op, change)?;
        self.announce(&done.changes);
        Ok(done.output)
    }

    pub(crate) fn announce(&self, changes: &va_store::Changes) {
        changes.events().into_iter().for_each(|event| self.emit(&event));
    }

    pub(crate) fn runner(&self) -> &jobs::Runner {
        &self.inner.runner
    }

    pub(crate) fn resources(&self) -> &resources::Sampler {
        &self.inner.resources
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }

    pub(crate) fn previews(&self) -> &Previews {
        &self.inner.previews
    }

    pub(crate) fn media_gate(&self) -> &RwLock<()> {
        &self.inner.media_gate
    }

    pub fn downgrade(&self) -> WeakApp {
        WeakApp { inner: Arc::downgrade(&self.inner) }
    }
}

impl WeakApp {
    pub fn upgrade(&self) -> Option<App> {
        self.inner.upgrade().map(|inner| App { inner })
    }
}

/// Refuses an actor below `needed`: viewers only look, annotators label, reviewers also decide on classes and splits,
/// owners do everything.
///
/// # Errors
/// `Forbidden`.
pub(crate) fn require(actor: &Actor, needed: Role) -> Result<()> {
    if actor.role >= needed {
        return Ok(());
    }
    let role = |role: Role| format!("{role:?}").to_lowercase();
    Err(Error::new(
        Code::Forbidden,
        format!(
            "{} is {} and may not do this; it takes {}",
            actor.name,
            article(&role(actor.role)),
            article(&role(needed))
        ),
    ))
}

fn article(word: &str) -> String {
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {word}", if vowel { "an" } else { "a" })
}
