//! Images to batches, on the host's side of the engine boundary: seeded order and augmentation, resize as Pillow does
//! it, prefetching loader. No tensors.
//!
//! Everything random is a pure function of (run seed, epoch, sample index), see [`rng`]: the number of worker threads,
//! the cache and a resume do not change the stream.

mod balance;
mod batch;
mod cache;
mod change;
mod disk_cache;
mod fast_resize;
mod flip_horizontal;
mod flip_vertical;
#[cfg(test)]
mod golden;
mod image;
mod loader;
mod maker;
mod mixup;
mod preprocess;
mod preview;
mod random_resized_crop;
mod recipe;
mod resize;
pub mod rng;
mod source;
mod steps;
mod taps;

pub use batch::{Batch, BatchRequest, Blend, Phase, RunLength, train_steps, val_steps};
pub use change::{Blur, Changes, Color, Cutout, FILL, GREY, Jpeg, Noise, Projection};
pub use fast_resize::Region;
pub use flip_horizontal::FlipHorizontal;
pub use flip_vertical::FlipVertical;
pub use image::RgbImage;
pub use loader::{DiskCacheOptions, Loader, LoaderOptions};
pub use preprocess::{Normaliser, preprocess, standard_preprocessing};
pub use preview::preview;
pub use random_resized_crop::{RandomResizedCrop, Sampler};
pub use recipe::BatchRecipe;
pub use resize::resize_bilinear;
pub use source::{SampleSource, check_training_split, class_counts};
pub use steps::{BatchImage, ImageSteps, WantedImage};
pub use taps::ResizeTaps;
