//! Images that are prepared where the network computes: stored there, cropped, resized, changed, normalised and blended. This
//! crate is told what to do to which bytes; what it is good for, its callers know.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;
use va_error::Result;

use crate::backend::Backend;

/// Batches that are there at a time: one that the network reads, one that is being made.
pub const IMAGE_SLOTS: usize = 2;

/// What makes one `[S, S, 3]` image of a batch, in the order of the fields.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageJob {
    /// Width and height of its source, `[height, width, 3]` bytes.
    pub size: [u32; 2],
    /// Sources of one number are the same bytes, always; None: these come once.
    pub number: Option<u64>,
    /// x, y, width and height of the part that is resized to S × S.
    pub crop: [u32; 4],
    /// Down the columns of the part, then along its rows.
    pub taps: [Arc<LineTaps>; 2],
    /// Left and right, top and bottom.
    pub flips: [bool; 2],
    /// From the place of an output pixel to the place that it shows, px from the centre, both homogeneous.
    pub projection: Option<[[f64; 3]; 3]>,
    pub color: Option<ColorJob>,
    /// Weights of a symmetric blur from its centre on; empty for none.
    pub blur: Vec<f32>,
    pub noise: Option<NoiseJob>,
    /// Left, right, top and bottom of what is covered, half open.
    pub cutout: Option<[u32; 4]>,
}

/// One line to another in fixed point: position `i` is `Σ weights[i][k] · line[starts[i] + k]`, rounded, with so many bits
/// behind the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineTaps {
    pub starts: Vec<u32>,
    pub weights: Vec<Vec<i16>>,
    pub precision: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorJob {
    pub matrix: [[f32; 3]; 3],
    /// What the mean grey is multiplied with for the level that is added.
    pub contrast: Option<[f64; 2]>,
}

/// Draw `i` of value `i`: SplitMix64's finaliser of `key ^ (first + i)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseJob {
    pub key: u64,
    pub first: u64,
    /// Levels of 255.
    pub deviation: f32,
}

/// A source that is wanted: its place in the batch, and whether it is kept.
pub type Wanted = (usize, bool);

/// Writes the bytes of wanted sources one after the other.
pub type CopySources<'a> = dyn FnMut(&[Wanted], &mut [u8]) -> Result<()> + 'a;

/// What prepares images. Nothing waits for it but who reads a batch.
pub trait ImageCard {
    /// Begins to make the images of a batch in `slot`, whose last batch was read by all that was asked of the network so
    /// far. `copy` is called at most once.
    ///
    /// # Errors
    /// `InvalidInput` when a job does not fit its source, `TooLarge` when memory runs out, what `copy` says. The slot then
    /// has no batch.
    fn begin(&mut self, slot: usize, jobs: &[ImageJob], copy: &mut CopySources<'_>) -> Result<()>;

    /// `[M, S, S, 3]` in f32 on the network's device: the images `range` of the batch in `slot`, each blended with another
    /// of the batch (or with itself) by its share.
    ///
    /// # Errors
    /// `InvalidInput` when there are no such images.
    fn input(&self, slot: usize, range: Range<usize>, blends: &[(u32, f32)]) -> Result<Tensor>;

    /// Gives up the sources that are kept, and keeps none from now on: the network needs the memory. Batches that were begun
    /// stay. False where none was kept.
    ///
    /// # Errors
    /// When the device fails.
    fn give_up_kept(&mut self) -> Result<bool>;
}

/// What an [`ImageCard`] is for.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageCardOptions {
    /// S.
    pub size: usize,
    /// `[3, 256]`: what each value of each channel becomes.
    pub table: Vec<f32>,
    /// Memory for sources that are kept.
    pub kept_bytes: u64,
}

/// The one of this back end; None where images are better prepared before.
///
/// # Errors
/// When the device fails.
pub fn image_card(backend: Backend, options: &ImageCardOptions) -> Result<Option<Box<dyn ImageCard>>> {
    #[cfg(feature = "cuda")]
    if backend == Backend::Cuda {
        return Ok(Some(Box::new(crate::device::cuda::images(options)?)));
    }
    // Programs without a card have nothing to choose.
    let _ = (backend, options);
    Ok(None)
}
