//! Batches that the card prepares against those that the host prepares: the same bits?
//!
//! Nothing is read before all batches are there, so that a batch is only right if the two streams wait for each other
//! (`va_exec::device::cuda::images`). Two orders show what is missing: where the network is busy for long before it reads a
//! batch, one that does not wait for that reading is written over; where it reads at once, it reads what is not made yet.

use std::sync::Arc;
use std::time::Duration;

use candle_core::Tensor;
use serde_json::{Value, json};
use va_dataset::{
    Batch, BatchRecipe, BatchRequest, Loader, LoaderOptions, Normaliser, Phase, RgbImage, SampleSource, WantedImage,
    standard_preprocessing,
};
use va_domain::{Augmentation, Change, TrainSettings};
use va_error::{Error, Result};
use va_exec::images::{IMAGE_SLOTS, ImageCardOptions, ImageJob, image_card};
use va_exec::{Backend, CounterRng};
use va_train::ImageJobs;

use super::load::{Load, Mark};

const SIZE_PX: u32 = 128;
/// Large enough that the copies and kernels of a batch take longer than to begin its reading.
const BATCH: u32 = 64;
const PICTURES: usize = 3 * BATCH as usize;
/// Each slot is used four times.
const BATCHES: u32 = 8;
/// Longer than the host takes to begin the two batches after it.
const BUSY: Duration = Duration::from_millis(150);

/// Noise in many sizes, in memory: the host must not be what the card waits for.
struct Pictures(Vec<RgbImage>);

impl Pictures {
    fn make() -> Result<Self> {
        let picture = |index: usize| {
            let (width, height) = (70 + (index * 37 % 190) as u32, 80 + (index * 23 % 150) as u32);
            let rng = CounterRng::new(index as u64, "pixels");
            let level = |at: u64| (rng.uniform(at) * 256.0) as u8;
            RgbImage::new(width, height, (0..u64::from(width * height * 3)).map(level).collect())
        };
        Ok(Self((0..PICTURES).map(picture).collect::<Result<_>>()?))
    }
}

impl SampleSource for Pictures {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn class_idx(&self, index: usize) -> u32 {
        (index % 2) as u32
    }

    fn key(&self, index: usize) -> String {
        index.to_string()
    }

    fn load(&self, index: usize) -> Result<RgbImage> {
        Ok(self.0[index].clone())
    }
}

/// What the network's stream does before it reads a batch.
#[derive(Clone, Copy)]
enum Before {
    Busy,
    AtOnce,
}

pub fn run() -> Result<Value> {
    let often = |strength: f64| Change { strength, probability: 0.6 };
    let all = Augmentation {
        crop_min_scale: 0.3,
        flip_vertical: true,
        rotation: often(20.0),
        scaling: often(0.3),
        perspective: often(0.2),
        contrast: often(0.4),
        saturation: often(0.5),
        hue: often(20.0),
        blur: often(2.0),
        noise: often(10.0),
        cutout: often(0.4),
        ..Augmentation::default()
    };
    let artefacts = Augmentation { jpeg: often(50.0), ..all };
    let cases = [
        ("crop and flips", Augmentation::default(), 0.0, 0),
        ("everything, blended", all, 0.4, 0),
        ("everything, blended, kept on the card", all, 0.4, 1 << 30),
        ("changed by the host", artefacts, 0.4, 1 << 30),
    ];
    let (pictures, load) = (Arc::new(Pictures::make()?), Load::of(BUSY)?);
    let mut lines = Vec::new();
    for (name, augmentation, alpha, kept_bytes) in cases {
        let work = Work::new(&pictures, augmentation, alpha, kept_bytes)?;
        let expected = work.on_host()?;
        for (order, before) in [("the network is busy", Before::Busy), ("read at once", Before::AtOnce)] {
            let found = work.on_card(before, &load).and_then(|made| made.against(&expected));
            lines.push(line(&format!("images: {name}; {order}"), &found));
        }
    }
    Ok(Value::Array(lines))
}

fn line(name: &str, found: &Result<Compared>) -> Value {
    let away = found.as_ref().ok().map(|found| found.away);
    // Where a batch was begun too late, a missing wait would not have been seen.
    let ahead = found.as_ref().is_ok_and(|found| found.late == 0);
    json!({
        "name": name, "error": away, "failure": found.as_ref().err().map(Error::chain), "limit": 0.0,
        "begun_too_late": found.as_ref().ok().map(|found| found.late), "passed": away == Some(0.0) && ahead,
    })
}

