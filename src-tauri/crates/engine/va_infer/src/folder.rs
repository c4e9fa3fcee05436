//! The model folder: `weights.safetensors` (PyTorch layout, timm names) and `model.json`. What is read here may come
//! from anywhere: nothing is trusted, nothing panics.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use candle_core::Device;
use va_domain::{Preprocessing, Task};
use va_error::{Code, Context, Error, Result};
use va_exec::NamedTensors;
use va_graph::Graph;

use crate::{MODEL_CARD_VERSION, ModelCard};

const WEIGHTS: &str = "weights.safetensors";
const CARD: &str = "model.json";
/// Larger files are not descriptions of models.
const MAX_CARD_BYTES: u64 = 64 << 20;
/// Sum of all values of one image; networks of the zoo stay far below at 1,024 px.
const MAX_ACTIVATION_BYTES: u64 = 16 << 30;

/// A model read from its folder and checked: card, graph and weights fit together.
#[derive(Debug)]
pub struct ModelFolder {
    pub card: ModelCard,
    pub graph: Graph,
    pub weights: NamedTensors,
}

/// What [`write_model`] needs to know beside graph and weights.
#[derive(Debug, Clone)]
pub struct NewModel<'a> {
    pub task: Task,
    pub arch: &'a str,
    pub classes: &'a [String],
    pub preprocessing: &'a Preprocessing,
    pub engine_version: &'a str,
}

/// Writes the folder under a temporary name beside `dir`, syncs it and renames it; returns its card.
///
/// # Errors
/// `Conflict` when `dir` exists and is not empty; `DiskFull` or `Io` when writing fails, nothing is left then.
pub fn write_model(dir: &Path, model: &NewModel<'_>, graph: &Graph, weights: &NamedTensors) -> Result<ModelCard> {
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::conflict(format!("the model folder {} is not empty", dir.display())));
    }
    let bytes = safetensors::serialize(weights.iter(), None)
        .map_err(|e| Error::internal("cannot serialise the weights").with_source(e))?;
    let card = ModelCard {
        version: ModelCard::version_of(model.task),
        task: model.task,
        arch: model.arch.to_owned(),
        classes: model.classes.to_vec(),
        preprocessing: model.preprocessing.clone(),
        engine_version: model.engine_version.to_owned(),
        weights_hash: blake3::hash(&bytes).to_hex().to_string(),
        graph: serde_json::from_str(&graph.to_json())?,
    };
    let mut name = dir.file_name().ok_or_else(|| Error::invalid("the model folder has no name"))?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = dir.with_file_name(name);
    let written = write_folder(&temporary, dir, &bytes, &serde_json::to_vec_pretty(&card)?);
    if written.is_err() {
        // Best effort: the error that is reported is the first one.
        let _ = std::fs::remove_dir_all(&temporary);
    }
    written.with_context(|| format!("cannot write the model to {}; nothing was left there", dir.display()))?;
    Ok(card)
}

