//! A batch's images in the words of `va_exec`, which knows of bytes only.

use std::collections::HashMap;
use std::sync::Arc;

use va_dataset::{BatchImage, Cutout, ResizeTaps};
use va_exec::images::{ColorJob, ImageJob, LineTaps, NoiseJob};

/// Makes the jobs of a run; the weights of a resize are worked out once a length.
pub struct ImageJobs {
    size_px: u32,
    taps: HashMap<u32, Arc<LineTaps>>,
}

impl ImageJobs {
    /// For images that become squares of this size.
    pub fn new(size_px: u32) -> Self {
        Self { size_px, taps: HashMap::new() }
    }

    /// What makes the training image of this one.
    pub fn of(&mut self, image: &BatchImage) -> ImageJob {
        let (steps, changes) = (&image.steps, &image.steps.changes);
        let crop = steps.crop;
        let noise = |noise: &va_dataset::Noise| {
            let [key, first] = noise.draws.position();
            NoiseJob { key, first, deviation: noise.deviation }
        };
        let cutout = |Cutout { columns, rows }| [columns[0], columns[1], rows[0], rows[1]];
        ImageJob {
            size: image.size_px,
            number: image.number,
            crop: [crop.x, crop.y, crop.width, crop.height],
            taps: [self.taps_from(crop.height), self.taps_from(crop.width)],
            flips: [steps.flip_horizontal, steps.flip_vertical],
            projection: changes.projection.map(|projection| projection.0),
            color: changes.color.map(|color| ColorJob { matrix: color.matrix, contrast: color.contrast }),
            blur: changes.blur.map(|blur| blur.half_kernel()).unwrap_or_default(),
            noise: changes.noise.as_ref().map(noise),
            cutout: changes.cutout.map(cutout),
        }
    }

    fn taps_from(&mut self, from: u32) -> Arc<LineTaps> {
        let to = self.size_px;
        let make = || {
            let ResizeTaps { starts, weights, precision } = ResizeTaps::new(from, to);
            Arc::new(LineTaps { starts, weights, precision })
        };
        Arc::clone(self.taps.entry(from).or_insert_with(make))
    }
}
