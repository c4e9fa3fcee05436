//! Batches of images as `gpu/augment.cu` makes them. Bytes are addresses here: a [`Buffer`] holds the numbers of networks.

use candle_core::{Result, bail};

use super::{Buffer, Call, Gpu, Number};
use crate::images::{ImageJob, LineTaps};

const FILE: &str = "augment";

/// Flags of `gpu/augment.cu`.
const WARP: u32 = 1;
const COLOR: u32 = 2;
const CONTRAST: u32 = 4;
const BLUR: u32 = 8;
const NOISE: u32 = 16;
const CUTOUT: u32 = 32;
const FLIP_HORIZONTAL: u32 = 64;
const FLIP_VERTICAL: u32 = 128;

/// A batch whose orders are on the device.
pub(crate) struct Preparation {
    /// `[N, S, S, 3]` bytes.
    images: u64,
    /// N.
    count: usize,
    /// S.
    size: usize,
    jobs: u64,
    tables: u64,
    /// Of the half resized images together.
    between_bytes: u64,
    /// Of the widest crop.
    widest: u32,
    blurred: usize,
    /// Of all images.
    flags: u32,
}

/// What the words of jobs point into.
#[derive(Default)]
struct Tables {
    words: Vec<u32>,
    between_bytes: u64,
    blurred: u32,
}

impl Preparation {
    /// Brings the orders of `jobs`, whose sources lie at `sources`, to the device. They have been checked
    /// ([`ImageJob::check`]) and are good as long as the scratch memory of `gpu`.
    ///
    /// # Errors
    /// When there are more numbers than a kernel counts, or the device fails.
    pub fn upload(gpu: &dyn Gpu, images: u64, size: usize, jobs: &[ImageJob], sources: &[u64]) -> Result<Self> {
        let (mut tables, mut words) = (Tables::default(), Vec::new());
        for (job, &source) in jobs.iter().zip(sources) {
            words.extend(tables.words_of(job, source, size));
        }
        let Ok(_) = u32::try_from(tables.words.len()) else { bail!("the batch has more weights than a kernel counts") };
        Ok(Self {
            images,
            count: jobs.len(),
            size,
            jobs: gpu.upload(&words)?,
            tables: gpu.upload(&tables.words)?,
            between_bytes: tables.between_bytes,
            widest: jobs.iter().map(|job| job.crop[2]).max().unwrap_or(0),
            blurred: tables.blurred as usize,
            flags: jobs.iter().fold(0, |flags, job| flags | flags_of(job)),
        })
    }

    /// Makes the images; the sources are there when the device comes so far.
    ///
    /// # Errors
    /// When the device fails.
    pub fn run(&self, gpu: &dyn Gpu) -> Result<()> {
        let image = self.size * self.size * 3;
        let between = bytes(gpu, self.between_bytes as usize)?;
        let row = self.size * self.widest as usize * 3;
        self.call("resize_columns", row)
            .pointer(between)
            .pointer(self.jobs)
            .pointer(self.tables)
            .count(self.size)
            .run(gpu)?;
        let resized = if self.flags & WARP == 0 { self.images } else { bytes(gpu, self.count * image)? };
        let call = self.call("resize_rows", image).pointer(resized).pointer(between);
        call.pointer(self.jobs).pointer(self.tables).count(self.size).run(gpu)?;
        if self.flags & WARP != 0 {
            let call = self.call("warp", self.size * self.size).pointer(self.images).pointer(resized);
            call.pointer(self.jobs).count(self.size).run(gpu)?;
        }
        self.change(gpu)
    }

    /// Everything after the geometry.
    fn change(&self, gpu: &dyn Gpu) -> Result<()> {
        let pixels = self.size * self.size;
        if self.flags & COLOR != 0 {
            let totals = gpu.scratch(Number::F64, self.count * 3)?.address;
            if self.flags & CONTRAST != 0 {
                let call = Call::by_row(FILE, "channel_totals", Number::F32, self.count).pointer(totals);
                call.pointer(self.images).pointer(self.jobs).count(pixels).run(gpu)?;
            }
            let call = self.call("recolor", pixels).pointer(self.images).pointer(totals);
            call.pointer(self.jobs).count(pixels).run(gpu)?;
        }
        if self.flags & BLUR != 0 {
            let half = gpu.scratch(Number::F32, self.blurred * pixels * 3)?.address;
            let call = self.call("blur_rows", pixels * 3).pointer(half).pointer(self.images);
            call.pointer(self.jobs).pointer(self.tables).count(self.size).run(gpu)?;
            let call = self.call("blur_columns", pixels * 3).pointer(self.images).pointer(half);
            call.pointer(self.jobs).pointer(self.tables).count(self.size).run(gpu)?;
        }
        if self.flags & NOISE != 0 {
            let call = self.call("noise", pixels * 3).pointer(self.images);
            call.pointer(self.jobs).count(pixels * 3).run(gpu)?;
        }
        if self.flags & CUTOUT != 0 {
            self.call("cutout", pixels).pointer(self.images).pointer(self.jobs).count(self.size).run(gpu)?;
        }
        Ok(())
    }

    /// One thread for each of `len` elements of each image.
    fn call(&self, kernel: &'static str, len: usize) -> Call {
        Call::over_each(FILE, kernel, Number::F32, len, self.count)
    }
}

/// Scratch memory for so many bytes; its address.
fn bytes(gpu: &dyn Gpu, len: usize) -> Result<u64> {
    Ok(gpu.scratch(Number::F32, len.div_ceil(4))?.address)
}

