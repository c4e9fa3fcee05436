//! Training: the loop only computes and emits events; batches come from the host.
//!
//! # The recipe
//! The same images, settings, seed and initial weights give the same weights; `tests/parity/peers/train_classifier.py`
//! is this recipe in PyTorch.
//!
//! | part | what |
//! |---|---|
//! | initial weights | `job.initial_weights`, what they lack (the last layer, for other classes) and everything without them from the zoo's initialisation from the run seed (`va_exec`'s counter-based generator) |
//! | order | every epoch a permutation from (seed, epoch), or the same number of visits to every class (`ClassBalance::Sampling`), see `va_dataset::rng` and `va_dataset::balance`; whole batches only (`va_dataset::train_steps`): the remainder is left out that epoch |
//! | images | `va_dataset::BatchRecipe`: reduce, random resized crop, flips, changes, bilinear resize with antialias, normalise, mixup; all from (seed, epoch, sample index), on the host or, the same bits, where a GPU computes |
//! | precision | f32, or bf16 between layers with f32 weights, gradients of weights, sums and statistics; validation in f32 |
//! | memory | activations kept, or dropped and computed again (`activation_checkpointing`): the same bits |
//! | loss | softmax cross-entropy, mean over the batch, label smoothing spread over all classes, class weights (PyTorch's definitions), blended targets; multi-label: binary cross-entropy of the logits, mean over samples and classes, smoothing towards one half, weights of positive samples |
//! | gradient | of micro-batches added up to the batch; its norm over all parameters clipped to `clip_norm` by `max / (norm + 1e-6)` |
//! | optimiser | AdamW, β = (0.9, 0.999), ε = 1e-8, decoupled decay, bias correction by the run's step; or SGD with Nesterov's momentum, decay in the gradient; decay on parameters of two or more dimensions only; a rate of its own for all but the last layer |
//! | learning rate | [`Schedule`], set every step |
//! | frozen backbone | in the first epochs only the last layer has gradients and moves, and the norm to clip is its alone; the rest begins its optimiser afterwards; batch norms normalise by the batch and their running statistics go on |
//! | average | exponential, of weights and running statistics, its decay warmed up; it is what is validated and exported |
//! | batch norm | statistics of the micro-batch in training, running statistics with momentum 0.1 (unbiased variance) in evaluation |
//! | validation | after every epoch: resize and normalise only, every sample once, loss without smoothing |
//! | model | the epoch with the lowest validation loss; without a validation split the last one |
//!
//! All randomness is a function of position, so a checkpoint needs the position and the numbers only: 4 epochs equal
//! 2 epochs, resume, 2 epochs, bit for bit on the same instruction set.

#[cfg(test)]
extern crate self as va_train;

mod average;
mod checkpoint;
mod classification;
mod diagnose;
mod event;
mod feed;
mod host;
mod image_job;
mod job;
mod kept;
mod learner;
mod learning_task;
mod micro_batch;
mod multilabel;
mod optimiser;
mod pretrained;
mod probe;
mod run;
#[cfg(test)]
mod run_tests;
mod schedule;
mod stage;
mod state;
mod train;
mod validate;

pub use event::{CheckpointKind, Ending, EpochMetrics, TrainEvent, ValMetrics};
pub use host::{Stop, TrainHost};
pub use image_job::ImageJobs;
pub use job::{TrainJob, TrainOutcome};
pub use pretrained::{StartWeights, load_pretrained, weights_report};
pub use probe::{StepSeconds, measure_step};
pub use run::Trained;
pub use schedule::Schedule;
pub use train::{new_network, train, train_graph};
