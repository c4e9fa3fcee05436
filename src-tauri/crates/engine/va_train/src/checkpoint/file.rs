use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use va_error::{Context, Error, Result};

use super::Identity;
use crate::learner::Learner;
use crate::state::RunState;

/// Version of the state files. A newer one is passed over.
const VERSION: &str = "1";

/// Everything of a run at one moment.
pub(crate) struct Snapshot {
    pub state: RunState,
    pub params: Tensor,
    /// State of the optimiser.
    pub moments: Tensor,
    pub buffers: Tensor,
    /// Averaged parameters and buffers, in a run that keeps them.
    pub average: Option<(Tensor, Tensor)>,
    pub identity: Identity,
}

impl Snapshot {
    /// Copies nothing: the tensors are the learner's own storage, so it must be written before the next step.
    pub fn of(learner: &Learner, state: &RunState, identity: &Identity) -> Self {
        Self {
            state: state.clone(),
            params: learner.net.params().clone(),
            moments: learner.optimiser.update.state().clone(),
            buffers: learner.net.buffers().clone(),
            average: learner.average.as_ref().map(|average| (average.params.clone(), average.buffers.clone())),
            identity: identity.clone(),
        }
    }

    /// Puts the numbers back, bit for bit.
    pub fn restore(&self, learner: &mut Learner) -> Result<()> {
        // Refused before anything is overwritten.
        learner.optimiser.update.ensure_fits(&self.moments)?;
        match (&mut learner.average, &self.average) {
            (Some(average), Some((params, buffers))) => average.restore(params, buffers)?,
            (None, _) => {}
            (Some(_), None) => return Err(Error::invalid("the checkpoint lacks the average of the weights")),
        }
        learner.net.set_params(&self.params)?;
        learner.net.set_buffers(&self.buffers)?;
        learner.optimiser.update.set_state(&self.moments)
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let metadata = HashMap::from([
            ("version".to_owned(), VERSION.to_owned()),
            ("state".to_owned(), serde_json::to_string(&self.state)?),
            ("identity".to_owned(), serde_json::to_string(&self.identity)?),
        ]);
        let mut tensors = vec![("buffers", &self.buffers), ("moments", &self.moments), ("params", &self.params)];
        if let Some((params, buffers)) = &self.average {
            tensors.extend([("average_params", params), ("average_buffers", buffers)]);
        }
        let here = |(name, tensor): (&'static str, &Tensor)| Ok((name, tensor.to_device(&Device::Cpu)?));
        let tensors: candle_core::Result<Vec<(&str, Tensor)>> = tensors.into_iter().map(here).collect();
        let tensors = tensors.map_err(|e| Error::internal("cannot read the numbers of a checkpoint").with_source(e))?;
        safetensors::serialize(tensors, Some(metadata))
            .map_err(|e| Error::internal("cannot serialise the checkpoint").with_source(e))
    }

    /// # Errors
    /// `InvalidInput` when the bytes are not a checkpoint of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |e: safetensors::SafeTensorError| Error::invalid("the file is damaged").with_source(e);
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let metadata = header.metadata().as_ref().ok_or_else(|| Error::invalid("the file holds no run state"))?;
        let field = |name: &str| metadata.get(name).ok_or_else(|| Error::invalid(format!("the file holds no {name}")));
        if field("version")? != VERSION {
            return Err(Error::new(va_error::Code::TooNew, "the file was written by a newer version of VisAIon"));
        }
        let mut tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)
            .map_err(|e| Error::invalid("the file is damaged").with_source(e))?;
        let average = tensors.remove("average_params").zip(tensors.remove("average_buffers"));
        let mut tensor =
            |name: &str| tensors.remove(name).ok_or_else(|| Error::invalid(format!("the file lacks {name}")));
        Ok(Self {
            state: serde_json::from_str(field("state")?).context("the run state is damaged")?,
            identity: serde_json::from_str(field("identity")?).context("the run identity is damaged")?,
            params: tensor("params")?,
            moments: tensor("moments")?,
            buffers: tensor("buffers")?,
            average,
        })
    }
}

/// Writes `bytes` to `dir/name` so that the name has either the old or the whole new content, whatever happens.
pub(super) fn write_atomically(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let temporary = dir.join(format!("{name}.tmp"));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        std::fs::rename(&temporary, dir.join(name))?;
        sync_dir(dir)
    };
    let result = write();
    if result.is_err() {
        // The old checkpoint is untouched; only the unfinished file goes.
        let _ = std::fs::remove_file(&temporary);
    }
    result.with_context(|| format!("cannot write the checkpoint {}; the earlier one is kept", dir.join(name).display()))
}

/// Makes renames in the folder durable. Windows has no such call and needs none.
pub(super) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
