use va_domain::{Task, TrainSettings};
use va_error::{Error, Result};
use va_exec::{Backend, Network, Precision};

use crate::checkpoint::{CheckpointFolder, Identity, Machine};
use crate::learner::Learner;
use crate::learning_task::learning_task;
use crate::optimiser::head;
use crate::run::{Run, Trained};
use crate::stage::{Stage, stage};
use crate::{TrainHost, TrainJob};

/// Trains a classifier of the zoo's `job.settings.arch`; see [`train_graph`].
///
/// # Errors
/// As [`train_graph`]; also when the architecture is unknown.
pub fn train(job: &TrainJob, host: &mut dyn TrainHost, engine_version: &str) -> Result<Trained> {
    let settings = &job.settings;
    let graph = va_zoo::build(&settings.arch, job.classes.len(), settings.image_size_px as usize, 3)?;
    train_graph(graph, job, host, engine_version)
}

/// Trains any graph from `[S, S, 3]` to one logit a class, by the recipe in this crate's documentation.
///
/// # Errors
/// `InvalidInput` for settings, splits or checkpoints that cannot be used, `Conflict` when the checkpoints are of
/// another run, `NotFinite` when a number stops being one, `DiskFull` and `Io` when a checkpoint cannot be written,
/// and what the host reports. The last good checkpoint stays in every case.
pub fn train_graph(
    graph: va_graph::Graph,
    job: &TrainJob,
    host: &mut dyn TrainHost,
    engine_version: &str,
) -> Result<Trained> {
    check(&graph, job)?;
    let net = new_network(graph, &job.settings)?;
    let stage = stage(&net, job)?;
    train_network(net, job, host, engine_version, stage)
}

/// As [`train_graph`] with images prepared by this stage.
#[cfg(test)]
pub(crate) fn train_graph_with(
    graph: va_graph::Graph,
    job: &TrainJob,
    host: &mut dyn TrainHost,
    engine_version: &str,
    stage: Option<Box<dyn Stage>>,
) -> Result<Trained> {
    check(&graph, job)?;
    train_network(new_network(graph, &job.settings)?, job, host, engine_version, stage)
}

fn train_network(
    mut net: Network,
    job: &TrainJob,
    host: &mut dyn TrainHost,
    engine_version: &str,
    stage: Option<Box<dyn Stage>>,
) -> Result<Trained> {
    let settings = &job.settings;
    let checkpoints = CheckpointFolder::open(&job.checkpoint_dir)?;
    if !job.resume {
        checkpoints.clear()?;
    }
    net.init(settings.seed)?;
    let identity = identity(job, Machine::here(&net, engine_version))?;
    let task = learning_task(job)?;
    let mut learner = Learner::new(net, task, settings)?;
    learner.begin_average(settings.ema_decay)?;
    let mut run = Run::new(job, host, learner, checkpoints, identity, stage)?;
    let goes_on = job.resume && run.resume()?;
    if let Some(weights) = job.initial_weights.as_ref().filter(|_| !goes_on) {
        run.start_from(weights)?;
    }
    run.choose_micro_batch(job);
    run.finish()
}

/// The network that a run with these settings trains at its greediest, its numbers not initialised.
///
/// # Errors
/// When memory runs out.
pub fn new_network(graph: va_graph::Graph, settings: &TrainSettings) -> Result<Network> {
    let precision = match settings.precision {
        va_domain::Precision::F32 => Precision::F32,
        va_domain::Precision::Bf16 => Precision::Bf16,
    };
    let mut net = Network::with(graph, precision, Backend::default())?;
    net.recompute_activations(settings.activation_checkpointing);
    if settings.freeze_backbone_epochs >= settings.epochs || settings.backbone_rate_factor == 0.0 {
        let head = head(net.graph()).into_iter().collect();
        net.train_only(Some(head));
    }
    Ok(net)
}

fn check(graph: &va_graph::Graph, job: &TrainJob) -> Result<()> {
    job.settings.check()?;
    if job.train_len == 0 {
        return Err(Error::invalid("the training split is empty: assign labelled samples to it, then start again"));
    }
    if job.classes.len() < job.task.min_classes() {
        return Err(Error::invalid(match job.task {
            Task::Classification => "a classifier needs at least two classes",
            Task::MultilabelClassification => "a multi-label classifier needs at least one class",
        }));
    }
    let size = job.settings.image_size_px as usize;
    if job.preprocessing.image_size_px as usize != size {
        return Err(Error::invalid(format!(
            "the images are prepared at {} px, but the network takes {size} px",
            job.preprocessing.image_size_px
        )));
    }
    if graph.input_shape() != [size, size, 3] || graph.output_shape() != [job.classes.len()] {
        return Err(Error::invalid(format!(
            "the network goes from {:?} to {:?}; the run needs [{size}, {size}, 3] to [{}]",
            graph.input_shape(),
            graph.output_shape(),
            job.classes.len()
        )));
    }
    Ok(())
}

fn identity(job: &TrainJob, machine: Machine) -> Result<Identity> {
    let parts = (&job.settings, &job.classes, job.train_len, job.val_len, &job.class_counts, &job.preprocessing);
    let mut text = serde_json::to_vec(&parts)?;
    // Checkpoints from before there was another task keep their identity.
    if job.task != Task::Classification {
        text.extend(serde_json::to_vec(&job.task)?);
    }
    Ok(Identity { job: blake3::hash(&text).to_hex().to_string(), machine })
}
