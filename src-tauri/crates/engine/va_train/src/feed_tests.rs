//! Training from images that are prepared beside the network: the same bits as from prepared batches, and the same
//! questions to the host whenever it stops.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use candle_core::{Device, Tensor};
use va_dataset::{Batch, BatchRecipe, BatchRequest, Normaliser, Phase, RgbImage, WantedImage};
use va_domain::{Augmentation, Change, TrainSettings};
use va_error::{Code, Error, Result};

use crate::stage::{CopyImages, SLOTS, Stage};
use crate::train::train_graph_with;
use crate::{Ending, Stop, TrainEvent, TrainHost, TrainJob, Trained};

#[path = "../tests/common/mod.rs"]
mod common;

use common::{TestHost, bits, job, power_cut, settings, tiny};

/// A device that does what it is told with the host's own code.
struct HostStage {
    recipe: BatchRecipe,
    normaliser: Normaliser,
    /// By number; none where nothing is kept.
    kept: Option<HashMap<u64, RgbImage>>,
    slots: [Vec<u8>; SLOTS],
}

impl HostStage {
    fn boxed(job: &TrainJob, keeps: bool) -> Box<dyn Stage> {
        let recipe = BatchRecipe::new(&job.settings, &job.preprocessing);
        let normaliser = Normaliser::new(&job.preprocessing).unwrap();
        let kept = keeps.then(HashMap::new);
        Box::new(Self { recipe, normaliser, kept, slots: Default::default() })
    }

    fn find(&self, number: Option<u64>) -> Option<&RgbImage> {
        self.kept.as_ref()?.get(&number?)
    }
}

impl Stage for HostStage {
    fn begin(&mut self, slot: usize, batch: &Batch, copy: &mut CopyImages<'_>) -> Result<()> {
        self.slots[slot].clear();
        for (place, image) in batch.images.iter().enumerate() {
            let is_kept = self.kept.is_some() && image.number.is_some();
            if self.find(image.number).is_none() {
                let mut pixels = vec![0; image.bytes()];
                copy(&[WantedImage { place, is_kept }], &mut pixels)?;
                let pixels = RgbImage::new(image.size_px[0], image.size_px[1], pixels)?;
                if let (Some(kept), Some(number), true) = (&mut self.kept, image.number, is_kept) {
                    kept.insert(number, pixels);
                } else {
                    self.slots[slot].extend(self.recipe.apply(&image.steps, &pixels)?.pixels);
                    continue;
                }
            }
            let source = self.find(image.number).expect("it was just kept");
            let made = self.recipe.apply(&image.steps, source)?;
            self.slots[slot].extend(made.pixels);
        }
        Ok(())
    }

    fn input(&self, slot: usize, batch: &Batch, range: Range<usize>) -> Result<Tensor> {
        let (size, images) = (self.recipe.preprocessing.image_size_px as usize, &self.slots[slot]);
        let numbers = size * size * 3;
        assert_eq!(images.len(), batch.len() * numbers, "the slot holds this batch");
        let mut values = vec![0.0; images.len()];
        self.normaliser.apply(images, &mut values);
        let of = |place: usize| &values[place * numbers..(place + 1) * numbers];
        let blended = |place: usize| {
            let blend = batch.blends.get(place);
            let (other, share) = blend.map_or((place, 1.0), |blend| (blend.other, blend.share as f32));
            of(place).iter().zip(of(other)).map(move |(own, other)| share * own + (1.0 - share) * other)
        };
        let pixels: Vec<f32> = range.clone().flat_map(blended).collect();
        Ok(Tensor::from_vec(pixels, (range.len(), size, size, 3), &Device::Cpu).unwrap())
    }

    fn make_room(&mut self) -> Result<bool> {
        Ok(self.kept.take().is_some_and(|kept| !kept.is_empty()))
    }
}

/// What the host was asked, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asked {
    Prepared(BatchRequest),
    Images(BatchRequest),
    ShouldStop,
}

/// The test host, overheard; it has no batch to give at `fails_at`.
struct Overheard {
    host: TestHost,
    asked: Vec<Asked>,
    fails_at: Option<(BatchRequest, Code)>,
}

