//! Images a second of the loader against JPEG decode (libjpeg-turbo) and resize alone, on all cores, as one JSON line:
//!
//! ```text
//! cargo run -p va_dataset --example loader_speed -- [images] [width] [height] [size_px] [rounds]
//! ```
//! Ours and the bare work in turn. `cold` is the first epoch (every image decoded), `warm` a later one (from memory),
//! `disk` the first epoch of a second run. `bare` decodes whole images and resizes them; `bare_scaled` decodes at the
//! fraction that the loader uses too. The images are made here, so that nothing is read from disk.

#![allow(clippy::print_stdout)]

#[path = "../../../data/va_media/examples/photograph/mod.rs"]
mod photograph;

use std::sync::Arc;
use std::time::Instant;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;
use va_dataset::{
    Batch, BatchRecipe, BatchRequest, DiskCacheOptions, Loader, LoaderOptions, Phase, RgbImage, SampleSource,
    standard_preprocessing, train_steps,
};
use va_domain::TrainSettings;
use va_error::{Error, Result};
use va_media::Limits;

/// The application's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 32;

struct Jpegs(Vec<Vec<u8>>);

impl SampleSource for Jpegs {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn class_idx(&self, index: usize) -> u32 {
        (index % 2) as u32
    }
    fn key(&self, index: usize) -> String {
        format!("image-{index}")
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        self.load_at_least(index, u32::MAX)
    }
    fn load_at_least(&self, index: usize, min_side_px: u32) -> Result<RgbImage> {
        let image = va_media::decode_at_least(&self.0[index], &Limits::default(), min_side_px)?;
        RgbImage::new(image.width_px, image.height_px, image.pixels)
    }
    fn content_key(&self, index: usize) -> Option<String> {
        Some(va_media::hash(&self.0[index]).to_string())
    }
}

fn main() -> Result<()> {
    let words: Vec<u32> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let at = |place: usize, standard: u32| words.get(place).copied().unwrap_or(standard);
    let (count, width, height, size_px, rounds) = (at(0, 192), at(1, 1280), at(2, 960), at(3, 224), at(4, 3));
    let made: Result<Vec<Vec<u8>>> =
        (0..count).into_par_iter().map(|seed| photograph::photograph(width, height, seed)).collect();
    let source = Arc::new(Jpegs(made?));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = std::env::temp_dir().join(format!("visaion-loader-speed-{}", std::process::id()));
    let (mut bare, mut scaled, mut cold, mut warm, mut disk) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..rounds {
        bare.push(bare_work(&source, size_px, u32::MAX)?);
        scaled.push(bare_work(&source, size_px, 2 * size_px)?);
        let mut first = loader(&source, size_px, cores, None)?;
        cold.push(epoch(&mut first, 0)?);
        warm.push(epoch(&mut first, 1)?);
        drop(first);
        let cache = Some(DiskCacheOptions { dir: folder.clone(), limit_bytes: 4 << 30 });
        epoch(&mut loader(&source, size_px, cores, cache.clone())?, 0)?;
        disk.push(epoch(&mut loader(&source, size_px, cores, cache)?, 0)?);
        let _ = std::fs::remove_dir_all(&folder);
    }
    let [bare, scaled, cold, warm, disk] = [bare, scaled, cold, warm, disk].map(median);
    let line = serde_json::json!({
        "images": count, "width_px": width, "height_px": height, "size_px": size_px, "cores": cores, "rounds": rounds,
        "images_per_s": { "bare": bare, "bare_scaled": scaled, "cold": cold, "warm": warm, "disk": disk },
        "cold_to_bare": cold / bare, "cold_to_bare_scaled": cold / scaled, "warm_to_bare": warm / bare,
    });
    println!("{line}");
    Ok(())
}

/// Decode and resize, nothing else, on all cores: images a second.
fn bare_work(source: &Jpegs, size_px: u32, min_side_px: u32) -> Result<f64> {
    let began = Instant::now();
    (0..source.len()).into_par_iter().try_for_each(|index| {
        let image = source.load_at_least(index, min_side_px)?;
        let from = TypedImageRef::<U8x3>::from_buffer(image.width, image.height, &image.pixels)
            .map_err(|error| Error::internal(error.to_string()))?;
        let mut to = TypedImage::<U8x3>::new(size_px, size_px);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        Resizer::new().resize_typed(&from, &mut to, &options).map_err(|error| Error::internal(error.to_string()))
    })?;
    Ok(source.len() as f64 / began.elapsed().as_secs_f64())
}

fn loader(source: &Arc<Jpegs>, size_px: u32, workers: usize, disk_cache: Option<DiskCacheOptions>) -> Result<Loader> {
    let settings = TrainSettings { batch_size: BATCH as u32, epochs: 2, ..TrainSettings::default() };
    let recipe = BatchRecipe::new(&settings, &standard_preprocessing(size_px));
    let options = LoaderOptions { workers, cache_bytes: 2 << 30, disk_cache };
    Loader::new(source.clone(), None, recipe, &options)
}

/// Images a second of one epoch, as a device without work of its own would wait for them.
fn epoch(loader: &mut Loader, epoch: u32) -> Result<f64> {
    let (began, mut batch, mut images) = (Instant::now(), Batch::default(), 0);
    for step in 0..train_steps(loader.train_len(), BATCH) {
        loader.next_batch(BatchRequest { phase: Phase::Train, epoch, step: step as u32 }, &mut batch)?;
        images += batch.len();
    }
    Ok(images as f64 / began.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
