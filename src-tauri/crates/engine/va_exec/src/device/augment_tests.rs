//! Batches that the emulated card prepares against those that the host prepares, bit for bit.
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::sync::Arc;

use va_dataset::{
    Batch, BatchRecipe, BatchRequest, Loader, LoaderOptions, Normaliser, Phase, RgbImage, SampleSource, WantedImage,
    standard_preprocessing,
};
use va_domain::{Augmentation, Change, TrainSettings};
use va_error::Result;

use super::augment::{Preparation, normalise};
use super::emulation::{Emulated, on_emulated_gpu};
use super::image_store::{ImageStore, Place};
use super::tests::in_source;
use super::{Buffer, Number};
use crate::CounterRng;
use crate::images::{ImageJob, LineTaps};

#[path = "../../../va_train/src/image_job.rs"]
mod image_job;

use image_job::ImageJobs;

const SIZE: u32 = 24;

/// All of an image of this size, which is the one that is made.
pub(super) fn whole(width: u32, height: u32) -> ImageJob {
    let taps = |len: u32| {
        Arc::new(LineTaps { starts: (0..len).collect(), weights: vec![vec![1 << 14]; len as usize], precision: 14 })
    };
    ImageJob {
        size: [width, height],
        number: None,
        crop: [0, 0, width, height],
        taps: [taps(height), taps(width)],
        flips: [false; 2],
        projection: None,
        color: None,
        blur: Vec::new(),
        noise: None,
        cutout: None,
    }
}

/// Noise over soft shapes, in many sizes.
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
        let (width, height) = (20 + (index * 37 % 90) as u32, 22 + (index * 23 % 70) as u32);
        let rng = CounterRng::new(index as u64, "pixels");
        let value = |at: u32| {
            let (x, y) = (f64::from(at / 3 % width), f64::from(at / 3 / width));
            let shape = 127.0 + 90.0 * (x * 0.2 + f64::from(at % 3)).sin() * (y * 0.15).cos();
            (shape + 60.0 * rng.uniform(u64::from(at))) as u8
        };
        RgbImage::new(width, height, (0..width * height * 3).map(value).collect())
    }
}

fn loader(augmentation: Augmentation, mixup_alpha: f64) -> Loader {
    let settings = TrainSettings { batch_size: 6, epochs: 2, mixup_alpha, augmentation, ..TrainSettings::default() };
    let recipe = BatchRecipe::new(&settings, &standard_preprocessing(SIZE));
    let options = LoaderOptions { workers: 1, ..LoaderOptions::default() };
    Loader::new(Arc::new(Pictures(18)), Some(Arc::new(Pictures(4))), recipe, &options).unwrap()
}

/// An emulated card that keeps sources.
struct Card {
    store: ImageStore,
    stretches: Vec<Vec<u8>>,
    jobs: ImageJobs,
    table: Vec<f32>,
}

impl Card {
    fn new(kept_bytes: u64) -> Self {
        let normaliser = Normaliser::new(&standard_preprocessing(SIZE)).unwrap();
        let table = normaliser.table().as_flattened().to_vec();
        Self { store: ImageStore::new(kept_bytes), stretches: Vec::new(), jobs: ImageJobs::new(SIZE), table }
    }

    /// What the network is given.
    fn prepare(&mut self, loader: &mut Loader, request: BatchRequest) -> Vec<f32> {
        let mut batch = Batch::default();
        loader.next_images(request, &mut batch).unwrap();
        let jobs: Vec<ImageJob> = batch.images.iter().map(|image| self.jobs.of(image)).collect();
        jobs.iter().for_each(|job| job.check(SIZE as usize).unwrap());
        let intake = self.store.take_in(&jobs, &mut |bytes| {
            self.stretches.push(vec![0; bytes as usize]);
            Ok(self.stretches.last().unwrap().as_ptr() as u64)
        });
        let wanted: Vec<WantedImage> =
            intake.wanted.iter().map(|&(place, is_kept)| WantedImage { place, is_kept }).collect();
        let (mut room, mut passing) = (vec![0; intake.room_bytes], vec![0u8; intake.passing_bytes]);
        loader.copy_images(&wanted, &mut room).unwrap();
        let passing = passing.as_mut_ptr() as u64;
        let address = |place: Place| match place {
            Place::Kept(address) => address,
            Place::Passing(at) => passing + at as u64,
        };
        for copy in &intake.copies {
            // SAFETY: memory of this card, as the store shared it out.
            unsafe { std::ptr::copy(room[copy.from..].as_ptr(), address(copy.to) as *mut u8, copy.bytes) };
        }
        let sources: Vec<u64> = intake.sources.iter().map(|&place| address(place)).collect();
        let image = (SIZE * SIZE * 3) as usize;
        let mut images = vec![0u8; jobs.len() * image];
        let (gpu, place) = (Emulated::default(), images.as_mut_ptr() as u64);
        Preparation::upload(&gpu, place, SIZE as usize, &jobs, &sources).unwrap().run(&gpu).unwrap();
        // In two parts, as micro-batches are read.
        let mut out = vec![f32::NAN; jobs.len() * image];
        let alone = |at: usize| (at as u32, 1.0);
        let blend = |at: usize| batch.blends.get(at).map_or(alone(at), |b| (b.other as u32, b.share as f32));
        for range in [0..1, 1..jobs.len()] {
            let part = &mut out[range.start * image..range.end * image];
            let y = Buffer { address: part.as_mut_ptr() as u64, len: part.len(), number: Number::F32 };
            let blends: Vec<(u32, f32)> = range.clone().map(blend).collect();
            let table = self.table.as_ptr() as u64;
            normalise(&gpu, y, [place, table], [jobs.len(), range.start], &blends).unwrap();
        }
        out
    }
}