impl Overheard {
    fn new(job: &TrainJob) -> Self {
        Self { host: TestHost::new(job, false), asked: Vec::new(), fails_at: None }
    }
}

impl TrainHost for Overheard {
    fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.asked.push(Asked::Prepared(request));
        self.host.next_batch(request, batch)
    }
    fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.asked.push(Asked::Images(request));
        match self.fails_at.filter(|(at, _)| *at == request) {
            Some((_, Code::TooLarge)) => {
                self.fails_at = None;
                Err(Error::new(Code::TooLarge, "the memory of the GPU is full"))
            }
            Some(_) => Err(power_cut()),
            None => self.host.next_images(request, batch),
        }
    }
    fn copy_images(&mut self, wanted: &[WantedImage], room: &mut [u8]) -> Result<()> {
        self.host.copy_images(wanted, room)
    }
    fn event(&mut self, event: TrainEvent) {
        self.host.event(event);
    }
    fn should_stop(&mut self) -> Stop {
        self.asked.push(Asked::ShouldStop);
        self.host.should_stop()
    }
}

/// Three steps and two validation batches an epoch, everything changed that a device can change.
fn busy(epochs: u32) -> TrainSettings {
    let change = |strength: f64| Change { strength, probability: 0.6 };
    let augmentation = Augmentation {
        rotation: change(20.0),
        contrast: change(0.4),
        blur: change(1.0),
        noise: change(8.0),
        ..Augmentation::default()
    };
    TrainSettings { mixup_alpha: 0.3, micro_batch_size: 3, augmentation, ..settings(epochs) }
}

fn staged(job: &TrainJob, host: &mut Overheard, keeps: bool) -> Result<Trained> {
    train_graph_with(tiny(), job, host, "test", Some(HostStage::boxed(job, keeps)))
}

fn prepared(settings: &TrainSettings, dir: &Path) -> Vec<(String, Vec<u32>)> {
    let job = job(settings, &dir.join("prepared"), 26, 9);
    bits(&common::run(&job, &mut TestHost::new(&job, false)).unwrap().weights.unwrap())
}

#[test]
fn the_weights_are_those_of_prepared_batches() {
    let jpeg = Change { strength: 50.0, probability: 0.5 };
    let artefacts = TrainSettings { augmentation: Augmentation { jpeg, ..busy(2).augmentation }, ..busy(2) };
    for settings in [busy(3), artefacts] {
        let dir = tempfile::tempdir().unwrap();
        let expected = prepared(&settings, dir.path());
        for keeps in [false, true] {
            let job = job(&settings, &dir.path().join(format!("staged {keeps}")), 26, 9);
            let mut host = Overheard::new(&job);
            let trained = staged(&job, &mut host, keeps).unwrap();
            assert!(bits(&trained.weights.unwrap()) == expected, "{keeps}");
            let is_said = host.host.notes().contains("JPEG artefacts");
            assert_eq!(is_said, settings.augmentation.jpeg.is_on(), "{}", host.host.notes());
        }
    }
}

/// Every batch of a run in order.
fn requests(epochs: u32) -> Vec<BatchRequest> {
    let phase = |phase, epoch, steps: u32| (0..steps).map(move |step| BatchRequest { phase, epoch, step });
    (0..epochs).flat_map(|epoch| phase(Phase::Train, epoch, 3).chain(phase(Phase::Val, epoch, 2))).collect()
}

#[test]
fn each_batch_is_asked_for_once_one_ahead_of_its_turn() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(&busy(2), dir.path(), 26, 9);
    let mut host = Overheard::new(&job);
    staged(&job, &mut host, true).unwrap();
    let mut expected = Vec::new();
    for (turn, request) in requests(2).into_iter().enumerate() {
        // The first is asked for when it is its turn, every other one between the polls of the turn before.
        if turn == 0 {
            expected.push(Asked::ShouldStop);
        }
        expected.push(Asked::Images(request));
        if turn > 0 {
            expected.push(Asked::ShouldStop);
        }
    }
    assert_eq!(host.asked, expected);

    // Without a stage nothing is asked for ahead.
    let plain = common::job(&busy(2), &dir.path().join("plain"), 26, 9);
    let mut host = Overheard::new(&plain);
    train_graph_with(tiny(), &plain, &mut host, "test", None).unwrap();
    let turns = requests(2).into_iter().flat_map(|request| [Asked::ShouldStop, Asked::Prepared(request)]);
    assert_eq!(host.asked, turns.collect::<Vec<_>>());
}