/// Writes the images from `start` on into `y`, `[M, S, S, 3]`, normalised by `table`, `[3, 256]` in f32, each blended by its
/// share with another of the `count` images of the batch.
///
/// # Errors
/// When an image is asked for that is not there, or the device fails.
pub(crate) fn normalise(
    gpu: &dyn Gpu,
    y: Buffer,
    [images, table]: [u64; 2],
    [count, start]: [usize; 2],
    blends: &[(u32, f32)],
) -> Result<()> {
    let Some(image) = y.len.checked_div(blends.len()).filter(|image| image * blends.len() == y.len) else {
        bail!("{} numbers are no {} images", y.len, blends.len())
    };
    if start + blends.len() > count || blends.iter().any(|&(other, _)| other as usize >= count) {
        bail!("images were asked for that the batch of {count} has not")
    }
    let words: Vec<u32> = blends.iter().flat_map(|&(other, share)| [other, share.to_bits()]).collect();
    let call = Call::over(FILE, "normalise", Number::F32, y.len).real(y).pointer(images).pointer(table);
    call.pointer(gpu.upload(&words)?).count(start).count(image).count(y.len).run(gpu)
}

fn flags_of(job: &ImageJob) -> u32 {
    let flag = |happens: bool, flag: u32| if happens { flag } else { 0 };
    flag(job.projection.is_some(), WARP)
        | flag(job.color.is_some(), COLOR)
        | flag(job.color.is_some_and(|color| color.contrast.is_some()), CONTRAST)
        | flag(!job.blur.is_empty(), BLUR)
        | flag(job.noise.is_some(), NOISE)
        | flag(job.cutout.is_some(), CUTOUT)
        | flag(job.flips[0], FLIP_HORIZONTAL)
        | flag(job.flips[1], FLIP_VERTICAL)
}

fn long(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

impl Tables {
    /// `struct Job` of `gpu/augment.cu`.
    fn words_of(&mut self, job: &ImageJob, source: u64, size: usize) -> Vec<u32> {
        let between = self.between_bytes;
        self.between_bytes += size as u64 * u64::from(job.crop[2]) * 3;
        let noise = job.noise.map_or([0; 2], |noise| [noise.key, noise.first]);
        let mut words: Vec<u32> = [source, between, noise[0], noise[1]].into_iter().flat_map(long).collect();
        let projection = job.projection.unwrap_or_default();
        let contrast = job.color.and_then(|color| color.contrast).unwrap_or_default();
        let doubles = projection.as_flattened().iter().chain(&contrast);
        words.extend(doubles.flat_map(|value| long(value.to_bits())));
        let matrix = job.color.map_or([[0.0; 3]; 3], |color| color.matrix);
        words.extend(matrix.as_flattened().iter().map(|value| value.to_bits()));
        words.push(job.noise.map_or(0.0, |noise| noise.deviation).to_bits());
        words.extend([job.size[0], job.crop[0], job.crop[1], job.crop[2]]);
        let [columns, rows] = &job.taps;
        words.extend(self.add_taps(columns));
        words.extend(self.add_taps(rows));
        words.extend([flags_of(job), self.words.len() as u32, job.blur.len().saturating_sub(1) as u32, self.blurred]);
        self.words.extend(job.blur.iter().map(|weight| weight.to_bits()));
        self.blurred += u32::from(!job.blur.is_empty());
        words.extend(job.cutout.unwrap_or_default());
        words
    }

    /// Place, words a position, bits behind the point.
    fn add_taps(&mut self, taps: &LineTaps) -> [u32; 3] {
        let (place, most) = (self.words.len() as u32, taps.weights.iter().map(Vec::len).max().unwrap_or(0));
        let step = 2 + most.div_ceil(2);
        for (&start, weights) in taps.starts.iter().zip(&taps.weights) {
            let end = self.words.len() + step;
            self.words.extend([start, weights.len() as u32]);
            let halves =
                |pair: &[i16]| u32::from(pair[0] as u16) | u32::from(pair.get(1).map_or(0, |&w| w as u16)) << 16;
            self.words.extend(weights.chunks(2).map(halves));
            self.words.resize(end, 0);
        }
        [place, step as u32, taps.precision]
    }
}

impl ImageJob {
    /// Refuses what would read beyond the source.
    ///
    /// # Errors
    /// `InvalidInput`.
    pub(crate) fn check(&self, size: usize) -> va_error::Result<()> {
        let [x, y, width, height] = self.crop;
        let inside = |at: u32, len: u32, whole: u32| len > 0 && at.checked_add(len).is_some_and(|end| end <= whole);
        let fits = inside(x, width, self.size[0]) && inside(y, height, self.size[1]);
        let [columns, rows] = &self.taps;
        if fits && columns.fit(height, size) && rows.fit(width, size) {
            return Ok(());
        }
        Err(va_error::Error::invalid(format!(
            "an image of {:?} pixels cannot be cut at {:?} and resized to {size} px as asked",
            self.size, self.crop
        )))
    }

    /// Of its source.
    pub(crate) fn bytes(&self) -> usize {
        self.size[0] as usize * self.size[1] as usize * 3
    }
}

impl LineTaps {
    fn fit(&self, from: u32, to: usize) -> bool {
        let ends = self.starts.iter().zip(&self.weights).map(|(&start, weights)| start as usize + weights.len());
        self.starts.len() == to
            && self.weights.len() == to
            && (1..=22).contains(&self.precision)
            && ends.max().is_some_and(|end| end <= from as usize)
    }
}
