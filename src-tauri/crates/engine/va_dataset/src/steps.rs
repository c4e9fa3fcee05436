use serde::{Deserialize, Serialize};

use crate::change::Changes;
use crate::fast_resize::Region;

/// Everything random about one look at a sample, drawn: what makes the training image from the reduced one. Where it is
/// done, on the host or on a GPU, is not part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageSteps {
    /// Resized to the input size; with that very size already, only cut out.
    pub crop: Region,
    pub flip_horizontal: bool,
    pub flip_vertical: bool,
    pub changes: Changes,
}

impl ImageSteps {
    /// Leaves an image of this width and height, which is the input size, alone.
    pub fn none(size_px: [u32; 2]) -> Self {
        let crop = Region::whole(size_px);
        Self { crop, flip_horizontal: false, flip_vertical: false, changes: Changes::default() }
    }
}

/// An image of a batch that the engine itself prepares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchImage {
    /// Width and height of the pixels to be copied.
    pub size_px: [u32; 2],
    /// Images of one number are the same to the last pixel as long as the run goes on; None: these come only once.
    pub number: Option<u64>,
    pub steps: ImageSteps,
}

impl BatchImage {
    /// Bytes of its pixels, `[height, width, 3]`.
    pub fn bytes(&self) -> usize {
        self.size_px[0] as usize * self.size_px[1] as usize * 3
    }
}

/// An image whose pixels the engine asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedImage {
    /// Its place in the batch.
    pub place: usize,
    /// The engine keeps it, so that it will hardly be asked for again.
    pub is_kept: bool,
}
