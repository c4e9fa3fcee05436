//! What an engine that prepares images itself is given: doing it must end at the very batch that the host prepares.

use std::sync::atomic::Ordering;

use va_domain::{Augmentation, Change, TrainSettings};

use super::tests::{Noise, get, request, source, whole_run};
use super::*;
use crate::{Normaliser, RgbImage, standard_preprocessing};

/// Everything that an engine can do.
pub(super) fn everything() -> Augmentation {
    let change = |strength: f64| Change { strength, probability: 0.7 };
    Augmentation {
        crop_min_scale: 0.4,
        flip_vertical: true,
        rotation: change(20.0),
        scaling: change(0.3),
        perspective: change(0.2),
        contrast: change(0.4),
        saturation: change(0.5),
        hue: change(30.0),
        blur: change(1.5),
        noise: change(9.0),
        cutout: change(0.4),
        ..Augmentation::default()
    }
}

fn recipe(augmentation: Augmentation) -> BatchRecipe {
    let settings =
        TrainSettings { batch_size: 4, epochs: 3, mixup_alpha: 0.3, augmentation, ..TrainSettings::default() };
    BatchRecipe::new(&settings, &standard_preprocessing(8))
}

fn loader(train: &Arc<Noise>, augmentation: Augmentation) -> Loader {
    let options = LoaderOptions { workers: 2, cache_bytes: 0, disk_cache: None };
    Loader::new(train.clone(), Some(source(5, None)), recipe(augmentation), &options).unwrap()
}

/// An engine that does on this side what it is told, and keeps the images that have a number.
struct Engine {
    loader: Loader,
    recipe: BatchRecipe,
    kept: std::collections::HashMap<u64, RgbImage>,
    keeps: bool,
}

impl Engine {
    fn new(train: &Arc<Noise>, augmentation: Augmentation, keeps: bool) -> Self {
        let (loader, recipe) = (loader(train, augmentation), recipe(augmentation));
        Self { loader, recipe, kept: std::collections::HashMap::new(), keeps }
    }

    /// The batch with its pixels.
    fn batch(&mut self, request: BatchRequest) -> Batch {
        let mut batch = Batch::default();
        self.loader.next_images(request, &mut batch).unwrap();
        let missing = |place: &usize| batch.images[*place].number.is_none_or(|number| !self.kept.contains_key(&number));
        let places: Vec<usize> = (0..batch.len()).filter(missing).collect();
        let is_kept = |place: usize| self.keeps && batch.images[place].number.is_some();
        let wanted: Vec<_> = places.iter().map(|&place| WantedImage { place, is_kept: is_kept(place) }).collect();
        let mut room = vec![0; places.iter().map(|&place| batch.images[place].bytes()).sum()];
        self.loader.copy_images(&wanted, &mut room).unwrap();
        let mut room = room.as_slice();
        let mut fresh = std::collections::HashMap::new();
        for wanted in wanted {
            let image = &batch.images[wanted.place];
            let (pixels, rest) = room.split_at(image.bytes());
            room = rest;
            let [width, height] = image.size_px;
            let pixels = RgbImage::new(width, height, pixels.to_vec()).unwrap();
            match image.number.filter(|_| wanted.is_kept) {
                Some(number) => drop(self.kept.insert(number, pixels)),
                None => drop(fresh.insert(wanted.place, pixels)),
            }
        }
        let normaliser = Normaliser::new(&self.recipe.preprocessing).unwrap();
        for (place, image) in std::mem::take(&mut batch.images).into_iter().enumerate() {
            let pixels = fresh.get(&place).unwrap_or_else(|| &self.kept[&image.number.unwrap()]);
            let done = self.recipe.apply(&image.steps, pixels).unwrap();
            let at = batch.pixels.len();
            batch.pixels.resize(at + done.bytes(), 0.0);
            normaliser.apply(&done.pixels, &mut batch.pixels[at..]);
        }
        crate::mixup::blend_pixels(&mut batch, 8 * 8 * 3);
        batch
    }
}

#[test]
fn what_the_engine_prepares_is_what_the_host_would_have() {
    let train = source(11, None);
    let jpeg = Change { strength: 60.0, probability: 0.6 };
    for augmentation in [everything(), Augmentation { jpeg, ..everything() }, Augmentation::none()] {
        let mut host = loader(&train, augmentation);
        let expected: Vec<Batch> = whole_run().into_iter().map(|request| get(&mut host, request)).collect();
        for keeps in [false, true] {
            let mut engine = Engine::new(&train, augmentation, keeps);
            for (request, expected) in whole_run().into_iter().zip(&expected) {
                assert!(engine.batch(request) == *expected, "{request:?}, {augmentation:?}");
            }
        }
    }
}

#[test]
fn what_the_engine_keeps_is_decoded_once_and_again_where_it_lost_it() {
    let train = source(8, None);
    let mut engine = Engine::new(&train, everything(), true);
    let first: Vec<Batch> = whole_run().into_iter().map(|request| engine.batch(request)).collect();
    // The stream of the last batch may have decoded ahead before it knew; never once an epoch.
    assert!(train.loads.load(Ordering::Relaxed) <= 8 + 8, "{:?}", train.loads);
    engine.kept.clear();
    let again: Vec<Batch> = whole_run().into_iter().map(|request| engine.batch(request)).collect();
    assert!(first == again);
}

#[test]
fn images_that_the_host_must_change_come_ready_and_are_not_kept() {
    let jpeg = Augmentation { jpeg: Change { strength: 60.0, probability: 0.6 }, ..everything() };
    let mut batch = Batch::default();
    loader(&source(8, None), jpeg).next_images(request(Phase::Train, 0, 0), &mut batch).unwrap();
    let ready = |image: &crate::BatchImage| image.number.is_none() && image.steps == crate::ImageSteps::none([8, 8]);
    assert!(batch.images.iter().all(ready) && batch.pixels.is_empty());
}

#[test]
fn room_that_does_not_fit_is_refused_and_broken_samples_are_named() {
    let mut engine = loader(&source(8, Some(5)), everything());
    let everyone: Vec<_> = (0..4).map(|place| WantedImage { place, is_kept: false }).collect();
    assert!(engine.copy_images(&everyone, &mut []).is_err(), "no batch yet");
    let mut batch = Batch::default();
    let failed: Vec<Error> =
        (0..2).filter_map(|step| engine.next_images(request(Phase::Train, 0, step), &mut batch).err()).collect();
    assert!(failed.len() == 1 && failed[0].chain().contains("noise-5.png"));
    engine.next_images(request(Phase::Val, 0, 0), &mut batch).unwrap();
    let mut room = vec![0; 4 * 8 * 8 * 3 + 1];
    assert!(engine.copy_images(&everyone, &mut room).is_err());
    assert!(engine.copy_images(&everyone, &mut room[2..]).is_err());
    assert!(engine.copy_images(&[WantedImage { place: 9, is_kept: false }], &mut room[..192]).is_err());
    assert!(engine.copy_images(&everyone, &mut room[1..]).is_ok());
}