#[test]
fn a_run_stopped_at_any_poll_goes_on_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let expected = prepared(&busy(4), dir.path());
    let requests = requests(4);
    for poll in 0..requests.len() {
        let job = job(&busy(4), &dir.path().join(poll.to_string()), 26, 9);
        let mut host = Overheard::new(&job);
        host.host.stop_at = Some((poll as u64, if poll % 2 == 0 { Stop::Pause } else { Stop::Cancel }));
        let stopped = staged(&job, &mut host, poll % 3 > 0).unwrap();
        assert!(stopped.weights.is_none() && stopped.ending != Ending::Completed, "{poll}");
        // What was asked for ahead is dropped: at most one batch.
        let asked = host.asked.iter().filter(|asked| matches!(asked, Asked::Images(_))).count();
        assert_eq!(asked, if poll == 0 { 0 } else { poll + 1 });
        let resumed = staged(&job, &mut Overheard::new(&job), poll % 3 > 0).unwrap();
        assert!(bits(&resumed.weights.unwrap()) == expected, "stopped at poll {poll}");
    }
}

#[test]
fn what_goes_wrong_ahead_is_said_when_it_is_its_turn() {
    let dir = tempfile::tempdir().unwrap();
    let expected = prepared(&busy(2), dir.path());
    for (turn, request) in requests(2).into_iter().enumerate() {
        let job = job(&busy(2), &dir.path().join(turn.to_string()), 26, 9);
        let mut host = Overheard::new(&job);
        host.fails_at = Some((request, Code::Internal));
        let error = staged(&job, &mut host, true).err().unwrap();
        assert!(error.to_string().contains("power cut"), "{error}");
        let polls = host.asked.iter().filter(|asked| **asked == Asked::ShouldStop).count();
        assert_eq!(polls, turn + 1, "everything before it was done");
        // Nobody hears of it where the run stops before.
        if turn > 0 {
            let job = common::job(&busy(2), &dir.path().join(format!("paused {turn}")), 26, 9);
            let mut host = Overheard::new(&job);
            host.fails_at = Some((request, Code::Internal));
            host.host.stop_at = Some((turn as u64, Stop::Pause));
            assert_eq!(staged(&job, &mut host, true).unwrap().ending, Ending::Paused);
            let resumed = staged(&job, &mut Overheard::new(&job), true).unwrap();
            assert!(bits(&resumed.weights.unwrap()) == expected, "{turn}");
        }
    }
}

/// A run whose second step finds no memory, and the order in which it asked for images.
fn short_of_memory(dir: &Path, keeps: bool) -> (Trained, String, Vec<BatchRequest>) {
    let job = job(&busy(2), dir, 26, 9);
    let mut host = Overheard::new(&job);
    host.fails_at = Some((BatchRequest { phase: Phase::Train, epoch: 0, step: 1 }, Code::TooLarge));
    let trained = staged(&job, &mut host, keeps).unwrap();
    let images = |asked: &Asked| if let Asked::Images(request) = asked { Some(*request) } else { None };
    (trained, host.host.notes(), host.asked.iter().filter_map(images).collect())
}

#[test]
fn a_batch_that_finds_no_memory_is_asked_for_again_and_trained_on_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = requests(2);
    expected.insert(1, expected[1]);
    // What is kept to be faster goes first, and changes no bit.
    let (trained, notes, asked) = short_of_memory(&dir.path().join("keeps"), true);
    assert!(bits(&trained.weights.unwrap()) == prepared(&busy(2), dir.path()));
    assert!(notes.contains("no longer kept") && !notes.contains("do not fit in memory"), "{notes}");
    assert_eq!(asked, expected);
    // With nothing to give up, parts become smaller.
    let (trained, notes, asked) = short_of_memory(&dir.path().join("keeps nothing"), false);
    assert_eq!((trained.ending, trained.steps), (Ending::Completed, 6));
    assert!(notes.contains("do not fit in memory"), "{notes}");
    assert_eq!(asked, expected);
}
