use std::sync::atomic::{AtomicUsize, Ordering};

use va_domain::{Augmentation, Task, TrainSettings};

use super::*;
use crate::golden::noise;
use crate::{RgbImage, check_training_split, class_counts, standard_preprocessing};

/// Noise images of mixed sizes; sample `broken` cannot be read.
pub(super) struct Noise {
    len: usize,
    broken: Option<usize>,
    pub(super) loads: AtomicUsize,
}

impl SampleSource for Noise {
    fn len(&self) -> usize {
        self.len
    }
    fn class_idx(&self, index: usize) -> u32 {
        (index % 3) as u32
    }
    fn key(&self, index: usize) -> String {
        format!("noise-{index}.png")
    }
    fn content_key(&self, index: usize) -> Option<String> {
        Some(format!("content-{index}"))
    }
    fn size_at_least(&self, index: usize, _: u32) -> Option<[u32; 2]> {
        let image = self.load(index).ok()?;
        Some([image.width, image.height])
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        if self.broken == Some(index) {
            return Err(Error::invalid("the file ends in the middle of the image"));
        }
        Ok(noise(9 + (index as u32 * 7) % 40, 8 + (index as u32 * 5) % 30, index as u64))
    }
}

pub(super) fn source(len: usize, broken: Option<usize>) -> Arc<Noise> {
    Arc::new(Noise { len, broken, loads: AtomicUsize::new(0) })
}

fn loader(train: &Arc<Noise>, val: usize, options: &LoaderOptions) -> Loader {
    loader_of(train, val, options, TrainSettings::default())
}

fn loader_of(train: &Arc<Noise>, val: usize, options: &LoaderOptions, settings: TrainSettings) -> Loader {
    let augmentation = Augmentation { crop_min_scale: 0.4, flip_vertical: true, ..Augmentation::default() };
    let settings = TrainSettings { batch_size: 4, epochs: 3, augmentation, ..settings };
    let recipe = BatchRecipe::new(&settings, &standard_preprocessing(8));
    Loader::new(train.clone(), Some(source(val, None)), recipe, options).unwrap()
}

pub(super) fn request(phase: Phase, epoch: u32, step: u32) -> BatchRequest {
    BatchRequest { phase, epoch, step }
}

pub(super) fn get(loader: &mut Loader, request: BatchRequest) -> Batch {
    let mut batch = Batch::default();
    loader.next_batch(request, &mut batch).unwrap();
    batch
}

pub(super) fn whole_run() -> Vec<BatchRequest> {
    (0..3)
        .flat_map(|epoch| {
            (0..2)
                .map(move |step| request(Phase::Train, epoch, step))
                .chain((0..2).map(move |step| request(Phase::Val, epoch, step)))
        })
        .collect()
}

#[test]
fn workers_cache_and_position_do_not_change_the_stream() {
    let train = source(11, None);
    let options = |workers, cache_bytes| LoaderOptions { workers, cache_bytes, disk_cache: None };
    let mut first = loader(&train, 5, &options(1, 0));
    let expected: Vec<Batch> = whole_run().into_iter().map(|r| get(&mut first, r)).collect();
    for (workers, cache_bytes) in [(3, 0), (2, 2000), (4, 1 << 20)] {
        let mut other = loader(&train, 5, &options(workers, cache_bytes));
        for (request, expected) in whole_run().into_iter().zip(&expected) {
            assert_eq!(&get(&mut other, request), expected);
        }
    }
    // A resume begins in the middle; any order at all gives the same batches.
    let mut resumed = loader(&train, 5, &options(2, 0));
    for (request, expected) in whole_run().into_iter().zip(&expected).rev() {
        assert_eq!(&get(&mut resumed, request), expected);
    }
}

