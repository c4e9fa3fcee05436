//! Lists and changes in a library of many samples, as one JSON line:
//!
//! ```text
//! cargo run -p va_app --example library_speed -- FOLDER [samples] [rounds]
//! ```
//! The library is made in FOLDER and left there. Its rows are written through the same door as an import's, in batches as
//! large, without the images. Each list is asked for with a view that does not exist yet (`first`, after a change) and with
//! one that does (`jump`, to its middle).

#![allow(clippy::print_stdout, reason = "its only output")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value, json};
use va_app::{Actor, App, OpenOptions, Origin, datasets, history, labels, samples};
use va_domain::{AnnotationSource, DatasetId, LabelId, LabelMode, LabelledState, SampleFilter, SampleSort, Split};
use va_error::{Error, Result};
use va_store::Op;
use va_store::table::media::MediaRow;
use va_store::table::samples::NewSample;

/// The application's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Samples a change, as an import's.
const BATCH: u64 = 256;
const CLASSES: u64 = 10;
/// Rows that a gallery asks for.
const ROWS: u32 = 200;

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().ok_or_else(|| Error::invalid("name a folder for the library"))?);
    let mut number = |standard: u64| words.next().and_then(|word| word.parse().ok()).unwrap_or(standard);
    let (count, rounds) = (number(1_000_000), number(5));

    let began = Instant::now();
    let dataset = make(&folder, count)?;
    let made_s = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let app = open(&folder)?;
    let open_ms = began.elapsed().as_secs_f64() * 1e3;
    let mut scene = Scene { app, dataset, count, times: Map::new() };
    for _ in 0..rounds {
        scene.round()?;
    }
    let bytes = std::fs::metadata(va_store::Library::new(&folder).database()).map_or(0, |file| file.len());
    let medians: Map<String, Value> =
        scene.times.iter().map(|(name, times)| (name.clone(), json!(median(times)))).collect();
    println!(
        "{}",
        json!({
            "samples": count, "rounds": rounds, "made_s": made_s, "database_bytes": bytes, "open_ms": open_ms, "ms": medians,
        })
    );
    scene.app.close()
}

fn actor() -> Actor {
    Actor::owner(Origin::Cli)
}

fn open(folder: &Path) -> Result<App> {
    App::open(folder, OpenOptions { create: true, run_jobs: false })
}

fn make(folder: &Path, count: u64) -> Result<DatasetId> {
    let app = open(folder)?;
    let dataset = datasets::create(&app, &actor(), "many", "", None)?.id;
    let names = (0..CLASSES).map(|class| format!("class {class}"));
    let classes: Vec<LabelId> =
        names.map(|name| Ok(labels::create(&app, &actor(), dataset, &name, None)?.id)).collect::<Result<_>>()?;
    let group = uuid::Uuid::now_v7();
    for start in (0..count).step_by(BATCH as usize) {
        let op = Op::undoable(dataset, "import").group(group).count(BATCH);
        app.transact(&actor(), op, |tx| {
            for i in start..(start + BATCH).min(count) {
                let media_hash = va_media::hash(&i.to_le_bytes());
                tx.media_mut().put(&MediaRow {
                    hash: media_hash.clone(),
                    size_bytes: 100_000 + i.wrapping_mul(7919) % 900_000,
                    width_px: 1280,
                    height_px: 960,
                    format: "jpeg".to_owned(),
                    orientation: 1,
                })?;
                // Names in another order than rows.
                let name = format!("part {:07}.jpg", i.wrapping_mul(7_777_777) % 10_000_000);
                let split = [Split::Train, Split::Train, Split::Train, Split::Val, Split::Test][(i % 5) as usize];
                let new = NewSample { media_hash, name, name_bytes: None, split: Some(split) };
                let id = tx.samples_mut().insert(dataset, &new)?;
                // One in twenty is not labelled.
                if i % 20 != 0 {
                    let class = classes[(i % CLASSES) as usize];
                    tx.samples_mut().set_label(&[id], Some(class), AnnotationSource::Import)?;
                }
            }
            Ok(())
        })?;
    }
    app.close()?;
    Ok(dataset)
}

struct Scene {
    app: App,
    dataset: DatasetId,
    count: u64,
    times: Map<String, Value>,
}

impl Scene {
    fn round(&mut self) -> Result<()> {
        let class = self.timed("facets", |app, dataset| Ok(datasets::facets(app, dataset)?.labels[3].id))?;
        let all = SampleFilter::default();
        for (name, sort) in [
            ("by time", SampleSort::Added),
            ("by name", SampleSort::Name),
            ("by size", SampleSort::SizeDesc),
            ("by class", SampleSort::Label),
        ] {
            self.list(name, &all, sort)?;
        }
        for (name, filter) in [
            ("of one class", SampleFilter { label_ids: vec![class], ..all.clone() }),
            ("not labelled", SampleFilter { state: Some(LabelledState::Unlabelled), ..all.clone() }),
            ("of a split", SampleFilter { splits: vec![Split::Val], ..all.clone() }),
            ("search in names", SampleFilter { search: "777".to_owned(), ..all.clone() }),
        ] {
            self.list(name, &filter, SampleSort::Added)?;
        }
        let middle = samples::window(&self.app, self.dataset, &all, SampleSort::Added, self.count / 2, 1)?.items[0].id;
        self.timed("set a class", |app, _| {
            samples::set_label(app, &actor(), &[middle], Some(class), LabelMode::Set).map(drop)
        })?;
        self.timed("undo", |app, dataset| history::undo(app, &actor(), dataset).map(drop))
    }

    /// The list as it is asked for first, and again at its middle. A change before drops all views.
    fn list(&mut self, name: &str, filter: &SampleFilter, sort: SampleSort) -> Result<()> {
        let all = SampleFilter::default();
        let first = samples::list(&self.app, self.dataset, &all, SampleSort::Added, &Default::default())?.items[0].id;
        samples::set_split(&self.app, &actor(), &[first], Some(Split::Test))?;
        samples::set_split(&self.app, &actor(), &[first], Some(Split::Train))?;
        let window = |app: &App, dataset, offset| samples::window(app, dataset, filter, sort, offset, ROWS);
        let total = self.timed(&format!("{name}: first"), |app, dataset| Ok(window(app, dataset, 0)?.total))?;
        self.timed(&format!("{name}: jump"), |app, dataset| window(app, dataset, total / 2).map(drop))
    }

    fn timed<T>(&mut self, name: &str, work: impl FnOnce(&App, DatasetId) -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let done = work(&self.app, self.dataset)?;
        let ms = began.elapsed().as_secs_f64() * 1e3;
        if let Value::Array(times) = self.times.entry(name).or_insert_with(|| json!([])) {
            times.push(json!(ms));
        }
        Ok(done)
    }
}

fn median(times: &Value) -> f64 {
    let mut times: Vec<f64> = times.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