/// Batches of a run.
struct Work {
    pictures: Arc<Pictures>,
    recipe: BatchRecipe,
    options: ImageCardOptions,
}

/// What the card made of them.
struct Made {
    /// Still on the card.
    inputs: Vec<Tensor>,
    /// Batches that were begun when their slot's last reading was over already.
    late: u32,
}

struct Compared {
    /// The largest difference.
    away: f64,
    late: u32,
}

impl Work {
    fn new(pictures: &Arc<Pictures>, augmentation: Augmentation, mixup_alpha: f64, kept_bytes: u64) -> Result<Self> {
        let preprocessing = standard_preprocessing(SIZE_PX);
        let settings =
            TrainSettings { batch_size: BATCH, epochs: 4, mixup_alpha, augmentation, ..TrainSettings::default() };
        let table = Normaliser::new(&preprocessing)?.table().as_flattened().to_vec();
        let options = ImageCardOptions { size: SIZE_PX as usize, table, kept_bytes };
        Ok(Self { pictures: Arc::clone(pictures), recipe: BatchRecipe::new(&settings, &preprocessing), options })
    }

    fn loader(&self) -> Result<Loader> {
        let pictures = Arc::clone(&self.pictures);
        Loader::new(pictures, None, self.recipe.clone(), &LoaderOptions::default())
    }

    /// `[N, S, S, 3]` of each.
    fn on_host(&self) -> Result<Vec<Vec<f32>>> {
        let mut loader = self.loader()?;
        let pixels = |at: u32| {
            let mut batch = Batch::default();
            loader.next_batch(request(at), &mut batch)?;
            Ok(batch.pixels)
        };
        (0..BATCHES).map(pixels).collect()
    }

    /// As a run does it: a batch is read, then the next one is begun in the other slot.
    fn on_card(&self, before: Before, load: &Load) -> Result<Made> {
        let card = image_card(Backend::Cuda, &self.options)?;
        let mut card = card.ok_or_else(|| Error::internal("the GPU engine prepares no images"))?;
        let (mut loader, mut jobs) = (self.loader()?, ImageJobs::new(SIZE_PX));
        let (mut inputs, mut marks, mut late) = (Vec::new(), Vec::<Mark>::new(), 0);
        for at in 0..BATCHES {
            let slot = at as usize % IMAGE_SLOTS;
            let mut batch = Batch::default();
            loader.next_images(request(at), &mut batch)?;
            let jobs: Vec<ImageJob> = batch.images.iter().map(|image| jobs.of(image)).collect();
            // Whoever read the slot last was to wait for this.
            if let Some(mark) = (at as usize).checked_sub(IMAGE_SLOTS).and_then(|last| marks.get(last)) {
                late += u32::from(mark.is_over()?);
            }
            card.begin(slot, &jobs, &mut |wanted, room| {
                let wanted: Vec<_> = wanted.iter().map(|&(place, is_kept)| WantedImage { place, is_kept }).collect();
                loader.copy_images(&wanted, room)
            })?;
            if matches!(before, Before::Busy) {
                marks.push(load.begin()?);
            }
            inputs.push(card.input(slot, 0..batch.len(), &blends(&batch))?);
        }
        Ok(Made { inputs, late })
    }
}

/// With which image each is blended, and its own share.
fn blends(batch: &Batch) -> Vec<(u32, f32)> {
    let blend =
        |place: usize| batch.blends.get(place).map_or((place as u32, 1.0), |b| (b.other as u32, b.share as f32));
    (0..batch.len()).map(blend).collect()
}

fn request(at: u32) -> BatchRequest {
    BatchRequest { phase: Phase::Train, epoch: at / 3, step: at % 3 }
}

impl Made {
    fn against(self, expected: &[Vec<f32>]) -> Result<Compared> {
        let mut away = 0.0f64;
        for (input, expected) in self.inputs.iter().zip(expected) {
            let found = input.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
            let found = found.map_err(|error| Error::internal("cannot read a batch").with_source(error))?;
            if found.len() != expected.len() {
                return Err(Error::internal(format!("{} numbers instead of {}", found.len(), expected.len())));
            }
            away = found.iter().zip(expected).map(apart).fold(away, f64::max);
        }
        Ok(Compared { away, late: self.late })
    }
}

/// 0 for the same bits, otherwise more.
fn apart((found, expected): (&f32, &f32)) -> f64 {
    match found.to_bits() == expected.to_bits() {
        true => 0.0,
        false => f64::from((found - expected).abs()).max(f64::MIN_POSITIVE),
    }
}