fn write_folder(temporary: &Path, dir: &Path, weights: &[u8], card: &[u8]) -> std::io::Result<()> {
    if temporary.exists() {
        std::fs::remove_dir_all(temporary)?;
    }
    std::fs::create_dir_all(temporary)?;
    for (name, bytes) in [(WEIGHTS, weights), (CARD, card)] {
        let mut file = File::create(temporary.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    sync_dir(temporary)?;
    if dir.exists() {
        std::fs::remove_dir(dir)?;
    }
    std::fs::rename(temporary, dir)?;
    dir.parent().map_or(Ok(()), sync_dir)
}

/// Makes renames in the folder durable; Windows has no such call and needs none.
pub(crate) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// The network of a model folder, without its weights.
///
/// # Errors
/// As [`ModelFolder::read`].
pub fn read_network(dir: &Path) -> Result<Graph> {
    let read = || read_description(dir).map(|(_, graph)| graph);
    read().with_context(|| format!("the model in {} cannot be used", dir.display()))
}

fn read_description(dir: &Path) -> Result<(ModelCard, Graph)> {
    let card = read_card(&dir.join(CARD))?;
    let graph = Graph::from_json(&card.graph.to_string())?;
    check_card(&card, &graph)?;
    Ok((card, graph))
}

impl ModelFolder {
    /// Reads and checks a model folder.
    ///
    /// # Errors
    /// `NotFound` when a file is missing, `TooNew` when a newer VisAIon wrote it, `TooLarge` beyond what a machine
    /// runs, `InvalidInput` or `NotFinite` when a file is damaged or the parts do not fit together.
    pub fn read(dir: &Path) -> Result<Self> {
        Self::read_parts(dir).with_context(|| format!("the model in {} cannot be used", dir.display()))
    }

    fn read_parts(dir: &Path) -> Result<Self> {
        let (card, graph) = read_description(dir)?;
        let weights = read_weights(&dir.join(WEIGHTS), &card)?;
        check_weights(&graph, &weights)?;
        Ok(Self { card, graph, weights })
    }
}

fn read_card(path: &PathBuf) -> Result<ModelCard> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    if size > MAX_CARD_BYTES {
        return Err(Error::new(Code::TooLarge, format!("{CARD} has {size} bytes; it is not a model description")));
    }
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let value: serde_json::Value = serde_json::from_slice(&text).with_context(|| format!("{CARD} is damaged"))?;
    let version = value["version"].as_u64().ok_or_else(|| Error::invalid(format!("{CARD} names no version")))?;
    if version > u64::from(MODEL_CARD_VERSION) {
        return Err(Error::new(
            Code::TooNew,
            format!(
                "it was written by a newer version of VisAIon (format {version}, this one reads up to \
                 {MODEL_CARD_VERSION}); update VisAIon to open it"
            ),
        ));
    }
    serde_json::from_value(value).with_context(|| format!("{CARD} is damaged"))
}

fn check_card(card: &ModelCard, graph: &Graph) -> Result<()> {
    let size = card.preprocessing.image_size_px as usize;
    if graph.input_shape() != [size, size, 3] {
        return Err(Error::invalid(format!(
            "the images are prepared at {size}×{size} px, but the network takes {:?}",
            graph.input_shape()
        )));
    }
    if graph.output_shape() != [card.classes.len()] {
        return Err(Error::invalid(format!(
            "there are {} classes, but the network gives {:?} numbers",
            card.classes.len(),
            graph.output_shape()
        )));
    }
    let bytes = graph.cost().activation_bytes;
    if bytes > MAX_ACTIVATION_BYTES {
        return Err(Error::new(Code::TooLarge, format!("one image would need {bytes} bytes of memory")));
    }
    va_dataset::Normaliser::new(&card.preprocessing).map(|_| ())
}

fn read_weights(path: &Path, card: &ModelCard) -> Result<NamedTensors> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if blake3::hash(&bytes).to_hex().as_str() != card.weights_hash {
        return Err(Error::invalid(format!("{WEIGHTS} is damaged or not complete: its hash is not the one in {CARD}")));
    }
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
        .map_err(|e| Error::invalid(format!("{WEIGHTS} is damaged")).with_source(e))?;
    Ok(tensors.into_iter().collect())
}

/// Every tensor of the graph is there in its shape. This also bounds what is allocated next by what was in the file.
fn check_weights(graph: &Graph, weights: &NamedTensors) -> Result<()> {
    let params = graph.params().into_iter().map(|spec| (spec.name, spec.shape));
    for (name, shape) in params.chain(graph.buffers().into_iter().map(|spec| (spec.name, spec.shape))) {
        match weights.get(&name) {
            None => return Err(Error::invalid(format!("the weights lack `{name}`"))),
            Some(tensor) if tensor.dims() != shape => {
                return Err(Error::invalid(format!(
                    "`{name}` has shape {:?} in the weights, the network needs {shape:?}",
                    tensor.dims()
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