#[test]
fn an_epoch_visits_each_sample_once_and_leaves_out_the_remainder() {
    let train = source(11, None);
    let mut loader = loader(&train, 5, &LoaderOptions { workers: 2, cache_bytes: 0, disk_cache: None });
    for epoch in 0..2 {
        let mut keys: Vec<String> =
            (0..2).flat_map(|s| get(&mut loader, request(Phase::Train, epoch, s)).keys).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 8);
    }
    let val: Vec<Batch> = (0..2).map(|step| get(&mut loader, request(Phase::Val, 0, step))).collect();
    assert_eq!(val.iter().map(Batch::len).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(val[1].keys, ["noise-4.png"]);
    assert_eq!(val[0].pixels.len(), 4 * 8 * 8 * 3);
    assert!(loader.next_batch(request(Phase::Train, 0, 2), &mut Batch::default()).is_err());
}

/// Blended in pairs, rare classes shown more often: nothing of it depends on how the loader works.
#[test]
fn mixup_and_balanced_classes_are_part_of_the_stream() {
    let settings = TrainSettings {
        mixup_alpha: 0.4,
        class_balance: va_domain::ClassBalance::Sampling,
        ..TrainSettings::default()
    };
    let train = source(13, None);
    let options = |workers, cache_bytes| LoaderOptions { workers, cache_bytes, disk_cache: None };
    let mut first = loader_of(&train, 5, &options(1, 0), settings.clone());
    let mut other = loader_of(&train, 5, &options(3, 1 << 20), settings);
    for epoch in (0..3).rev() {
        for step in 0..3 {
            let batch = get(&mut first, request(Phase::Train, epoch, step));
            assert_eq!(batch, get(&mut other, request(Phase::Train, epoch, step)));
            assert_eq!(batch.blends.len(), 4);
        }
        assert!(get(&mut first, request(Phase::Val, epoch, 0)).blends.is_empty());
    }
}

#[test]
fn the_disk_cache_outlives_the_loader_and_changes_no_pixel() {
    let dir = tempfile::tempdir().unwrap();
    let train = source(8, None);
    let disk = DiskCacheOptions { dir: dir.path().to_path_buf(), limit_bytes: 1 << 20 };
    let options = |disk_cache| LoaderOptions { workers: 2, cache_bytes: 0, disk_cache };
    let all = |options: LoaderOptions| {
        let mut loader = loader(&train, 5, &options);
        whole_run().into_iter().map(|request| get(&mut loader, request)).collect::<Vec<_>>()
    };
    let expected = all(options(None));
    assert!(all(options(Some(disk.clone()))) == expected);
    let loads = train.loads.load(Ordering::Relaxed);
    assert!(all(options(Some(disk.clone()))) == expected);
    assert_eq!(train.loads.load(Ordering::Relaxed), loads, "nothing is decoded again");
    // A folder that cannot be one costs time, nothing else.
    let file = dir.path().join("file");
    std::fs::write(&file, b"no folder").unwrap();
    assert!(all(options(Some(DiskCacheOptions { dir: file, ..disk }))) == expected);
}

#[test]
fn a_split_smaller_than_a_batch_is_one_batch() {
    let train = source(3, None);
    let mut loader = loader(&train, 0, &LoaderOptions { workers: 1, cache_bytes: 0, disk_cache: None });
    assert_eq!(get(&mut loader, request(Phase::Train, 2, 0)).len(), 3);
}

#[test]
fn the_cache_decodes_each_image_once() {
    let train = source(8, None);
    let mut loader = loader(&train, 0, &LoaderOptions { workers: 2, cache_bytes: 1 << 20, disk_cache: None });
    for epoch in 0..3 {
        for step in 0..2 {
            get(&mut loader, request(Phase::Train, epoch, step));
        }
    }
    assert_eq!(train.loads.load(Ordering::Relaxed), 8);
}

