//! Images that a network can tell apart: some in memory, some as JPEG files on a disk.

use std::path::{Path, PathBuf};
use std::thread;

use va_engine::{RgbImage, SampleSource};
use va_error::{Context, Error, Result};
use va_media::Limits;

/// Two classes, told by the colour that is strongest.
const CLASSES: usize = 2;
const JPEG_QUALITY: u8 = 90;

/// Soft shapes and grain, as a camera gives them: `[height, width, 3]` bytes.
fn picture(width: u32, height: u32, number: usize) -> Vec<u8> {
    let mut state = (number as u32).wrapping_mul(2_654_435_761) | 1;
    let phases = [0.0, 1.1, 2.2].map(|phase| phase + number as f32);
    let across: Vec<[f32; 3]> = (0..width).map(|x| phases.map(|phase| (x as f32 * 0.023 + phase).sin())).collect();
    let mut of_class = [0.0; 3];
    of_class[number % CLASSES] = 50.0;
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        let down = phases.map(|phase| (y as f32 * 0.031 - phase).cos());
        for across in &across {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let grain = (state >> 27) as f32;
            for channel in 0..3 {
                let wave = 60.0 * across[channel] * down[channel];
                pixels.push((70.0 + wave + grain + of_class[channel]).clamp(0.0, 255.0) as u8);
            }
        }
    }
    pixels
}

/// So many images in memory, of two sizes.
pub struct Pictures {
    pub len: usize,
    pub size_px: u32,
}

impl SampleSource for Pictures {
    fn len(&self) -> usize {
        self.len
    }

    fn class_idx(&self, index: usize) -> u32 {
        (index % CLASSES) as u32
    }

    fn key(&self, index: usize) -> String {
        format!("picture-{index}")
    }

    fn load(&self, index: usize) -> Result<RgbImage> {
        let (width, height) = (self.size_px + 8 * (index as u32 % 2), self.size_px);
        RgbImage::new(width, height, picture(width, height, index))
    }
}

/// JPEG files, decoded as the application decodes them.
pub struct Photographs {
    files: Vec<PathBuf>,
    size_px: [u32; 2],
    /// Samples that share a file.
    repeats: usize,
}

impl Photographs {
    /// Writes so many files into `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(folder: &Path, count: usize, size_px: [u32; 2]) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let [width_px, height_px] = size_px;
        let write = |number: usize| -> Result<PathBuf> {
            let pixels = picture(width_px, height_px, number);
            let bytes = va_media::encode_jpeg(&va_media::RgbImage { width_px, height_px, pixels }, JPEG_QUALITY)?;
            let path = folder.join(format!("photograph-{number}.jpg"));
            std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        };
        let files = on_all_cores(count, &write)?;
        Ok(Self { files, size_px, repeats: 1 })
    }

    /// Each file so many times over, as so many samples.
    pub fn repeated(&self, repeats: usize) -> Self {
        Self { files: self.files.clone(), size_px: self.size_px, repeats }
    }
}

/// What is made of each number, in order.
fn on_all_cores<T: Send>(count: usize, make: &(dyn Fn(usize) -> Result<T> + Sync)) -> Result<Vec<T>> {
    let each = count.div_ceil(thread::available_parallelism().map_or(1, usize::from)).max(1);
    let parts = thread::scope(|scope| {
        let begun: Vec<_> = (0..count)
            .step_by(each)
            .map(|first| scope.spawn(move || (first..count.min(first + each)).map(make).collect::<Result<Vec<T>>>()))
            .collect();
        let panicked = |_| Err(Error::internal("a thread panicked"));
        begun.into_iter().map(|part| part.join().unwrap_or_else(panicked)).collect::<Result<Vec<_>>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

impl SampleSource for Photographs {
    fn len(&self) -> usize {
        self.files.len() * self.repeats
    }

    fn class_idx(&self, index: usize) -> u32 {
        (index % CLASSES) as u32
    }

    fn key(&self, index: usize) -> String {
        format!("photograph-{index}")
    }

    fn load(&self, index: usize) -> Result<RgbImage> {
        self.load_at_least(index, u32::MAX)
    }

    fn load_at_least(&self, index: usize, min_side_px: u32) -> Result<RgbImage> {
        let limits = Limits::default();
        let bytes = va_media::read_file(&self.files[index % self.files.len()], &limits)?;
        let image = va_media::decode_at_least(&bytes, &limits, min_side_px)?;
        RgbImage::new(image.width_px, image.height_px, image.pixels)
    }

    fn size_at_least(&self, _: usize, min_side_px: u32) -> Option<[u32; 2]> {
        Some(va_media::size_at_least(va_media::ImageKind::Jpeg, self.size_px, min_side_px))
    }
}
