//! Training: the loop only computes and emits events; batches come from the host.
//!
//! # The recipe
//! The same images, settings, seed and initial weights give the same weights; `tests/parity/peers/train_classifier.py`
//! is this recipe in PyTorch.
//!
//! | part | what |
//! |---|---|
//! | initial weights | `job.initial_weights`, or the zoo's initialisation from the run seed (`va_exec`'s counter-based generator) |
//! | order | every epoch a permutation from (seed, epoch), see `va_dataset::rng`; whole batches only (`va_dataset::train_steps`): the remainder is left out that epoch |
//! | images | `va_dataset::BatchRecipe`: reduce, random resized crop, flips, resize by Pillow's bilinear with antialias, normalise; all from (seed, epoch, sample index) |
//! | loss | softmax cross-entropy, mean over the batch, label smoothing spread over all classes (PyTorch's definition) |
//! | gradient | its norm over all parameters clipped to `clip_norm` by `max / (norm + 1e-6)` |
//! | optimiser | AdamW, β = (0.9, 0.999), ε = 1e-8, decoupled decay on parameters of two or more dimensions only; bias correction by the run's step |
//! | learning rate | [`CosineSchedule`], set every step |
//! | batch norm | batch statistics in training, running statistics with momentum 0.1 (unbiased variance) in evaluation |
//! | validation | after every epoch: resize and normalise only, every sample once, loss without smoothing |
//! | model | the epoch with the lowest validation loss; without a validation split the last one |
//!
//! All randomness is a function of position, so a checkpoint needs the position and the numbers only: 4 epochs equal
//! 2 epochs, resume, 2 epochs, bit for bit on the same instruction set.

mod checkpoint;
mod classification;
mod event;
mod host;
mod job;
mod learner;
mod pretrained;
mod run;
mod schedule;
mod state;
mod train;

pub use event::{CheckpointKind, Ending, EpochMetrics, TrainEvent, ValMetrics};
pub use host::{Stop, TrainHost};
pub use job::{TrainJob, TrainOutcome};
pub use pretrained::load_pretrained;
pub use run::Trained;
pub use schedule::CosineSchedule;
pub use train::{train, train_graph};
