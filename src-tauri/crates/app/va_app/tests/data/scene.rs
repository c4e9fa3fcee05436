use tempfile::TempDir;
use va_app::{Actor, App, OpenOptions, Origin, datasets, labels};
use va_domain::{Dataset, Label, MediaHash, Role, SampleId};
use va_store::Op;
use va_store::table::media::MediaRow;
use va_store::table::samples::NewSample;

pub struct Scene {
    pub folder: TempDir,
    pub app: App,
    pub dataset: Dataset,
}

pub fn owner() -> Actor {
    Actor::owner(Origin::Cli)
}

pub fn with_role(role: Role) -> Actor {
    Actor { name: "ann".to_owned(), role, origin: Origin::Http }
}

impl Scene {
    /// A library with the empty dataset `tiles`. Jobs are written down, not run.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = App::open(folder.path(), OpenOptions { create: true, run_jobs: false }).unwrap();
        let dataset = datasets::create(&app, &owner(), "tiles", "", None).unwrap();
        Self { folder, app, dataset }
    }

    pub fn label(&self, name: &str) -> Label {
        labels::create(&self.app, &owner(), self.dataset.id, name, None).unwrap()
    }

    /// Samples without files: what the use cases here need no more of.
    pub fn add(&self, count: usize) -> Vec<SampleId> {
        let first = datasets::get(&self.app, self.dataset.id).unwrap().sample_count as usize;
        let op = Op::undoable(self.dataset.id, "import");
        self.app
            .transact(&owner(), op, |tx| {
                (first..first + count)
                    .map(|n| {
                        let hash = MediaHash::of(&n.to_le_bytes());
                        tx.media_mut().put(&MediaRow {
                            hash: hash.clone(),
                            size_bytes: 10,
                            width_px: 4,
                            height_px: 4,
                            format: "png".to_owned(),
                            orientation: 1,
                        })?;
                        let name = format!("{n:03}.png");
                        tx.samples_mut().insert(
                            self.dataset.id,
                            &NewSample { media_hash: hash, name, name_bytes: None, split: None },
                        )
                    })
                    .collect()
            })
            .unwrap()
    }
}
