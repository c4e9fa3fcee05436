//! Which installed file a training starts from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use va_domain::{InitialWeights, Preprocessing, TrainSettings};
use va_engine::StartWeights;
use va_error::{Error, Result};

use super::place::Place;
use crate::App;

/// The weights of a run, as they were when it was queued: it goes on from its checkpoint when they are gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PinnedWeights {
    #[serde(flatten)]
    pub weights: InitialWeights,
    mean: [f32; 3],
    std: [f32; 3],
}

impl PinnedWeights {
    /// What the engine reads.
    pub fn start(&self, app: &App) -> StartWeights {
        let path: PathBuf = Place::of(app).file(&self.weights.sha256);
        StartWeights { path, sha256: Some(self.weights.sha256.clone()) }
    }

    /// Images are normalised as those that the weights were trained on.
    pub fn normalise(&self, preprocessing: &mut Preprocessing) {
        preprocessing.mean = self.mean;
        preprocessing.std = self.std;
    }
}

/// The installed weights that the settings name, by name or SHA-256.
///
/// # Errors
/// `NotFound` when they are not installed, `InvalidInput` when they are of another architecture.
pub(crate) fn choose(app: &App, settings: &TrainSettings) -> Result<Option<PinnedWeights>> {
    let Some(wanted) = &settings.weights else { return Ok(None) };
    let records = Place::of(app).records()?;
    let Some(record) = records.into_iter().find(|record| &record.name == wanted || &record.sha256 == wanted) else {
        return Err(Error::not_found(format!(
            "the weights {wanted:?} are not installed: install them (`visaion weights list` shows what there is), or \
             train without"
        )));
    };
    if record.arch != settings.arch {
        return Err(Error::invalid(format!(
            "the weights {} are of the architecture {}, and the run is of {}: choose one of the two for both",
            record.name, record.arch, settings.arch
        )));
    }
    let weights = InitialWeights {
        name: record.name,
        sha256: record.sha256,
        licence: record.licence,
        source_url: record.source_url,
        report: None,
    };
    Ok(Some(PinnedWeights { weights, mean: record.mean, std: record.std }))
}
