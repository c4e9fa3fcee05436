//! Images to batches, on the host's side of the engine boundary: seeded order and augmentation, resize as Pillow does
//! it, prefetching loader. No tensors.
//!
//! Everything random is a pure function of (run seed, epoch, sample index), see [`rng`]: the number of worker threads,
//! the cache and a resume do not change the stream.

mod batch;
mod image;
mod source;

pub use batch::{Batch, BatchRequest, Phase, train_steps, val_steps};
pub use image::RgbImage;
pub use source::{SampleSource, check_training_split, class_counts};
