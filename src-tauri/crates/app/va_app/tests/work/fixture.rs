//! A small library on disk: two classes of noisy squares, dark and light.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use va_app::import::{self, ImportRequest};
use va_app::{App, OpenOptions, datasets, jobs, train};
use va_domain::{
    Actor, Dataset, DatasetId, ImportOptions, Job, JobState, Origin, SplitRatios, Task, TrainRequest, TrainSettings,
};

pub const SIDE_PX: u32 = 40;

pub fn owner() -> Actor {
    Actor::owner(Origin::Cli)
}

pub struct Library {
    pub dir: TempDir,
    pub app: App,
    pub dataset: Dataset,
}

impl Library {
    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("library")
    }
}

pub fn open(folder: &Path, run_jobs: bool) -> App {
    App::open(folder, OpenOptions { create: true, run_jobs }).unwrap()
}

/// A library with a dataset of `per_class` images of each class, split 50 / 25 / 25.
pub fn library(per_class: usize) -> Library {
    let dir = tempfile::tempdir().unwrap();
    write_images(&dir.path().join("images"), &[("dark", 60, per_class), ("light", 180, per_class)]);
    let app = open(&dir.path().join("library"), true);
    let dataset = datasets::create(&app, &owner(), "squares", "", None).unwrap();
    let split = SplitRatios { train: 0.5, val: 0.25, test: 0.25 };
    import_folder(&app, dataset.id, &dir.path().join("images"), Some(split));
    let dataset = datasets::get(&app, dataset.id).unwrap();
    assert_eq!(dataset.sample_count as usize, per_class * 2);
    Library { dir, app, dataset }
}

pub fn import_folder(app: &App, dataset: DatasetId, folder: &Path, split: Option<SplitRatios>) {
    let options = ImportOptions { split, split_seed: 1, ..ImportOptions::default() };
    let request = ImportRequest { paths: vec![folder.to_owned()], upload_id: None, options };
    let report = import::import_now(app, &owner(), dataset, &request).unwrap();
    assert!(report.left_out.is_empty(), "{report:?}");
}

/// `count` PNGs a class in a folder of its name; `level` is the mean brightness.
pub fn write_images(folder: &Path, classes: &[(&str, u8, usize)]) {
    for (class, level, count) in classes {
        let class_folder = folder.join(class);
        std::fs::create_dir_all(&class_folder).unwrap();
        for index in 0..*count {
            let png = square(*level, index as u32);
            std::fs::write(class_folder.join(format!("{class}-{index:03}.png")), png).unwrap();
        }
    }
}

/// A square of noise about `level`; another `seed`, another image.
pub fn square(level: u8, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(u32::from(level)) | 1;
    let pixels: Vec<u8> = (0..SIDE_PX * SIDE_PX * 3)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            level.saturating_add((state % 48) as u8)
        })
        .collect();
    let image = va_media::RgbImage { width_px: SIDE_PX, height_px: SIDE_PX, pixels };
    va_media::encode_png_rgb(&image).unwrap()
}

/// Small enough for seconds, long enough to be interrupted.
pub fn settings(epochs: u32) -> TrainSettings {
    TrainSettings { image_size_px: 32, batch_size: 4, epochs, warmup_epochs: 0.5, seed: 7, ..TrainSettings::default() }
}

pub fn request(dataset: DatasetId, epochs: u32) -> TrainRequest {
    TrainRequest {
        dataset_id: dataset,
        task: Task::Classification,
        settings: settings(epochs),
        project_id: None,
        model_id: None,
        model_name: None,
    }
}

/// Trains to the end.
pub fn train(app: &App, dataset: DatasetId, epochs: u32) -> train::TrainResult {
    let job = train::start(app, &owner(), &request(dataset, epochs)).unwrap();
    result(&finish(app, &job))
}

/// Waits for success.
pub fn finish(app: &App, job: &Job) -> Job {
    let job = jobs::wait(app, job.id, |_| {}).unwrap();
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
    job
}

pub fn result<T: serde::de::DeserializeOwned>(job: &Job) -> T {
    serde_json::from_value(job.result.clone().unwrap()).unwrap()
}