fn equal_batches(what: &str, augmentation: Augmentation, mixup_alpha: f64, kept_bytes: u64) {
    let (mut host, mut raw) = (loader(augmentation, mixup_alpha), loader(augmentation, mixup_alpha));
    let mut card = Card::new(kept_bytes);
    for (phase, epoch, step) in [(Phase::Train, 0, 0), (Phase::Train, 0, 1), (Phase::Val, 0, 0), (Phase::Train, 1, 2)] {
        let request = BatchRequest { phase, epoch, step };
        let mut expected = Batch::default();
        host.next_batch(request, &mut expected).unwrap();
        let found = card.prepare(&mut raw, request);
        let worst = found.iter().zip(&expected.pixels).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert!(bits(&found) == bits(&expected.pixels), "{what}, {request:?}: {worst} away");
    }
}

fn always(strength: f64) -> Change {
    Change { strength, probability: 1.0 }
}

#[test]
fn every_kernel_gives_the_bits_of_the_host() {
    type Set = fn(&mut Augmentation);
    let changes: [(&str, Set); 14] = [
        ("nothing", |_| ()),
        ("crop", |a| a.crop_min_scale = 0.2),
        ("flips", |a| (a.flip_horizontal, a.flip_vertical) = (true, true)),
        ("rotation", |a| a.rotation = always(40.0)),
        ("shift", |a| a.translation = always(0.4)),
        ("perspective", |a| a.perspective = always(0.35)),
        ("brightness", |a| a.brightness = always(0.6)),
        ("contrast", |a| a.contrast = always(0.8)),
        ("saturation", |a| a.saturation = always(0.9)),
        ("hue", |a| a.hue = always(90.0)),
        ("blur", |a| a.blur = always(3.0)),
        ("noise", |a| a.noise = always(40.0)),
        ("cutout", |a| a.cutout = always(0.7)),
        ("artefacts of the host", |a| a.jpeg = always(70.0)),
    ];
    let ((), seen) = on_emulated_gpu(|| {
        for (what, set) in changes {
            let mut augmentation = Augmentation::none();
            set(&mut augmentation);
            equal_batches(what, augmentation, 0.0, 0);
        }
    });
    let started: BTreeSet<String> = seen.keys().map(|(kernel, _)| (*kernel).to_owned()).collect();
    assert_eq!(started, in_source("augment"));
}

#[test]
fn all_of_it_together_blended_and_from_kept_sources() {
    let half = |strength: f64| Change { strength, probability: 0.5 };
    let augmentation = Augmentation {
        crop_min_scale: 0.3,
        flip_horizontal: true,
        flip_vertical: true,
        rotation: half(20.0),
        scaling: half(0.3),
        shear: half(10.0),
        perspective: half(0.2),
        brightness: half(0.3),
        contrast: half(0.4),
        saturation: half(0.5),
        hue: half(20.0),
        blur: half(2.0),
        noise: half(10.0),
        cutout: half(0.4),
        ..Augmentation::default()
    };
    for (alpha, kept_bytes) in [(0.0, 1 << 30), (0.4, 0), (0.4, 60_000), (0.4, 1 << 30)] {
        equal_batches("everything", augmentation, alpha, kept_bytes);
    }
}

#[test]
fn what_would_read_beyond_a_source_is_refused() {
    assert!(whole(8, 8).check(8).is_ok());
    let wrong = [
        ImageJob { crop: [1, 0, 8, 8], ..whole(8, 8) },
        ImageJob { crop: [0, u32::MAX, 8, 8], ..whole(8, 8) },
        ImageJob { size: [8, 7], ..whole(8, 8) },
        ImageJob { taps: whole(9, 9).taps, ..whole(8, 8) },
    ];
    assert!(wrong.iter().all(|job| job.check(8).is_err()));
    let y = Buffer { address: 16, len: 12, number: Number::F32 };
    let blended = |start, blends: &[(u32, f32)]| normalise(&Emulated::default(), y, [16; 2], [2, start], blends);
    assert!(blended(1, &[(0, 1.0), (1, 1.0)]).is_err());
    assert!(blended(0, &[(0, 1.0), (2, 0.5)]).is_err());
    assert!(blended(0, &[]).is_err());
}
