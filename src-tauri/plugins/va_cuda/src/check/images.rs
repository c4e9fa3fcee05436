//! Batches that the card prepares against those that the host prepares: the same bits?

use std::sync::Arc;

use serde_json::{Value, json};
use va_dataset::{
    Batch, BatchRecipe, BatchRequest, Loader, LoaderOptions, Normaliser, Phase, RgbImage, SampleSource, WantedImage,
    standard_preprocessing,
};
use va_domain::{Augmentation, Change, TrainSettings};
use va_error::{Error, Result};
use va_exec::images::{IMAGE_SLOTS, ImageCard, ImageCardOptions, ImageJob, image_card};
use va_exec::{Backend, CounterRng};
use va_train::ImageJobs;

const SIZE_PX: u32 = 96;
const BATCHES: u32 = 6;

/// Noise in many sizes.
struct Pictures(usize);

impl SampleSource for Pictures {
    fn len(&self) -> usize {
        self.0
    }

    fn class_idx(&self, index: usize) -> u32 {
        (index % 2) as u32
    }

    fn key(&self, index: usize) -> String {
        index.to_string()
    }

    fn load(&self, index: usize) -> Result<RgbImage> {
        let (width, height) = (70 + (index * 37 % 190) as u32, 80 + (index * 23 % 150) as u32);
        let rng = CounterRng::new(index as u64, "pixels");
        RgbImage::new(
            width,
            height,
            (0..u64::from(width * height * 3)).map(|at| (rng.uniform(at) * 256.0) as u8).collect(),
        )
    }
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
    let lines = cases.into_iter().map(|(name, augmentation, alpha, kept_bytes)| {
        let away = largest_difference(augmentation, alpha, kept_bytes);
        let failure = away.as_ref().err().map(Error::chain);
        let away = away.ok();
        json!({ "name": format!("images: {name}"), "error": away, "failure": failure, "limit": 0.0, "passed": away == Some(0.0) })
    });
    Ok(Value::Array(lines.collect()))
}

/// Over some batches, each begun while the one before is read.
fn largest_difference(augmentation: Augmentation, mixup_alpha: f64, kept_bytes: u64) -> Result<f64> {
    let preprocessing = standard_preprocessing(SIZE_PX);
    let settings = TrainSettings { batch_size: 16, epochs: 4, mixup_alpha, augmentation, ..TrainSettings::default() };
    let recipe = BatchRecipe::new(&settings, &preprocessing);
    let loader = || Loader::new(Arc::new(Pictures(48)), None, recipe.clone(), &LoaderOptions::default());
    let (mut host, mut raw) = (loader()?, loader()?);
    let table = Normaliser::new(&preprocessing)?.table().as_flattened().to_vec();
    let options = ImageCardOptions { size: SIZE_PX as usize, table, kept_bytes };
    let card = image_card(Backend::Cuda, &options)?;
    let mut card = card.ok_or_else(|| Error::internal("the GPU engine prepares no images"))?;
    let (mut jobs, mut batches) = (ImageJobs::new(SIZE_PX), Vec::new());
    let request = |at: u32| BatchRequest { phase: Phase::Train, epoch: at / 3, step: at % 3 };
    let mut worst = 0.0f64;
    for at in 0..=BATCHES {
        if at < BATCHES {
            batches.push(begin(card.as_mut(), at as usize % IMAGE_SLOTS, &mut raw, &mut jobs, request(at))?);
        }
        let Some(before) = at.checked_sub(1) else { continue };
        let batch: &Batch = &batches[before as usize];
        let blend =
            |place: usize| batch.blends.get(place).map_or((place as u32, 1.0), |b| (b.other as u32, b.share as f32));
        let blends: Vec<(u32, f32)> = (0..batch.len()).map(blend).collect();
        let found = card.input(before as usize % IMAGE_SLOTS, 0..batch.len(), &blends)?;
        let found = found.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
        let found = found.map_err(|error| Error::internal("cannot read a batch").with_source(error))?;
        let mut expected = Batch::default();
        host.next_batch(request(before), &mut expected)?;
        if found.len() != expected.pixels.len() {
            return Err(Error::internal(format!("{} numbers instead of {}", found.len(), expected.pixels.len())));
        }
        worst = found.iter().zip(&expected.pixels).map(apart).fold(worst, f64::max);
    }
    Ok(worst)
}

/// 0 for the same bits, otherwise more.
fn apart((found, expected): (&f32, &f32)) -> f64 {
    match found.to_bits() == expected.to_bits() {
        true => 0.0,
        false => f64::from((found - expected).abs()).max(f64::MIN_POSITIVE),
    }
}

fn begin(
    card: &mut dyn ImageCard,
    slot: usize,
    loader: &mut Loader,
    jobs: &mut ImageJobs,
    request: BatchRequest,
) -> Result<Batch> {
    let mut batch = Batch::default();
    loader.next_images(request, &mut batch)?;
    let jobs: Vec<ImageJob> = batch.images.iter().map(|image| jobs.of(image)).collect();
    card.begin(slot, &jobs, &mut |wanted, room| {
        let wanted: Vec<_> = wanted.iter().map(|&(place, is_kept)| WantedImage { place, is_kept }).collect();
        loader.copy_images(&wanted, room)
    })?;
    Ok(batch)
}