#[test]
fn an_unreadable_sample_is_named_and_the_loader_lives_on() {
    let train = source(8, Some(5));
    let mut loader = loader(&train, 4, &LoaderOptions { workers: 2, cache_bytes: 0, disk_cache: None });
    let errors: Vec<Error> = (0..2)
        .filter_map(|step| loader.next_batch(request(Phase::Train, 0, step), &mut Batch::default()).err())
        .collect();
    assert_eq!(errors.len(), 1);
    let text = errors[0].chain();
    assert!(text.contains("noise-5.png") && text.contains("ends in the middle"), "{text}");
    assert_eq!(get(&mut loader, request(Phase::Val, 0, 0)).len(), 4);
}

#[test]
fn splits_that_cannot_train_are_refused_with_the_reason() {
    let classes: Vec<String> = ["free", "break", "hole"].map(str::to_owned).to_vec();
    let text = |len: usize, classes: &[String]| {
        check_training_split(source(len, None).as_ref(), classes, Task::Classification).unwrap_err().to_string()
    };
    assert!(text(0, &classes).contains("training split is empty"));
    assert!(text(2, &classes).contains("“hole”"), "{}", text(2, &classes));
    assert!(text(5, &classes[..1]).contains("two classes"));
    assert!(text(5, &classes[..2]).contains("noise-2.png"));
    assert!(check_training_split(source(3, None).as_ref(), &classes, Task::Classification).is_ok());
    assert_eq!(class_counts(source(5, None).as_ref(), 3).unwrap(), [2, 2, 1]);
}

/// Sample `index` has class 0 where it is even and class 1 where it is a multiple of three: both, one or none.
struct Several(usize);

impl SampleSource for Several {
    fn len(&self) -> usize {
        self.0
    }
    fn class_idx(&self, index: usize) -> u32 {
        self.class_indices(index).first().copied().unwrap_or(0)
    }
    fn class_indices(&self, index: usize) -> Vec<u32> {
        [(0, 2), (1, 3)].into_iter().filter(|(_, of)| index.is_multiple_of(*of)).map(|(class, _)| class).collect()
    }
    fn key(&self, index: usize) -> String {
        index.to_string()
    }
    fn load(&self, index: usize) -> Result<RgbImage> {
        Ok(noise(9, 8, index as u64))
    }
}

#[test]
fn batches_of_a_multi_label_run_carry_every_class() {
    let settings = TrainSettings { batch_size: 6, mixup_alpha: 0.5, ..TrainSettings::default() };
    let recipe = BatchRecipe::new(&settings, &standard_preprocessing(8)).for_task(Task::MultilabelClassification);
    let train = Arc::new(Several(6));
    assert_eq!(class_counts(train.as_ref(), 2).unwrap(), [3, 2]);
    assert!(class_counts(train.as_ref(), 1).is_err());
    let mut loader = Loader::new(train.clone(), None, recipe, &LoaderOptions::default()).unwrap();
    let batch = get(&mut loader, request(Phase::Train, 0, 0));
    for (key, classes) in batch.keys.iter().zip(&batch.class_sets) {
        assert_eq!(*classes, train.class_indices(key.parse().unwrap()));
    }
    assert_eq!(batch.blends.len(), 6);
    let one = ["a".to_owned()];
    assert!(check_training_split(&Several(1), &one, Task::Classification).is_err());
    assert!(
        check_training_split(&Several(1), &["a".to_owned(), "b".to_owned()], Task::MultilabelClassification).is_ok()
    );
    assert!(check_training_split(&Several(1), &[], Task::MultilabelClassification).is_err());
}

#[test]
fn what_decoded_images_take_is_known_before_they_are_decoded() {
    let train = source(12, None);
    let mut loader = loader(&train, 5, &LoaderOptions::default());
    let bytes = loader.decoded_bytes();
    for step in 0..3 {
        get(&mut loader, request(Phase::Train, 0, step));
    }
    for step in 0..2 {
        get(&mut loader, request(Phase::Val, 0, step));
    }
    assert_eq!(loader.maker.cached_bytes(), bytes);
}
