use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use va_error::{Context, Error, Result};

use super::file::write_atomically;
use super::{Machine, Snapshot};
use crate::CheckpointKind;

/// What must be equal for a run to go on, and what should be for it to be bit-exact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// BLAKE3 over settings, classes, split sizes, preprocessing.
    pub job: String,
    pub machine: Machine,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    step: u64,
    epoch: u32,
    file: String,
    blake3: String,
}

const MANIFEST_VERSION: u32 = 1;
const ALL: [&str; 4] = ["last", "recovery", "previous", "best"];

impl CheckpointKind {
    fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Best => "best",
            Self::Recovery => "recovery",
        }
    }
}

/// The checkpoints of one run.
pub(crate) struct CheckpointFolder {
    dir: PathBuf,
}

/// The newest good checkpoint, and what was passed over on the way to it.
pub(crate) struct Loaded {
    pub snapshot: Option<Snapshot>,
    pub notes: Vec<String>,
}

impl CheckpointFolder {
    /// # Errors
    /// `Io` when the folder cannot be made.
    pub fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make the checkpoint folder {}", dir.display()))?;
        Ok(Self { dir: dir.to_path_buf() })
    }

    /// Removes every checkpoint, for a run that begins anew.
    pub fn clear(&self) -> Result<()> {
        for name in ALL {
            remove(&self.path(name))?;
        }
        self.remove_unnamed_states()
    }

    /// Writes a snapshot under all of `kinds` (one state file, a manifest each).
    pub fn save(&self, snapshot: &Snapshot, kinds: &[CheckpointKind]) -> Result<()> {
        let (step, epoch) = (snapshot.state.step, snapshot.state.epoch);
        let bytes = snapshot.to_bytes()?;
        let file = format!("state-{step}-{epoch}.safetensors");
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            step,
            epoch,
            blake3: blake3::hash(&bytes).to_hex().to_string(),
            file,
        };
        write_atomically(&self.dir, &manifest.file, &bytes)?;
        let text = serde_json::to_vec_pretty(&manifest)?;
        for kind in kinds {
            if *kind == CheckpointKind::Last {
                self.keep_previous(&manifest)?;
            }
            write_atomically(&self.dir, &format!("{}.json", kind.name()), &text)?;
        }
        if kinds.contains(&CheckpointKind::Last) {
            // An older moment of the run that just ended an epoch is of no more use.
            remove(&self.path("recovery"))?;
        }
        self.remove_unnamed_states()
    }

    /// The newest checkpoint that is whole, of `last`, `recovery`, `previous`, `best`.
    ///
    /// # Errors
    /// `InvalidInput` when there are checkpoints but none is whole.
    pub fn load_newest(&self) -> Result<Loaded> {
        let (mut notes, mut found) = (Vec::new(), Vec::new());
        for name in ALL.into_iter().filter(|name| self.path(name).exists()) {
            match self.manifest(name) {
                Ok(manifest) => found.push((name, manifest)),
                Err(error) => notes.push(passed_over(name, &error)),
            }
        }
        let any = !found.is_empty() || !notes.is_empty();
        found.sort_by_key(|(_, manifest)| std::cmp::Reverse((manifest.step, manifest.epoch)));
        for (name, manifest) in found {
            match self.snapshot(&manifest) {
                Ok(snapshot) => return Ok(Loaded { snapshot: Some(snapshot), notes }),
                Err(error) => notes.push(passed_over(name, &error)),
            }
        }
        if !any {
            return Ok(Loaded { snapshot: None, notes });
        }
        Err(Error::invalid(format!(
            "no checkpoint in {} can be used ({}): the run cannot go on and was not changed; start it anew",
            self.dir.display(),
            notes.join("; ")
        )))
    }

    /// The checkpoint of the best epoch.
    ///
    /// # Errors
    /// `NotFound` or `InvalidInput` when it is missing or damaged.
    pub fn load_best(&self) -> Result<Snapshot> {
        self.snapshot(&self.manifest("best")?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn keep_previous(&self, new: &Manifest) -> Result<()> {
        match self.manifest("last") {
            Ok(old) if old.file != new.file => {
                write_atomically(&self.dir, "previous.json", &serde_json::to_vec_pretty(&old)?)
            }
            _ => Ok(()),
        }
    }

    fn manifest(&self, name: &str) -> Result<Manifest> {
        let text = std::fs::read(self.path(name)).with_context(|| format!("cannot read the manifest of {name}"))?;
        let manifest: Manifest = serde_json::from_slice(&text).context("the manifest is damaged")?;
        if manifest.version > MANIFEST_VERSION {
            return Err(Error::new(va_error::Code::TooNew, "it was written by a newer version of VisAIon"));
        }
        if manifest.file.contains(['/', '\\']) || !manifest.file.starts_with("state-") {
            return Err(Error::invalid("the manifest is damaged"));
        }
        Ok(manifest)
    }

    fn snapshot(&self, manifest: &Manifest) -> Result<Snapshot> {
        let bytes =
            std::fs::read(self.dir.join(&manifest.file)).with_context(|| format!("cannot read {}", manifest.file))?;
        if blake3::hash(&bytes).to_hex().as_str() != manifest.blake3 {
            return Err(Error::invalid(format!("{} is damaged or not complete", manifest.file)));
        }
        let snapshot = Snapshot::from_bytes(&bytes)?;
        if (snapshot.state.step, snapshot.state.epoch) != (manifest.step, manifest.epoch) {
            return Err(Error::invalid("manifest and state file are of different moments"));
        }
        Ok(snapshot)
    }

    fn remove_unnamed_states(&self) -> Result<()> {
        let named: Vec<String> = ALL.iter().filter_map(|name| self.manifest(name).ok()).map(|m| m.file).collect();
        let entries = std::fs::read_dir(&self.dir).context("cannot list the checkpoint folder")?;
        for entry in entries {
            let entry = entry.context("cannot list the checkpoint folder")?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let ours = name.starts_with("state-") || name.ends_with(".json.tmp");
            if ours && !named.iter().any(|file| *file == name) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn passed_over(name: &str, error: &Error) -> String {
    format!("checkpoint “{name}” was passed over: {}", error.chain())
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
